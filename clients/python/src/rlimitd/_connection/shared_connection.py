"""The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
agent was restarted, and gives each process its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Dict, Optional

from . import fork_local
from .agent_socket import AgentSocket
from .deadline import Deadline

if TYPE_CHECKING:
    from .._wire.agent_requests import AgentRequest
    from ..v1 import rlimitd_pb2 as pb
    from .blocking_connection import BlockingConnection


class ConnectionSlot:
    """The connection of one process."""

    def __init__(self) -> None:
        self.connect_lock = threading.Lock()
        self.connection: Optional[BlockingConnection] = None


class SharedConnection:
    def __init__(self, agent_socket: AgentSocket) -> None:
        self.agent_socket = agent_socket
        # By process. Not behind a lock: after fork(2) one may be held by a thread that the child does not have.
        self._slots: Dict[int, ConnectionSlot] = {}

    def call(self, request: AgentRequest, deadline: Deadline) -> pb.Response:
        """Blocks until the agent has answered."""
        from .._wire.reply_reader import Unanswered, Unsent, require_retry

        is_second = False
        while True:
            connection = self._connection(deadline)
            try:
                return connection.exchange(request, deadline)
            except (Unsent, Unanswered) as failure:
                require_retry(failure, request.only_reads, is_second, self.agent_socket)
            is_second = True

    def close(self) -> None:
        """The next call that needs the agent makes a new connection."""
        connection = self._slot().connection
        if connection is not None:
            connection.close()

    def _slot(self) -> ConnectionSlot:
        generation = fork_local.generation()
        slot = self._slots.get(generation)
        if slot is None:
            slot = self._slots.setdefault(generation, ConnectionSlot())
            for other in [key for key in list(self._slots) if key != generation]:
                inherited = self._slots.pop(other, None)
                if inherited is not None and inherited.connection is not None:
                    inherited.connection.abandon()
        return slot

    def _connection(self, deadline: Deadline) -> BlockingConnection:
        from .blocking_connection import BlockingConnection, open_socket

        slot = self._slot()
        connection = slot.connection
        if connection is not None and not connection.has_failed:
            return connection
        remaining = deadline.remaining()
        if not slot.connect_lock.acquire(timeout=-1 if remaining is None else remaining):
            raise self.agent_socket.deadline_exceeded()
        try:
            connection = slot.connection
            if connection is None or connection.has_failed:
                if deadline.remaining() == 0:
                    raise self.agent_socket.deadline_exceeded()
                if connection is not None:
                    connection.close()
                connection = slot.connection = BlockingConnection(
                    open_socket(self.agent_socket, deadline), self.agent_socket
                )
            return connection
        finally:
            slot.connect_lock.release()
