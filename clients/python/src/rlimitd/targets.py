"""Whose limits."""

from __future__ import annotations

from typing import NamedTuple, Optional, Union

__all__ = ["Cgroup", "Group", "Pidfd", "Pod", "Target"]


class Pidfd(NamedTuple):
    """A process by a descriptor of it (``os.pidfd_open``), which never comes to mean another process."""

    descriptor: int

    def fileno(self) -> int:
        return self.descriptor


class Cgroup(NamedTuple):
    """Every process in a control group and in those below it: by its path, as /proc/PID/cgroup shows it behind
    ``0::``, or the caller's own."""

    path: Optional[str] = None


class Pod(NamedTuple):
    """Every process in a pod: by the path of its group or of one below, or the caller's own."""

    path: Optional[str] = None


Target = Union[None, int, Pidfd]
"""None is the calling process. A number is turned into a pidfd before anything is asked about it."""

Group = Union[Cgroup, Pod]
