#!/usr/bin/env python3
"""The adapter of clients/conformance: a request in JSON a line, answered by calls of the public API.

    adapter.py [--async]
"""

import asyncio
import errno
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import rlimitd  # noqa: E402


def bound(number):
    return "unlimited" if number == rlimitd.UNLIMITED else number


def asked_bound(number):
    # To Python's own `resource`, and so to the client, -1 is infinity; to the cases it is nonsense.
    if number == -1:
        raise ValueError("-1 is no limit")
    return number


def pair(limit):
    return None if limit is None else [bound(limit.soft), bound(limit.hard)]


def present(**members):
    return {name: value for name, value in members.items() if value is not None}


def limits(told):
    return {str(name): pair(limit) for name, limit in told.items()}


def error(problem):
    return present(
        code=str(problem.code),
        errno="EOPNOTSUPP" if problem.errno == errno.EOPNOTSUPP else errno.errorcode[problem.errno],
        message=problem.message,
        resource=problem.resource and str(problem.resource),
        edit=problem.edit_index,
        rule=problem.rule,
        allowed=pair(problem.allowed),
        retry_after_ms=problem.retry_after_ms,
    )


def change(made):
    return present(
        resource=str(made.resource),
        old=pair(made.old),
        new=pair(made.new),
        granted_by="kernel" if made.granted_by == "kernel" else {"rule": made.rule or ""},
        warnings=list(made.warnings) or None,
        shortfall=made.shortfall and error(made.shortfall),
    )


def changes(made):
    return [change(each) for each in made]


def usage(used):
    members = {name: value for name, value in used._asdict().items() if value is not None and name != "in_use"}
    if not members["partial"]:
        del members["partial"]
    return present(**members, in_use={str(name): amount for name, amount in used.in_use.items()} or None)


def explanation(told):
    verdicts = [
        present(
            resource=str(verdict.resource),
            now=pair(verdict.now),
            most=pair(verdict.most),
            rule=verdict.rule,
            new=pair(verdict.new),
            error=verdict.error and error(verdict.error),
        )
        for verdict in told.verdicts
    ]
    return present(allowed=told.allowed, rule=told.rule, error=told.error and error(told.error), verdicts=verdicts)


def lease(info):
    return present(
        id=info.id.hex(),
        pid=info.pid,
        changes=changes(info.changes),
        remaining_ms=info.remaining_ms,
        rule=info.rule,
    )


def restoration(ended):
    return present(resource=str(ended.resource), outcome=ended.outcome, limit=pair(ended.limit))


def server_info(info):
    members = {**info._asdict(), "features": list(info.features)}
    if info.caller is not None:
        members["caller"] = present(**{**info.caller._asdict(), "groups": list(info.caller.groups)})
    return present(**members)


def processes(results, name, show):
    found = [
        present(pid=each.pid, **({"error": error(each.error)} if each.error else {name: show(each.value)}))
        for each in results
    ]
    return {"processes": found, "incomplete": results.incomplete}


class Request:
    """One request, as arguments for the client. Closes what it opened."""

    def __init__(self, asked):
        self.asked = asked
        self._descriptors = []
        on = asked.get("on") or {}
        self.group = self.target = None
        if "cgroup" in on:
            self.group = rlimitd.Cgroup(on["cgroup"] or None)
        elif "pod" in on:
            self.group = rlimitd.Pod(on["pod"] or None)
        elif "pidfd" in on:
            self._descriptors.append(os.pidfd_open(on["pidfd"]))
            self.target = rlimitd.Pidfd(self._descriptors[0])
        elif "pid" in on:
            self.target = on["pid"]

    def close(self):
        for descriptor in self._descriptors:
            os.close(descriptor)

    def edits(self):
        return [
            rlimitd.Edit.set(
                edit["resource"],
                asked_bound(edit.get("soft")),
                asked_bound(edit.get("hard")),
                mode=edit.get("mode", "exact"),
                expect=edit.get("expect"),
            )
            for edit in self.asked["edits"]
        ]

    def usage(self):
        scope, thread = self.asked.get("scope", "process"), self.asked.get("thread")
        if (scope == "thread") != (thread is not None):
            raise ValueError("a thread is named where its usage is asked for, and only then")
        return {"scope": "process" if scope == "thread" else scope, "thread": thread}

    def duration(self, asked):
        return asked.get("duration_ms", 0) / 1000 or None


def same(answered):
    return answered


