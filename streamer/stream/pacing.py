"""Pacing of a replay: its speed, and the controls for pause, single step and stop.

The clock is passed in, so that tests control the time.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from streamer.clock import Clock, SystemClock
from streamer.errors import UsageError
from streamer.readings import MINUTE

MAX = math.inf
"""Unlimited speed: readings are never delayed."""

SPEEDS = (1.0, 10.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 36000.0, MAX)
"""Speeds selected by `faster` and `slower`; 60 is an hour per minute."""

WARM_UP_SPEED = 7200.0
"""Minimum speed until the first window is full and the first forecast can be made."""

_CATCH_UP_S = 0.25
_MINUTE_S = MINUTE.total_seconds()


class Pacer:
    """Delays each reading until it is due; can be controlled from another thread.

    Args:
        speed: stream seconds per second; `MAX` never delays.
        warm_up: number of first readings that run at `WARM_UP_SPEED` or faster.
        clock: source of the time; None for the system clock.
        on_stop: called once the stream has been stopped, to wake a waiting source.

    Raises:
        UsageError: the speed is not a number above 0.
    """

    def __init__(
        self,
        speed: float = MAX,
        *,
        warm_up: int = 0,
        clock: Clock | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed > 0.0:
            raise UsageError(f"speed is {speed!r}; give a number above 0, or MAX")
        self._speed = speed
        self._warm_up = warm_up
        self._clock: Clock = SystemClock() if clock is None else clock
        self._condition = threading.Condition()
        self._paused = False
        self._single_steps = 0
        self._stopped = False
        self._due = 0.0
        self._last_at: datetime | None = None
        self._on_stop = on_stop

    @property
    def speed(self) -> float:
        """Stream seconds per second."""
        return self._speed

    @property
    def paused(self) -> bool:
        """True while the stream is paused."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """True once the stream has been stopped."""
        return self._stopped

    @property
    def free_running(self) -> bool:
        """True if no reading is delayed, so that whole blocks can be processed."""
        return self._speed == MAX and not self._paused

    def faster(self) -> None:
        """Select the next higher speed of `SPEEDS`."""
        with self._steering():
            self._speed = min((s for s in SPEEDS if s > self._speed), default=MAX)

    def slower(self) -> None:
        """Select the next lower speed of `SPEEDS`."""
        with self._steering():
            self._speed = max((s for s in SPEEDS if s < self._speed), default=SPEEDS[0])

    def toggle_pause(self) -> None:
        """Pause or resume the stream."""
        with self._steering():
            self._paused = not self._paused
            self._single_steps = 0

    def step(self) -> None:
        """While paused, let one more reading pass."""
        with self._steering():
            if self._paused:
                self._single_steps += 1

    def stop(self) -> None:
        """End the stream and all waits."""
        with self._steering():
            self._stopped = True
        if self._on_stop is not None:
            self._on_stop()

    def hold(self, at: datetime) -> bool:
        """Wait until the reading of this minute is due.

        Gaps are skipped: for any distance between two readings, the second is due
        at most one minute of stream time after the first.

        Args:
            at: time of the reading.

        Returns:
            False if the stream was stopped meanwhile.
        """
        with self._condition:
            while not self._stopped:
                now = self._clock.now()
                due = self._next_due(at, now)
                if self._paused:
                    if self._single_steps:
                        self._single_steps -= 1
                        due = now
                        break
                    self._clock.wait(self._condition, None)
                elif now >= due:
                    break
                else:
                    self._clock.wait(self._condition, due - now)
            if self._stopped:
                return False
            # A replay that fell behind catches up a little, so that short stalls do not
            # slow it down, but does not race through a long backlog.
            self._due = max(due, now - _CATCH_UP_S)
            self._last_at = at
            self._warm_up = max(0, self._warm_up - 1)
            return True

    def _next_due(self, at: datetime, now: float) -> float:
        if self._last_at is None:
            return now
        stream_s = min((at - self._last_at).total_seconds(), _MINUTE_S)
        speed = max(self._speed, WARM_UP_SPEED) if self._warm_up else self._speed
        return self._due + stream_s / speed

    @contextmanager
    def _steering(self) -> Iterator[None]:
        with self._condition:
            yield
            self._condition.notify_all()
