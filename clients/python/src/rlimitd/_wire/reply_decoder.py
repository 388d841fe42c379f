"""Decodes response messages into the values that calls return. Skips values that only a newer agent knows."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from .._limits import Limit, Resource
from ..errors import Code, RlimitError, make_error
from ..results import (
    Caller,
    Change,
    Explanation,
    LeaseInfo,
    Processes,
    ProcessResult,
    Restoration,
    ServerInfo,
    Stats,
    Usage,
    Verdict,
)
from ..v1 import rlimitd_pb2 as pb
from .agent_requests import WIRE_RESOURCES

T = TypeVar("T")

_RESOURCES_BY_NUMBER = {number: resource for resource, number in WIRE_RESOURCES.items()}
_CODES = {pb.ErrorCode.Value(f"ERROR_CODE_{code}"): code for code in list(Code)[:17]}
_USAGE = Usage._fields[:16]


def unexpected_reply() -> RlimitError:
    return make_error(Code.MALFORMED, "the agent's response does not match the request")


def _require_outcome(reply: pb.Response, outcome: str) -> Any:
    if reply.WhichOneof("outcome") != outcome:
        raise unexpected_reply()
    return getattr(reply, outcome)


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _resource(message: Any) -> Optional[Resource]:
    return _RESOURCES_BY_NUMBER.get(message.resource) if message.HasField("resource") else None


def _limit(message: Any, field: str) -> Limit:
    limit = _optional(message, field)
    if limit is None or not limit.HasField("soft") or not limit.HasField("hard"):
        raise make_error(Code.MALFORMED, f"the agent's response has no {field} limit")
    return Limit(limit.soft, limit.hard)


def _optional_limit(message: Any, field: str) -> Optional[Limit]:
    return _limit(message, field) if message.HasField(field) else None


def error(message: pb.Error) -> RlimitError:
    """Decodes an error. An unknown code becomes INTERNAL and keeps its message."""
    code = _CODES.get(message.code) if message.HasField("code") else None
    return make_error(
        code or Code.INTERNAL,
        message.message,
        errno=_optional(message, "error_number"),
        resource=_resource(message),
        edit_index=_optional(message, "edit_index"),
        rule=message.rule or None,
        allowed=_optional_limit(message, "allowed"),
        retry_after_ms=_optional(message, "retry_after_ms"),
    )


def _optional_error(message: Any, field: str) -> Optional[RlimitError]:
    return error(getattr(message, field)) if message.HasField(field) else None


def limits(reply: pb.Response, resources: Sequence[Resource]) -> Dict[str, Limit]:
    return _limits(_require_outcome(reply, "limits"), resources)


def _limits(message: pb.LimitList, resources: Sequence[Resource]) -> Dict[str, Limit]:
    decoded: Dict[Resource, Limit] = {}
    for part in message.limits:
        resource = _resource(part)
        if resource is not None:
            decoded[resource] = _limit(part, "limit")
    if any(resource not in decoded for resource in resources):
        raise unexpected_reply()
    return {resource: decoded[resource] for resource in resources}


def changes(reply: pb.Response, resources: Sequence[Resource]) -> List[Change]:
    return _changes(_require_outcome(reply, "changes"), resources)


def _changes(message: pb.ChangeList, resources: Sequence[Resource]) -> List[Change]:
    found = [_change(part) for part in message.changes]
    if [change.resource for change in found] != list(resources):
        raise unexpected_reply()
    return found


def _change(message: pb.Change) -> Change:
    resource = _resource(message)
    if resource is None:
        raise unexpected_reply()
    numbers: Any = message.warnings
    warnings = [pb.Warning.Name(number)[len("WARNING_") :] for number in numbers if number]
    return Change(
        resource,
        _limit(message, "old"),
        _limit(message, "new"),
        "agent",
        message.rule or None,
        tuple(warnings),
        _optional_error(message, "shortfall"),
    )


def prlimit(reply: pb.Response) -> Limit:
    return _limit(_require_outcome(reply, "prlimit"), "old")


def usage(reply: pb.Response) -> Usage:
    return _usage(_require_outcome(reply, "usage"))


def _usage(message: pb.Usage) -> Usage:
    fields = {name: _optional(message, name) for name in _USAGE}
    in_use = {}
    for part in message.in_use:
        resource = _resource(part)
        if resource is not None:
            in_use[resource] = part.amount
    return Usage(**fields, partial=message.partial, in_use=in_use)


def explanation(reply: pb.Response) -> Explanation:
    message = _require_outcome(reply, "explanation")
    verdicts = []
    for part in message.verdicts:
        resource = _resource(part)
        if resource is None:
            continue
        verdicts.append(
            Verdict(
                resource,
                _optional_limit(part, "now"),
                _optional_limit(part, "most"),
                part.rule or None,
                _optional_limit(part, "new"),
                _optional_error(part, "error"),
            )
        )
    return Explanation(message.allowed, message.rule or None, _optional_error(message, "error"), tuple(verdicts))


def leased(reply: pb.Response, resources: Sequence[Resource]) -> LeaseInfo:
    """Decodes the response to `set` with a lease."""
    message = _require_outcome(reply, "changes")
    found = _changes(message, resources)
    if not message.HasField("lease"):
        raise unexpected_reply()
    return _lease(message.lease)._replace(changes=tuple(found))


def lease(reply: pb.Response) -> LeaseInfo:
    """Decodes the response to `lease_renew`."""
    return _lease(_require_outcome(reply, "lease"))


def leases(reply: pb.Response) -> List[LeaseInfo]:
    return [_lease(part) for part in _require_outcome(reply, "leases").leases]


def _lease(message: pb.LeaseInfo) -> LeaseInfo:
    return LeaseInfo(
        message.id,
        message.pid or None,
        tuple(_change(part) for part in message.changes),
        message.remaining_ms or None,
        message.rule or None,
    )


def restorations(reply: pb.Response) -> List[Restoration]:
    found = []
    for part in _require_outcome(reply, "restorations").restorations:
        resource = _resource(part)
        if resource is not None:
            name = pb.Restoration.Outcome.Name(part.outcome)[len("OUTCOME_") :]
            found.append(Restoration(resource, name, _optional_limit(part, "limit")))
    return found


def server_info(reply: pb.Response) -> ServerInfo:
    message = _require_outcome(reply, "server_info")
    return ServerInfo(
        message.version,
        message.kernel,
        tuple(message.features),
        message.nr_open,
        message.can_raise,
        message.policy,
        _caller(message.caller) if message.HasField("caller") else None,
        message.policy_generation if message.HasField("policy_generation") else None,
        message.policy_path or None,
        tuple(message.warnings),
    )


def _caller(message: pb.Caller) -> Caller:
    return Caller(
        message.pid or None,
        message.uid,
        message.gid,
        tuple(message.groups),
        message.pinned,
        message.namespace_depth or None,
        message.cgroup.decode("utf-8", "surrogateescape") if message.HasField("cgroup") else None,
        message.label or None,
        message.mixed_ids,
        message.may_attach if message.HasField("may_attach") else True,
    )


def stats(reply: pb.Response) -> Stats:
    message = _require_outcome(reply, "stats")
    return Stats(*(getattr(message, name) for name in Stats._fields))


def processes_limits(reply: pb.Response, resources: Sequence[Resource]) -> Processes[Dict[str, Limit]]:
    return _processes(reply, "limits", lambda message: _limits(message, resources))


def processes_changes(reply: pb.Response, resources: Sequence[Resource]) -> Processes[List[Change]]:
    return _processes(reply, "changes", lambda message: _changes(message, resources))


def processes_usage(reply: pb.Response) -> Processes[Usage]:
    return _processes(reply, "usage", _usage)


def _processes(reply: pb.Response, outcome: str, read: Callable[[Any], T]) -> Processes[T]:
    message = _require_outcome(reply, "processes")
    return Processes([_process(part, outcome, read) for part in message.results], message.incomplete)


def _process(message: pb.ProcessResult, outcome: str, read: Callable[[Any], T]) -> ProcessResult[T]:
    pid, kind = message.pid or None, message.WhichOneof("outcome")
    if kind == "error":
        return ProcessResult(pid, None, error(message.error))
    if kind is None:
        unknown = make_error(Code.UNSUPPORTED, "the agent sent a kind of response that this client does not know")
        return ProcessResult(pid, None, unknown)
    if kind != outcome:
        raise unexpected_reply()
    return ProcessResult(pid, read(getattr(message, outcome)), None)


# For each outcome that may come in parts: its repeated field, and how many entries it may have in all.
_REPEATED_FIELDS: Dict[str, Tuple[str, int]] = {
    "limits": ("limits", 64),
    "changes": ("changes", 64),
    "explanation": ("verdicts", 64),
    "restorations": ("restorations", 64),
    # Bounds the memory that a faulty agent makes its clients use.
    "leases": ("leases", 65_536),
    "processes": ("results", 262_144),
}


def merge(merged: Optional[pb.Response], part: pb.Response) -> pb.Response:
    """Merges the next part of a long reply into the parts before it. Raises MALFORMED if they do not fit together."""
    if merged is None or part.HasField("error"):
        return part
    outcome = merged.WhichOneof("outcome")
    if outcome not in _REPEATED_FIELDS or part.WhichOneof("outcome") != outcome:
        raise make_error(Code.MALFORMED, "the parts of the agent's response do not fit together")
    merged.MergeFrom(part)
    name, max_count = _REPEATED_FIELDS[outcome]
    if len(getattr(getattr(merged, outcome), name)) > max_count:
        raise make_error(Code.MALFORMED, f"the agent's response has more than {max_count} {name}")
    return merged
