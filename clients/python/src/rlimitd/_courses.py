"""How each call is made, step by step: what is asked of the kernel is done here, and what is asked of the agent is
yielded, so that whoever runs it may wait for the answer as it likes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Dict, Generator, Iterable, List, Optional, Sequence, TypeVar, Union

from ._plan import Plan
from ._run import Run
from ._subject import Subject
from ._values import Limit, Resource
from .edits import Edit, LimitLike, ResourceLike, edits_of, limit_of, require_distinct, resource_of
from .errors import Code, RlimitError, changed, failure
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
    from ._requests import Inquiry
    from .v1 import rlimitd_pb2 as pb

# What speaks to the agent (`_requests`, `_replies`, and protobuf behind them) is imported when it is needed.

T = TypeVar("T")
Course = Generator["Inquiry", "pb.Response", T]
Edits = Union[Edit, Iterable[Edit]]
Resources = Optional[Iterable[ResourceLike]]
Duration = Union[None, float, timedelta]

SCOPES = ("process", "children", "both")
_GREATEST_LEASE_MS = 31_536_000_000
_LEASABLE = (
    Resource.CORE,
    Resource.NPROC,
    Resource.NOFILE,
    Resource.MEMLOCK,
    Resource.SIGPENDING,
    Resource.MSGQUEUE,
)


def get(resources: Resources, target: Target, agent_only: bool) -> Course[Dict[str, Limit]]:
    wanted = _resources(resources)
    with Subject(target) as subject:
        if not agent_only:
            limits = subject.limits(wanted)
            if limits is not None:
                return {resource: limits[resource] for resource in wanted}
        from . import _replies, _requests

        reply = yield _requests.get(subject, [] if resources is None else wanted)
        return _replies.limits(reply, wanted)


def get_one(resource: ResourceLike, target: Target, agent_only: bool) -> Course[Limit]:
    limits = yield from get([resource], target, agent_only)
    return next(iter(limits.values()))


def get_each(resources: Resources, group: Group) -> Course[Processes[Dict[str, Limit]]]:
    from . import _replies, _requests

    wanted = _resources(resources)
    reply = yield _requests.get(group, [] if resources is None else wanted)
    return _replies.processes_limits(reply, wanted)


def apply(edits: Edits, target: Target, agent_only: bool) -> Course[List[Change]]:
    batch = edits_of(edits)
    if not batch:
        return []
    resources = [edit.resource for edit in batch]
    with Subject(target) as subject:
        now = None if agent_only else subject.read_if_owned(resources)
        if now is None:
            from . import _replies, _requests

            try:
                reply = yield _requests.set_(subject, batch)
            except RlimitError as error:
                raise _without_agent(error, subject, agent_only)
            return _replies.changes(reply, resources)
        run = Run(Plan(batch, now), subject)
        refusal = run.ask_kernel()
        if refusal is None:
            return run.result
        from . import _replies, _requests

        asked = run.plan.agent_part
        try:
            reply = yield _requests.set_(subject, asked)
        except RlimitError as error:
            return run.finish_after(error, refusal)
        return run.finish_with(_replies.changes(reply, [edit.resource for edit in asked]))


def _without_agent(error: RlimitError, subject: Subject, agent_only: bool) -> RlimitError:
    if agent_only or error.code != Code.AGENT_UNREACHABLE:
        return error
    return changed(
        error, message=f"the kernel lets only its own user change {subject.name}, and {error.message}"
    )


def apply_one(edit: Edit, target: Target, agent_only: bool) -> Course[Change]:
    made = yield from apply(edit, target, agent_only)
    return made[0]


def apply_each(edits: Edits, group: Group) -> Course[Processes[List[Change]]]:
    from . import _replies, _requests

    batch = edits_of(edits)
    if not batch:
        raise failure(Code.INVALID_ARGUMENT, "there is no edit to apply")
    reply = yield _requests.set_(group, batch)
    return _replies.processes_changes(reply, [edit.resource for edit in batch])


def prlimit(
    resource: ResourceLike, limit: Optional[LimitLike], target: Target, agent_only: bool
) -> Course[Limit]:
    wanted = None if limit is None else limit_of(limit)
    known = resource_of(resource)
    if not agent_only:
        if wanted is None:
            return (yield from get_one(known, target, False))
        return (yield from apply_one(Edit(known, *wanted), target, False)).old
    from . import _replies, _requests

    with Subject(target) as subject:
        return _replies.prlimit((yield _requests.prlimit(subject, known, wanted)))


def usage(target: Target, scope: str, thread: Optional[int], agent_only: bool) -> Course[Usage]:
    scope = _scope(scope, thread)
    with Subject(target) as subject:
        if not agent_only:
            told = subject.usage(scope) if thread is None else subject.thread_usage(thread)
            if told is not None:
                return told
        from . import _replies, _requests

        return _replies.usage((yield _requests.usage(subject, scope, thread)))


def usage_each(scope: str, group: Group) -> Course[Processes[Usage]]:
    from . import _replies, _requests

    return _replies.processes_usage((yield _requests.usage(group, _scope(scope, None))))


def explain(edits: Edits, target: Target, lease: Union[bool, Duration] = False) -> Course[Explanation]:
    from . import _replies, _requests

    batch = edits_of(edits)
    if not batch:
        raise failure(Code.INVALID_ARGUMENT, "there is no edit to explain")
    lease_ms = None if lease is False else lease_milliseconds(None if lease is True else lease)
    with Subject(target) as subject:
        return _replies.explanation((yield _requests.explain_set(subject, batch, lease_ms)))


def explain_get(resources: Resources, target: Target) -> Course[Explanation]:
    from . import _replies, _requests

    wanted = [] if resources is None else _resources(resources)
    with Subject(target) as subject:
        return _replies.explanation((yield _requests.explain_get(subject, wanted)))


def explain_prlimit(
    resource: ResourceLike, limit: Optional[LimitLike], target: Target
) -> Course[Explanation]:
    from . import _replies, _requests

    wanted = None if limit is None else limit_of(limit)
    with Subject(target) as subject:
        inquiry = _requests.explain_prlimit(subject, resource_of(resource), wanted)
        return _replies.explanation((yield inquiry))


def explain_usage(target: Target, scope: str, thread: Optional[int]) -> Course[Explanation]:
    from . import _replies, _requests

    scope = _scope(scope, thread)
    with Subject(target) as subject:
        return _replies.explanation((yield _requests.explain_usage(subject, scope, thread)))


def lease(edits: Edits, target: Target, duration_ms: int) -> Course[LeaseInfo]:
    from . import _replies, _requests

    batch = edits_of(edits)
    if not batch:
        raise failure(Code.INVALID_ARGUMENT, "there is no edit to lease")
    for index, edit in enumerate(batch):
        if edit.resource not in _LEASABLE:
            raise failure(
                Code.UNSUPPORTED,
                f"{edit.resource} cannot be leased, for it cannot be taken back; {', '.join(_LEASABLE)} can",
                resource=edit.resource,
                edit_index=index,
            )
    with Subject(target) as subject:
        reply = yield _requests.set_(subject, batch, duration_ms)
        return _replies.lent(reply, [edit.resource for edit in batch])


def lease_renew(lease_id: bytes, duration_ms: int) -> Course[LeaseInfo]:
    from . import _replies, _requests

    return _replies.lease((yield _requests.lease_renew(lease_id, duration_ms)))


def lease_release(lease_id: bytes) -> Course[List[Restoration]]:
    from . import _replies, _requests

    return _replies.restorations((yield _requests.lease_release(lease_id)))


def leases() -> Course[List[LeaseInfo]]:
    from . import _replies, _requests

    return _replies.leases((yield _requests.lease_list()))


def server_info() -> Course[ServerInfo]:
    from . import _replies, _requests

    return _replies.server_info((yield _requests.server_info()))


def stats() -> Course[Stats]:
    from . import _replies, _requests

    return _replies.stats((yield _requests.stats()))


def lease_milliseconds(duration: Duration) -> int:
    """0 is as long as the connection."""
    if duration is None:
        return 0
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    milliseconds = -int(-seconds * 1000 // 1)
    if not 0 < milliseconds <= _GREATEST_LEASE_MS:
        raise failure(Code.INVALID_ARGUMENT, "a lease lasts longer than nothing and at most 365 days")
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
            raise failure(Code.INVALID_ARGUMENT, f"{thread} is no thread id")
        return "thread"
    if scope not in SCOPES:
        raise failure(Code.INVALID_ARGUMENT, f"there is no usage of {scope!r}; there is of {', '.join(SCOPES)}")
    return scope


