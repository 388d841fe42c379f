"""Objects that a child does not share with its parent, found without a system call."""

from __future__ import annotations

import os
from typing import Callable, Dict, Generic, TypeVar

T = TypeVar("T")

_generation = 0


def generation() -> int:
    """The number of calls of fork(2) that led to this process."""
    return _generation


def _count_fork() -> None:
    global _generation
    _generation += 1


os.register_at_fork(after_in_child=_count_fork)


class ForkLocal(Generic[T]):
    """One object for each process. A child after fork(2) makes its own and abandons the one it inherited.

    Uses no lock: after fork(2) a thread that the child does not have may hold it.
    """

    def __init__(self, make: Callable[[], T], abandon: Callable[[T], None]) -> None:
        self._make = make
        self._abandon = abandon
        self._objects: Dict[int, T] = {}

    def get(self) -> T:
        current = self._objects.get(_generation)
        if current is None:
            current = self._objects.setdefault(_generation, self._make())
            for inherited in [key for key in list(self._objects) if key != _generation]:
                other = self._objects.pop(inherited, None)
                if other is not None:
                    self._abandon(other)
        return current
