"""One open connection on which any number of tasks of one event loop ask at once: requests go out without waiting for the
answers to others."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Deque, Dict, Optional

from . import _requests
from ._connection import send
from ._deadline import Deadline
from ._inbox import ROOM, Answer, Inbox, Unanswered, Unsent
from ._place import Place
from ._requests import Inquiry
from .errors import Code, RlimitError

if TYPE_CHECKING:
    from .v1 import rlimitd_pb2 as pb

    Reply = asyncio.Future[pb.Response]


class _Call:
    """A request that is under way, and whoever waits for its answer; None where nobody does any more."""

    def __init__(self, number: int, inquiry: Inquiry, frame: bytes, future: Optional[Reply]) -> None:
        self.number = number
        self.inquiry = inquiry
        self.rest = memoryview(frame)
        self.is_begun = False
        self.answer = Answer()
        self.future = future

    @property
    def is_sent(self) -> bool:
        return not self.rest

    def fail(self, error: Exception) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class TaskConnection:
    def __init__(self, opened: socket.socket, place: Place, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = opened
        self._place = place
        self._loop = loop
        self._inbox = Inbox(place)
        self._ending: Optional[RlimitError] = None
        self._last_id = 0
        self._calls: Dict[int, _Call] = {}
        self._outbox: Deque[_Call] = deque()
        self._waits_for_room = False
        loop.add_reader(opened, self._receive)

    def is_over(self) -> bool:
        """Whether nobody can ask on it any more; it is closed then."""
        if self._ending is None and self._loop.is_closed():
            self.abandon()
        return self._ending is not None

    def serves(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self._ending is None and self._loop is loop

    def close(self) -> None:
        """Ends it, also for those who wait."""
        self._end(self._place.lost("the client closed it"))

    def close_soon(self) -> None:
        """The same from whichever event loop, or none."""
        if self.is_over():
            return
        if self._loop is asyncio._get_running_loop():
            self.close()
        else:
            self._loop.call_soon_threadsafe(self.close)

    def abandon(self) -> None:
        """Closes it here where its event loop is another's, or is no more."""
        self._ending = self._ending or self._place.lost("its event loop has ended")
        self._socket.close()

    async def exchange(self, inquiry: Inquiry, deadline: Deadline) -> pb.Response:
        """Sends one request and waits for its answer. Raises what the agent answered; `Unsent`, `Unanswered`.

        What is given up before it was sent never is; a lease that is granted to nobody goes back.
        """
        if self._ending is not None:
            raise self._lost(was_sent=False)
        left = deadline.left()
        if left == 0:
            raise self._place.late()
        future: Reply = self._loop.create_future()
        call = self._post(inquiry, left, future)
        timer = None if left is None else self._loop.call_later(left, call.fail, self._place.late())
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            call.future = None
            if not call.answer.is_whole and self._ending is None:
                self._give_up(call)

    def _post(self, inquiry: Inquiry, left: Optional[float], future: Optional[Reply]) -> _Call:
        number = self._last_id = self._last_id + 1
        call = _Call(number, inquiry, _requests.frame(inquiry, number, left), future)
        self._calls[number] = call
        self._outbox.append(call)
        if len(self._outbox) == 1:
            self._send()
        return call

    def _give_up(self, call: _Call) -> None:
        if not call.is_begun:
            self._outbox.remove(call)
        if not call.is_begun or not call.inquiry.lends:
            self._calls.pop(call.number, None)

    def _lost(self, was_sent: bool) -> Exception:
        assert self._ending is not None
        # Anything that tells more than that it ended is said as it is.
        if self._ending.code != Code.CONNECTION_LOST:
            return self._ending
        return Unanswered(self._ending) if was_sent else Unsent(self._ending)

    def _send(self) -> None:
        try:
            while self._outbox:
                call = self._outbox[0]
                count = send(self._socket, bytes(call.rest), None if call.is_begun else call.inquiry.pidfd)
                call.is_begun = True
                call.rest = call.rest[count:]
                if call.is_sent:
                    self._outbox.popleft()
        except BlockingIOError:
            self._waits_for_room = True
            self._loop.add_writer(self._socket, self._send)
        except OSError as error:
            # What the agent said before it closed tells more than that it closed.
            self._receive()
            self._end(self._place.lost(f"send: {error.strerror}"))
        else:
            if self._waits_for_room:
                self._waits_for_room = False
                self._loop.remove_writer(self._socket)

    def _receive(self) -> None:
        try:
            received = self._socket.recv(ROOM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            return self._end(self._place.lost(f"recv: {error.strerror}"))
        try:
            for number, response in self._inbox.take(received):
                call = self._calls.get(number)
                if call is not None:
                    self._take(call, response)
        except RlimitError as error:
            self._end(error)

    def _take(self, call: _Call, response: pb.Response) -> None:
        call.answer.take(response)
        if not call.answer.is_whole:
            return
        del self._calls[call.number]
        if call.future is None:
            return self._return_stray(response)
        if call.future.done():
            # It was given up a moment ago.
            return self._return_stray(response) if call.inquiry.lends else None
        try:
            call.future.set_result(call.answer.reply())
        except RlimitError as error:
            call.fail(error)
        return None

    # A lease was granted to somebody who had stopped waiting for it: it is nobody's, and goes back.
    def _return_stray(self, response: pb.Response) -> None:
        if response.HasField("changes") and response.changes.HasField("lease"):
            call = self._post(_requests.lease_release(response.changes.lease.id), None, None)
            self._calls.pop(call.number, None)

    def _end(self, error: RlimitError) -> None:
        if self._ending is not None:
            return
        self._ending = error
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket.close()
        calls, self._calls = list(self._calls.values()), {}
        self._outbox.clear()
        for call in calls:
            call.fail(self._lost(call.is_sent))
