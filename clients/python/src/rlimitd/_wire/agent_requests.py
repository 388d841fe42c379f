"""Builds the request message of each operation and encodes it as a frame."""

from __future__ import annotations

import struct
from typing import Dict, NamedTuple, Optional, Sequence, Union, cast

from .._kernel.resolved_target import ResolvedTarget
from .._limits import Limit, Resource
from ..edits import AT_LEAST, CLAMP, EXACT, Edit
from ..errors import Code, make_error
from ..targets import Cgroup, Pod
from ..v1 import rlimitd_pb2 as pb

MAX_REQUEST_SIZE = 4096
_MAX_TIMEOUT_MS = 3_600_000

WIRE_RESOURCES: Dict[Resource, pb.Resource] = {known: getattr(pb, f"RESOURCE_{known.name}") for known in Resource}
_MODES = {EXACT: pb.EDIT_MODE_EXACT, AT_LEAST: pb.EDIT_MODE_AT_LEAST, CLAMP: pb.EDIT_MODE_CLAMP}
_SCOPES = {
    "process": pb.USAGE_SCOPE_PROCESS,
    "children": pb.USAGE_SCOPE_CHILDREN,
    "both": pb.USAGE_SCOPE_BOTH,
    "thread": pb.USAGE_SCOPE_THREAD,
}

RequestTarget = Union[ResolvedTarget, Cgroup, Pod]


class AgentRequest(NamedTuple):
    """A request message without its id, the process whose pidfd is sent with it, and how to treat its failure."""

    message: pb.Request
    target: Optional[ResolvedTarget] = None
    is_read_only: bool = True
    """Whether it changes nothing, so that it may be sent twice."""
    grants_lease: bool = False
    """A lease that this request is granted must be released if no caller receives it."""

    @property
    def pidfd(self) -> Optional[int]:
        """Sent with the request."""
        return self.target.pidfd if self.target is not None else None


