"""The cases of bytes.json: the harness is the agent, and Google's protobuf the judge of every byte."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from . import contract, kernel
from .adapter import UID, Adapter, AdapterFailure, FailureBudget
from .cases import select_cases, substitute, load, report_no_case
from .match import compare

MAX_TIMEOUT_MS = 3600000


class Unexpected(Exception):
    """The client did something else than the case says."""


def run_bytes(here, options, adapters):
    with open(here + "/bytes.json") as file:
        cases = select_cases(json.load(file)["cases"], options.only)
    if options.list:
        for case in cases:
            print("bytes: " + case["name"])
        return 0
    if not cases:
        return report_no_case(options.only)
    proto = contract.generate_messages()
    from google.protobuf import text_format

    checker = ProtobufChecker(proto, text_format)
    failed = checker.examples() + checker.recorded(cases)
    for name, command in adapters:
        failed += BytesRunner(checker, load(here)["limits"], name, command, options.timeout).run(cases)
    return failed


class ProtobufChecker:
    """What Google's protobuf says to bytes."""

    def __init__(self, proto, text_format):
        self.proto, self.text = proto, text_format

    def fault(self, kind, text, octets):
        """Why text and bytes are not the same message, written as Google writes it; nothing where they are."""
        message = getattr(self.proto, kind)()
        message.ParseFromString(octets)
        if message.SerializeToString(deterministic=True) != octets:
            return f"read and written again it is {message.SerializeToString(deterministic=True).hex(' ')}"
        message.DiscardUnknownFields()
        meant = self.text.Parse(text, getattr(self.proto, kind)())
        return None if message == meant else f"its bytes mean {self.text.MessageToString(message, as_one_line=True)}"

    def examples(self):
        """Those of PROTOCOL.md."""
        faults = []
        examples = contract.worked_examples()
        for kind, text, frame in examples:
            fault = self.fault(kind, text, frame[4:])
            if int.from_bytes(frame[:4], "big") != len(frame) - 4:
                fault = "its length is wrong"
            if fault:
                faults.append(f"protobuf: an example in PROTOCOL.md: FAILED\n    {text.strip()}\n    {fault}")
        return _report("protobuf: PROTOCOL.md", faults, len(examples))

    def recorded(self, cases):
        faults, count = [], 0
        for case in cases:
            for exchange in [one for alternative in _alternatives(case) for one in alternative]:
                for kind, one in [("Request", exchange["request"])] + [("Response", r) for r in exchange.get("responses", [])]:
                    if "hex" not in one or "raw" in one:
                        continue
                    count += 1
                    fault = self.fault(kind, one["text"], contract.parse_hex(one["hex"]))
                    if fault:
                        faults.append(f"protobuf: {case['name']}: FAILED\n    {one['text']}\n    {fault}")
        return _report("protobuf: bytes.json", faults, count)

    def request(self, octets):
        message = self.proto.Request()
        try:
            message.ParseFromString(octets)
        except Exception as error:
            raise Unexpected(f"sent what is no Request ({error}): {octets.hex(' ')}") from None
        again = message.SerializeToString(deterministic=True)
        if again != octets:
            raise Unexpected(f"sent {octets.hex(' ')}\nwhich Google's protobuf writes as {again.hex(' ')}")
        return message

    def one_line(self, message):
        return self.text.MessageToString(message, as_one_line=True)


def _report(what, faults, count):
    for fault in faults:
        print(fault)
    print(f"{what}: {count - len(faults)} passed, {len(faults)} failed")
    return len(faults)


def _alternatives(case):
    """Each a list of exchanges: what a client may ask, where one question can be asked in more than one way."""
    return [case["exchanges"]] + case.get("or", [])


