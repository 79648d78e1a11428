"""Clocks: protocols for injection, and the system clock."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time, and waiting."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, or until the time is up; None for no time limit.

        Called with the condition held.
        """


class WallClock(Clock, Protocol):
    """Clock that also knows the date."""

    def wall(self) -> float:
        """Seconds since 1970, on a clock that may be adjusted."""


class SystemClock:
    """The clocks of the system."""

    def now(self) -> float:
        """Seconds since an arbitrary fixed time."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, or until the time is up."""
        condition.wait(seconds)
