"""Clocks: protocols to inject one, and the machine's own."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Time, and a way to wait for it."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, or until the time is up; None waits for notice alone.

        Called with the condition held.
        """


class WallClock(Clock, Protocol):
    """A clock that knows the date, too."""

    def wall(self) -> float:
        """Seconds since 1970, on a clock that may be set ahead or back."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait for a notice or for the time to be up."""
        condition.wait(seconds)
