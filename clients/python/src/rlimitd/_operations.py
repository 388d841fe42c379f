"""The steps of each API call, written once for both clients.

An operation is a generator. It makes system calls itself and yields each request for the agent. The client sends the
request, waits with or without an event loop, and sends the response back into the generator.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Dict, Generator, Iterable, List, Optional, Sequence, TypeVar, Union

from ._edits.edit_plan import EditPlan
from ._edits.edit_transaction import EditTransaction
from ._kernel.resolved_target import ResolvedTarget
from ._limits import Limit, Resource
from .edits import Edit, LimitLike, ResourceLike, edits_of, limit_of, require_distinct, resource_of
from .errors import Code, RlimitError, make_error, replace_details
from .results import (
    Change,
    Explanation,
    LeaseInfo,
    Processes,
    Restoration,
    ServerInfo,
    Stats,
    Usage,
)
from .targets import Group, Target

if TYPE_CHECKING:
    from ._wire.agent_requests import AgentRequest
    from .v1 import rlimitd_pb2 as pb

# `agent_requests`, `reply_decoder` and protobuf are imported on first use, because a call that the kernel allows needs
# none of them.

T = TypeVar("T")
Operation = Generator["AgentRequest", "pb.Response", T]
Edits = Union[Edit, Iterable[Edit]]
Resources = Optional[Iterable[ResourceLike]]
Duration = Union[None, float, timedelta]

SCOPES = ("process", "children", "both")
_MAX_LEASE_MS = 31_536_000_000
_LEASABLE = (
    Resource.CORE,
    Resource.NPROC,
    Resource.NOFILE,
    Resource.MEMLOCK,
    Resource.SIGPENDING,
    Resource.MSGQUEUE,
)


def get(resources: Resources, target: Target, agent_only: bool) -> Operation[Dict[str, Limit]]:
    wanted = _resources(resources)
    with ResolvedTarget(target) as resolved:
        if not agent_only:
            limits = resolved.limits(wanted)
            if limits is not None:
                return {resource: limits[resource] for resource in wanted}
        from ._wire import agent_requests, reply_decoder

        reply = yield agent_requests.get(resolved, [] if resources is None else wanted)
        return reply_decoder.limits(reply, wanted)


def get_one(resource: ResourceLike, target: Target, agent_only: bool) -> Operation[Limit]:
    limits = yield from get([resource], target, agent_only)
    return next(iter(limits.values()))


def get_each(resources: Resources, group: Group) -> Operation[Processes[Dict[str, Limit]]]:
    from ._wire import agent_requests, reply_decoder

    wanted = _resources(resources)
    reply = yield agent_requests.get(group, [] if resources is None else wanted)
    return reply_decoder.processes_limits(reply, wanted)


def apply(edits: Edits, target: Target, agent_only: bool) -> Operation[List[Change]]:
    batch = edits_of(edits)
    if not batch:
        return []
    resources = [edit.resource for edit in batch]
    with ResolvedTarget(target) as resolved:
        now = None if agent_only else resolved.read_if_permitted(resources)
        if now is None:
            from ._wire import agent_requests, reply_decoder

            try:
                reply = yield agent_requests.set_(resolved, batch)
            except RlimitError as error:
                raise _with_kernel_reason(error, resolved, agent_only)
            return reply_decoder.changes(reply, resources)
        transaction = EditTransaction(EditPlan(batch, now), resolved)
        refusal = transaction.apply_in_kernel()
        if refusal is None:
            return transaction.result
        from ._wire import agent_requests, reply_decoder

        agent_edits = transaction.plan.agent_part
        try:
            reply = yield agent_requests.set_(resolved, agent_edits)
        except RlimitError as error:
            return transaction.finish_without_agent(error, refusal)
        return transaction.finish_with_agent(reply_decoder.changes(reply, [edit.resource for edit in agent_edits]))


def _with_kernel_reason(error: RlimitError, resolved: ResolvedTarget, agent_only: bool) -> RlimitError:
    if agent_only or error.code != Code.AGENT_UNREACHABLE:
        return error
    return replace_details(
        error, message=f"the kernel lets only the owner of {resolved.name} change it, and {error.message}"
    )


def apply_one(edit: Edit, target: Target, agent_only: bool) -> Operation[Change]:
    changes = yield from apply(edit, target, agent_only)
    return changes[0]


def apply_each(edits: Edits, group: Group) -> Operation[Processes[List[Change]]]:
    from ._wire import agent_requests, reply_decoder

    batch = edits_of(edits)
    if not batch:
        raise make_error(Code.INVALID_ARGUMENT, "there is no edit to apply")
    reply = yield agent_requests.set_(group, batch)
    return reply_decoder.processes_changes(reply, [edit.resource for edit in batch])


def prlimit(resource: ResourceLike, limit: Optional[LimitLike], target: Target, agent_only: bool) -> Operation[Limit]:
    wanted = None if limit is None else limit_of(limit)
    known = resource_of(resource)
    if not agent_only:
        if wanted is None:
            return (yield from get_one(known, target, False))
        return (yield from apply_one(Edit(known, *wanted), target, False)).old
    from ._wire import agent_requests, reply_decoder

    with ResolvedTarget(target) as resolved:
        return reply_decoder.prlimit((yield agent_requests.prlimit(resolved, known, wanted)))


def usage(target: Target, scope: str, thread: Optional[int], agent_only: bool) -> Operation[Usage]:
    scope = _scope(scope, thread)
    with ResolvedTarget(target) as resolved:
        if not agent_only:
            found = resolved.usage(scope) if thread is None else resolved.thread_usage(thread)
            if found is not None:
                return found
        from ._wire import agent_requests, reply_decoder

        return reply_decoder.usage((yield agent_requests.usage(resolved, scope, thread)))


def usage_each(scope: str, group: Group) -> Operation[Processes[Usage]]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.processes_usage((yield agent_requests.usage(group, _scope(scope, None))))


def explain(edits: Edits, target: Target, lease: Union[bool, Duration] = False) -> Operation[Explanation]:
    from ._wire import agent_requests, reply_decoder

    batch = edits_of(edits)
    if not batch:
        raise make_error(Code.INVALID_ARGUMENT, "there is no edit to explain")
    lease_ms = None if lease is False else lease_milliseconds(None if lease is True else lease)
    with ResolvedTarget(target) as resolved:
        return reply_decoder.explanation((yield agent_requests.explain_set(resolved, batch, lease_ms)))


def explain_get(resources: Resources, target: Target) -> Operation[Explanation]:
    from ._wire import agent_requests, reply_decoder

    wanted = [] if resources is None else _resources(resources)
    with ResolvedTarget(target) as resolved:
        return reply_decoder.explanation((yield agent_requests.explain_get(resolved, wanted)))


def explain_prlimit(resource: ResourceLike, limit: Optional[LimitLike], target: Target) -> Operation[Explanation]:
    from ._wire import agent_requests, reply_decoder

    wanted = None if limit is None else limit_of(limit)
    with ResolvedTarget(target) as resolved:
        request = agent_requests.explain_prlimit(resolved, resource_of(resource), wanted)
        return reply_decoder.explanation((yield request))


def explain_usage(target: Target, scope: str, thread: Optional[int]) -> Operation[Explanation]:
    from ._wire import agent_requests, reply_decoder

    scope = _scope(scope, thread)
    with ResolvedTarget(target) as resolved:
        return reply_decoder.explanation((yield agent_requests.explain_usage(resolved, scope, thread)))


def lease(edits: Edits, target: Target, duration_ms: int) -> Operation[LeaseInfo]:
    from ._wire import agent_requests, reply_decoder

    batch = edits_of(edits)
    if not batch:
        raise make_error(Code.INVALID_ARGUMENT, "there is no edit to lease")
    for index, edit in enumerate(batch):
        if edit.resource not in _LEASABLE:
            raise make_error(
                Code.UNSUPPORTED,
                f"{edit.resource} cannot be leased, because it cannot be restored safely; {', '.join(_LEASABLE)} can",
                resource=edit.resource,
                edit_index=index,
            )
    with ResolvedTarget(target) as resolved:
        reply = yield agent_requests.set_(resolved, batch, duration_ms)
        return reply_decoder.leased(reply, [edit.resource for edit in batch])


def lease_renew(lease_id: bytes, duration_ms: int) -> Operation[LeaseInfo]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.lease((yield agent_requests.lease_renew(lease_id, duration_ms)))


def lease_release(lease_id: bytes) -> Operation[List[Restoration]]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.restorations((yield agent_requests.lease_release(lease_id)))


def leases() -> Operation[List[LeaseInfo]]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.leases((yield agent_requests.lease_list()))


def server_info() -> Operation[ServerInfo]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.server_info((yield agent_requests.server_info()))


def stats() -> Operation[Stats]:
    from ._wire import agent_requests, reply_decoder

    return reply_decoder.stats((yield agent_requests.stats()))


def lease_milliseconds(duration: Duration) -> int:
    """The duration in milliseconds, rounded up; 0 lasts as long as the connection."""
    if duration is None:
        return 0
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    milliseconds = -int(-seconds * 1000 // 1)
    if not 0 < milliseconds <= _MAX_LEASE_MS:
        raise make_error(Code.INVALID_ARGUMENT, "the duration of a lease is more than 0 and at most 365 days")
    return milliseconds


def _resources(resources: Resources) -> Sequence[Resource]:
    if resources is None:
        return list(Resource)
    found = [resource_of(resource) for resource in resources]
    require_distinct(found)
    return found


def _scope(scope: str, thread: Optional[int]) -> str:
    if thread is not None:
        if thread <= 0:
            raise make_error(Code.INVALID_ARGUMENT, f"{thread} is not a thread id")
        return "thread"
    if scope not in SCOPES:
        raise make_error(Code.INVALID_ARGUMENT, f"unknown scope of usage {scope!r}; the scopes are {', '.join(SCOPES)}")
    return scope
