#!/usr/bin/env python3
"""The adapter for clients/conformance. It reads one request in JSON per line and answers it with the public API.

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


def checked_bound(number):
    # -1 is infinity in Python's `resource` module, and so in the client. The cases treat it as invalid.
    if number == -1:
        raise ValueError("-1 is not a limit")
    return number


def pair(limit):
    return None if limit is None else [bound(limit.soft), bound(limit.hard)]


def without_none(**members):
    return {name: value for name, value in members.items() if value is not None}


def limits(result):
    return {str(name): pair(limit) for name, limit in result.items()}


def error(problem):
    return without_none(
        code=str(problem.code),
        errno="EOPNOTSUPP" if problem.errno == errno.EOPNOTSUPP else errno.errorcode[problem.errno],
        message=problem.message,
        resource=problem.resource and str(problem.resource),
        edit=problem.edit_index,
        rule=problem.rule,
        allowed=pair(problem.allowed),
        retry_after_ms=problem.retry_after_ms,
    )


def change(applied):
    return without_none(
        resource=str(applied.resource),
        old=pair(applied.old),
        new=pair(applied.new),
        granted_by="kernel" if applied.granted_by == "kernel" else {"rule": applied.rule or ""},
        warnings=list(applied.warnings) or None,
        shortfall=applied.shortfall and error(applied.shortfall),
    )


def changes(applied):
    return [change(each) for each in applied]


def usage(used):
    members = {name: value for name, value in used._asdict().items() if value is not None and name != "in_use"}
    if not members["partial"]:
        del members["partial"]
    return without_none(**members, in_use={str(name): amount for name, amount in used.in_use.items()} or None)


def explanation(result):
    verdicts = [
        without_none(
            resource=str(verdict.resource),
            now=pair(verdict.now),
            most=pair(verdict.most),
            rule=verdict.rule,
            new=pair(verdict.new),
            error=verdict.error and error(verdict.error),
        )
        for verdict in result.verdicts
    ]
    return without_none(
        allowed=result.allowed, rule=result.rule, error=result.error and error(result.error), verdicts=verdicts
    )


def lease(info):
    return without_none(
        id=info.id.hex(),
        pid=info.pid,
        changes=changes(info.changes),
        remaining_ms=info.remaining_ms,
        rule=info.rule,
    )


def restoration(ended):
    return without_none(resource=str(ended.resource), outcome=ended.outcome, limit=pair(ended.limit))


def server_info(info):
    members = {**info._asdict(), "features": list(info.features)}
    if info.caller is not None:
        members["caller"] = without_none(**{**info.caller._asdict(), "groups": list(info.caller.groups)})
    return without_none(**members)


def processes(results, name, show):
    found = [
        without_none(pid=each.pid, **({"error": error(each.error)} if each.error else {name: show(each.value)}))
        for each in results
    ]
    return {"processes": found, "incomplete": results.incomplete}


class Request:
    """One request as arguments for the client. Closes the descriptors that it opened."""

    def __init__(self, request_json):
        self.request_json = request_json
        self._descriptors = []
        on = request_json.get("on") or {}
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
                checked_bound(edit.get("soft")),
                checked_bound(edit.get("hard")),
                mode=edit.get("mode", "exact"),
                expect=edit.get("expect"),
            )
            for edit in self.request_json["edits"]
        ]

    def usage(self):
        scope, thread = self.request_json.get("scope", "process"), self.request_json.get("thread")
        if (scope == "thread") != (thread is not None):
            raise ValueError("the scope is thread if and only if a thread is given")
        return {"scope": "process" if scope == "thread" else scope, "thread": thread}

    def duration(self, request_json):
        return request_json.get("duration_ms", 0) / 1000 or None


def identity(value):
    return value


class Adapter:
    """Answers each request with a call of the client. Keeps references to leases, so that they do not end early."""

    def __init__(self, client, wait=identity):
        self._client = client
        self._wait = wait
        self._held = []

    def answer(self, request_json):
        request = None
        try:
            request = Request(request_json)
            options = {}
            if "timeout_ms" in request_json:
                options["timeout"] = request_json["timeout_ms"] / 1000
            client = self._client.options(agent_only=request_json.get("agent_only", False), **options)
            return getattr(self, f"handle_{request_json['do']}")(client, request, request_json)
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

    def handle_get(self, client, request, request_json):
        if request.group is not None:
            result = self._wait(client.limits_each(request.group, request_json.get("resources")))
            return processes(result, "limits", limits)
        return {"limits": limits(self._wait(client.limits(request_json.get("resources"), request.target)))}

    def handle_set(self, client, request, request_json):
        if "lease" in request_json:
            return self._lease(client, request, request.duration(request_json["lease"]))
        if request.group is not None:
            return processes(self._wait(client.apply_each(request.group, request.edits())), "changes", changes)
        return {"changes": changes(self._wait(client.apply(request.edits(), request.target)))}

    def _lease(self, client, request, duration):
        if request.group is not None:
            raise rlimitd.UnsupportedError(rlimitd.Code.UNSUPPORTED, "a cgroup or pod cannot be leased")
        held = self._wait(client.lease(request.edits(), duration, request.target))
        self._held.append(held)
        answer = {"changes": changes(held.changes), "lease": held.id.hex()}
        return without_none(**answer, remaining_ms=held.info.remaining_ms)

    def handle_prlimit(self, client, request, request_json):
        self._require_one(request)
        old = self._wait(client.prlimit(request_json["resource"], request_json.get("limit"), request.target))
        return {"prlimit": pair(old)}

    def handle_usage(self, client, request, request_json):
        of = request.usage()
        if request.group is not None:
            if of["thread"] is not None:
                raise rlimitd.UnsupportedError(
                    rlimitd.Code.UNSUPPORTED, "a thread belongs to one process, not to a cgroup"
                )
            return processes(self._wait(client.usage_each(request.group, of["scope"])), "usage", usage)
        return {"usage": usage(self._wait(client.usage(request.target, **of)))}

    def handle_explain(self, client, request, request_json):
        inner = request_json["of"]
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

    def handle_raise(self, client, request, request_json):
        self._require_one(request)
        applied = self._wait(client.raise_limit(request_json["resource"], request_json["to"], request.target))
        return {"raised": pair(applied.new)}

    def handle_lease_renew(self, client, request, request_json):
        return {
            "renewed": lease(
                self._wait(client.renew(bytes.fromhex(request_json["lease"]), request.duration(request_json)))
            )
        }

    def handle_lease_release(self, client, request, request_json):
        ended = self._wait(client.release(bytes.fromhex(request_json["lease"])))
        return {"restorations": [restoration(each) for each in ended]}

    def handle_lease_list(self, client, request, request_json):
        return {"leases": [lease(info) for info in self._wait(client.leases())]}

    def handle_server_info(self, client, request, request_json):
        return {"server_info": server_info(self._wait(client.server_info()))}

    def handle_stats(self, client, request, request_json):
        return {"stats": self._wait(client.stats())._asdict()}

    def _require_one(self, request):
        if request.group is not None:
            raise rlimitd.UnsupportedError(rlimitd.Code.UNSUPPORTED, "this operation needs one process, not a cgroup")


def main():
    if "--async" in sys.argv[1:]:
        loop = asyncio.new_event_loop()

        def wait(awaitable):
            async def waiting():
                return await awaitable

            return loop.run_until_complete(waiting())

        calls = Adapter(rlimitd.AsyncClient(), wait)
    else:
        calls = Adapter(rlimitd.Client())
    for line in sys.stdin:
        print(json.dumps(calls.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
