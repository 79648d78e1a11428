"""How far a meter's clock is off, told from when its samples come in.

Logic only: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamer.display.durations import apart

EARLY_S = 2.0
"""A sample may be this far ahead of us: clocks are set now and then, not all the time."""

_AGREE_S = 2.0
_ENOUGH = 5
_OVER_S = 10.0


@dataclass
class _Run:
    """Samples in a row whose lags agree."""

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
    """Sets the times of a meter right whose clock is off.

    Its clock is taken to be off when one sample after the other comes with a time that
    differs from ours by the same amount, for a while. What comes late in a heap differs by
    all sorts of amounts, and is let be.

    Args:
        grace_s: how late a sample may come without anybody wondering.

    Attributes:
        error_s: how far the meter's clock is behind ours; what is added to its times.
    """

    def __init__(self, grace_s: float) -> None:
        self.error_s = 0.0
        self._late = max(grace_s, EARLY_S)
        self._said_s = 0.0
        self._run: _Run | None = None

    def correct(self, at_s: float, arrived_s: float) -> float:
        """When a sample was made, on our clock.

        Args:
            at_s: when, as the meter says.
            arrived_s: when it came in.
        """
        lag_s = arrived_s - at_s
        if -EARLY_S <= lag_s - self.error_s <= self._late:
            self._run = None
        elif self._run is None or not self._run.joined_by(lag_s):
            self._run = _Run(arrived_s, lag_s, lag_s)
        elif self._run.count >= _ENOUGH and arrived_s - self._run.since_s >= _OVER_S:
            low_s, self._run = self._run.low_s, None
            # The quickest sample has the least of the way in it.
            self.error_s = 0.0 if -EARLY_S <= low_s <= self._late else low_s
        return at_s + self.error_s

    def step(self, delta_s: float) -> None:
        """Our own clock has been set: by so much the meter's is now further behind."""
        self._run = None
        if self.error_s:
            self.error_s += delta_s
            if -EARLY_S <= self.error_s <= self._late:
                self.error_s = 0.0

    def news(self) -> str | None:
        """What is to be said of the meter's clock, once for each change."""
        if abs(self.error_s - self._said_s) <= _AGREE_S:
            return None
        self._said_s = self.error_s
        if not self.error_s:
            return "the meter's clock is right again"
        side = "behind" if self.error_s > 0 else "ahead"
        return f"the meter's clock is {apart(self.error_s)} {side}; corrected"
