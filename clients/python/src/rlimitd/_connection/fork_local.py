"""Which process we are, without a system call: connections and locks are not shared with a child."""

from __future__ import annotations

import os

_generation = 0


def generation() -> int:
    """Another number in each child."""
    return _generation


def _count_fork() -> None:
    global _generation
    _generation += 1


os.register_at_fork(after_in_child=_count_fork)
