"""Where the agent listens, and whether whoever listens there can be the agent."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from typing import Iterator, Optional

from ..errors import Code, RlimitError, make_error

DEFAULT_SOCKET_PATH = "/run/rlimitd/rlimitd.sock"
_MAX_PATH_LENGTH = 107
_AT_SECURE = 23


class AgentSocket:
    """The path of a socket, and who may own it and every folder above it: root, ourselves, and a user who is named."""

    def __init__(self, path: Optional[str], trusted_uid: Optional[int] = None) -> None:
        self.path = default_socket_path() if path is None else os.fspath(path)
        self._trusted_uid = trusted_uid

    def create(self) -> socket.socket:
        """One to connect, where what is at the path is to be trusted. Raises AGENT_UNREACHABLE, UNTRUSTED_SOCKET."""
        if len(os.fsencode(self.path)) > _MAX_PATH_LENGTH:
            raise self.unreachable(OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))
        try:
            reason = self._reason_for_distrust()
        except OSError as error:
            # What stat(2) did not find, connect(2) would not have found either.
            raise self.unreachable(error) from error
        if reason:
            message = f"the agent's socket {self.path} is not to be trusted: {reason}"
            raise make_error(Code.UNTRUSTED_SOCKET, message)
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # Whoever can put a socket in its place can answer in the agent's. Peer credentials of a listener say nothing, for a service
    # manager may have made it.
    def _reason_for_distrust(self) -> Optional[str]:
        status = os.lstat(self.path)
        if stat.S_ISLNK(status.st_mode):
            return f"{self.path} is a symbolic link"
        if not stat.S_ISSOCK(status.st_mode):
            raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
        if not self._is_trusted(status.st_uid, self.path):
            return f"{self.path} belongs to user {status.st_uid}"
        # Whoever may rename a folder on the way may put another in its place.
        for folder in _parent_folders(self.path):
            status = os.stat(folder)
            if not self._is_trusted(status.st_uid, folder):
                return f"{folder} belongs to user {status.st_uid}"
            if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
                return f"others can write to {folder}"
        return None

    def _is_trusted(self, uid: int, path: str) -> bool:
        if uid in (0, os.geteuid(), self._trusted_uid):
            return True
        # In a user namespace root of the outside shows as nobody, who may be a user in here too. What is mounted read-only
        # was put there by whoever made the container.
        return not _is_mapped_user(uid) and bool(os.statvfs(path).f_flag & os.ST_RDONLY)

    def unreachable(self, error: OSError) -> RlimitError:
        """connect(2) failed."""
        if error.errno in (errno.EAGAIN, errno.ETIMEDOUT):
            return self.deadline_exceeded()
        advice = ""
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED) and self.path == DEFAULT_SOCKET_PATH:
            advice = "; start it with: systemctl start rlimitd"
        elif error.errno == errno.ENAMETOOLONG:
            advice = f"; a socket's path has at most {_MAX_PATH_LENGTH} bytes"
        elif error.errno == errno.EACCES:
            advice = "; the socket or its folder does not let this user in"
        message = f"no agent answers at {self.path} (connect: {error.strerror}){advice}"
        return make_error(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def disconnected_twice(self, error: RlimitError) -> RlimitError:
        """It let us in twice and closed both times before it had read the request."""
        message = f"the agent at {self.path} hangs up: {error.message}"
        return make_error(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def deadline_exceeded(self) -> RlimitError:
        return make_error(Code.DEADLINE_EXCEEDED, f"no answer in time from the agent at {self.path}")

    def connection_lost(self, why: str) -> RlimitError:
        return make_error(Code.CONNECTION_LOST, f"the connection to the agent at {self.path} was lost: {why}")

    def not_rlimitd(self, why: str) -> RlimitError:
        return make_error(Code.MALFORMED, f"what answers at {self.path} does not speak the rlimitd protocol: {why}")


def default_socket_path() -> str:
    """``RLIMITD_SOCKET``, or the path of the agent's unit. A program that runs with more rights than whoever started it
    does not look at the environment, which is theirs."""
    path = os.environ.get("RLIMITD_SOCKET")
    return path if path and not _is_privileged_program() else DEFAULT_SOCKET_PATH


def _is_privileged_program() -> bool:
    try:
        with open("/proc/self/auxv", "rb") as file:
            vector = file.read()
    except OSError:
        return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
    size = struct.calcsize("@LL")
    pairs = struct.iter_unpack("@LL", vector[: len(vector) // size * size])
    return any(kind == _AT_SECURE and value for kind, value in pairs)


def _parent_folders(path: str) -> Iterator[str]:
    # From "/run/rlimitd/x" come "/run/rlimitd", "/run", "/"; from "x" comes ".".
    rest = path
    while "/" in rest:
        rest = rest.rpartition("/")[0]
        yield rest or "/"
    if not path.startswith("/"):
        yield "."


def _is_mapped_user(uid: int) -> bool:
    """Whether a user id means somebody in our user namespace: those that it does not know all show as one number."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() == ["0", "0", str(2**32 - 1)]:
                return True
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            return uid != int(file.read())
    except (OSError, ValueError):
        return uid != 65534
