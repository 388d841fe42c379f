"""The blocking client. Threads may share it."""

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
    """Reads and changes the resource limits of the calling process or of other processes.

    A call asks the kernel first, and the agent only if the kernel refuses.

    The constructor opens no connection. The first call that needs the agent opens one, and a call after a restart of
    the agent opens it again. Copies (`options`) share the connection. Several threads may call at once. After fork(2)
    the child opens a connection of its own. Every call takes at most ``timeout`` seconds.

    After DEADLINE_EXCEEDED or CONNECTION_LOST a change may have been made. A request that the agent may have executed
    is never sent twice.
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
        :param socket: the path of the agent's socket; by default ``RLIMITD_SOCKET`` or /run/rlimitd/rlimitd.sock
        :param timeout: the maximum duration of a whole call in seconds; None is unlimited
        :param agent_only: whether calls use the agent alone and do not ask the kernel first
        :param trusted_uid: a user who may own the socket, besides root and the caller
        """
        self._shared_connection = SharedConnection(AgentSocket(socket, trusted_uid))
        self.timeout = timeout
        self.agent_only = agent_only

    @property
    def socket(self) -> str:
        """The path of the agent's socket."""
        return self._shared_connection.agent_socket.path

    def options(self, *, timeout: Timeout = Unchanged.UNCHANGED, agent_only: Optional[bool] = None) -> Client:
        """A copy with other options that shares the connection."""
        copy = Client.__new__(Client)
        copy._shared_connection = self._shared_connection
        copy.timeout = self.timeout if isinstance(timeout, Unchanged) else timeout
        copy.agent_only = self.agent_only if agent_only is None else agent_only
        return copy

    def close(self) -> None:
        """Closes the connection, which ends the leases without a duration. The next call opens a new one."""
        self._shared_connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def get(self, resource: ResourceLike, of: Target = None) -> Limit:
        """The limits of one resource of a process. By prlimit(2), /proc, or the agent, in this order."""
        return self._perform(_operations.get_one(resource, of, self.agent_only))

    def limits(self, resources: Resources = None, of: Target = None) -> Dict[str, Limit]:
        """The limits of some or all sixteen resources of a process, by name."""
        return self._perform(_operations.get(resources, of, self.agent_only))

    def limits_each(self, group: Group, resources: Resources = None) -> Processes[Dict[str, Limit]]:
        """The limits of every process in a cgroup or pod. Uses the agent alone."""
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
        """Sets the soft limit, the hard limit, or both; a half that is None keeps its value.

        With ``expect``, raises CONFLICT unless the current limits are these.
        """
        edit = Edit.set(resource, soft, hard, mode=mode, expect=expect)
        return self._perform(_operations.apply_one(edit, on, self.agent_only))

    def raise_limit(self, resource: ResourceLike, to: Bound, on: Target = None) -> Change:
        """Raises both halves to at least ``to``, or fails. Never lowers a limit."""
        return self._perform(_operations.apply_one(Edit.raise_to(resource, to), on, self.agent_only))

    def raise_up_to(self, resource: ResourceLike, bound: Bound, on: Target = None) -> Change:
        """Raises both halves as far toward ``bound`` as allowed. Never lowers a limit.

        ``shortfall`` of the result says why it is below ``bound``.
        """
        return self._perform(_operations.apply_one(Edit.raise_up_to(resource, bound), on, self.agent_only))

    def apply(self, edits: Edits, on: Target = None) -> List[Change]:
        """Applies edits of distinct resources, all or none."""
        return self._perform(_operations.apply(edits, on, self.agent_only))

    def apply_each(self, group: Group, edits: Edits) -> Processes[List[Change]]:
        """Applies edits to every process of a cgroup or pod, all or none in each. Uses the agent alone."""
        return self._perform(_operations.apply_each(edits, group))

    def prlimit(self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None) -> Limit:
        """Like prlimit(2): sets both halves if ``limit`` is given, and returns the previous limits."""
        return self._perform(_operations.prlimit(resource, limit, of, self.agent_only))

    def usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Usage:
        """The usage of a process (``"process"``), its ended children (``"children"``), ``"both"``, or one thread."""
        return self._perform(_operations.usage(of, scope, thread, self.agent_only))

    def usage_each(self, group: Group, scope: str = "process") -> Processes[Usage]:
        """The usage of every process in a cgroup or pod. Uses the agent alone."""
        return self._perform(_operations.usage_each(scope, group))

    def explain(self, edits: Edits, on: Target = None, *, lease: Union[bool, Duration] = False) -> Explanation:
        """The predicted outcome of edits. The agent decides them and applies none.

        ``lease`` is True or a duration, and explains the edits as a `lease`.
        """
        return self._perform(_operations.explain(edits, on, lease))

    def explain_limits(self, resources: Resources = None, of: Target = None) -> Explanation:
        """For each resource, the current limits and the maximum that the caller may set for the process."""
        return self._perform(_operations.explain_get(resources, of))

    def explain_prlimit(
        self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None
    ) -> Explanation:
        """The predicted outcome of `prlimit`."""
        return self._perform(_operations.explain_prlimit(resource, limit, of))

    def explain_usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Explanation:
        """The predicted outcome of `usage`."""
        return self._perform(_operations.explain_usage(of, scope, thread))

    def lease(self, edits: Edits, duration: Duration = None, on: Target = None) -> Lease:
        """Applies edits for a ``duration`` (seconds or a timedelta), or until the connection closes.

        Uses the agent alone. The result is a context manager that restores the limits at its end.
        """
        milliseconds = lease_milliseconds(duration)
        return Lease(self, self._perform(_operations.lease(edits, on, milliseconds)))

    def leases(self) -> List[LeaseInfo]:
        """The leases of the caller, or of all callers if a policy rule permits that."""
        return self._perform(_operations.leases())

    def renew(self, lease_id: bytes, duration: Duration = None) -> LeaseInfo:
        """Sets the remaining duration of a lease; None lasts as long as the connection."""
        return self._perform(_operations.lease_renew(lease_id, lease_milliseconds(duration)))

    def release(self, lease_id: bytes) -> List[Restoration]:
        """Ends a lease now and returns the outcome for each resource."""
        return self._perform(_operations.lease_release(lease_id))

    def server_info(self) -> ServerInfo:
        """The agent, and the caller as the agent sees it."""
        return self._perform(_operations.server_info())

    def stats(self) -> Stats:
        """The counters of the agent. A policy rule must permit this."""
        return self._perform(_operations.stats())

    def _perform(self, operation: Operation[T]) -> T:
        deadline = Deadline(self.timeout)
        try:
            request = next(operation)
            while True:
                try:
                    reply = self._shared_connection.exchange(request, deadline)
                except RlimitError as error:
                    request = operation.throw(error)
                else:
                    request = operation.send(reply)
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            operation.close()


