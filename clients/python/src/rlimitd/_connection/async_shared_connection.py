"""The connections to one agent that all copies of an asynchronous client share."""

from __future__ import annotations

import asyncio
from typing import List, Optional

from .._kernel.resolved_target import ResolvedTarget
from .._wire import agent_requests
from .._wire.agent_requests import AgentRequest
from ..errors import RlimitError
from ..v1 import rlimitd_pb2 as pb
from . import process_naming
from .agent_socket import AgentSocket
from .async_connection import AsyncConnection
from .deadline import Deadline
from .exchange_failure import ExchangeFailure, Unanswered, Unsent, require_retryable
from .fork_local import ForkLocal

# There is no event for room in the backlog of a listener, so a full backlog is tried again after a pause.
_MIN_PAUSE = 0.001
_MAX_PAUSE = 0.02


class AsyncSharedConnection:
    """One connection for each process and event loop, opened on demand and reopened after the agent restarts."""

    def __init__(self, agent_socket: AgentSocket) -> None:
        self.agent_socket = agent_socket
        self._connections: ForkLocal[List[AsyncConnection]] = ForkLocal(list, _abandon)

    async def exchange(self, request: AgentRequest, deadline: Deadline) -> pb.Response:
        """Sends a request and waits for the response. Repeats it on a new connection as `require_retryable` says."""
        is_retry = False
        while True:
            connection = await self._connect(deadline)
            try:
                if request.target is None:
                    return await connection.exchange(request, deadline)
                return await self._exchange_about_process(connection, request, request.target, deadline)
            except ExchangeFailure as failure:
                require_retryable(failure, request.is_read_only, is_retry, self.agent_socket)
            is_retry = True

    async def _exchange_about_process(
        self, connection: AsyncConnection, request: AgentRequest, target: ResolvedTarget, deadline: Deadline
    ) -> pb.Response:
        naming = connection.naming
        if naming is None or not naming.suffices_for(target):
            try:
                answer = await connection.exchange(agent_requests.server_info(), deadline)
            except Unanswered as failure:
                # The request itself was not sent.
                raise Unsent(failure.error) from failure
            except RlimitError as error:
                naming = process_naming.from_error(error)
            else:
                naming = process_naming.from_reply(answer)
            connection.naming = naming
        named = naming.named(request, target)
        try:
            reply = await connection.exchange(named.request, deadline)
        except RlimitError as error:
            named.require_unreused(error)
            raise
        named.require_unreused()
        return reply

    def close(self) -> None:
        """Closes the connections of this process. The next call opens a new one."""
        connections = self._connections.get()
        while connections:
            connections.pop().close_threadsafe()

    async def _connect(self, deadline: Deadline) -> AsyncConnection:
        pause = _MIN_PAUSE
        while True:
            connection = self._connect_if_ready()
            if connection is not None:
                return connection
            remaining = deadline.remaining()
            if remaining == 0:
                raise self.agent_socket.timed_out()
            await asyncio.sleep(pause if remaining is None else min(pause, remaining))
            pause = min(pause * 2, _MAX_PAUSE)

    def _connect_if_ready(self) -> Optional[AsyncConnection]:
        loop, connections = asyncio.get_running_loop(), self._connections.get()
        for connection in connections[:]:
            if connection.is_usable_on(loop):
                return connection
            if connection.is_unusable():
                connections.remove(connection)
        connected = self.agent_socket.connect_if_ready()
        if connected is None:
            return None
        created = AsyncConnection(connected, self.agent_socket, loop)
        connections.append(created)
        return created


def _abandon(inherited: List[AsyncConnection]) -> None:
    for connection in inherited:
        connection.abandon()
