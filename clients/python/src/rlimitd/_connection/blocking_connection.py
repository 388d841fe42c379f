"""An open connection that any number of threads use at once.

It has no thread of its own. One of the waiting threads receives for all of them. A response is matched with its request
by id, and dropped if no thread waits for it any more.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
from typing import TYPE_CHECKING, Dict, Optional

from .._kernel.sockets import send
from .._wire import agent_requests
from .._wire.agent_requests import AgentRequest
from .._wire.pending_reply import PendingReply
from .._wire.reply_reader import RECEIVE_SIZE, ReplyReader
from ..errors import Code, RlimitError
from .agent_socket import AgentSocket
from .deadline import Deadline
from .exchange_failure import Unanswered, Unsent
from .process_naming import ProcessNaming

if TYPE_CHECKING:
    from ..v1 import rlimitd_pb2 as pb


class BlockingConnection:
    """A connected socket, the lock for sending on it, and the replies that threads wait for."""

    def __init__(self, connected: socket.socket, agent_socket: AgentSocket) -> None:
        self._socket = connected
        self._agent_socket = agent_socket
        self._reader = ReplyReader(agent_socket)
        self._send_lock = threading.Lock()
        # Guards the members below, and wakes the waiting threads.
        self._condition = threading.Condition(threading.Lock())
        self._close_reason: Optional[RlimitError] = None
        self._last_id = 0
        self.naming: Optional[ProcessNaming] = None
        """How requests name other processes; None before the first one about another process."""
        self._pending_replies: Dict[int, PendingReply] = {}
        self._has_receiver = False
        self._close_requested = False

    @property
    def is_closed(self) -> bool:
        return self._close_reason is not None

    def close(self) -> None:
        """Closes the connection. Waiting threads get CONNECTION_LOST."""
        with self._condition:
            self._fail(self._agent_socket.connection_lost("the client closed it"))
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._close_requested = True
            # A receiving thread still uses the descriptor and closes it afterwards.
            if not self._has_receiver:
                self._socket.close()

    def abandon(self) -> None:
        """Closes the copy of the parent's descriptor in a child after fork(2).

        Takes no lock: a thread that the child does not have may hold it.
        """
        self._socket.close()

    def exchange(self, request: AgentRequest, deadline: Deadline) -> pb.Response:
        """Sends one request and waits for its response.

        Raises the error that the agent sent, `Unsent`, `Unanswered`.
        """
        reply = PendingReply()
        with self._condition:
            if self._close_reason is not None:
                raise self._unsent_failure()
            self._last_id += 1
            request_id = self._last_id
            self._pending_replies[request_id] = reply
        try:
            self._send(request, request_id, deadline)
            self._wait(reply, deadline)
        finally:
            with self._condition:
                self._pending_replies.pop(request_id, None)
        return reply.result()

    def _unsent_failure(self) -> Exception:
        assert self._close_reason is not None
        # An error that says more than CONNECTION_LOST is raised unchanged.
        return Unsent(self._close_reason) if self._close_reason.code == Code.CONNECTION_LOST else self._close_reason

    def _send(self, request: AgentRequest, request_id: int, deadline: Deadline) -> None:
        remaining = deadline.remaining()
        if not self._send_lock.acquire(timeout=-1 if remaining is None else remaining):
            raise self._agent_socket.timed_out()
        sent, size = 0, 0
        try:
            remaining = deadline.remaining()
            if remaining == 0:
                raise self._agent_socket.timed_out()
            data = memoryview(agent_requests.frame(request, request_id, remaining))
            size, pidfd = len(data), request.pidfd
            while sent < size:
                try:
                    sent += send(self._socket, bytes(data[sent:]), pidfd if sent == 0 else None)
                except BlockingIOError:
                    self._poll(select.POLLOUT, deadline)
        except OSError as error:
            if isinstance(error, RlimitError):
                raise
            # The agent may have sent the reason before it closed the connection.
            self._receive_available()
            with self._condition:
                self._fail(self._agent_socket.connection_lost(f"send: {error.strerror}"))
                raise self._unsent_failure() from error
        finally:
            if 0 < sent < size:
                # The rest of the frame cannot be sent in time, and the part that was sent cannot be withdrawn.
                self._fail_partial_send()
            self._send_lock.release()

    def _fail_partial_send(self) -> None:
        with self._condition:
            self._fail(self._agent_socket.connection_lost("a request was sent in part"))
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _wait(self, reply: PendingReply, deadline: Deadline) -> None:
        with self._condition:
            while not reply.is_complete:
                if self._close_reason is not None:
                    if self._close_reason.code == Code.CONNECTION_LOST:
                        raise Unanswered(self._close_reason)
                    raise self._close_reason
                remaining = deadline.remaining()
                # The deadline also holds while the agent keeps sending other responses.
                if remaining == 0:
                    raise self._agent_socket.timed_out()
                if self._has_receiver:
                    self._condition.wait(remaining)
                else:
                    self._receive_for_all_threads(deadline)

    # Called with the lock held; releases it while waiting.
    def _receive_for_all_threads(self, deadline: Deadline) -> None:
        self._has_receiver = True
        self._condition.release()
        received: Optional[bytes] = None
        receive_error: Optional[RlimitError] = None
        try:
            try:
                received = self._receive()
                if received is None:
                    self._poll(select.POLLIN, deadline)
                    received = self._receive()
            except RlimitError:
                # The deadline of this thread has passed. Another waiting thread receives next.
                pass
            except OSError as error:
                receive_error = self._agent_socket.connection_lost(f"recv: {error.strerror}")
        finally:
            self._condition.acquire()
            self._has_receiver = False
            if receive_error is not None:
                self._fail(receive_error)
            elif received is not None:
                self._dispatch(received)
            if self._close_requested:
                self._socket.close()
            self._condition.notify_all()

    def _receive(self) -> Optional[bytes]:
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return None

    def _receive_available(self) -> None:
        with self._condition:
            if self._has_receiver:
                return
            try:
                received = self._receive()
            except OSError:
                return
            if received is not None:
                self._dispatch(received)

    def _dispatch(self, received: bytes) -> None:
        try:
            for request_id, response in self._reader.feed(received):
                reply = self._pending_replies.get(request_id)
                if reply is not None:
                    if reply.is_complete:
                        raise self._agent_socket.protocol_violation("two responses to one request")
                    reply.add(response)
        except RlimitError as error:
            self._fail(error)

    def _poll(self, events: int, deadline: Deadline) -> None:
        poll = select.poll()
        try:
            poll.register(self._socket, events)
        except ValueError as error:
            raise OSError(errno.EBADF, "the client closed it") from error
        if not poll.poll(deadline.poll_timeout_ms()):
            raise self._agent_socket.timed_out()

    def _fail(self, error: RlimitError) -> None:
        if self._close_reason is None:
            self._close_reason = error
            self._condition.notify_all()
