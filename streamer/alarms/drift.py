"""Detector of a lasting change of the errors: adaptive windowing on hourly means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.readings.saved import numbers

DELTA = 0.05
"""Significance level of a cut, as defined in the paper."""

_MIN_HOURS = 5
"""Minimum number of hours on each side of a cut."""

_MAX_HOURS = 672
"""Maximum length of the window in hours: four weeks."""

_FLOOR_KW = 0.003
"""Added to an hour's error, so that the logarithm of an hour without error is bounded."""

_USUAL_DAYS = 14
"""Days over which the usual error of an hour of the day is averaged."""

_MIN_LARGER = math.log(1.25)
"""Minimum excess of the errors after a cut over the usual ones of the same hours of the day."""

_MAX_LOG = 700.0
"""Bound on the logarithm of an error that has an exponential."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cut between past and present errors.

    Attributes:
        before_kw: typical hourly mean error before the cut, in kW.
        after_kw: the same after the cut.
        hours: number of hours after the cut.
        size: difference as a multiple of the smallest that would have been a cut.
    """

    before_kw: float
    after_kw: float
    hours: int
    size: float


class Drift:
    """Detector of lastingly larger errors.

    Source: ADWIN (Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive
    windowing", SDM), in the first form of the paper, which tries every cut of the window,
    with the variance bound, the grace period at both ends and ``delta`` of river's
    `ADWIN(delta=0.05, clock=1)`, whose window cannot be saved and restored.
    The input is the logarithm of an hour's mean error: a doubling is then the same step in any
    house, and a kettle only a small deviation.

    Guarantee: on independent, bounded hours of one distribution, the probability of any cut
    is at most ``delta`` (theorem 3.1 there); a step is found when it is larger than the
    bound, which shrinks with the root of the hours since.

    A cut is reported if the errors became larger, and are at least a quarter larger than usual at
    the same hours of the day, which is their running mean of about fourteen days. So neither a
    family that comes home nor the morning of a day with sun is reported. Any cut clears the window.

    What breaks it: hours are not independent. A day with guests is detected as a change that
    lasts a day, and so is a gradual change of season, if it is detected at all. In the first
    day nothing is usual, and nothing is reported.

    Cuts, up and down, measured with river 0.26 over two houses and four made of their parts, the
    second halves of 50 to 130 days (false alarms a week in the worst house; median days to find
    a lasting doubling, and halving, of the errors; doublings not found in two weeks, of 60):

    | method, on | a week | doubled | halved | missed |
    |---|---|---|---|---|
    | ADWIN(0.05), hours, as here | 0.33 | 1.0 | 1.1 | 0 |
    | ADWIN(0.2), hours | 0.33 (first halves 0.86) | 0.7 | 0.8 | 0 |
    | ADWIN(1e-20), readings in kW | 0.44 | 1.1 | 2.7 | 0 |

    and over the first halves, on hours: ADWIN(0.05) 0.22, 1.1, 1.1, 0; PageHinkley(threshold=15,
    delta=0.2) 0.55, 1.2, 1.5, 1; KSWIN(0.001, 336, 24) 0.22, 1.3, 1.5, 6, which samples at random.

    Args:
        delta: significance level of a cut; smaller is more cautious.

    >>> drift = Drift()
    >>> found = [drift.update(0.1 if hour < 48 else 0.3, hour % 24) for hour in range(60)]
    >>> change = next(change for change in found if change is not None)
    >>> change.hours, round(change.after_kw / change.before_kw, 2)
    (12, 2.94)
    """

    def __init__(self, delta: float = DELTA) -> None:
        self._delta = delta
        self._hours: list[float] = []
        self._excesses: list[float] = []
        self._usual: list[float | None] = [None] * 24

    def update(self, error_kw: float, hour: int) -> Change | None:
        """Add the mean absolute error of one hour.

        Args:
            error_kw: the error in kW.
            hour: hour of the day, 0 to 23.

        Returns:
            The change, if the errors have become larger for long.
        """
        # Rounded, so that a saved state is short.
        log = round(math.log(error_kw + _FLOOR_KW), 4)
        usual = self._usual[hour]
        excess = 0.0 if usual is None else log - usual
        self._usual[hour] = round(log if usual is None else usual + excess / _USUAL_DAYS, 4)
        self._hours.append(log)
        self._excesses.append(round(excess, 4))
        del self._hours[:-_MAX_HOURS], self._excesses[:-_MAX_HOURS]
        change = self._find_cut()
        if change is None:
            return None
        excess = sum(self._excesses[-change.hours :]) / change.hours
        self._hours.clear()
        self._excesses.clear()
        is_larger = change.after_kw > change.before_kw and excess >= _MIN_LARGER
        return change if is_larger else None

    def _find_cut(self) -> Change | None:
        """Find the most significant cut of the window, up or down."""
        count = len(self._hours)
        if count < 2 * _MIN_HOURS:
            return None
        values = np.array(self._hours)
        sums = np.cumsum(values)
        older = np.arange(_MIN_HOURS, count - _MIN_HOURS + 1)
        step = (sums[-1] - sums[older - 1]) / (count - older) - sums[older - 1] / older
        grace = _MIN_HOURS - 1
        weight = 1.0 / (older - grace) + 1.0 / (count - older - grace)
        doubt = math.log(2.0 * math.log(count) / self._delta)
        bound = np.sqrt(2.0 * weight * values.var() * doubt) + 2.0 / 3.0 * doubt * weight
        sizes = np.abs(step) / bound
        best = int(sizes.argmax())
        if sizes[best] <= 1.0:
            return None
        cut = _MIN_HOURS + best
        before, after = values[:cut].mean(), values[cut:].mean()
        return Change(math.exp(before), math.exp(after), count - cut, float(sizes[best]))

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "hours": list(self._hours),
            "excesses": list(self._excesses),
            "usual": list(self._usual),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; a former one has hours only.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        hours = _logs(state["hours"], most=_MAX_HOURS)
        excesses = _logs(state.get("excesses", [0.0] * len(hours)), most=_MAX_HOURS)
        usual = state.get("usual", self._usual)
        known = _logs((log for log in usual if log is not None), most=24)
        if len(excesses) != len(hours) or len(usual) != len(self._usual):
            raise ValueError(f"{len(hours)} hours, {len(excesses)} excesses, {len(usual)} a day")
        rest = iter(known)
        self._hours, self._excesses = hours, excesses
        self._usual = [None if log is None else next(rest) for log in usual]


def _logs(values: Iterable[Any], most: int) -> list[float]:
    """Logarithms of errors, or their differences, of a saved state."""
    logs = numbers(values, most)
    if any(abs(log) > 2.0 * _MAX_LOG for log in logs):
        raise ValueError(f"the logarithm of an error is beyond {_MAX_LOG:g}")
    return logs
