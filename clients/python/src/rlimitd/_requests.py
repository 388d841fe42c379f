"""What the agent is asked, as it travels."""

from __future__ import annotations

import struct
from typing import Dict, NamedTuple, Optional, Sequence, Union

from ._subject import Subject
from ._values import Limit, Resource
from .edits import AT_LEAST, CLAMP, EXACT, Edit
from .errors import Code, failure
from .targets import Cgroup, Pod
from .v1 import rlimitd_pb2 as pb

GREATEST_REQUEST = 4096
_GREATEST_TIMEOUT_MS = 3_600_000

RESOURCES: Dict[Resource, pb.Resource] = {
    known: getattr(pb, f"RESOURCE_{known.name}") for known in Resource
}
_MODES = {EXACT: pb.EDIT_MODE_EXACT, AT_LEAST: pb.EDIT_MODE_AT_LEAST, CLAMP: pb.EDIT_MODE_CLAMP}
_SCOPES = {
    "process": pb.USAGE_SCOPE_PROCESS,
    "children": pb.USAGE_SCOPE_CHILDREN,
    "both": pb.USAGE_SCOPE_BOTH,
    "thread": pb.USAGE_SCOPE_THREAD,
}

Whom = Union[Subject, Cgroup, Pod]


class Inquiry(NamedTuple):
    """A request without its id, and what goes along."""

    request: pb.Request
    pidfd: Optional[int] = None
    only_reads: bool = True
    """Carrying it out twice is the same as once."""
    lends: bool = False
    """A lease comes of it, which must not be left to nobody."""


def frame(inquiry: Inquiry, number: int, seconds_left: Optional[float]) -> bytes:
    """The bytes of one request."""
    request = inquiry.request
    request.id = number
    if seconds_left is not None:
        # Rounded up: 0 would be no timeout.
        request.timeout_ms = min(max(1, -int(-seconds_left * 1000 // 1)), _GREATEST_TIMEOUT_MS)
    message = request.SerializeToString()
    if len(message) > GREATEST_REQUEST:
        raise failure(Code.INVALID_ARGUMENT, f"a request of {len(message)} bytes; there may be {GREATEST_REQUEST}")
    return struct.pack(">I", len(message)) + message


def get(whom: Whom, resources: Sequence[Resource]) -> Inquiry:
    request = pb.Request()
    _fill_get(request.get, whom, resources)
    return Inquiry(request, _pidfd(whom))


def set_(whom: Whom, edits: Sequence[Edit], lease_ms: Optional[int] = None) -> Inquiry:
    """``lease_ms``: under a lease that lasts so long; 0 as long as the connection."""
    request = pb.Request()
    _fill_set(request.set, whom, edits)
    if lease_ms is not None:
        request.set.lease.duration_ms = lease_ms
    return Inquiry(request, _pidfd(whom), only_reads=False, lends=lease_ms is not None)


def prlimit(whom: Whom, resource: Resource, limit: Optional[Limit]) -> Inquiry:
    request = pb.Request()
    _fill_prlimit(request.prlimit, whom, resource, limit)
    return Inquiry(request, _pidfd(whom), only_reads=limit is None)


def usage(whom: Whom, scope: str, thread: Optional[int] = None) -> Inquiry:
    request = pb.Request()
    _fill_usage(request.usage, whom, scope, thread)
    return Inquiry(request, _pidfd(whom))


def explain_get(whom: Whom, resources: Sequence[Resource]) -> Inquiry:
    request = pb.Request()
    _fill_get(request.explain.get, whom, resources)
    return Inquiry(request, _pidfd(whom))


def explain_set(whom: Whom, edits: Sequence[Edit], lease_ms: Optional[int] = None) -> Inquiry:
    request = pb.Request()
    _fill_set(request.explain.set, whom, edits)
    if lease_ms is not None:
        request.explain.set.lease.duration_ms = lease_ms
    return Inquiry(request, _pidfd(whom))


def explain_prlimit(whom: Whom, resource: Resource, limit: Optional[Limit]) -> Inquiry:
    request = pb.Request()
    _fill_prlimit(request.explain.prlimit, whom, resource, limit)
    return Inquiry(request, _pidfd(whom))


def explain_usage(whom: Whom, scope: str, thread: Optional[int] = None) -> Inquiry:
    request = pb.Request()
    _fill_usage(request.explain.usage, whom, scope, thread)
    return Inquiry(request, _pidfd(whom))


def lease_renew(lease: bytes, duration_ms: int) -> Inquiry:
    request = pb.Request()
    request.lease_renew.lease = lease
    request.lease_renew.duration_ms = duration_ms
    return Inquiry(request, only_reads=False)


def lease_release(lease: bytes) -> Inquiry:
    request = pb.Request()
    request.lease_release.lease = lease
    return Inquiry(request, only_reads=False)


def lease_list() -> Inquiry:
    request = pb.Request()
    request.lease_list.SetInParent()
    return Inquiry(request)


def server_info() -> Inquiry:
    request = pb.Request()
    request.server_info.SetInParent()
    return Inquiry(request)


def stats() -> Inquiry:
    request = pb.Request()
    request.stats.SetInParent()
    return Inquiry(request)


def _pidfd(whom: Whom) -> Optional[int]:
    return whom.pidfd if isinstance(whom, Subject) else None


def _fill_get(message: pb.Get, whom: Whom, resources: Sequence[Resource]) -> None:
    message.SetInParent()
    _fill_target(message, whom)
    message.resources.extend(RESOURCES[resource] for resource in resources)


def _fill_set(message: pb.Set, whom: Whom, edits: Sequence[Edit]) -> None:
    message.SetInParent()
    _fill_target(message, whom)
    for edit in edits:
        part = message.edits.add()
        part.resource = RESOURCES[edit.resource]
        if edit.soft is not None:
            part.soft = edit.soft
        if edit.hard is not None:
            part.hard = edit.hard
        if edit.mode != EXACT:
            part.mode = _MODES[edit.mode]
        if edit.expect is not None:
            _fill_limit(part.expect, edit.expect)


def _fill_prlimit(message: pb.Prlimit, whom: Whom, resource: Resource, limit: Optional[Limit]) -> None:
    _fill_target(message, whom)
    message.resource = RESOURCES[resource]
    if limit is not None:
        _fill_limit(message.new_limit, limit)


def _fill_usage(message: pb.GetUsage, whom: Whom, scope: str, thread: Optional[int]) -> None:
    message.SetInParent()
    _fill_target(message, whom)
    if scope != "process":
        message.scope = _SCOPES[scope]
    if thread is not None:
        message.thread = thread


def _fill_limit(message: pb.Limit, limit: Limit) -> None:
    message.soft, message.hard = limit


def _fill_target(message: Union[pb.Get, pb.Set, pb.Prlimit, pb.GetUsage], whom: Whom) -> None:
    if isinstance(whom, Cgroup):
        message.target.cgroup = _path(whom.path)
    elif isinstance(whom, Pod):
        message.target.pod = _path(whom.path)
    elif whom.pidfd is not None:
        message.target.pidfd.SetInParent()
    elif whom.number:
        message.target.pid = whom.number


# On the wire, no path is the caller's own.
def _path(path: Optional[str]) -> bytes:
    if path is None:
        return b""
    if not path:
        raise failure(Code.INVALID_ARGUMENT, "the path of a cgroup is empty")
    return path.encode("utf-8", "surrogateescape")
