"""The connection to one agent that all copies of a blocking client share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Optional

from ..errors import RlimitError
from .agent_socket import AgentSocket
from .deadline import Deadline
from .fork_local import ForkLocal

if TYPE_CHECKING:
    from .._kernel.resolved_target import ResolvedTarget
    from .._wire.agent_requests import AgentRequest
    from ..v1 import rlimitd_pb2 as pb
    from .blocking_connection import BlockingConnection


class ConnectionSlot:
    """The connection of one process, and a lock for the thread that opens it."""

    def __init__(self) -> None:
        self.connect_lock = threading.Lock()
        self.connection: Optional[BlockingConnection] = None

    def abandon(self) -> None:
        """Closes a connection that this process inherited from its parent."""
        if self.connection is not None:
            self.connection.abandon()


class SharedConnection:
    """One connection for each process, opened on demand and reopened after the agent restarts."""

    def __init__(self, agent_socket: AgentSocket) -> None:
        self.agent_socket = agent_socket
        self._slots: ForkLocal[ConnectionSlot] = ForkLocal(ConnectionSlot, ConnectionSlot.abandon)

    def exchange(self, request: AgentRequest, deadline: Deadline) -> pb.Response:
        """Sends a request and waits for the response. Repeats it on a new connection as `require_retryable` says."""
        from .exchange_failure import ExchangeFailure, require_retryable

        is_retry = False
        while True:
            connection = self._connect(deadline)
            try:
                if request.target is None:
                    return connection.exchange(request, deadline)
                return self._exchange_about_process(connection, request, request.target, deadline)
            except ExchangeFailure as failure:
                require_retryable(failure, request.is_read_only, is_retry, self.agent_socket)
            is_retry = True

    def _exchange_about_process(
        self, connection: BlockingConnection, request: AgentRequest, target: ResolvedTarget, deadline: Deadline
    ) -> pb.Response:
        from .._wire import agent_requests
        from . import process_naming
        from .exchange_failure import Unanswered, Unsent

        naming = connection.naming
        if naming is None or not naming.suffices_for(target):
            try:
                answer = connection.exchange(agent_requests.server_info(), deadline)
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
            reply = connection.exchange(named.request, deadline)
        except RlimitError as error:
            named.require_unreused(error)
            raise
        named.require_unreused()
        return reply

    def close(self) -> None:
        """Closes the connection of this process. The next call that needs the agent opens a new one."""
        connection = self._slots.get().connection
        if connection is not None:
            connection.close()

    def _connect(self, deadline: Deadline) -> BlockingConnection:
        from .blocking_connection import BlockingConnection

        slot = self._slots.get()
        connection = slot.connection
        if connection is not None and not connection.is_closed:
            return connection
        remaining = deadline.remaining()
        if not slot.connect_lock.acquire(timeout=-1 if remaining is None else remaining):
            raise self.agent_socket.timed_out()
        try:
            connection = slot.connection
            if connection is None or connection.is_closed:
                if deadline.remaining() == 0:
                    raise self.agent_socket.timed_out()
                if connection is not None:
                    connection.close()
                connected = self.agent_socket.connect(deadline)
                connection = slot.connection = BlockingConnection(connected, self.agent_socket)
            return connection
        finally:
            slot.connect_lock.release()
