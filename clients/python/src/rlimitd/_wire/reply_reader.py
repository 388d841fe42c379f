"""Splits the bytes from the agent into frames and decodes each as a response."""

from __future__ import annotations

import struct
from typing import Iterator, Tuple

from google.protobuf.message import DecodeError

from .._connection.agent_socket import AgentSocket
from ..v1 import rlimitd_pb2 as pb
from . import reply_decoder

MAX_RESPONSE_SIZE = 65_536
# A frame of the maximum size with its length prefix.
RECEIVE_SIZE = 65_540


class ReplyReader:
    """The unprocessed bytes of one connection. An error that it raises ends the connection, because framing is lost."""

    def __init__(self, agent_socket: AgentSocket) -> None:
        self._agent_socket = agent_socket
        self._bytes = bytearray()

    def feed(self, received: bytes) -> Iterator[Tuple[int, pb.Response]]:
        """Yields each complete response with the id of its request. Raises MALFORMED, CONNECTION_LOST."""
        if not received:
            raise self._agent_socket.connection_lost("it was closed")
        self._bytes += received
        while len(self._bytes) >= 4:
            (length,) = struct.unpack_from(">I", self._bytes)
            if not 1 <= length <= MAX_RESPONSE_SIZE:
                raise self._agent_socket.protocol_violation(f"a frame of {length} bytes")
            if len(self._bytes) < 4 + length:
                return
            response = self._parse(bytes(memoryview(self._bytes)[4 : 4 + length]))
            del self._bytes[: 4 + length]
            if response.id == 0:
                # The error concerns the connection, which the agent is about to close.
                if response.HasField("error"):
                    raise reply_decoder.error(response.error)
                raise self._agent_socket.protocol_violation("a response without a request")
            yield response.id, response

    def _parse(self, message: bytes) -> pb.Response:
        response = pb.Response()
        try:
            response.ParseFromString(message)
        except DecodeError as error:
            raise self._agent_socket.protocol_violation(str(error)) from error
        return response
