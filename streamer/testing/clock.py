"""Clock that is advanced by hand."""

from __future__ import annotations

import threading

_FROZEN_WAIT_S = 0.01


class ManualClock:
    """Clock that advances only when it is waited for, by the whole wait at once.

    Args:
        wall: initial date, in seconds since 1970.
        frozen: whether waits do not advance it either: time then passes by `advance` only, and
            a wait returns when notified, after a short moment of real time at most.

    Attributes:
        waits: the waits so far, in seconds.
    """

    def __init__(self, *, wall: float = 0.0, frozen: bool = False) -> None:
        # Pairs, since another thread must never see one value of them without the other.
        self._now_stopped = 0.0, 0.0
        self._wall_asleep = wall, 0.0
        self._frozen = frozen
        self.waits: list[float | None] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now_stopped[0]

    def wall(self) -> float:
        """The date, in seconds since 1970."""
        return self._wall_asleep[0] + self.now()

    def stopped(self) -> float:
        """Seconds for which the process was stopped."""
        return self._now_stopped[1]

    def asleep(self) -> float | None:
        """Seconds for which the machine was asleep."""
        return self._wall_asleep[1]

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        now_s, stopped_s = self._now_stopped
        self._now_stopped = now_s + seconds, stopped_s

    def stop(self, seconds: float) -> None:
        """Advance the clock while the process is stopped."""
        now_s, stopped_s = self._now_stopped
        self._now_stopped = now_s + seconds, stopped_s + seconds

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep: only the date advances."""
        wall_s, asleep_s = self._wall_asleep
        self._wall_asleep = wall_s + seconds, asleep_s + seconds

    def set_wall(self, seconds: float) -> None:
        """Set the date, as a person or a time server would; the monotonic time stays."""
        self._wall_asleep = seconds - self.now(), self._wall_asleep[1]

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Advance by the whole wait at once; without a time limit, really wait until notified."""
        self.waits.append(seconds)
        if seconds is None:
            condition.wait()
        elif self._frozen:
            condition.wait(_FROZEN_WAIT_S)
        else:
            self.advance(seconds)
