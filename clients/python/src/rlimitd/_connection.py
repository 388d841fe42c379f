"""One open connection on which any number of threads ask at once.

There is no thread behind it: of those who wait, one receives for all. Each answer finds its request by id; answers to
requests that nobody waits for any more are dropped.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import threading
from typing import TYPE_CHECKING, Dict, Optional

from . import _requests
from ._deadline import Deadline
from ._inbox import ROOM, Answer, Inbox, Unanswered, Unsent
from ._place import Place
from ._requests import Inquiry
from .errors import Code, RlimitError

if TYPE_CHECKING:
    from .v1 import rlimitd_pb2 as pb


def open_socket(place: Place, deadline: Deadline) -> socket.socket:
    """Connects, waiting where there is a queue before the agent's door."""
    opened = place.socket()
    try:
        left = deadline.left()
        if left is not None:
            # connect(2) minds it while it waits for room; there is nothing to poll(2) for. 0 would mean no timeout.
            whole, part = divmod(max(left, 0.000001), 1)
            timeout = struct.pack("@ll", int(whole), int(part * 1_000_000) or 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        opened.connect(place.path)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise place.unreachable(error) from error
    return opened


def send(opened: socket.socket, data: bytes, pidfd: Optional[int]) -> int:
    """How much was taken. A descriptor goes along with the first byte. Raises BlockingIOError, OSError."""
    if pidfd is None:
        return opened.send(data, socket.MSG_NOSIGNAL)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("@i", pidfd))
    return opened.sendmsg([data], [rights], socket.MSG_NOSIGNAL)


class Connection:
    def __init__(self, opened: socket.socket, place: Place) -> None:
        self._socket = opened
        self._place = place
        self._inbox = Inbox(place)
        self._sending = threading.Lock()
        # Guards what follows, and tells those who wait.
        self._state = threading.Condition(threading.Lock())
        self._ending: Optional[RlimitError] = None
        self._last_id = 0
        self._waiting: Dict[int, Answer] = {}
        self._is_receiving = False
        self._is_closed = False

    @property
    def has_ended(self) -> bool:
        return self._ending is not None

    def close(self) -> None:
        """Ends it, also for those who wait."""
        with self._state:
            self._end(self._place.lost("the client closed it"))
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._is_closed = True
            # Whoever receives does it else.
            if not self._is_receiving:
                self._socket.close()

    def abandon(self) -> None:
        """In a child after fork(2): closes the parent's connection here. Its locks may be held by threads that are not here."""
        self._socket.close()

    def exchange(self, inquiry: Inquiry, deadline: Deadline) -> pb.Response:
        """Sends one request and waits for its answer. Raises what the agent answered; `Unsent`, `Unanswered`."""
        answer = Answer()
        with self._state:
            if self._ending is not None:
                raise self._unsent()
            self._last_id += 1
            number = self._last_id
            self._waiting[number] = answer
        try:
            self._send(inquiry, number, deadline)
            self._await(answer, deadline)
        finally:
            with self._state:
                self._waiting.pop(number, None)
        return answer.reply()

    def _unsent(self) -> Exception:
        assert self._ending is not None
        # Anything that tells more than that it ended is said as it is.
        return Unsent(self._ending) if self._ending.code == Code.CONNECTION_LOST else self._ending

    def _send(self, inquiry: Inquiry, number: int, deadline: Deadline) -> None:
        left = deadline.left()
        if not self._sending.acquire(timeout=-1 if left is None else left):
            raise self._place.late()
        sent, whole = 0, 0
        try:
            left = deadline.left()
            if left == 0:
                raise self._place.late()
            rest = memoryview(_requests.frame(inquiry, number, left))
            whole, pidfd = len(rest), inquiry.pidfd
            while sent < whole:
                try:
                    sent += send(self._socket, bytes(rest[sent:]), pidfd if sent == 0 else None)
                except BlockingIOError:
                    self._poll(select.POLLOUT, deadline)
        except OSError as error:
            if isinstance(error, RlimitError):
                raise
            # What the agent said before it closed tells more than that it closed.
            self._receive_what_is_there()
            with self._state:
                self._end(self._place.lost(f"send: {error.strerror}"))
                raise self._unsent() from error
        finally:
            if 0 < sent < whole:
                # Half a frame can be neither completed in time nor taken back.
                self._cut_off()
            self._sending.release()

    def _cut_off(self) -> None:
        with self._state:
            self._end(self._place.lost("a request was cut off"))
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _await(self, answer: Answer, deadline: Deadline) -> None:
        with self._state:
            while not answer.is_whole:
                if self._ending is not None:
                    if self._ending.code == Code.CONNECTION_LOST:
                        raise Unanswered(self._ending)
                    raise self._ending
                left = deadline.left()
                # Also where the agent keeps sending, but not this.
                if left == 0:
                    raise self._place.late()
                if self._is_receiving:
                    self._state.wait(left)
                else:
                    self._receive_for_all(deadline)

    # Locked, but not while it waits.
    def _receive_for_all(self, deadline: Deadline) -> None:
        self._is_receiving = True
        self._state.release()
        received: Optional[bytes] = None
        failed: Optional[RlimitError] = None
        try:
            try:
                received = self._receive()
                if received is None:
                    self._poll(select.POLLIN, deadline)
                    received = self._receive()
            except RlimitError:
                # Our time is up; somebody else must receive now.
                pass
            except OSError as error:
                failed = self._place.lost(f"recv: {error.strerror}")
        finally:
            self._state.acquire()
            self._is_receiving = False
            if failed is not None:
                self._end(failed)
            elif received is not None:
                self._deliver(received)
            if self._is_closed:
                self._socket.close()
            self._state.notify_all()

    def _receive(self) -> Optional[bytes]:
        try:
            return self._socket.recv(ROOM)
        except BlockingIOError:
            return None

    def _receive_what_is_there(self) -> None:
        with self._state:
            if self._is_receiving:
                return
            try:
                received = self._receive()
            except OSError:
                return
            if received is not None:
                self._deliver(received)

    def _deliver(self, received: bytes) -> None:
        try:
            for number, response in self._inbox.take(received):
                answer = self._waiting.get(number)
                if answer is not None:
                    if answer.is_whole:
                        raise self._place.no_agent("two answers to one request")
                    answer.take(response)
        except RlimitError as error:
            self._end(error)

    def _poll(self, events: int, deadline: Deadline) -> None:
        poll = select.poll()
        try:
            poll.register(self._socket, events)
        except ValueError as error:
            raise OSError(errno.EBADF, "the client closed it") from error
        if not poll.poll(deadline.milliseconds()):
            raise self._place.late()

    def _end(self, error: RlimitError) -> None:
        if self._ending is None:
            self._ending = error
            self._state.notify_all()
