"""What calls return."""

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
    """One edit that was made."""

    resource: Resource
    old: Limit
    new: Limit
    granted_by: str
    """``"kernel"`` or ``"agent"``."""
    rule: Optional[str] = None
    """The rule of the policy that granted it; None where none was needed."""
    warnings: Tuple[str, ...] = ()
    shortfall: Optional[RlimitError] = None
    """Of a clamp: why it is not all that was asked for."""


class Usage(NamedTuple):
    """What a process used, as getrusage(2) has it, and what is taken of each limit now. None is not shown, never zero."""

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
    """Threads that have ended are missing from the context switches."""
    in_use: Dict[Resource, int] = {}


class Verdict(NamedTuple):
    """What would come of one edit, or what one may have of one resource."""

    resource: Resource
    now: Optional[Limit] = None
    most: Optional[Limit] = None
    rule: Optional[str] = None
    new: Optional[Limit] = None
    error: Optional[RlimitError] = None


class Explanation(NamedTuple):
    """What an operation would do."""

    allowed: bool
    rule: Optional[str] = None
    error: Optional[RlimitError] = None
    verdicts: Tuple[Verdict, ...] = ()


class LeaseInfo(NamedTuple):
    """A lease as the agent tells of it."""

    id: bytes
    pid: Optional[int] = None
    changes: Tuple[Change, ...] = ()
    remaining_ms: Optional[int] = None
    """None where it lasts as long as the connection."""
    rule: Optional[str] = None


class Restoration(NamedTuple):
    """What the end of a lease came to, for one resource."""

    resource: Resource
    outcome: str
    """``"RESTORED"``, ``"HELD_BY_ANOTHER_LEASE"``, ``"CHANGED_BY_TARGET"``, ``"IDENTITY_CHANGED"``, ``"PROCESS_ENDED"``."""
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


class ServerInfo(NamedTuple):
    """The agent, and the caller as it sees it."""

    version: str
    kernel: str
    features: Tuple[str, ...]
    nr_open: int
    can_raise: bool
    policy: str
    caller: Optional[Caller]


class Stats(NamedTuple):
    """What the agent has done since it started."""

    connections: int
    connections_total: int
    requests_total: int
    changes_total: int
    refusals_total: int
    faults_total: int
    leases: int
    uptime_ms: int


class ProcessResult(Generic[T]):
    """What came of one process of a cgroup or pod: a value or an error."""

    __slots__ = ("_value", "error", "pid")

    def __init__(self, pid: Optional[int], value: Optional[T], error: Optional[RlimitError]) -> None:
        self.pid = pid
        """Its number in the PID namespace of the caller; None where it has none."""
        self.error = error
        self._value = value

    @property
    def value(self) -> T:
        """Raises the error where there is one."""
        if self.error is not None:
            raise self.error
        assert self._value is not None
        return self._value

    def __repr__(self) -> str:
        return f"ProcessResult(pid={self.pid}, {self._value if self.error is None else self.error!r})"


class Processes(Sequence[ProcessResult[T]]):
    """What came of each process of a cgroup or pod, in the order in which they were found."""

    __slots__ = ("_results", "incomplete")

    def __init__(self, results: List[ProcessResult[T]], incomplete: bool) -> None:
        self._results = results
        self.incomplete = incomplete
        """There may be more: processes kept appearing until the time was over."""

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
