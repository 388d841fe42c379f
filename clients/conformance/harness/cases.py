"""Runs the cases of cases.json one after another with a real agent."""
import json
import re
import time

from . import kernel
from .adapter import Adapter, AdapterFailure, FailureBudget
from .match import compare
from .fixture import FixtureError, Fixture


def load(here):
    with open(here + "/cases.json") as file:
        return json.load(file)


def select_cases(cases, only):
    words = (only or "").lower().split()
    return [case for case in cases if all(word in case["name"].lower() for word in words)]


def report_no_case(only):
    """A run without a case fails."""
    print(f"no case has the words {only!r}: 0 passed, 1 failed")
    return 1


def run_cases(here, options, adapters):
    table = load(here)
    cases = select_cases(table["cases"], options.only)
    if options.list:
        for case in cases:
            print(case["name"] + (f"  ({', '.join(case['needs'])})" if "needs" in case else ""))
        return 0
    if not cases:
        return report_no_case(options.only)
    can_raise = kernel.may_raise_hard_limits() and not options.without_capability
    failed = 0
    fixture = Fixture(options.agent, here + "/policy.toml", table["limits"], can_raise)
    try:
        fixture.start_agent()
        has = {"raise": can_raise, "cgroup": bool(fixture.cgroups), "pinned": _has_peer_pidfd(fixture)}
        has["unpinned"] = not has["pinned"]
        left = {}
        run = []
        for case in cases:
            needs = case.get("needs", [])
            if options.needing and not options.needing & set(needs):
                continue
            lacks = [need for need in needs if not has[need]]
            for need in lacks[:1]:
                left[need] = left.get(need, 0) + 1
            if not lacks:
                run.append(case)
        for name, command in adapters:
            failed += CaseRunner(fixture, name, command, options.timeout).run(run, left)
    finally:
        fixture.close()
    return failed


def _has_peer_pidfd(fixture):
    """Whether the agent reports that the kernel confirms the identity of a peer (SO_PEERPIDFD)."""
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(fixture.socket)
        connection.sendall(bytes.fromhex("0000000408065a00"))
        return b"peer-pidfd" in connection.recv(65536)