class BytesRunner:
    """One adapter's turn, with a socket on which the harness answers."""

    def __init__(self, checker, limits, name, command, timeout):
        self.checker, self.limits, self.name, self.command, self.timeout = checker, limits, name, command, timeout
        self.folder = tempfile.mkdtemp(prefix="conformance.")
        os.chmod(self.folder, 0o755)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.folder + "/rlimitd.sock")
        os.chmod(self.folder + "/rlimitd.sock", 0o666)
        self.listener.listen(16)
        self.connection = None
        self.adapter = None
        # The id of the last request that was answered, or was not.
        self.previous = 0
        self.lacks = []

    def run(self, cases):
        peer = kernel.spawn(UID, {}, ["/bin/sleep", "86400"], stdin=subprocess.DEVNULL)
        began, passed, failed = time.monotonic(), 0, 0
        try:
            failure_budget = FailureBudget()
            for number, case in enumerate(cases):
                if failure_budget.is_over:
                    failed += len(cases) - number
                    print(f"{self.name}: it fails every time: {len(cases) - number} more cases were not tried")
                    break
                self.failure = None
                try:
                    wrong = self._case(case, peer.pid)
                except AdapterFailure as failure:
                    self.failure = failure
                    wrong = [str(failure)]
                failure_budget.note(self.failure)
                if wrong:
                    failed += 1
                    print(f"{self.name}: bytes: {case['name']}: FAILED")
                    for line in wrong:
                        print("    " + line.replace("\n", "\n    "))
                    self._restart()
                else:
                    passed += 1
                    if "lease" in case["ask"]:
                        # A client may keep a lease alive by requests of its own, which are not for the cases behind this.
                        self._restart()
        finally:
            kernel.end(peer)
            self._restart()
            self.listener.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        for what in self.lacks:
            print(f"{self.name}: the client lacks {what}")
        print(f"{self.name}: bytes, {time.monotonic() - began:.1f} s")
        print(f"{self.name}: {passed} passed, {failed} failed", flush=True)
        return failed

    def _restart(self):
        if self.adapter:
            self.adapter.close()
            self.adapter = None
        self._disconnect()
        # Those of an adapter that is gone.
        self.listener.settimeout(0)
        try:
            while True:
                self.listener.accept()[0].close()
        except OSError:
            pass

    def _disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def _case(self, case, peer):
        if self.adapter is None:
            self.adapter = Adapter(self.command, self.folder + "/rlimitd.sock", self.limits, self.timeout)
        known = {"peer": peer, "self": self.adapter.pid}
        ask, expected = substitute(case["ask"], known), substitute(case["answer"], known)
        trouble = []
        done = threading.Event()

        def serve():
            try:
                self._serve(case, ask, known, done)
            except Unexpected as error:
                trouble.append(str(error))
            except OSError as error:
                trouble.append(f"the connection failed: {error}")
            if trouble:
                self._reject_until(done)

        server = threading.Thread(target=serve)
        server.start()
        wrong, given = [], None
        try:
            given = self.adapter.ask(ask)
        except AdapterFailure as failure:
            self.failure = failure
            wrong = [f"it {failure}"]
        done.set()
        server.join()
        if wrong:
            wrong = trouble + wrong
        if not wrong and not (case.get("optional") and set(given) == {"lacks"}):
            wrong = trouble + compare(expected, given)
        elif not wrong:
            self.lacks.append(given["lacks"])
        if wrong:
            wrong += [f"asked:    {json.dumps(ask)}", f"expected: {json.dumps(expected)}", f"given:    {json.dumps(given)}"]
        return wrong

    # The agent's side

    def _serve(self, case, ask, known, done):
        alternatives = _alternatives(case)
        for number in range(max(len(alternative) for alternative in alternatives)):
            frame, sender = self._frame(done)
            if frame is None:
                raise Unexpected(f"asked {number} times and not {len(alternatives[0])} times")
            request = self.checker.request(frame)
            alternatives = [alternative for alternative in alternatives if number < len(alternative) and self._matches(alternative[number], request)] or alternatives[:1]
            exchange = alternatives[0][number]
            self._check(exchange["request"], request, ask, frame, sender, known)
            self._answer(exchange, request.id)
            if number + 1 == len(alternatives[0]):
                break
        extra = None
        while extra is None and not done.is_set():
            extra, _ = self._frame(done)
        if extra is not None:
            raise Unexpected(f"asked once more: {self.checker.one_line(self.checker.request(extra))}")

    def _reject_until(self, done):
        """Whoever waits for an answer that does not come is not kept waiting."""
        self._disconnect()
        self.listener.settimeout(0.02)
        while not done.is_set():
            try:
                self.listener.accept()[0].close()
            except socket.timeout:
                pass

    def _matches(self, exchange, request):
        meant = self._expected_request(exchange["request"], request)
        return contract.normalized(meant) == contract.normalized(request)

    def _expected_request(self, expected, request):
        meant = self.checker.proto.Request()
        meant.ParseFromString(contract.parse_hex(expected["hex"]))
        for field in ("id", "timeout_ms"):
            meant.ClearField(field)
            if request.HasField(field):
                setattr(meant, field, getattr(request, field))
        return meant

    def _check(self, expected, request, ask, frame, pidfds, known):
        meant = self._expected_request(expected, request)
        if contract.normalized(meant) != contract.normalized(request):
            raise Unexpected(f"sent {self.checker.one_line(request)}\nand not {self.checker.one_line(meant)}")
        # To give a lease back may be worth more time.
        limit = ask.get("timeout_ms", 30000 if request.WhichOneof("operation") == "lease_release" else 5000)
        if limit <= MAX_TIMEOUT_MS and not 1 <= request.timeout_ms <= limit:
            raise Unexpected(f"sent timeout_ms {request.timeout_ms}, of {limit}")
        if request.timeout_ms > MAX_TIMEOUT_MS:
            raise Unexpected(f"sent timeout_ms {request.timeout_ms}, more than the protocol has")
        wanted = known[expected["pidfd"]] if "pidfd" in expected else None
        if wanted is None and pidfds:
            raise Unexpected("sent a descriptor with a frame that names none")
        if wanted is not None and pidfds != [(wanted, len(frame) + 4)]:
            raise Unexpected(
                f"sent descriptors of {pidfds} (process, bytes in the same message), and not one of process {wanted} alone with "
                f"the {len(frame) + 4} bytes of its frame")

    def _answer(self, exchange, number):
        octets = b""
        for response in exchange.get("responses", []):
            if "raw" in response:
                octets += contract.parse_hex(response["raw"])
                continue
            body = contract.parse_hex(response["hex"])
            # The id is the first field where there is one.
            if body[:1] == b"\x08":
                end = 1
                while body[end] & 0x80:
                    end += 1
                body = body[end + 1:]
            to = self.previous if response.get("previous") else response.get("id", number)
            head = self.checker.proto.Response(id=to).SerializeToString() + body
            octets += len(head).to_bytes(4, "big") + head
        self.previous = number
        if exchange.get("in_bytes"):
            for one in octets:
                self.connection.sendall(bytes([one]))
        elif octets:
            self.connection.sendall(octets)
        if exchange.get("close"):
            self._disconnect()

    def _frame(self, done):
        """The next frame without its length, and [(process, bytes in that message)] of the pidfds that came; None where
        the adapter has answered and there is none."""
        until = time.monotonic() + self.timeout
        data, pidfds = b"", []
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            # Once the adapter has answered nothing more is to come but what is there.
            over = done.is_set()
            if time.monotonic() > until:
                return None, []
            source = self.connection or self.listener
            source.settimeout(0.01)
            try:
                if self.connection is None:
                    self.connection, _ = self.listener.accept()
                    continue
                some, ancillary, _, _ = self.connection.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
            except socket.timeout:
                if over and not data:
                    return None, []
                if over:
                    raise Unexpected(f"sent a part of a frame: {data.hex(' ')}")
                continue
            for level, kind, payload in ancillary:
                for place in range(0, len(payload) // 4 * 4, 4):
                    pidfds.append((_process(int.from_bytes(payload[place:place + 4], "little")), len(some)))
            if not some:
                self._disconnect()
                if data:
                    raise Unexpected(f"hung up within a frame: {data.hex(' ')}")
                if over:
                    return None, []
            data += some
            length = int.from_bytes(data[:4], "big")
            if len(data) >= 4 and not 1 <= length <= 4096:
                raise Unexpected(f"sent a frame of {length} bytes")
        length = int.from_bytes(data[:4], "big")
        if len(data) > 4 + length:
            raise Unexpected(f"sent more than one frame: {data.hex(' ')}")
        return data[4:], pidfds


def _process(descriptor):
    """Of which process a pidfd is; 0 for what is none. Closes it."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pid:")), 0)
    finally:
        os.close(descriptor)
