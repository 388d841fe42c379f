"""The values that everything else speaks of: resources and limits."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["UNLIMITED", "Limit", "Resource"]

UNLIMITED = 2**64 - 1
"""No limit: what the kernel calls RLIM_INFINITY, greater than every other number."""


class Resource(str, enum.Enum):
    """What is limited, by its short name. Each is also a plain ``str``: ``Resource.NOFILE == "nofile"``."""

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
    """A pair of limits, in the kernel's own unit of the resource. `UNLIMITED` is infinity."""

    soft: int
    hard: int

    def __str__(self) -> str:
        return f"{format_bound(self.soft)}:{format_bound(self.hard)}"


def format_bound(bound: int) -> str:
    """One half of a limit as people read it."""
    return "unlimited" if bound == UNLIMITED else str(bound)