class CaseRunner:
    """All cases with one adapter."""

    def __init__(self, fixture, name, command, timeout):
        self.fixture, self.name, self.command, self.timeout = fixture, name, command, timeout
        self.adapter = None
        self.lacks = []

    def run(self, cases, left):
        began, passed, failed = time.monotonic(), 0, 0
        failure_budget = FailureBudget()
        for number, case in enumerate(cases):
            if failure_budget.is_over:
                failed += len(cases) - number
                print(f"{self.name}: gave up after repeated failures: {len(cases) - number} cases were not tried")
                break
            self.failure = None
            try:
                wrong = self._case(case)
            except AdapterFailure as failure:
                self.failure = failure
                wrong = [str(failure)]
            failure_budget.note(self.failure)
            if wrong:
                failed += 1
                print(f"{self.name}: {case['name']}: FAILED")
                for line in wrong:
                    print("    " + line.replace("\n", "\n    "))
                self._end_adapter()
            else:
                passed += 1
        self._end_adapter()
        out = ", ".join(f"{count} need {need}" for need, count in left.items())
        took = time.monotonic() - began
        for what in self.lacks:
            print(f"{self.name}: the client lacks {what}")
        print(f"{self.name}: cases, {took:.1f} s" + (f"; left out: {out}" if out else ""))
        print(f"{self.name}: {passed} passed, {failed} failed", flush=True)
        return failed

    def _end_adapter(self):
        if self.adapter:
            self.adapter.close()
            self.adapter = None

    def _case(self, case):
        # A lease can outlive its connection, so a case with a lease gets a new agent, and the next case a new adapter.
        self.optional = case.get("optional", False)
        leases = "lease" in json.dumps(case)
        own_socket = case.get("socket")
        if leases or case.get("new_agent"):
            self._end_adapter()
            self.fixture.start_agent()
        self.fixture.require_agent()
        self.fixture.reset_processes()
        own_cgroup = case.get("adapter_in")
        if own_socket or own_cgroup:
            self._end_adapter()
        if self.adapter is None:
            self.adapter = Adapter(
                self.command, self.fixture.socket_for(own_socket), self.fixture.limits, self.timeout)
        if own_cgroup:
            self.fixture.move(self.adapter.pid, own_cgroup)
        self.known = self.fixture.names(self.adapter.pid)
        before = self.fixture.limits_of(self.adapter.pid)
        wrong = []
        for number, step in enumerate(case.get("steps") or [case]):
            found = self._step(step)
            if found and len(case.get("steps", [])) > 1:
                found[0] = f"step {number + 1}: {found[0]}"
            wrong += found
            if found:
                break
        if not wrong:
            wrong = self._changed_limits(before, case.get("after", {}))
        after = kernel.limits(self.adapter.pid)
        if own_socket or own_cgroup or leases or after != before["self"]:
            self._end_adapter()
        if case.get("stops_agent"):
            self._end_adapter()
            self.fixture.start_agent()
        return wrong

    def _step(self, step):
        if "ask" in step:
            request = self._substitute(step["ask"])
            expected = self._substitute(step["answer"])
            try:
                given = self.adapter.ask(request)
            except AdapterFailure as failure:
                self.failure = failure
                return [f"it {failure}", f"request:  {json.dumps(request)}"]
            if self.optional and set(given) == {"lacks"}:
                self.lacks.append(str(given["lacks"]))
                return []
            wrong = compare(expected, given)
            if wrong:
                return wrong + [f"request:  {json.dumps(request)}", f"expected: {json.dumps(expected)}",
                                f"given:    {json.dumps(given)}"]
            if "lease" in given:
                self.known[step.get("keep", "lease")] = given["lease"]
            return []
        if "agent" in step:
            self.fixture.stop_agent(kill=step["agent"] == "killed")
            if step["agent"] != "stopped":
                self.fixture.start_agent(keeping_state=True)
        elif "change" in step:
            for name, wanted in step["change"].items():
                self.fixture.change(name, wanted)
        elif "end" in step:
            self.fixture.end(step["end"])
        elif "new_adapter" in step:
            self._end_adapter()
            self.adapter = Adapter(self.command, self.fixture.socket, self.fixture.limits, self.timeout)
            self.known.update(self=self.adapter.pid)
        elif "until" in step:
            def reached():
                return all(self._now(name).get(resource) == limit for name, limits in step["until"].items()
                           for resource, limit in limits.items())
            if not kernel.wait_until(reached, 10):
                return [f"the limits did not become {step['until']} within 10 s; they are "
                        f"{ {name: {r: self._now(name).get(r) for r in limits} for name, limits in step['until'].items()} }"]
        else:
            raise FixtureError(f"a case has an unknown step: {step}")
        return []

    def _now(self, name):
        return self.fixture.limits_of(self.adapter.pid)[name] or {}

    def _changed_limits(self, before, expected):
        """The limits of all processes that are not as the case expects."""
        now = self.fixture.limits_of(self.adapter.pid)
        wrong = []
        for name, limits in now.items():
            if expected.get(name) == "ended":
                continue
            should = dict(before[name] or {}, **self._substitute(expected.get(name, {})))
            for resource in kernel.NAMES:
                if limits is None:
                    wrong.append(f"{name} has ended")
                    break
                if limits[resource] != should.get(resource):
                    wrong.append(f"afterwards {resource} of {name} is {limits[resource]} and not {should.get(resource)}")
        return wrong

    def _substitute(self, value):
        return substitute(value, self.known)


def substitute(value, known):
    """Replaces each $NAME by its value."""
    if isinstance(value, dict):
        return {key: substitute(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [substitute(one, known) for one in value]
    if isinstance(value, str) and re.fullmatch(r"\$[a-z0-9_]+", value):
        if value[1:] not in known:
            raise FixtureError(f"a case has the unknown name {value}")
        return known[value[1:]]
    return value