class Calls:
    """What is called for each request; `held` keeps leases from being given back."""

    def __init__(self, client, wait=same):
        self._client = client
        self._wait = wait
        self._held = []

    def answer(self, asked):
        request = None
        try:
            request = Request(asked)
            options = {}
            if "timeout_ms" in asked:
                options["timeout"] = asked["timeout_ms"] / 1000
            client = self._client.options(agent_only=asked.get("agent_only", False), **options)
            return getattr(self, f"do_{asked['do']}")(client, request, asked)
        except rlimitd.RlimitError as problem:
            return {"error": error(problem)}
        except OSError as problem:
            code = "NO_SUCH_PROCESS" if problem.errno == errno.ESRCH else "INVALID_ARGUMENT"
            return {"error": error(rlimitd.RlimitError(rlimitd.Code(code), str(problem)))}
        except (ValueError, TypeError, KeyError, OverflowError) as problem:
            return {"error": error(rlimitd.RlimitError(rlimitd.Code.INVALID_ARGUMENT, str(problem)))}
        finally:
            if request is not None:
                request.close()

    def do_get(self, client, request, asked):
        if request.group is not None:
            told = self._wait(client.limits_each(request.group, asked.get("resources")))
            return processes(told, "limits", limits)
        return {"limits": limits(self._wait(client.limits(asked.get("resources"), request.target)))}

    def do_set(self, client, request, asked):
        if "lease" in asked:
            return self._lease(client, request, request.duration(asked["lease"]))
        if request.group is not None:
            return processes(self._wait(client.apply_each(request.group, request.edits())), "changes", changes)
        return {"changes": changes(self._wait(client.apply(request.edits(), request.target)))}

    def _lease(self, client, request, duration):
        if request.group is not None:
            raise rlimitd.UnsupportedError(rlimitd.Code.UNSUPPORTED, "there are no leases of a cgroup or pod")
        held = self._wait(client.lease(request.edits(), duration, request.target))
        self._held.append(held)
        answer = {"changes": changes(held.changes), "lease": held.id.hex()}
        return present(**answer, remaining_ms=held.info.remaining_ms)

    def do_prlimit(self, client, request, asked):
        self._require_one(request)
        old = self._wait(client.prlimit(asked["resource"], asked.get("limit"), request.target))
        return {"prlimit": pair(old)}

    def do_usage(self, client, request, asked):
        of = request.usage()
        if request.group is not None:
            if of["thread"] is not None:
                raise rlimitd.UnsupportedError(rlimitd.Code.UNSUPPORTED, "a thread is of one process")
            return processes(self._wait(client.usage_each(request.group, of["scope"])), "usage", usage)
        return {"usage": usage(self._wait(client.usage(request.target, **of)))}

    def do_explain(self, client, request, asked):
        inner = asked["of"]
        of = Request(inner)
        try:
            self._require_one(of)
            return {"explanation": explanation(self._wait(self._explain(client, of, inner)))}
        finally:
            of.close()

    def _explain(self, client, of, inner):
        if inner["do"] == "get":
            return client.explain_limits(inner.get("resources"), of.target)
        if inner["do"] == "set":
            lease = of.duration(inner["lease"]) or True if "lease" in inner else False
            return client.explain(of.edits(), of.target, lease=lease)
        if inner["do"] == "prlimit":
            return client.explain_prlimit(inner["resource"], inner.get("limit"), of.target)
        return client.explain_usage(of.target, **of.usage())

    def do_raise(self, client, request, asked):
        self._require_one(request)
        made = self._wait(client.raise_limit(asked["resource"], asked["to"], request.target))
        return {"raised": pair(made.new)}

    def do_lease_renew(self, client, request, asked):
        return {"renewed": lease(self._wait(client.renew(bytes.fromhex(asked["lease"]), request.duration(asked))))}

    def do_lease_release(self, client, request, asked):
        ended = self._wait(client.release(bytes.fromhex(asked["lease"])))
        return {"restorations": [restoration(each) for each in ended]}

    def do_lease_list(self, client, request, asked):
        return {"leases": [lease(info) for info in self._wait(client.leases())]}

    def do_server_info(self, client, request, asked):
        return {"server_info": server_info(self._wait(client.server_info()))}

    def do_stats(self, client, request, asked):
        return {"stats": self._wait(client.stats())._asdict()}

    def _require_one(self, request):
        if request.group is not None:
            raise rlimitd.UnsupportedError(rlimitd.Code.UNSUPPORTED, "this is asked of one process, not of a cgroup")


def main():
    if "--async" in sys.argv[1:]:
        loop = asyncio.new_event_loop()

        def wait(awaitable):
            async def waiting():
                return await awaitable

            return loop.run_until_complete(waiting())

        calls = Calls(rlimitd.AsyncClient(), wait)
    else:
        calls = Calls(rlimitd.Client())
    for line in sys.stdin:
        print(json.dumps(calls.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
