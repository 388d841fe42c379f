"""The process, or the group of processes, that a call is about."""

from __future__ import annotations

from typing import NamedTuple, Optional, Union

__all__ = ["Cgroup", "Group", "Pidfd", "Pod", "Target"]


class Pidfd(NamedTuple):
    """A process by a pidfd (``os.pidfd_open``). Unlike a pid, a pidfd never refers to another process."""

    descriptor: int

    def fileno(self) -> int:
        return self.descriptor


class Cgroup(NamedTuple):
    """Every process in a cgroup and in the cgroups below it.

    The path is the one that /proc/PID/cgroup shows after ``0::``. None is the caller's own cgroup.
    """

    path: Optional[str] = None


class Pod(NamedTuple):
    """Every process in a pod, by the path of its cgroup or of a cgroup below it. None is the caller's own pod."""

    path: Optional[str] = None


Target = Union[None, int, Pidfd]
"""None is the calling process. A pid is resolved to a pidfd before the call uses it."""

Group = Union[Cgroup, Pod]
