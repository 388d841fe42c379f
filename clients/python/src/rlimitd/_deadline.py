"""When a call must have ended."""

from __future__ import annotations

import enum
import time
from typing import Optional, Union


class Same(enum.Enum):
    """That which it was; None means something else."""

    SAME = "same"


Timeout = Union[None, float, Same]

# More than poll(2) and its like can be told.
_FOR_EVER = 1_000_000.0


class Deadline:
    """So many seconds from now; None is never, and so is what lasts for days."""

    __slots__ = ("_end",)

    def __init__(self, seconds: Optional[float]) -> None:
        self._end = None if seconds is None or seconds > _FOR_EVER else time.monotonic() + seconds

    def left(self) -> Optional[float]:
        """Seconds; 0 where it has passed."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def milliseconds(self) -> Optional[float]:
        """For poll(2), which rounds up itself."""
        left = self.left()
        return None if left is None else left * 1000
