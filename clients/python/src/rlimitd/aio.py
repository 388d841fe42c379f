"""The asynchronous client: the calls of `Client` as coroutines for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Dict, Generator, List, Optional, Tuple, Type, TypeVar, Union, cast

from . import _operations
from ._connection import fork_local
from ._connection.agent_socket import AgentSocket
from ._connection.async_shared_connection import AsyncSharedConnection
from ._connection.deadline import Deadline, Timeout, Unchanged
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

__all__ = ["AsyncClient", "AsyncLease"]

T = TypeVar("T")


class AsyncClient:
    """`Client` for tasks. No call blocks the event loop, and one connection carries any number of calls at once.

    A cancelled task ends at once. The agent may still execute its request if it was sent, but a lease that is granted
    after the cancellation is released.
    """

    def __init__(
        self,
        socket: Optional[str] = None,
        *,
        timeout: Optional[float] = 5.0,
        agent_only: bool = False,
        trusted_uid: Optional[int] = None,
    ) -> None:
        """Takes the parameters of `Client`."""
        self._shared_connection = AsyncSharedConnection(AgentSocket(socket, trusted_uid))
        self.timeout = timeout
        self.agent_only = agent_only

    @property
    def socket(self) -> str:
        """The path of the agent's socket."""
        return self._shared_connection.agent_socket.path

    def options(self, *, timeout: Timeout = Unchanged.UNCHANGED, agent_only: Optional[bool] = None) -> AsyncClient:
        """A copy with other options that shares the connection."""
        copy = AsyncClient.__new__(AsyncClient)
        copy._shared_connection = self._shared_connection
        copy.timeout = self.timeout if isinstance(timeout, Unchanged) else timeout
        copy.agent_only = self.agent_only if agent_only is None else agent_only
        return copy

    async def aclose(self) -> None:
        """Closes the connection, which ends the leases without a duration. The next call opens a new one."""
        self._shared_connection.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()

    async def get(self, resource: ResourceLike, of: Target = None) -> Limit:
        return await self._perform(_operations.get_one(resource, of, self.agent_only))

    async def limits(self, resources: Resources = None, of: Target = None) -> Dict[str, Limit]:
        return await self._perform(_operations.get(resources, of, self.agent_only))

    async def limits_each(self, group: Group, resources: Resources = None) -> Processes[Dict[str, Limit]]:
        return await self._perform(_operations.get_each(resources, group))

    async def set(
        self,
        resource: ResourceLike,
        soft: Optional[Bound] = None,
        hard: Optional[Bound] = None,
        *,
        mode: str = EXACT,
        expect: Optional[LimitLike] = None,
        on: Target = None,
    ) -> Change:
        edit = Edit.set(resource, soft, hard, mode=mode, expect=expect)
        return await self._perform(_operations.apply_one(edit, on, self.agent_only))

    async def raise_limit(self, resource: ResourceLike, to: Bound, on: Target = None) -> Change:
        return await self._perform(_operations.apply_one(Edit.raise_to(resource, to), on, self.agent_only))

    async def raise_up_to(self, resource: ResourceLike, bound: Bound, on: Target = None) -> Change:
        return await self._perform(_operations.apply_one(Edit.raise_up_to(resource, bound), on, self.agent_only))

    async def apply(self, edits: Edits, on: Target = None) -> List[Change]:
        return await self._perform(_operations.apply(edits, on, self.agent_only))

    async def apply_each(self, group: Group, edits: Edits) -> Processes[List[Change]]:
        return await self._perform(_operations.apply_each(edits, group))

    async def prlimit(self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None) -> Limit:
        return await self._perform(_operations.prlimit(resource, limit, of, self.agent_only))

    async def usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Usage:
        return await self._perform(_operations.usage(of, scope, thread, self.agent_only))

    async def usage_each(self, group: Group, scope: str = "process") -> Processes[Usage]:
        return await self._perform(_operations.usage_each(scope, group))

    async def explain(self, edits: Edits, on: Target = None, *, lease: Union[bool, Duration] = False) -> Explanation:
        return await self._perform(_operations.explain(edits, on, lease))

    async def explain_limits(self, resources: Resources = None, of: Target = None) -> Explanation:
        return await self._perform(_operations.explain_get(resources, of))

    async def explain_prlimit(
        self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None
    ) -> Explanation:
        return await self._perform(_operations.explain_prlimit(resource, limit, of))

    async def explain_usage(
        self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None
    ) -> Explanation:
        return await self._perform(_operations.explain_usage(of, scope, thread))

    def lease(self, edits: Edits, duration: Duration = None, on: Target = None) -> _PendingLease:
        """Requests a lease as `Client.lease` does.

        ``async with client.lease(...)`` ends it with the block; ``await client.lease(...)`` does not.
        """
        return _PendingLease(self, edits, duration, on)

    async def leases(self) -> List[LeaseInfo]:
        return await self._perform(_operations.leases())

    async def renew(self, lease_id: bytes, duration: Duration = None) -> LeaseInfo:
        return await self._perform(_operations.lease_renew(lease_id, lease_milliseconds(duration)))

    async def release(self, lease_id: bytes) -> List[Restoration]:
        return await self._perform(_operations.lease_release(lease_id))

    async def server_info(self) -> ServerInfo:
        return await self._perform(_operations.server_info())

    async def stats(self) -> Stats:
        return await self._perform(_operations.stats())

    async def _perform(self, operation: Operation[T]) -> T:
        deadline = Deadline(self.timeout)
        try:
            request = next(operation)
            while True:
                try:
                    reply = await self._shared_connection.exchange(request, deadline)
                except RlimitError as error:
                    request = operation.throw(error)
                else:
                    request = operation.send(reply)
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            operation.close()


