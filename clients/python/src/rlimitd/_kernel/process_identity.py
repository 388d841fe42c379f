"""What distinguishes a process from later ones with the same pid."""

from __future__ import annotations

import os
import select
from typing import NamedTuple, Optional

# The inode of the initial time namespace is fixed (PROC_TIME_INIT_INO). A kernel without time namespaces has no link.
_INITIAL_TIME_NAMESPACE = "time:[4026531834]"
_START_TIME_FIELD = 22


class ProcessIdentity(NamedTuple):
    """One of the two is not None."""

    inode: Optional[int]
    """Of a pidfd on pidfs (Linux 6.9), where no two processes have the same."""
    start_time: Optional[int]
    """In clock ticks since boot, as the agent reads it too."""


def of_process(pidfd: int, pid: int) -> Optional[ProcessIdentity]:
    """None where the kernel does not tell."""
    try:
        if _is_on_pidfs(pidfd):
            return ProcessIdentity(os.fstat(pidfd).st_ino, None)
        if _is_in_initial_time_namespace():
            return ProcessIdentity(None, _start_time(pid))
    except (OSError, ValueError, IndexError):
        pass
    return None


# Before Linux 6.9, pidfds are on the file system of all anonymous files, where they share one inode.
def _is_on_pidfs(pidfd: int) -> bool:
    with select.epoll() as anonymous:
        return os.fstat(pidfd).st_dev != os.fstat(anonymous.fileno()).st_dev


# /proc shows start times in the time namespace of the reader.
def _is_in_initial_time_namespace() -> bool:
    try:
        return os.readlink("/proc/self/ns/time") == _INITIAL_TIME_NAMESPACE
    except FileNotFoundError:
        return True


def _start_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        # Field 2 is the command in brackets, which may contain blanks and brackets.
        return int(file.read().rpartition(b")")[2].split()[_START_TIME_FIELD - 3])
