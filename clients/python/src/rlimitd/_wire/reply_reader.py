"""Bytes from the agent, taken apart into responses, and these put together into answers."""

from __future__ import annotations

import struct
from typing import Iterator, Optional, Tuple

from google.protobuf.message import DecodeError

from .._connection.agent_socket import AgentSocket
from ..errors import Code, RlimitError, make_error
from ..v1 import rlimitd_pb2 as pb
from . import reply_decoder

MAX_RESPONSE_SIZE = 65_536
RECEIVE_SIZE = 65_540


class ReplyReader:
    """Of one connection. What it raises ends that: nothing that comes after means anything."""

    def __init__(self, agent_socket: AgentSocket) -> None:
        self._agent_socket = agent_socket
        self._bytes = bytearray()

    def feed(self, received: bytes) -> Iterator[Tuple[int, pb.Response]]:
        """The responses that are whole now, by the id of their request."""
        if not received:
            raise self._agent_socket.connection_lost("it was closed")
        self._bytes += received
        while len(self._bytes) >= 4:
            (length,) = struct.unpack_from(">I", self._bytes)
            if not 1 <= length <= MAX_RESPONSE_SIZE:
                raise self._agent_socket.not_rlimitd(f"a frame of {length} bytes")
            if len(self._bytes) < 4 + length:
                return
            response = self._parse(bytes(memoryview(self._bytes)[4 : 4 + length]))
            del self._bytes[: 4 + length]
            if response.id == 0:
                # Of the whole connection, which the agent is going to close.
                if response.HasField("error"):
                    raise reply_decoder.error(response.error)
                raise self._agent_socket.not_rlimitd("an answer to nothing")
            yield response.id, response

    def _parse(self, message: bytes) -> pb.Response:
        response = pb.Response()
        try:
            response.ParseFromString(message)
        except DecodeError as error:
            raise self._agent_socket.not_rlimitd(str(error)) from error
        return response


class PendingReply:
    """What has come of one answer."""

    __slots__ = ("_merged", "is_whole")

    def __init__(self) -> None:
        self._merged: Optional[pb.Response] = None
        self.is_whole = False

    def add(self, response: pb.Response) -> None:
        """Raises MALFORMED where a part does not continue what came before."""
        more = response.more and not response.HasField("error")
        self._merged = reply_decoder.merge(self._merged, response)
        self.is_whole = not more

    def result(self) -> pb.Response:
        """The whole of it. Raises what the agent says went wrong."""
        assert self._merged is not None
        if self._merged.HasField("error"):
            raise reply_decoder.error(self._merged.error)
        if self._merged.WhichOneof("outcome") is None:
            raise make_error(Code.UNSUPPORTED, "an answer of a kind that this client does not know")
        return self._merged


class Unsent(Exception):
    """The connection ended before the agent had all of a request: it cannot have acted."""

    def __init__(self, error: RlimitError) -> None:
        self.error = error


class Unanswered(Exception):
    """The connection ended before the answer came: the agent may have acted."""

    def __init__(self, error: RlimitError) -> None:
        self.error = error


def require_retry(failure: Exception, only_reads: bool, is_second: bool, agent_socket: AgentSocket) -> None:
    """Returns where a request is to be sent once more, on a new connection: one that the agent cannot have acted on, or
    that only reads. A change that may have been made never is."""
    if isinstance(failure, Unsent):
        if is_second:
            raise agent_socket.disconnected_twice(failure.error) from failure.error
    elif isinstance(failure, Unanswered):
        if is_second or not only_reads:
            raise failure.error
    else:
        raise failure