class AsyncLease:
    """`Lease` for tasks."""

    def __init__(self, client: AsyncClient, info: LeaseInfo) -> None:
        self._client = client
        self.info = info
        self._is_held = True
        self._generation = fork_local.generation()

    @property
    def id(self) -> bytes:
        return self.info.id

    @property
    def changes(self) -> Tuple[Change, ...]:
        return self.info.changes

    async def renew(self, duration: Duration = None) -> None:
        self._require_held()
        self.info = (await self._client.renew(self.id, duration))._replace(changes=self.changes)

    async def release(self) -> List[Restoration]:
        """Ends the lease now. The request is sent even if the task is cancelled meanwhile."""
        self._require_held()
        self._is_held = False
        release = asyncio.ensure_future(self._client.release(self.id))
        # Retrieves the exception, so that asyncio does not log it if the task was cancelled.
        release.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(release)

    def keep(self) -> bytes:
        self._is_held = False
        return self.id

    def _require_held(self) -> None:
        if not self._is_held or self._generation != fork_local.generation():
            raise make_error(
                Code.LEASE_ENDED, "the lease was released or kept before, or belongs to the parent process"
            )

    async def __aenter__(self) -> AsyncLease:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._is_held and self._generation == fork_local.generation():
            # If the release fails, the lease ends after its duration or with the connection.
            with contextlib.suppress(RlimitError):
                await self.release()


class _PendingLease:
    """A lease that is requested when it is awaited or entered."""

    def __init__(self, client: AsyncClient, edits: Edits, duration: Duration, on: Target) -> None:
        self._client = client
        self._edits = edits
        self._duration = duration
        self._on = on
        self._lease: Optional[AsyncLease] = None

    async def _request_lease(self) -> AsyncLease:
        operation = _operations.lease(self._edits, self._on, lease_milliseconds(self._duration))
        return AsyncLease(self._client, await self._client._perform(operation))

    def __await__(self) -> Generator[object, None, AsyncLease]:
        return self._request_lease().__await__()

    async def __aenter__(self) -> AsyncLease:
        self._lease = await self._request_lease()
        return self._lease

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._lease is not None
        await self._lease.__aexit__(kind, error, trace)
