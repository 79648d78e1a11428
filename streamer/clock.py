"""Clocks: protocols for injection, and the system clock."""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol

MAX_WAIT_S = 1.0
"""Longest wait in one piece: a signal that arrives just before a wait is handled after it."""

_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """Monotonic time, and waiting."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, or until the time is up; None for no time limit.

        Called with the condition held. May return earlier, so the caller has to look again.
        """


class WallClock(Clock, Protocol):
    """Clock that also knows the date."""

    def wall(self) -> float:
        """Seconds since 1970, on a clock that may be adjusted."""

    def stopped(self) -> float:
        """Seconds of `now`, in all, for which this process did not run."""

    def asleep(self) -> float | None:
        """Seconds beside `now`, in all, for which the machine was asleep; None if unknown."""


class SystemClock:
    """The clocks of the system.

    Args:
        stop_s: seconds between two calls of `stopped` from which on the process was stopped.
    """

    def __init__(self, *, stop_s: float = 10.0) -> None:
        self._stop_s = stop_s
        self._guard = threading.Lock()
        self._called_s = math.inf
        self._stopped_s = 0.0

    def stopped(self) -> float:
        """Seconds for which this process did not run: stopped by a signal, or paused.

        To be called every second or so, by any thread: a longer time without a call is one for
        which no thread ran.
        """
        with self._guard:
            now_s = self.now()
            if now_s - self._called_s > self._stop_s:
                self._stopped_s += now_s - self._called_s
            self._called_s = now_s
            return self._stopped_s

    def asleep(self) -> float | None:
        """Seconds for which the machine was asleep, where the system counts them."""
        if _BOOT is None:
            return None
        return time.clock_gettime(_BOOT) - time.monotonic()

    def now(self) -> float:
        """Seconds since an arbitrary fixed time."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, until the time is up, or for `MAX_WAIT_S`."""
        condition.wait(MAX_WAIT_S if seconds is None else min(seconds, MAX_WAIT_S))
