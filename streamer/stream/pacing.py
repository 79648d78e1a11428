"""Speed of a replay, and the controls that a person has over it.

The clock is passed in, so that tests decide what time it is.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from streamer.clock import Clock, SystemClock
from streamer.readings import MINUTE

MAX = math.inf
"""The speed that waits for nothing."""

SPEEDS = (1.0, 10.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 36000.0, MAX)
"""The speeds that faster and slower step through; 60 is an hour a minute."""

WARM_UP_SPEED = 7200.0
"""The speed at which the first window fills: nothing is to be seen before it is full."""

_CATCH_UP_S = 0.25
_MINUTE_S = MINUTE.total_seconds()


class Pacer:
    """Holds each reading back until it is due; safe to steer from another thread.

    Args:
        speed: stream seconds a second; `MAX` waits for nothing.
        warm_up: how many readings at the start come at `WARM_UP_SPEED` at least.
        clock: where the time comes from.
        on_stop: called once the stream has been told to end, to wake a source that waits.
    """

    def __init__(
        self,
        speed: float = MAX,
        *,
        warm_up: int = 0,
        clock: Clock | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
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
        """Stream seconds a second."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether the stream is held."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """Whether the stream has been told to end."""
        return self._stopped

    @property
    def free_running(self) -> bool:
        """Whether no reading will be held back, so that blocks may be taken whole."""
        return self._speed == MAX and not self._paused

    def faster(self) -> None:
        """Go to the next higher speed of `SPEEDS`."""
        with self._steering():
            self._speed = min((s for s in SPEEDS if s > self._speed), default=MAX)

    def slower(self) -> None:
        """Go to the next lower speed of `SPEEDS`."""
        with self._steering():
            self._speed = max((s for s in SPEEDS if s < self._speed), default=SPEEDS[0])

    def toggle_pause(self) -> None:
        """Hold the stream, or let it go on."""
        with self._steering():
            self._paused = not self._paused
            self._single_steps = 0

    def step(self) -> None:
        """While paused, let one more reading through."""
        with self._steering():
            if self._paused:
                self._single_steps += 1

    def stop(self) -> None:
        """End the stream: nothing waits any longer."""
        with self._steering():
            self._stopped = True
        if self._on_stop is not None:
            self._on_stop()

    def hold(self, at: datetime) -> bool:
        """Wait until the reading of this minute is due.

        A gap is not waited out: whatever lies between two readings, the second is due
        one minute of stream time after the first.

        Args:
            at: the reading's time.

        Returns:
            False if the stream was told to end meanwhile.
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
            # slow it down, but never races through a long backlog.
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
