"""Bytes from the agent, taken apart into responses, and these put together into answers."""

from __future__ import annotations

import struct
from typing import Iterator, Optional, Tuple

from google.protobuf.message import DecodeError

from . import _replies
from ._place import Place
from .errors import Code, RlimitError, failure
from .v1 import rlimitd_pb2 as pb

GREATEST_RESPONSE = 65_536
ROOM = 65_540


class Inbox:
    """Of one connection. What it raises ends that: nothing that comes after means anything."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._bytes = bytearray()

    def take(self, received: bytes) -> Iterator[Tuple[int, pb.Response]]:
        """The responses that are whole now, by the id of their request."""
        if not received:
            raise self._place.lost("it was closed")
        self._bytes += received
        while len(self._bytes) >= 4:
            (length,) = struct.unpack_from(">I", self._bytes)
            if not 1 <= length <= GREATEST_RESPONSE:
                raise self._place.no_agent(f"a frame of {length} bytes")
            if len(self._bytes) < 4 + length:
                return
            response = self._parsed(bytes(memoryview(self._bytes)[4 : 4 + length]))
            del self._bytes[: 4 + length]
            if response.id == 0:
                # Of the whole connection, which the agent is going to close.
                if response.HasField("error"):
                    raise _replies.error(response.error)
                raise self._place.no_agent("an answer to nothing")
            yield response.id, response

    def _parsed(self, message: bytes) -> pb.Response:
        response = pb.Response()
        try:
            response.ParseFromString(message)
        except DecodeError as error:
            raise self._place.no_agent(str(error)) from error
        return response


class Answer:
    """What has come of one answer."""

    __slots__ = ("_parts", "is_whole")

    def __init__(self) -> None:
        self._parts: Optional[pb.Response] = None
        self.is_whole = False

    def take(self, response: pb.Response) -> None:
        """Raises MALFORMED where a part does not continue what came before."""
        more = response.more and not response.HasField("error")
        self._parts = _replies.join(self._parts, response)
        self.is_whole = not more

    def reply(self) -> pb.Response:
        """The whole of it. Raises what the agent says went wrong."""
        assert self._parts is not None
        if self._parts.HasField("error"):
            raise _replies.error(self._parts.error)
        if self._parts.WhichOneof("outcome") is None:
            raise failure(Code.UNSUPPORTED, "an answer of a kind that this client does not know")
        return self._parts


class Unsent(Exception):
    """The connection ended before the agent had all of a request: it cannot have acted."""

    def __init__(self, error: RlimitError) -> None:
        self.error = error


class Unanswered(Exception):
    """The connection ended before the answer came: the agent may have acted."""

    def __init__(self, error: RlimitError) -> None:
        self.error = error


def require_another_try(ending: Exception, only_reads: bool, is_second: bool, place: Place) -> None:
    """Returns where a request is to be sent once more, on a new connection: one that the agent cannot have acted on, or
    that only reads. A change that may have been made never is."""
    if isinstance(ending, Unsent):
        if is_second:
            raise place.hangs_up(ending.error) from ending.error
    elif isinstance(ending, Unanswered):
        if is_second or not only_reads:
            raise ending.error
    else:
        raise ending
