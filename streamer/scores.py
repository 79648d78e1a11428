"""Running and rolling scores, the model's beside persistence's.

Running means are river's `stats.Mean`, which is what its regression metrics are made of.
The rolling means are our own: river's `utils.Rolling` takes away what leaves the window
by subtraction, so rounding errors pile up, and one huge error leaves its mark for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.readings import Errors, Scores

HOUR = 60
DAY = 1440


class RollingMean:
    """Mean of the last values, exact to rounding whatever has come before.

    Sliding-window aggregation by two stacks (Tangwongsan, Hirzel and Schneider 2017,
    "Low-latency sliding-window aggregation in worst-case constant time"): the older part
    of the window is kept as suffix sums, the newer as one sum; when the older part is
    used up, the newer becomes it. Nothing is ever subtracted, so the mean of values that
    are not negative never is either. Amortised constant time.

    Args:
        size: how many values the window holds.

    >>> mean = RollingMean(2)
    >>> for value in (1e300, 1.0, 2.0):
    ...     latest = mean.update(value)
    >>> latest
    1.5
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, must be at least 1")
        self.size = size
        self._count = 0
        self._older: list[float] = []
        self._older_sums: list[float] = []
        self._newer: list[float] = []
        self._newer_sum = 0.0

    def __len__(self) -> int:
        return self._count

    def update(self, value: float) -> float:
        """Add one value; the oldest leaves if the window is full.

        Returns:
            The mean, this value included.
        """
        if self._count < self.size:
            self._count += 1
        else:
            if not self._older:
                self._turn_over()
            self._older.pop()
            self._older_sums.pop()
        self._newer.append(value)
        self._newer_sum += value
        older = self._older_sums[-1] if self._older_sums else 0.0
        return (older + self._newer_sum) / self._count

    def update_many(self, values: NDArray[np.float64]) -> None:
        """Add values (values,) in turn; the window is then the same, bit for bit."""
        start = 0
        while start < len(values):
            if self._count < self.size:
                room = self.size - self._count
            else:
                if not self._older:
                    # A whole window of values replaces all that is held.
                    whole = (len(values) - start) // self.size
                    if whole:
                        start += (whole - 1) * self.size
                    self._turn_over()
                room = len(self._older)
            added = values[start : start + room]
            if self._count < self.size:
                self._count += len(added)
            else:
                del self._older[-len(added) :], self._older_sums[-len(added) :]
            self._newer += added.tolist()
            self._newer_sum = _sum_in_turn(self._newer_sum, added)
            start += len(added)

    def get(self) -> float | None:
        """The mean, or None if nothing has come yet."""
        if not self._count:
            return None
        older = self._older_sums[-1] if self._older_sums else 0.0
        return (older + self._newer_sum) / self._count

    def values(self) -> list[float]:
        """What is in the window, oldest first."""
        return [*reversed(self._older), *self._newer]

    def state(self) -> dict[str, Any]:
        """The window, split as it is held, so that `restore` gives the same bits."""
        return {"values": self.values(), "older": len(self._older)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the window that `state` described."""
        values, older = list(state["values"]), state["older"]
        self._newer = values[:older]
        self._turn_over()
        self._newer = values[older:]
        self._newer_sum = _sum_in_turn(0.0, np.array(self._newer))
        self._count = len(values)

    def _turn_over(self) -> None:
        self._older = self._newer[::-1]
        self._older_sums = np.cumsum(self._older).tolist()
        self._newer = []
        self._newer_sum = 0.0


def _sum_in_turn(start: float, values: NDArray[np.float64]) -> float:
    """What adding the values one after the other gives; `numpy.sum` adds in pairs."""
    return float(np.cumsum(np.concatenate([[start], values]))[-1])


class _RunningErrors:
    """Errors of one forecaster."""

    def __init__(self) -> None:
        # Behind its first use: river brings scipy, which nobody should wait for who only
        # wants to see the first picture.
        from river import stats

        self._squared = stats.Mean()
        self._absolute = stats.Mean()
        self._hour = RollingMean(HOUR)
        self._day = RollingMean(DAY)

    def update(self, error_kw: float) -> Errors:
        squared = error_kw * error_kw
        self._squared.update(squared)
        self._absolute.update(abs(error_kw))
        return Errors(
            self._squared.get(),
            self._absolute.get(),
            self._hour.update(squared),
            self._day.update(squared),
        )

    def update_many(self, error_kw: NDArray[np.float64]) -> None:
        squared = error_kw * error_kw
        self._squared.update_many(squared)
        self._absolute.update_many(np.abs(error_kw))
        self._hour.update_many(squared)
        self._day.update_many(squared)

    def get(self) -> Errors:
        if not self._squared.n:
            return Errors()
        return Errors(self._squared.get(), self._absolute.get(), self._hour.get(), self._day.get())

    def state(self) -> dict[str, Any]:
        return {
            "mse_kw2": self._squared.get(),
            "mae_kw": self._absolute.get(),
            "hour": self._hour.state(),
            "day": self._day.state(),
        }

    def restore(self, state: Mapping[str, Any], settled: int) -> None:
        if settled:
            # The first value of a mean is taken over as it is, whatever its weight.
            self._squared.update(state["mse_kw2"], w=settled)
            self._absolute.update(state["mae_kw"], w=settled)
        self._hour.restore(state["hour"])
        self._day.restore(state["day"])


class RunningScores:
    """Scores settled forecasts, one at a time.

    >>> scores = RunningScores()
    >>> scores.get().model.mse_kw2 is None
    True
    >>> after = scores.update(actual_kw=1.0, forecast_kw=1.5, last_kw=2.0)
    >>> after.settled, after.model.mse_kw2, after.persistence.mse_kw2, after.skill
    (1, 0.25, 1.0, 0.75)
    """

    def __init__(self) -> None:
        self._settled = 0
        self._running: tuple[_RunningErrors, _RunningErrors] | None = None

    def update(self, *, actual_kw: float, forecast_kw: float, last_kw: float) -> Scores:
        """Score one settled forecast beside persistence.

        Args:
            actual_kw: the reading that has come.
            forecast_kw: what had been forecast for it.
            last_kw: the reading before it, which is what persistence forecast.

        Returns:
            The scores, this one included.
        """
        model, persistence = self._errors()
        self._settled += 1
        return Scores(
            self._settled,
            model.update(actual_kw - forecast_kw),
            persistence.update(actual_kw - last_kw),
        )

    def update_many(
        self,
        *,
        actual_kw: NDArray[np.float64],
        forecast_kw: NDArray[np.float64],
        last_kw: NDArray[np.float64],
    ) -> None:
        """Score settled forecasts, one after the other.

        The running means then agree with those of `update` to rounding, the rolling ones
        to the bit.

        Args:
            actual_kw: (forecasts,) as for `update`, like the two below.
            forecast_kw: (forecasts,).
            last_kw: (forecasts,).
        """
        if not len(actual_kw):
            return
        model, persistence = self._errors()
        self._settled += len(actual_kw)
        model.update_many(actual_kw - forecast_kw)
        persistence.update_many(actual_kw - last_kw)

    def get(self) -> Scores:
        """The scores so far."""
        if self._running is None:
            return Scores()
        model, persistence = self._running
        return Scores(self._settled, model.get(), persistence.get())

    def state(self) -> dict[str, Any] | None:
        """What `restore` needs, as plain JSON values; None if nothing is settled."""
        if self._running is None:
            return None
        model, persistence = self._running
        return {
            "settled": self._settled,
            "model": model.state(),
            "persistence": persistence.state(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Take up the scores that `state` described, bit for bit."""
        self._settled, self._running = 0, None
        if state is None:
            return
        self._settled = state["settled"]
        for errors, key in zip(self._errors(), ("model", "persistence"), strict=True):
            errors.restore(state[key], self._settled)

    def _errors(self) -> tuple[_RunningErrors, _RunningErrors]:
        if self._running is None:
            self._running = (_RunningErrors(), _RunningErrors())
        return self._running
