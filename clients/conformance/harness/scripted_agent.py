"""The agent of the recorded bytes. It checks every request and sends the recorded responses."""
import os
import shutil
import socket
import tempfile
import time

from . import contract
from .protobuf_checker import Unexpected, alternatives

MAX_TIMEOUT_MS = 3600000


class ScriptedAgent:
    """A socket on which the harness answers."""

    def __init__(self, checker, timeout):
        self.checker, self.timeout = checker, timeout
        self.folder = tempfile.mkdtemp(prefix="conformance.")
        os.chmod(self.folder, 0o755)
        self.socket = self.folder + "/rlimitd.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        os.chmod(self.socket, 0o666)
        self.listener.listen(16)
        self.connection = None
        # The id of the request before the present one.
        self.previous = 0

    def close(self):
        self.reset()
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def reset(self):
        self.disconnect()
        # Closes the connections of an adapter that has ended.
        self.listener.settimeout(0)
        try:
            while True:
                self.listener.accept()[0].close()
        except OSError:
            pass

    def disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def serve(self, case, ask, known, done):
        ways = alternatives(case)
        for number in range(max(len(way) for way in ways)):
            frame, sender = self._frame(done)
            if frame is None:
                raise Unexpected(f"asked {number} times and not {len(ways[0])} times")
            request = self.checker.request(frame)
            if request.WhichOneof("operation") == "server_info" and "server_info" not in case["ask"]["do"]:
                self._answer_naming(case, request, sender)
                frame, sender = self._frame(done)
                if frame is None:
                    raise Unexpected("asked for server_info and then for nothing")
                request = self.checker.request(frame)
            ways = [way for way in ways if number < len(way) and self._matches(way[number], request, known)] or ways[:1]
            exchange = ways[0][number]
            self._check(exchange["request"], request, ask, frame, sender, known)
            self._answer(exchange, request.id)
            if number + 1 == len(ways[0]):
                break
        extra = None
        while extra is None and not done.is_set():
            extra, _ = self._frame(done)
        if extra is not None:
            raise Unexpected(f"asked once more: {self.checker.one_line(self.checker.request(extra))}")

    # A client asks how to name another process before the first request about one on a connection. Without `naming`, the
    # agent is one that does not have server_info.
    def _answer_naming(self, case, request, pidfds):
        if pidfds:
            raise Unexpected("sent a descriptor with server_info")
        answer = case.get("naming") or {"hex": "1a02080f"}
        self._answer({"responses": [answer]}, request.id)

    def reject_until(self, done):
        """Closes every connection until the adapter has answered, so that it does not wait for a response in vain."""
        self.disconnect()
        self.listener.settimeout(0.02)
        while not done.is_set():
            try:
                self.listener.accept()[0].close()
            except socket.timeout:
                pass

    def _matches(self, exchange, request, known):
        meant = self._expected_request(exchange["request"], request, known)
        return contract.normalized(meant) == contract.normalized(request)

    def _expected_request(self, expected, request, known):
        meant = self.checker.proto.Request()
        meant.ParseFromString(contract.parse_hex(expected["hex"]))
        if "names" in expected:
            contract.name_process(meant, known[expected["names"]])
        for field in ("id", "timeout_ms"):
            meant.ClearField(field)
            if request.HasField(field):
                setattr(meant, field, getattr(request, field))
        return meant

    def _check(self, expected, request, ask, frame, pidfds, known):
        meant = self._expected_request(expected, request, known)
        if contract.normalized(meant) != contract.normalized(request):
            raise Unexpected(f"sent {self.checker.one_line(request)}\nand not {self.checker.one_line(meant)}")
        # A client may give the release of a lease more time.
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
            # The id, if there is one, is the first field.
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
            self.disconnect()

    def _frame(self, done):
        """Returns the next frame without its length, and [(process, bytes in that message)] of the pidfds that came with it.
        Returns None instead of a frame if the adapter has answered and sends nothing more."""
        until = time.monotonic() + self.timeout
        data, pidfds = b"", []
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            # After the answer of the adapter only bytes that it has already sent can follow.
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
                self.disconnect()
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
    """Returns the process of a pidfd, or 0 for another descriptor, and closes it."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pid:")), 0)
    finally:
        os.close(descriptor)
