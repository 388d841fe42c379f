"""The client for tasks of asyncio: the calls of `Client`, to be awaited."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Dict, Generator, List, Optional, Tuple, Type, TypeVar, Union, cast

from . import _courses, _fork
from ._courses import Course, Duration, Edits, Resources, lease_milliseconds
from ._deadline import Deadline, Same, Timeout
from ._inbox import Unanswered, Unsent, require_another_try
from ._place import Place
from ._requests import Inquiry
from ._task_connection import TaskConnection
from ._values import Limit
from .edits import EXACT, Bound, Edit, LimitLike, ResourceLike
from .errors import Code, RlimitError, failure
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
from .v1 import rlimitd_pb2 as pb

__all__ = ["AsyncClient", "AsyncLease"]

T = TypeVar("T")


class _TaskLink:
    """The way to an agent, which all copies of a client share: one connection for each event loop that asks."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._generation = _fork.generation()
        self._connections: List[TaskConnection] = []

    async def ask(self, inquiry: Inquiry, deadline: Deadline) -> pb.Response:
        is_second = False
        while True:
            connection = await self._open(deadline)
            try:
                return await connection.exchange(inquiry, deadline)
            except (Unsent, Unanswered) as ending:
                require_another_try(ending, inquiry.only_reads, is_second, self.place)
            is_second = True

    def close(self) -> None:
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close_soon()

    async def _open(self, deadline: Deadline) -> TaskConnection:
        # The kernel tells nobody when there is room in a listener's backlog again.
        pause = 0.001
        while True:
            connection = self._open_if_ready()
            if connection is not None:
                return connection
            left = deadline.left()
            if left == 0:
                raise self.place.late()
            await asyncio.sleep(pause if left is None else min(pause, left))
            pause = min(pause * 2, 0.02)

    def _open_if_ready(self) -> Optional[TaskConnection]:
        loop, generation = asyncio.get_running_loop(), _fork.generation()
        if generation != self._generation:
            for connection in self._connections:
                connection.abandon()
            self._connections, self._generation = [], generation
        for connection in self._connections[:]:
            if connection.serves(loop):
                return connection
            if connection.is_over():
                self._connections.remove(connection)
        opened = self.place.socket()
        try:
            opened.setblocking(False)
            opened.connect(self.place.path)
        except BlockingIOError:
            opened.close()
            return None
        except OSError as error:
            opened.close()
            raise self.place.unreachable(error) from error
        made = TaskConnection(opened, self.place, loop)
        self._connections.append(made)
        return made


