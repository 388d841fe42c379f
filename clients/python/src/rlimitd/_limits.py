"""Resources and limits."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["UNLIMITED", "Limit", "Resource"]

UNLIMITED = 2**64 - 1
"""No limit: RLIM_INFINITY of the kernel, above every other number."""


class Resource(str, enum.Enum):
    """A resource by its short name. Each member is also a ``str``: ``Resource.NOFILE == "nofile"``."""

    CPU = "cpu"
    FSIZE = "fsize"
    DATA = "data"
    STACK = "stack"
    CORE = "core"
    RSS = "rss"
    NPROC = "nproc"
    NOFILE = "nofile"
    MEMLOCK = "memlock"
    AS = "as"
    LOCKS = "locks"
    SIGPENDING = "sigpending"
    MSGQUEUE = "msgqueue"
    NICE = "nice"
    RTPRIO = "rtprio"
    RTTIME = "rttime"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(str(self.value), spec)


class Limit(NamedTuple):
    """A soft and a hard limit, in the kernel's unit for the resource. `UNLIMITED` is infinity."""

    soft: int
    hard: int

    def __str__(self) -> str:
        return f"{format_bound(self.soft)}:{format_bound(self.hard)}"


def format_bound(bound: int) -> str:
    """One half of a limit as text."""
    return "unlimited" if bound == UNLIMITED else str(bound)
