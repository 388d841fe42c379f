"""The way to an agent, which all copies of a client share: makes the connection when it is needed, makes it again when the
agent was restarted, and gives each process its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Dict, Optional

from . import _fork
from ._deadline import Deadline
from ._place import Place

if TYPE_CHECKING:
    from ._connection import Connection
    from ._requests import Inquiry
    from .v1 import rlimitd_pb2 as pb


class _Line:
    """The connection of one process."""

    def __init__(self) -> None:
        self.connecting = threading.Lock()
        self.connection: Optional[Connection] = None


class Link:
    def __init__(self, place: Place) -> None:
        self.place = place
        # By process. Not behind a lock: after fork(2) one may be held by a thread that the child does not have.
        self._lines: Dict[int, _Line] = {}

    def ask(self, inquiry: Inquiry, deadline: Deadline) -> pb.Response:
        """Blocks until the agent has answered."""
        from ._inbox import Unanswered, Unsent, require_another_try

        is_second = False
        while True:
            connection = self._connection(deadline)
            try:
                return connection.exchange(inquiry, deadline)
            except (Unsent, Unanswered) as ending:
                require_another_try(ending, inquiry.only_reads, is_second, self.place)
            is_second = True

    def close(self) -> None:
        """The next call that needs the agent makes a new connection."""
        connection = self._line().connection
        if connection is not None:
            connection.close()

    def _line(self) -> _Line:
        generation = _fork.generation()
        line = self._lines.get(generation)
        if line is None:
            line = self._lines.setdefault(generation, _Line())
            for other in [key for key in list(self._lines) if key != generation]:
                inherited = self._lines.pop(other, None)
                if inherited is not None and inherited.connection is not None:
                    inherited.connection.abandon()
        return line

    def _connection(self, deadline: Deadline) -> Connection:
        from ._connection import Connection, open_socket

        line = self._line()
        connection = line.connection
        if connection is not None and not connection.has_ended:
            return connection
        left = deadline.left()
        if not line.connecting.acquire(timeout=-1 if left is None else left):
            raise self.place.late()
        try:
            connection = line.connection
            if connection is None or connection.has_ended:
                if deadline.left() == 0:
                    raise self.place.late()
                if connection is not None:
                    connection.close()
                connection = line.connection = Connection(open_socket(self.place, deadline), self.place)
            return connection
        finally:
            line.connecting.release()
