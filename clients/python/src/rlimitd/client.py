"""The client for threads."""

from __future__ import annotations

from types import TracebackType
from typing import Dict, List, Optional, Tuple, Type, TypeVar, Union, cast

from . import _operations
from ._connection import fork_local
from ._connection.agent_socket import AgentSocket
from ._connection.deadline import Deadline, Timeout, Unchanged
from ._connection.shared_connection import SharedConnection
from ._limits import Limit
from ._operations import Duration, Edits, Operation, Resources, lease_milliseconds
from .edits import EXACT, Bound, Edit, LimitLike, ResourceLike
from .errors import Code, RlimitError, make_error
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

__all__ = ["Client", "Lease"]

T = TypeVar("T")


class Client:
    """Reads and changes resource limits, of the calling process or of others: through the kernel where it allows that, and
    through the agent where it does not.

    Making one opens nothing and cannot fail. Copies (`options`) share one connection, which the first call that needs
    the agent makes, and which is made again when the agent was restarted. Several threads may call at once; after
    fork(2) the child makes a connection of its own. Every call takes at most ``timeout`` seconds.

    After DEADLINE_EXCEEDED or CONNECTION_LOST a change may have been made: nothing is ever sent twice that may have been
    carried out.
    """

    def __init__(
        self,
        socket: Optional[str] = None,
        *,
        timeout: Optional[float] = 5.0,
        agent_only: bool = False,
        trusted_uid: Optional[int] = None,
    ) -> None:
        """
        :param socket: where the agent listens; by default ``RLIMITD_SOCKET`` or /run/rlimitd/rlimitd.sock
        :param timeout: seconds for one call in all; None for as long as it takes
        :param agent_only: the kernel is not asked first
        :param trusted_uid: who may own the socket, beside root and oneself
        """
        self._shared_connection = SharedConnection(AgentSocket(socket, trusted_uid))
        self.timeout = timeout
        self.agent_only = agent_only

    @property
    def socket(self) -> str:
        """Where its agent listens."""
        return self._shared_connection.agent_socket.path

    def options(self, *, timeout: Timeout = Unchanged.UNCHANGED, agent_only: Optional[bool] = None) -> Client:
        """A copy on the same connection, with other options."""
        copy = Client.__new__(Client)
        copy._shared_connection = self._shared_connection
        copy.timeout = self.timeout if isinstance(timeout, Unchanged) else timeout
        copy.agent_only = self.agent_only if agent_only is None else agent_only
        return copy

    def close(self) -> None:
        """Ends the connection, and with it the leases that last as long. The next call makes a new one."""
        self._shared_connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def get(self, resource: ResourceLike, of: Target = None) -> Limit:
        """One limit of a process. prlimit(2), /proc, the agent."""
        return self._perform(_operations.get_one(resource, of, self.agent_only))

    def limits(self, resources: Resources = None, of: Target = None) -> Dict[str, Limit]:
        """Some limits of a process, or all sixteen, by name."""
        return self._perform(_operations.get(resources, of, self.agent_only))

    def limits_each(self, group: Group, resources: Resources = None) -> Processes[Dict[str, Limit]]:
        """The limits of every process in a cgroup or pod. The agent alone is asked."""
        return self._perform(_operations.get_each(resources, group))

    def set(
        self,
        resource: ResourceLike,
        soft: Optional[Bound] = None,
        hard: Optional[Bound] = None,
        *,
        mode: str = EXACT,
        expect: Optional[LimitLike] = None,
        on: Target = None,
    ) -> Change:
        """Soft, hard or both; a half that is None keeps its value. With ``expect``, only if the limits now are these."""
        edit = Edit.set(resource, soft, hard, mode=mode, expect=expect)
        return self._perform(_operations.apply_one(edit, on, self.agent_only))

    def raise_limit(self, resource: ResourceLike, to: Bound, on: Target = None) -> Change:
        """Both halves to at least this, or an error; never lowers."""
        return self._perform(_operations.apply_one(Edit.raise_to(resource, to), on, self.agent_only))

    def raise_up_to(self, resource: ResourceLike, bound: Bound, on: Target = None) -> Change:
        """Both halves to as much of this as one may have; never lowers. ``shortfall`` says why it is less."""
        return self._perform(_operations.apply_one(Edit.raise_up_to(resource, bound), on, self.agent_only))

    def apply(self, edits: Edits, on: Target = None) -> List[Change]:
        """Edits of distinct resources, all or none."""
        return self._perform(_operations.apply(edits, on, self.agent_only))

    def apply_each(self, group: Group, edits: Edits) -> Processes[List[Change]]:
        """Edits in every process of a cgroup or pod: in each all or none. The agent alone is asked."""
        return self._perform(_operations.apply_each(edits, group))

    def prlimit(self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None) -> Limit:
        """As prlimit(2): sets both halves if they are given, and returns what they were."""
        return self._perform(_operations.prlimit(resource, limit, of, self.agent_only))

    def usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Usage:
        """What a process used (``"process"``), its children that ended (``"children"``), or ``"both"``; or one thread."""
        return self._perform(_operations.usage(of, scope, thread, self.agent_only))

    def usage_each(self, group: Group, scope: str = "process") -> Processes[Usage]:
        """The same of every process in a cgroup or pod. The agent alone is asked."""
        return self._perform(_operations.usage_each(scope, group))

    def explain(self, edits: Edits, on: Target = None, *, lease: Union[bool, Duration] = False) -> Explanation:
        """What would come of edits, decided by the agent and not done. ``lease``: True or a duration, as for `lease`."""
        return self._perform(_operations.explain(edits, on, lease))

    def explain_limits(self, resources: Resources = None, of: Target = None) -> Explanation:
        """For each resource its limits now and the most that one may give the process."""
        return self._perform(_operations.explain_get(resources, of))

    def explain_prlimit(
        self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None
    ) -> Explanation:
        """What would come of `prlimit`."""
        return self._perform(_operations.explain_prlimit(resource, limit, of))

    def explain_usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Explanation:
        """What would come of `usage`."""
        return self._perform(_operations.explain_usage(of, scope, thread))

    def lease(self, edits: Edits, duration: Duration = None, on: Target = None) -> Lease:
        """Edits until an end: after ``duration`` (seconds or a timedelta), or with the connection. The agent alone can.

        A context manager: at its end the limits are given back.
        """
        milliseconds = lease_milliseconds(duration)
        return Lease(self, self._perform(_operations.lease(edits, on, milliseconds)))

    def leases(self) -> List[LeaseInfo]:
        """The caller's own; everyone's for callers whom a rule lets see them."""
        return self._perform(_operations.leases())

    def renew(self, lease_id: bytes, duration: Duration = None) -> LeaseInfo:
        """Another end for a lease, from now on; None is the end of the connection."""
        return self._perform(_operations.lease_renew(lease_id, lease_milliseconds(duration)))

    def release(self, lease_id: bytes) -> List[Restoration]:
        """The end of a lease now, and what came of it for each resource."""
        return self._perform(_operations.lease_release(lease_id))

    def server_info(self) -> ServerInfo:
        """The agent, and the caller as the agent sees it."""
        return self._perform(_operations.server_info())

    def stats(self) -> Stats:
        """What the agent has done since it started, for those whom a rule lets see that."""
        return self._perform(_operations.stats())

    def _perform(self, operation: Operation[T]) -> T:
        deadline = Deadline(self.timeout)
        try:
            request = next(operation)
            while True:
                try:
                    reply = self._shared_connection.call(request, deadline)
                except RlimitError as error:
                    request = operation.throw(error)
                else:
                    request = operation.send(reply)
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            operation.close()


