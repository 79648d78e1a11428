"""Clock skew of a meter, estimated from the arrival times of its samples.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamer.display.durations import apart

EARLY_S = 2.0
"""Tolerance for samples ahead of our clock, since clocks are set only now and then."""

_AGREE_S = 2.0
_MIN_SAMPLES = 5
_MIN_LENGTH_S = 10.0


@dataclass
class _Run:
    """Successive samples whose lags agree."""

    since_s: float
    low_s: float
    high_s: float
    count: int = 1

    def joined_by(self, lag_s: float) -> bool:
        low_s, high_s = min(self.low_s, lag_s), max(self.high_s, lag_s)
        if high_s - low_s > _AGREE_S:
            return False
        self.low_s, self.high_s = low_s, high_s
        self.count += 1
        return True


class MeterClock:
    """Correction of a meter's times for clock skew.

    The clock is considered wrong when, for a while, successive samples arrive with times
    that differ from ours by the same amount. Samples that arrive late in a burst differ by
    varying amounts, and are left alone.

    Args:
        grace_s: allowed lateness of a sample.

    Attributes:
        error_s: how far the meter's clock is behind ours; added to its times.
    """

    def __init__(self, grace_s: float) -> None:
        self.error_s = 0.0
        self._late = max(grace_s, EARLY_S)
        self._reported_s = 0.0
        self._run: _Run | None = None

    def correct(self, at_s: float, arrived_s: float) -> float:
        """Return the time of a sample on our clock.

        Args:
            at_s: its time on the meter's clock.
            arrived_s: its time of arrival.
        """
        lag_s = arrived_s - at_s
        if -EARLY_S <= lag_s - self.error_s <= self._late:
            self._run = None
        elif self._run is None or not self._run.joined_by(lag_s):
            self._run = _Run(arrived_s, lag_s, lag_s)
        elif self._run.count >= _MIN_SAMPLES and arrived_s - self._run.since_s >= _MIN_LENGTH_S:
            low_s, self._run = self._run.low_s, None
            # The fastest sample has the smallest delay in its lag.
            self.error_s = 0.0 if -EARLY_S <= low_s <= self._late else low_s
        return at_s + self.error_s

    def step(self, delta_s: float) -> None:
        """Adjust to our own clock being set ahead by `delta_s`, which puts the meter's behind."""
        self._run = None
        if self.error_s:
            self.error_s += delta_s
            if -EARLY_S <= self.error_s <= self._late:
                self.error_s = 0.0

    def change(self) -> str | None:
        """Describe the meter's clock if its skew has changed since the last call."""
        if abs(self.error_s - self._reported_s) <= _AGREE_S:
            return None
        self._reported_s = self.error_s
        if not self.error_s:
            return "the meter's clock is correct again"
        side = "behind" if self.error_s > 0 else "ahead"
        return f"the meter's clock is {apart(self.error_s)} {side}; corrected"