class Lease:
    """Limits that are raised until the lease ends, and restored then.

    A lease ends at the end of its ``with`` block, after its duration, or with the target process. A lease without a
    duration also ends when the connection closes. If the policy bounds such a lease (``info.remaining_ms`` is not
    None), `renew` must be called in time. After the start of a new agent, it must be called within 30 seconds.
    """

    def __init__(self, client: Client, info: LeaseInfo) -> None:
        self._client = client
        self.info = info
        """The last report of the agent about the lease."""
        self._is_held = True
        # A child after fork(2) has copies of the leases of its parent, which it must not release.
        self._generation = fork_local.generation()

    @property
    def id(self) -> bytes:
        """The identifier for `Client.renew` and `Client.release`."""
        return self.info.id

    @property
    def changes(self) -> Tuple[Change, ...]:
        """The changes in the order of the edits. ``old`` are the limits to restore."""
        return self.info.changes

    def renew(self, duration: Duration = None) -> None:
        """Sets the remaining duration, longer or shorter than before; None lasts as long as the connection."""
        self._require_held()
        self.info = self._client.renew(self.id, duration)._replace(changes=self.changes)

    def release(self) -> List[Restoration]:
        """Ends the lease now and returns the outcome for each resource."""
        self._require_held()
        self._is_held = False
        return self._client.release(self.id)

    def keep(self) -> bytes:
        """Keeps the lease after the ``with`` block. It ends after its duration, or by `Client.release`."""
        self._is_held = False
        return self.id

    def _require_held(self) -> None:
        if not self._is_held or self._generation != fork_local.generation():
            raise make_error(
                Code.LEASE_ENDED, "the lease was released or kept before, or belongs to the parent process"
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
                # If the release fails, the lease ends after its duration or with the connection.
                pass
