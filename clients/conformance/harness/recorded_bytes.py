"""Runs the cases of bytes.json: the harness plays the agent, and Google's protobuf checks every byte."""
import json
import subprocess
import threading
import time

from . import contract, kernel
from .adapter import UID, Adapter, AdapterFailure, FailureBudget
from .cases import load, report_no_case, select_cases, substitute
from .match import compare
from .protobuf_checker import ProtobufChecker, Unexpected
from .scripted_agent import ScriptedAgent


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


class BytesRunner:
    """All cases with one adapter."""

    def __init__(self, checker, limits, name, command, timeout):
        self.limits, self.name, self.command, self.timeout = limits, name, command, timeout
        self.agent = ScriptedAgent(checker, timeout)
        self.adapter = None
        self.lacks = []

    def run(self, cases):
        peer = kernel.spawn(UID, {}, ["/bin/sleep", "86400"], stdin=subprocess.DEVNULL)
        began, passed, failed = time.monotonic(), 0, 0
        try:
            failure_budget = FailureBudget()
            for number, case in enumerate(cases):
                if failure_budget.is_over:
                    failed += len(cases) - number
                    print(f"{self.name}: gave up after repeated failures: {len(cases) - number} cases were not tried")
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
                    if "lease" in case["ask"] or "naming" in case:
                        # A client may renew a lease by itself. Those requests must not reach the next case. The next
                        # case has another agent, which may say something else of names.
                        self._restart()
        finally:
            kernel.end(peer)
            self._restart()
            self.agent.close()
        for what in self.lacks:
            print(f"{self.name}: the client lacks {what}")
        print(f"{self.name}: bytes, {time.monotonic() - began:.1f} s")
        print(f"{self.name}: {passed} passed, {failed} failed", flush=True)
        return failed

    def _restart(self):
        if self.adapter:
            self.adapter.close()
            self.adapter = None
        self.agent.reset()

    def _case(self, case, peer):
        if "naming" in case:
            # A client asks once on a connection.
            self._restart()
        if self.adapter is None:
            self.adapter = Adapter(self.command, self.agent.socket, self.limits, self.timeout)
        known = {"peer": peer, "self": self.adapter.pid}
        ask, expected = substitute(case["ask"], known), substitute(case["answer"], known)
        trouble = []
        done = threading.Event()

        def serve():
            try:
                self.agent.serve(case, ask, known, done)
            except Unexpected as error:
                trouble.append(str(error))
            except OSError as error:
                trouble.append(f"the connection failed: {error}")
            if trouble:
                self.agent.reject_until(done)

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
