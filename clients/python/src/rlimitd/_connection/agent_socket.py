"""The path of the agent's socket, connections to it, and the errors that name it."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from typing import Optional

from ..errors import Code, RlimitError, make_error
from .deadline import Deadline
from .socket_trust import reason_for_distrust

DEFAULT_SOCKET_PATH = "/run/rlimitd/rlimitd.sock"
# sun_path of unix(7) has 108 bytes, the last of which is NUL.
_MAX_PATH_LENGTH = 107
_AT_SECURE = 23


class AgentSocket:
    """The path of a socket, and the user who may own it besides root and the caller."""

    def __init__(self, path: Optional[str], trusted_uid: Optional[int] = None) -> None:
        self.path = default_socket_path() if path is None else os.fspath(path)
        self._trusted_uid = trusted_uid

    def connect(self, deadline: Deadline) -> socket.socket:
        """A connected nonblocking socket. Waits while the backlog of the listener is full.

        Raises AGENT_UNREACHABLE, UNTRUSTED_SOCKET, DEADLINE_EXCEEDED.
        """
        connected = self._create()
        try:
            remaining = deadline.remaining()
            if remaining is not None:
                # connect(2) applies SO_SNDTIMEO while it waits for room in the backlog, which poll(2) cannot wait for.
                # 0 means no timeout.
                seconds, fraction = divmod(max(remaining, 0.000001), 1)
                timeout = struct.pack("@ll", int(seconds), int(fraction * 1_000_000) or 1)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            connected.connect(self.path)
            connected.setblocking(False)
        except OSError as error:
            connected.close()
            raise self._unreachable(error) from error
        return connected

    def connect_if_ready(self) -> Optional[socket.socket]:
        """A connected nonblocking socket; None while the backlog of the listener is full.

        Raises AGENT_UNREACHABLE, UNTRUSTED_SOCKET.
        """
        connected = self._create()
        try:
            connected.setblocking(False)
            connected.connect(self.path)
        except BlockingIOError:
            connected.close()
            return None
        except OSError as error:
            connected.close()
            raise self._unreachable(error) from error
        return connected

    def _create(self) -> socket.socket:
        if len(os.fsencode(self.path)) > _MAX_PATH_LENGTH:
            raise self._unreachable(OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))
        try:
            reason = reason_for_distrust(self.path, self._trusted_uid)
        except OSError as error:
            # A path that stat(2) does not find, connect(2) does not find either.
            raise self._unreachable(error) from error
        if reason:
            message = f"the agent's socket {self.path} is not trusted: {reason}"
            raise make_error(Code.UNTRUSTED_SOCKET, message)
        return _above_standard_streams(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))

    def _unreachable(self, error: OSError) -> RlimitError:
        """The error for a failed connect(2)."""
        if error.errno in (errno.EAGAIN, errno.ETIMEDOUT):
            return self.timed_out()
        advice = ""
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED) and self.path == DEFAULT_SOCKET_PATH:
            advice = "; start it with: systemctl start rlimitd"
        elif error.errno == errno.ENAMETOOLONG:
            advice = f"; a socket's path has at most {_MAX_PATH_LENGTH} bytes"
        elif error.errno == errno.EACCES:
            advice = "; this user may not use the socket or its folder"
        message = f"no agent answers at {self.path} (connect: {error.strerror}){advice}"
        return make_error(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def closed_immediately(self, error: RlimitError) -> RlimitError:
        """The agent accepted two connections and closed both before it had read the request."""
        message = f"the agent at {self.path} closes connections without an answer: {error.message}"
        return make_error(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def timed_out(self) -> RlimitError:
        return make_error(Code.DEADLINE_EXCEEDED, f"no answer in time from the agent at {self.path}")

    def connection_lost(self, reason: str) -> RlimitError:
        return make_error(Code.CONNECTION_LOST, f"the connection to the agent at {self.path} was lost: {reason}")

    def protocol_violation(self, reason: str) -> RlimitError:
        return make_error(Code.MALFORMED, f"the peer at {self.path} does not speak the rlimitd protocol: {reason}")


def _above_standard_streams(created: socket.socket) -> socket.socket:
    """The socket, with a number above 2.

    A program that has closed its standard streams must not write to the agent what it means for a stream.
    """
    if created.fileno() > 2:
        return created
    with created:
        return socket.socket(fileno=fcntl.fcntl(created.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))


def default_socket_path() -> str:
    """``RLIMITD_SOCKET``, or the path in the agent's unit.

    A program that runs with more privileges than its caller ignores the environment, because the caller controls it.
    """
    path = os.environ.get("RLIMITD_SOCKET")
    return path if path and not _is_privileged_program() else DEFAULT_SOCKET_PATH


def _is_privileged_program() -> bool:
    """AT_SECURE of getauxval(3)."""
    try:
        with open("/proc/self/auxv", "rb") as file:
            vector = file.read()
    except OSError:
        return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
    size = struct.calcsize("@LL")
    pairs = struct.iter_unpack("@LL", vector[: len(vector) // size * size])
    return any(kind == _AT_SECURE and value for kind, value in pairs)