def frame(agent_request: AgentRequest, request_id: int, seconds_left: Optional[float]) -> bytes:
    """The length prefix and the encoded message. Raises INVALID_ARGUMENT above `MAX_REQUEST_SIZE`."""
    message = agent_request.message
    message.id = request_id
    if seconds_left is not None:
        # Rounded up, because 0 means no timeout.
        message.timeout_ms = min(max(1, -int(-seconds_left * 1000 // 1)), _MAX_TIMEOUT_MS)
    encoded = message.SerializeToString()
    if len(encoded) > MAX_REQUEST_SIZE:
        text = f"the request has {len(encoded)} bytes; at most {MAX_REQUEST_SIZE} are allowed"
        raise make_error(Code.INVALID_ARGUMENT, text)
    return struct.pack(">I", len(encoded)) + encoded


def get(target: RequestTarget, resources: Sequence[Resource]) -> AgentRequest:
    request = pb.Request()
    _fill_get(request.get, target, resources)
    return AgentRequest(request, _held(target))


def set_(target: RequestTarget, edits: Sequence[Edit], lease_ms: Optional[int] = None) -> AgentRequest:
    """``lease_ms``: the duration of a lease; 0 lasts as long as the connection, None asks for no lease."""
    request = pb.Request()
    _fill_set(request.set, target, edits)
    if lease_ms is not None:
        request.set.lease.duration_ms = lease_ms
    return AgentRequest(request, _held(target), is_read_only=False, grants_lease=lease_ms is not None)


def prlimit(target: RequestTarget, resource: Resource, limit: Optional[Limit]) -> AgentRequest:
    request = pb.Request()
    _fill_prlimit(request.prlimit, target, resource, limit)
    return AgentRequest(request, _held(target), is_read_only=limit is None)


def usage(target: RequestTarget, scope: str, thread: Optional[int] = None) -> AgentRequest:
    request = pb.Request()
    _fill_usage(request.usage, target, scope, thread)
    return AgentRequest(request, _held(target))


def explain_get(target: RequestTarget, resources: Sequence[Resource]) -> AgentRequest:
    request = pb.Request()
    _fill_get(request.explain.get, target, resources)
    return AgentRequest(request, _held(target))


def explain_set(target: RequestTarget, edits: Sequence[Edit], lease_ms: Optional[int] = None) -> AgentRequest:
    request = pb.Request()
    _fill_set(request.explain.set, target, edits)
    if lease_ms is not None:
        request.explain.set.lease.duration_ms = lease_ms
    return AgentRequest(request, _held(target))


def explain_prlimit(target: RequestTarget, resource: Resource, limit: Optional[Limit]) -> AgentRequest:
    request = pb.Request()
    _fill_prlimit(request.explain.prlimit, target, resource, limit)
    return AgentRequest(request, _held(target))


def explain_usage(target: RequestTarget, scope: str, thread: Optional[int] = None) -> AgentRequest:
    request = pb.Request()
    _fill_usage(request.explain.usage, target, scope, thread)
    return AgentRequest(request, _held(target))


def lease_renew(lease: bytes, duration_ms: int) -> AgentRequest:
    request = pb.Request()
    request.lease_renew.lease = lease
    request.lease_renew.duration_ms = duration_ms
    return AgentRequest(request, is_read_only=False)


def lease_release(lease: bytes) -> AgentRequest:
    request = pb.Request()
    request.lease_release.lease = lease
    return AgentRequest(request, is_read_only=False)


def lease_list() -> AgentRequest:
    request = pb.Request()
    request.lease_list.SetInParent()
    return AgentRequest(request)


def server_info() -> AgentRequest:
    request = pb.Request()
    request.server_info.SetInParent()
    return AgentRequest(request)


def stats() -> AgentRequest:
    request = pb.Request()
    request.stats.SetInParent()
    return AgentRequest(request)


# The process that the request is about, if a pidfd holds it.
def _held(target: RequestTarget) -> Optional[ResolvedTarget]:
    return target if isinstance(target, ResolvedTarget) and target.pidfd is not None else None


def target_of(message: pb.Request) -> pb.Target:
    """The target of a request about a process."""
    operation = message.WhichOneof("operation") or "get"
    if operation != "explain":
        return cast(pb.Target, getattr(message, operation).target)
    explained = message.explain.WhichOneof("operation") or "get"
    return cast(pb.Target, getattr(message.explain, explained).target)


def _fill_get(message: pb.Get, target: RequestTarget, resources: Sequence[Resource]) -> None:
    message.SetInParent()
    _fill_target(message, target)
    message.resources.extend(WIRE_RESOURCES[resource] for resource in resources)


def _fill_set(message: pb.Set, target: RequestTarget, edits: Sequence[Edit]) -> None:
    message.SetInParent()
    _fill_target(message, target)
    for edit in edits:
        part = message.edits.add()
        part.resource = WIRE_RESOURCES[edit.resource]
        if edit.soft is not None:
            part.soft = edit.soft
        if edit.hard is not None:
            part.hard = edit.hard
        if edit.mode != EXACT:
            part.mode = _MODES[edit.mode]
        if edit.expect is not None:
            _fill_limit(part.expect, edit.expect)


def _fill_prlimit(message: pb.Prlimit, target: RequestTarget, resource: Resource, limit: Optional[Limit]) -> None:
    _fill_target(message, target)
    message.resource = WIRE_RESOURCES[resource]
    if limit is not None:
        _fill_limit(message.new_limit, limit)


def _fill_usage(message: pb.GetUsage, target: RequestTarget, scope: str, thread: Optional[int]) -> None:
    message.SetInParent()
    _fill_target(message, target)
    if scope != "process":
        message.scope = _SCOPES[scope]
    if thread is not None:
        message.thread = thread


def _fill_limit(message: pb.Limit, limit: Limit) -> None:
    message.soft, message.hard = limit


def _fill_target(message: Union[pb.Get, pb.Set, pb.Prlimit, pb.GetUsage], target: RequestTarget) -> None:
    if isinstance(target, Cgroup):
        message.target.cgroup = _path(target.path)
    elif isinstance(target, Pod):
        message.target.pod = _path(target.path)
    elif target.pidfd is not None:
        message.target.pidfd.SetInParent()
    elif target.pid:
        message.target.pid = target.pid


# On the wire, an empty path means the caller's own cgroup.
def _path(path: Optional[str]) -> bytes:
    if path is None:
        return b""
    if not path:
        raise make_error(Code.INVALID_ARGUMENT, "the path of a cgroup is empty")
    return path.encode("utf-8", "surrogateescape")
