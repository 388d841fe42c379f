"""The results of calls."""

from __future__ import annotations

from typing import Dict, Generic, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union, overload

from ._limits import Limit, Resource
from .errors import RlimitError

__all__ = [
    "Caller",
    "Change",
    "Explanation",
    "LeaseInfo",
    "ProcessResult",
    "Processes",
    "Restoration",
    "ServerInfo",
    "Stats",
    "Usage",
    "Verdict",
]

T = TypeVar("T")


class Change(NamedTuple):
    """One edit that was applied."""

    resource: Resource
    old: Limit
    new: Limit
    granted_by: str
    """``"kernel"`` or ``"agent"``."""
    rule: Optional[str] = None
    """The policy rule that granted the edit; None if it needed none."""
    warnings: Tuple[str, ...] = ()
    shortfall: Optional[RlimitError] = None
    """Why a clamp granted less than the request; None if it granted all of it."""


class Usage(NamedTuple):
    """The usage of a process as in getrusage(2), and the current amount of each resource.

    None is an unknown value, never zero.
    """

    user_time_us: Optional[int] = None
    system_time_us: Optional[int] = None
    max_resident_bytes: Optional[int] = None
    shared_text_bytes: Optional[int] = None
    unshared_data_bytes: Optional[int] = None
    unshared_stack_bytes: Optional[int] = None
    minor_faults: Optional[int] = None
    major_faults: Optional[int] = None
    swaps: Optional[int] = None
    block_inputs: Optional[int] = None
    block_outputs: Optional[int] = None
    messages_sent: Optional[int] = None
    messages_received: Optional[int] = None
    signals_received: Optional[int] = None
    voluntary_context_switches: Optional[int] = None
    involuntary_context_switches: Optional[int] = None
    partial: bool = False
    """Whether the context switches of ended threads are missing."""
    in_use: Dict[Resource, int] = {}


class Verdict(NamedTuple):
    """The outcome of one edit, or the maximum of one resource, as `Explanation` predicts it."""

    resource: Resource
    now: Optional[Limit] = None
    most: Optional[Limit] = None
    rule: Optional[str] = None
    new: Optional[Limit] = None
    error: Optional[RlimitError] = None


class Explanation(NamedTuple):
    """The predicted outcome of an operation."""

    allowed: bool
    rule: Optional[str] = None
    error: Optional[RlimitError] = None
    verdicts: Tuple[Verdict, ...] = ()


class LeaseInfo(NamedTuple):
    """A lease as the agent reports it."""

    id: bytes
    pid: Optional[int] = None
    changes: Tuple[Change, ...] = ()
    remaining_ms: Optional[int] = None
    """None if the lease lasts as long as the connection."""
    rule: Optional[str] = None


class Restoration(NamedTuple):
    """The outcome of the end of a lease, for one resource."""

    resource: Resource
    outcome: str
    """``"RESTORED"``, ``"HELD_BY_ANOTHER_LEASE"``, ``"CHANGED_BY_TARGET"``, ``"IDENTITY_CHANGED"``, or
    ``"PROCESS_ENDED"``."""
    limit: Optional[Limit] = None


class Caller(NamedTuple):
    """The caller as the agent sees it."""

    pid: Optional[int]
    uid: int
    gid: int
    groups: Tuple[int, ...]
    pinned: bool
    namespace_depth: Optional[int]
    cgroup: Optional[str]
    label: Optional[str]
    mixed_ids: bool
    may_attach: bool = True
    """Whether the agent receives pidfds from the caller; True also if it does not tell."""


class ServerInfo(NamedTuple):
    """The agent, and the caller as the agent sees it."""

    version: str
    kernel: str
    features: Tuple[str, ...]
    nr_open: int
    can_raise: bool
    policy: str
    caller: Optional[Caller]
    policy_generation: Optional[int] = None
    """1 at the start of the agent, one more with each policy put into force; None if the agent does not tell."""
    policy_path: Optional[str] = None
    """The main policy file, which need not exist; None if the agent does not tell."""
    warnings: Tuple[str, ...] = ()
    """What is wrong with the agent's surroundings, one sentence each."""


class Stats(NamedTuple):
    """Counters of the agent since its start."""

    connections: int
    connections_total: int
    requests_total: int
    changes_total: int
    refusals_total: int
    faults_total: int
    leases: int
    uptime_ms: int


class ProcessResult(Generic[T]):
    """The result for one process of a cgroup or pod: a value or an error."""

    __slots__ = ("_value", "error", "pid")

    def __init__(self, pid: Optional[int], value: Optional[T], error: Optional[RlimitError]) -> None:
        self.pid = pid
        """The pid in the PID namespace of the caller; None if the process has none there."""
        self.error = error
        self._value = value

    @property
    def value(self) -> T:
        """The value. Raises the error if there is one."""
        if self.error is not None:
            raise self.error
        assert self._value is not None
        return self._value

    def __repr__(self) -> str:
        return f"ProcessResult(pid={self.pid}, {self._value if self.error is None else self.error!r})"


class Processes(Sequence[ProcessResult[T]]):
    """The result for each process of a cgroup or pod, in the order of discovery."""

    __slots__ = ("_results", "incomplete")

    def __init__(self, results: List[ProcessResult[T]], incomplete: bool) -> None:
        self._results = results
        self.incomplete = incomplete
        """Whether processes may be missing, because new ones appeared until the deadline."""

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[ProcessResult[T]]:
        return iter(self._results)

    @overload
    def __getitem__(self, index: int) -> ProcessResult[T]: ...

    @overload
    def __getitem__(self, index: slice) -> List[ProcessResult[T]]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[ProcessResult[T], List[ProcessResult[T]]]:
        return self._results[index]

    def __repr__(self) -> str:
        return f"Processes({self._results!r}, incomplete={self.incomplete})"
