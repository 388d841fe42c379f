"""An open connection that any number of tasks of one event loop use at once.

A request is sent without waiting for the responses to earlier ones.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Deque, Dict, Optional

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

    ResponseFuture = asyncio.Future[pb.Response]


class _PendingCall:
    """A request without a complete response. ``future`` is None once no task waits for it."""

    def __init__(self, request_id: int, request: AgentRequest, frame: bytes, future: Optional[ResponseFuture]) -> None:
        self.request_id = request_id
        self.request = request
        self.unsent = memoryview(frame)
        self.is_started = False
        self.reply = PendingReply()
        self.future = future

    @property
    def is_sent(self) -> bool:
        return not self.unsent

    def fail(self, error: Exception) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class AsyncConnection:
    """A connected socket, its event loop, the queue of unsent requests, and the calls without a response."""

    def __init__(self, connected: socket.socket, agent_socket: AgentSocket, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = connected
        self._agent_socket = agent_socket
        self._loop = loop
        self._reader = ReplyReader(agent_socket)
        self._close_reason: Optional[RlimitError] = None
        self._last_id = 0
        self.naming: Optional[ProcessNaming] = None
        """How requests name other processes; None before the first one about another process."""
        self._pending_calls: Dict[int, _PendingCall] = {}
        self._send_queue: Deque[_PendingCall] = deque()
        self._waits_for_writable = False
        loop.add_reader(connected, self._receive)

    def is_unusable(self) -> bool:
        """Whether it has failed. Also closes it if its event loop is closed."""
        if self._close_reason is None and self._loop.is_closed():
            self.abandon()
        return self._close_reason is not None

    def is_usable_on(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self._close_reason is None and self._loop is loop

    def close(self) -> None:
        """Closes the connection. Waiting tasks get CONNECTION_LOST."""
        self._fail(self._agent_socket.connection_lost("the client closed it"))

    def close_threadsafe(self) -> None:
        """Closes the connection from any thread, with or without an event loop."""
        if self.is_unusable():
            return
        if self._loop is asyncio._get_running_loop():
            self.close()
        else:
            self._loop.call_soon_threadsafe(self.close)

    def abandon(self) -> None:
        """Closes the descriptor only: the event loop belongs to the parent process, or is closed."""
        self._close_reason = self._close_reason or self._agent_socket.connection_lost("its event loop has ended")
        self._socket.close()

    async def exchange(self, request: AgentRequest, deadline: Deadline) -> pb.Response:
        """Sends one request and waits for its response.

        Raises the error that the agent sent, `Unsent`, `Unanswered`. A request that is cancelled in the queue is never
        sent. A lease that is granted after its task was cancelled is released.
        """
        if self._close_reason is not None:
            raise self._exchange_failure(was_sent=False)
        remaining = deadline.remaining()
        if remaining == 0:
            raise self._agent_socket.timed_out()
        future: ResponseFuture = self._loop.create_future()
        call = self._enqueue(request, remaining, future)
        timer = (
            None if remaining is None else self._loop.call_later(remaining, call.fail, self._agent_socket.timed_out())
        )
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            call.future = None
            if not call.reply.is_complete and self._close_reason is None:
                self._abandon_call(call)

    def _enqueue(
        self, request: AgentRequest, remaining: Optional[float], future: Optional[ResponseFuture]
    ) -> _PendingCall:
        request_id = self._last_id = self._last_id + 1
        call = _PendingCall(request_id, request, agent_requests.frame(request, request_id, remaining), future)
        self._pending_calls[request_id] = call
        self._send_queue.append(call)
        if len(self._send_queue) == 1:
            self._send()
        return call

    def _abandon_call(self, call: _PendingCall) -> None:
        if not call.is_started:
            self._send_queue.remove(call)
        if not call.is_started or not call.request.grants_lease:
            self._pending_calls.pop(call.request_id, None)

    def _exchange_failure(self, was_sent: bool) -> Exception:
        assert self._close_reason is not None
        # An error that says more than CONNECTION_LOST is raised unchanged.
        if self._close_reason.code != Code.CONNECTION_LOST:
            return self._close_reason
        return Unanswered(self._close_reason) if was_sent else Unsent(self._close_reason)

    def _send(self) -> None:
        try:
            while self._send_queue:
                call = self._send_queue[0]
                count = send(self._socket, bytes(call.unsent), None if call.is_started else call.request.pidfd)
                call.is_started = True
                call.unsent = call.unsent[count:]
                if call.is_sent:
                    self._send_queue.popleft()
        except BlockingIOError:
            self._waits_for_writable = True
            self._loop.add_writer(self._socket, self._send)
        except OSError as error:
            # The agent may have sent the reason before it closed the connection.
            self._receive()
            self._fail(self._agent_socket.connection_lost(f"send: {error.strerror}"))
        else:
            if self._waits_for_writable:
                self._waits_for_writable = False
                self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        try:
            received = self._socket.recv(RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._fail(self._agent_socket.connection_lost(f"recv: {error.strerror}"))
        try:
            for request_id, response in self._reader.feed(received):
                call = self._pending_calls.get(request_id)
                if call is not None:
                    self._handle_response(call, response)
        except RlimitError as error:
            self._fail(error)

    def _handle_response(self, call: _PendingCall, response: pb.Response) -> None:
        call.reply.add(response)
        if not call.reply.is_complete:
            return
        del self._pending_calls[call.request_id]
        if call.future is None:
            return self._release_stray_lease(response)
        if call.future.done():
            # The task was cancelled or timed out, and has not run since.
            return self._release_stray_lease(response) if call.request.grants_lease else None
        try:
            call.future.set_result(call.reply.result())
        except RlimitError as error:
            call.fail(error)
        return None

    # No task waits for the lease that this response grants.
    def _release_stray_lease(self, response: pb.Response) -> None:
        if response.HasField("changes") and response.changes.HasField("lease"):
            call = self._enqueue(agent_requests.lease_release(response.changes.lease.id), None, None)
            self._pending_calls.pop(call.request_id, None)

    def _fail(self, error: RlimitError) -> None:
        if self._close_reason is not None:
            return
        self._close_reason = error
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        calls, self._pending_calls = list(self._pending_calls.values()), {}
        self._send_queue.clear()
        for call in calls:
            call.fail(self._exchange_failure(call.is_sent))
