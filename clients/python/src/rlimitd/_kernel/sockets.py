"""Bytes and descriptors over a connected Unix socket."""

from __future__ import annotations

import socket
import struct
from typing import Optional


def send(connected: socket.socket, data: bytes, pidfd: Optional[int]) -> int:
    """Returns how many bytes the socket took. A descriptor goes with the first byte. sendmsg(2), SCM_RIGHTS.

    Raises BlockingIOError where the socket buffer is full, and OSError.
    """
    if pidfd is None:
        return connected.send(data, socket.MSG_NOSIGNAL)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("@i", pidfd))
    return connected.sendmsg([data], [rights], socket.MSG_NOSIGNAL)
