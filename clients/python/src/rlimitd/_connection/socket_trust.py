"""Whether the path of a socket can be trusted to lead to the agent."""

from __future__ import annotations

import errno
import os
import stat
from typing import Iterator, Optional


def reason_for_distrust(path: str, trusted_uid: Optional[int]) -> Optional[str]:
    """Why the socket may not be the agent's; None where it is trusted. Raises OSError.

    A user who can replace the socket can answer in place of the agent. So root, the caller, or the user
    ``trusted_uid`` must own the socket and every folder above it. The peer credentials of a listener prove nothing,
    because a service manager may have created the socket.
    """
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link"
    if not stat.S_ISSOCK(status.st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    if not _is_trusted(status.st_uid, path, trusted_uid):
        return f"{path} belongs to user {status.st_uid}"
    # A user who may rename a folder on the path can put another folder in its place.
    for folder in _parent_folders(path):
        status = os.stat(folder)
        if not _is_trusted(status.st_uid, folder, trusted_uid):
            return f"{folder} belongs to user {status.st_uid}"
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            return f"others can write to {folder}"
    return None


def _is_trusted(uid: int, path: str, trusted_uid: Optional[int]) -> bool:
    if uid in (0, os.geteuid(), trusted_uid):
        return True
    # In a user namespace, the root user of the outside appears as the overflow user (`nobody`), which may also be a
    # user of this namespace. Files on a read-only mount were placed there by the creator of the container.
    return not _is_mapped_user(uid) and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _parent_folders(path: str) -> Iterator[str]:
    """From "/run/rlimitd/x" come "/run/rlimitd", "/run" and "/"; from "x" comes "."."""
    rest = path
    while "/" in rest:
        rest = rest.rpartition("/")[0]
        yield rest or "/"
    if not path.startswith("/"):
        yield "."


def _is_mapped_user(uid: int) -> bool:
    """Whether the user namespace of this process maps the user id. All unmapped ids appear as the overflow id."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() == ["0", "0", str(2**32 - 1)]:
                return True
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            return uid != int(file.read())
    except (OSError, ValueError):
        return uid != 65534