class AsyncClient:
    """As `Client`, for tasks: no call blocks the event loop, and any number of them are under way on one connection.

    A task that is cancelled is cancelled at once; its request, if it was sent, may be carried out, but a lease that is
    granted to nobody goes back.
    """

    def __init__(
        self,
        socket: Optional[str] = None,
        *,
        timeout: Optional[float] = 5.0,
        agent_only: bool = False,
        trusted_uid: Optional[int] = None,
    ) -> None:
        """The parameters are those of `Client`."""
        self._link = _TaskLink(Place(socket, trusted_uid))
        self.timeout = timeout
        self.agent_only = agent_only

    @property
    def socket(self) -> str:
        """Where its agent listens."""
        return self._link.place.path

    def options(
        self, *, timeout: Timeout = Same.SAME, agent_only: Optional[bool] = None
    ) -> AsyncClient:
        """A copy on the same connection, with other options."""
        copy = AsyncClient.__new__(AsyncClient)
        copy._link = self._link
        copy.timeout = self.timeout if isinstance(timeout, Same) else timeout
        copy.agent_only = self.agent_only if agent_only is None else agent_only
        return copy

    async def aclose(self) -> None:
        """Ends the connection, and with it the leases that last as long. The next call makes a new one."""
        self._link.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()

    async def get(self, resource: ResourceLike, of: Target = None) -> Limit:
        return await self._run(_courses.get_one(resource, of, self.agent_only))

    async def limits(self, resources: Resources = None, of: Target = None) -> Dict[str, Limit]:
        return await self._run(_courses.get(resources, of, self.agent_only))

    async def limits_each(self, group: Group, resources: Resources = None) -> Processes[Dict[str, Limit]]:
        return await self._run(_courses.get_each(resources, group))

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
        return await self._run(_courses.apply_one(edit, on, self.agent_only))

    async def raise_limit(self, resource: ResourceLike, to: Bound, on: Target = None) -> Change:
        return await self._run(_courses.apply_one(Edit.raise_to(resource, to), on, self.agent_only))

    async def raise_up_to(self, resource: ResourceLike, bound: Bound, on: Target = None) -> Change:
        return await self._run(_courses.apply_one(Edit.raise_up_to(resource, bound), on, self.agent_only))

    async def apply(self, edits: Edits, on: Target = None) -> List[Change]:
        return await self._run(_courses.apply(edits, on, self.agent_only))

    async def apply_each(self, group: Group, edits: Edits) -> Processes[List[Change]]:
        return await self._run(_courses.apply_each(edits, group))

    async def prlimit(
        self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None
    ) -> Limit:
        return await self._run(_courses.prlimit(resource, limit, of, self.agent_only))

    async def usage(self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None) -> Usage:
        return await self._run(_courses.usage(of, scope, thread, self.agent_only))

    async def usage_each(self, group: Group, scope: str = "process") -> Processes[Usage]:
        return await self._run(_courses.usage_each(scope, group))

    async def explain(
        self, edits: Edits, on: Target = None, *, lease: Union[bool, Duration] = False
    ) -> Explanation:
        return await self._run(_courses.explain(edits, on, lease))

    async def explain_limits(self, resources: Resources = None, of: Target = None) -> Explanation:
        return await self._run(_courses.explain_get(resources, of))

    async def explain_prlimit(
        self, resource: ResourceLike, limit: Optional[LimitLike] = None, of: Target = None
    ) -> Explanation:
        return await self._run(_courses.explain_prlimit(resource, limit, of))

    async def explain_usage(
        self, of: Target = None, scope: str = "process", *, thread: Optional[int] = None
    ) -> Explanation:
        return await self._run(_courses.explain_usage(of, scope, thread))

    def lease(self, edits: Edits, duration: Duration = None, on: Target = None) -> _Lending:
        """``async with client.lease(...) as lease`` gives back at its end; ``await client.lease(...)`` does not."""
        return _Lending(self, edits, duration, on)

    async def leases(self) -> List[LeaseInfo]:
        return await self._run(_courses.leases())

    async def renew(self, lease_id: bytes, duration: Duration = None) -> LeaseInfo:
        return await self._run(_courses.lease_renew(lease_id, lease_milliseconds(duration)))

    async def release(self, lease_id: bytes) -> List[Restoration]:
        return await self._run(_courses.lease_release(lease_id))

    async def server_info(self) -> ServerInfo:
        return await self._run(_courses.server_info())

    async def stats(self) -> Stats:
        return await self._run(_courses.stats())

    async def _run(self, course: Course[T]) -> T:
        deadline = Deadline(self.timeout)
        try:
            inquiry = next(course)
            while True:
                try:
                    reply = await self._link.ask(inquiry, deadline)
                except RlimitError as error:
                    inquiry = course.throw(error)
                else:
                    inquiry = course.send(reply)
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            course.close()


class AsyncLease:
    """As `Lease`, for tasks."""

    def __init__(self, client: AsyncClient, info: LeaseInfo) -> None:
        self._client = client
        self.info = info
        self._is_held = True
        self._generation = _fork.generation()

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
        """Gives back now. Sent also where the task is cancelled meanwhile."""
        self._require_held()
        self._is_held = False
        release = asyncio.ensure_future(self._client.release(self.id))
        # Where nobody waits for it any more, nobody asks what went wrong.
        release.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(release)

    def keep(self) -> bytes:
        self._is_held = False
        return self.id

    def _require_held(self) -> None:
        if not self._is_held or self._generation != _fork.generation():
            raise failure(Code.LEASE_ENDED, "the lease was given back or let go of before, or is the parent process's")

    async def __aenter__(self) -> AsyncLease:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._is_held and self._generation == _fork.generation():
            # What goes wrong in giving back does not matter here: it then ends at its time or with the connection.
            with contextlib.suppress(RlimitError):
                await self.release()


class _Lending:
    """A lease that is asked for when it is awaited or entered."""

    def __init__(self, client: AsyncClient, edits: Edits, duration: Duration, on: Target) -> None:
        self._client = client
        self._edits = edits
        self._duration = duration
        self._on = on
        self._lease: Optional[AsyncLease] = None

    async def _lend(self) -> AsyncLease:
        course = _courses.lease(self._edits, self._on, lease_milliseconds(self._duration))
        return AsyncLease(self._client, await self._client._run(course))

    def __await__(self) -> Generator[object, None, AsyncLease]:
        return self._lend().__await__()

    async def __aenter__(self) -> AsyncLease:
        self._lease = await self._lend()
        return self._lease

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._lease is not None
        await self._lease.__aexit__(kind, error, trace)
