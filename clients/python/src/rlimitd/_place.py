"""Where the agent listens, and whether whoever listens there can be the agent."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from typing import Iterator, Optional

from .errors import Code, RlimitError, failure

STANDARD_PATH = "/run/rlimitd/rlimitd.sock"
_LONGEST_PATH = 107
_AT_SECURE = 23


class Place:
    """The path of a socket, and who may own it and every folder above it: root, ourselves, and a user who is named."""

    def __init__(self, path: Optional[str], trusted_uid: Optional[int] = None) -> None:
        self.path = standard_path() if path is None else os.fspath(path)
        self._trusted_uid = trusted_uid

    def socket(self) -> socket.socket:
        """One to connect, where what is at the path is to be trusted. Raises AGENT_UNREACHABLE, UNTRUSTED_SOCKET."""
        if len(os.fsencode(self.path)) > _LONGEST_PATH:
            raise self.unreachable(OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))
        try:
            reason = self._distrust()
        except OSError as error:
            # What stat(2) did not find, connect(2) would not have found either.
            raise self.unreachable(error) from error
        if reason:
            message = f"the agent's socket {self.path} is not to be trusted: {reason}"
            raise failure(Code.UNTRUSTED_SOCKET, message)
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # Whoever can put a socket in its place can answer in the agent's. Peer credentials of a listener say nothing, for a service
    # manager may have made it.
    def _distrust(self) -> Optional[str]:
        status = os.lstat(self.path)
        if stat.S_ISLNK(status.st_mode):
            return f"{self.path} is a symbolic link"
        if not stat.S_ISSOCK(status.st_mode):
            raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
        if not self._trusts(status.st_uid, self.path):
            return f"{self.path} belongs to user {status.st_uid}"
        # Whoever may rename a folder on the way may put another in its place.
        for folder in _folders(self.path):
            status = os.stat(folder)
            if not self._trusts(status.st_uid, folder):
                return f"{folder} belongs to user {status.st_uid}"
            if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
                return f"others can write to {folder}"
        return None

    def _trusts(self, uid: int, path: str) -> bool:
        if uid in (0, os.geteuid(), self._trusted_uid):
            return True
        # In a user namespace root of the outside shows as nobody, who may be a user in here too. What is mounted read-only
        # was put there by whoever made the container.
        return not _is_known(uid) and bool(os.statvfs(path).f_flag & os.ST_RDONLY)

    def unreachable(self, error: OSError) -> RlimitError:
        """connect(2) failed."""
        if error.errno in (errno.EAGAIN, errno.ETIMEDOUT):
            return self.late()
        advice = ""
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED) and self.path == STANDARD_PATH:
            advice = "; start it with: systemctl start rlimitd"
        elif error.errno == errno.ENAMETOOLONG:
            advice = f"; a socket's path has at most {_LONGEST_PATH} bytes"
        elif error.errno == errno.EACCES:
            advice = "; the socket or its folder does not let this user in"
        message = f"no agent answers at {self.path} (connect: {error.strerror}){advice}"
        return failure(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def hangs_up(self, error: RlimitError) -> RlimitError:
        """It let us in twice and closed both times before it had read the request."""
        message = f"the agent at {self.path} hangs up: {error.message}"
        return failure(Code.AGENT_UNREACHABLE, message, errno=error.errno)

    def late(self) -> RlimitError:
        return failure(Code.DEADLINE_EXCEEDED, f"no answer in time from the agent at {self.path}")

    def lost(self, why: str) -> RlimitError:
        return failure(Code.CONNECTION_LOST, f"the connection to the agent at {self.path} was lost: {why}")

    def no_agent(self, why: str) -> RlimitError:
        return failure(Code.MALFORMED, f"what answers at {self.path} does not speak the rlimitd protocol: {why}")


def standard_path() -> str:
    """``RLIMITD_SOCKET``, or the path of the agent's unit. A program that runs with more rights than whoever started it
    does not look at the environment, which is theirs."""
    path = os.environ.get("RLIMITD_SOCKET")
    return path if path and not _is_privileged_program() else STANDARD_PATH


def _is_privileged_program() -> bool:
    try:
        with open("/proc/self/auxv", "rb") as file:
            vector = file.read()
    except OSError:
        return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
    size = struct.calcsize("@LL")
    pairs = struct.iter_unpack("@LL", vector[: len(vector) // size * size])
    return any(kind == _AT_SECURE and value for kind, value in pairs)


def _folders(path: str) -> Iterator[str]:
    # From "/run/rlimitd/x" come "/run/rlimitd", "/run", "/"; from "x" comes ".".
    rest = path
    while "/" in rest:
        rest = rest.rpartition("/")[0]
        yield rest or "/"
    if not path.startswith("/"):
        yield "."


def _is_known(uid: int) -> bool:
    """Whether a user id means somebody in our user namespace: those that it does not know all show as one number."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() == ["0", "0", str(2**32 - 1)]:
                return True
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            return uid != int(file.read())
    except (OSError, ValueError):
        return uid != 65534