class Lease:
    """Limits that were raised and go back: at the end of the ``with`` block, when their time is over, when the process ends
    whose they are, or, where there is no duration, when the connection closes.

    One that has no duration must be renewed by `renew` where the policy bounds how long it may go without that
    (``info.remaining_ms`` is not None then), and within 30 seconds of the start of a new agent.
    """

    def __init__(self, client: Client, info: LeaseInfo) -> None:
        self._client = client
        self.info = info
        """As the agent told of it last."""
        self._is_held = True
        # A child after fork(2) has copies of what is its parent's.
        self._generation = fork_local.generation()

    @property
    def id(self) -> bytes:
        """What it is called, for `renew` and `release` of the client."""
        return self.info.id

    @property
    def changes(self) -> Tuple[Change, ...]:
        """What was changed, in the order of the edits: ``old`` is what it goes back to."""
        return self.info.changes

    def renew(self, duration: Duration = None) -> None:
        """So much time from now, more or less than it had; None is as long as the connection."""
        self._require_held()
        self.info = self._client.renew(self.id, duration)._replace(changes=self.changes)

    def release(self) -> List[Restoration]:
        """Gives back now, and tells what came of it for each resource."""
        self._require_held()
        self._is_held = False
        return self._client.release(self.id)

    def keep(self) -> bytes:
        """Lets go of it without giving it back: it ends at its time, or by `release` of the client."""
        self._is_held = False
        return self.id

    def _require_held(self) -> None:
        if not self._is_held or self._generation != fork_local.generation():
            raise make_error(
                Code.LEASE_ENDED, "the lease was given back or let go of before, or is the parent process's"
            )

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._is_held and self._generation == fork_local.generation():
            try:
                self.release()
            except RlimitError:
                # What goes wrong in giving back does not matter here: it then ends at its time or with the connection.
                pass
