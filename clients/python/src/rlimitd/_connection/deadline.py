"""The time at which a call must have ended."""

from __future__ import annotations

import enum
import time
from typing import Optional, Union


class Unchanged(enum.Enum):
    """An option that keeps its value. None cannot say this, because it means no timeout."""

    UNCHANGED = "unchanged"


Timeout = Union[None, float, Unchanged]

# Seconds. Longer times overflow the arguments of poll(2) and similar calls, and are treated as no timeout.
_MAX_SECONDS = 1_000_000.0


class Deadline:
    """A time on the monotonic clock, in seconds from now. None never passes, nor does a time of many days."""

    __slots__ = ("_end",)

    def __init__(self, seconds: Optional[float]) -> None:
        self._end = None if seconds is None or seconds > _MAX_SECONDS else time.monotonic() + seconds

    def remaining(self) -> Optional[float]:
        """Seconds; 0 once the deadline has passed, and None if there is none."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def poll_timeout_ms(self) -> Optional[float]:
        """Milliseconds for ``poll``, which rounds up itself."""
        remaining = self.remaining()
        return None if remaining is None else remaining * 1000
