"""When a call must have ended."""

from __future__ import annotations

import enum
import time
from typing import Optional, Union


class Unchanged(enum.Enum):
    """That which it was; None means something else."""

    UNCHANGED = "unchanged"


Timeout = Union[None, float, Unchanged]

# More than poll(2) and its like can be told.
_MAX_SECONDS = 1_000_000.0


class Deadline:
    """So many seconds from now; None is never, and so is what lasts for days."""

    __slots__ = ("_end",)

    def __init__(self, seconds: Optional[float]) -> None:
        self._end = None if seconds is None or seconds > _MAX_SECONDS else time.monotonic() + seconds

    def remaining(self) -> Optional[float]:
        """Seconds; 0 where it has passed."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def poll_timeout_ms(self) -> Optional[float]:
        """For poll(2), which rounds up itself."""
        remaining = self.remaining()
        return None if remaining is None else remaining * 1000
