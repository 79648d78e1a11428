"""Guard against extrapolation: forecasts pulled towards persistence where they are no better.

A network that has never seen a car being charged expects the next appliance to be switched off
and on as ever; one that was fitted to busy days expects something to happen at night. Such
forecasts are worse than "next = last", although on average over all minutes they are better.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from streamer.readings import Reading
from streamer.readings.arrays import TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count, numbers

DAY_PARTS = 4
"""Parts of the day, of six hours each."""

LEVELS_KW = (2.5, 5.0, 10.0)
"""Last readings from which on the power, and not the part of the day, makes the class."""

CLASSES = 2 * (DAY_PARTS + len(LEVELS_KW))
"""Classes of forecasts: each state of the house, with the forecast below or above its last
reading."""

MOVING_KW = 0.1
"""Last change of the readings above which a class of the median is another one."""

KEPT = 0.9999
"""Weight kept from one settled forecast of a class to the next."""

TRIAL = 60
"""Settled forecasts before the first is changed."""

MAX_CHANGE_KW = 3.0
"""Changes count as this at most, which bounds the influence of a faulty reading."""

PRIOR_KW2 = 0.1
"""Evidence for the mean forecast before there is any: as if it had been right about this much."""

PRIOR_KW = 0.3
"""The same for the median forecast: how much it may have lost against persistence."""

DOUBT = 0.5
"""Standard errors by which the weight of the mean forecast is above its estimate."""

SUMS = ("squares", "products", "noise")
"""Sums of a class of the mean, in the order of a saved state, in which older forecasts count less.

With x for the change that was forecast, and y for that which came: x², x y and (x (y − x))². A
class of the median has one, of |y − x| − |y|. All are in single precision, as a fleet holds them.
"""

HOURS = 24 // DAY_PARTS
"""Hours in a part of the day."""

MAX_SUM = 1e9
"""Bound on the size of a sum, which none ever reaches."""


class Guard:
    """Weights of the mean and the median forecast against persistence, in classes of states.

    The state of a house is the quarter of the day while it uses less than 2.5 kW (for the grid
    power beside a battery, how much of a change that leaves), and else its power: from 2.5,
    from 5, or from 10 kW. With the sign of the change that is forecast, that
    makes 14 classes, in each of which the evidence is gathered separately (Mondrian classes: Vovk,
    Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", section 4.5). A forecast
    becomes ``last + w × (forecast − last)``, with w of its class.

    **Mean.** w is the least-squares coefficient of the changes that came on those that were
    forecast, with exponential forgetting (combination of two forecasts with the weight that
    minimizes the squared error: Bates and Granger 1969, Operational Research Quarterly 20:4; the
    slope of Mincer and Zarnowitz 1969). It starts at 1, by a prior, and is raised by half
    of the standard error that it has if the forecast is right, so that chance takes nothing
    away from a good forecast; and it is bounded to 0 to 1.

    **Median.** w is 1 while the summed absolute error of the forecasts, the older ones counting
    less, is below that of persistence, and else 0 (follow the leader among two experts,
    Cesa-Bianchi and Lugosi 2006, "Prediction, Learning, and Games", section 4.3). Each class is
    two for it, by whether the last change was above 0.1 kW.

    **Guarantee.** Over the readings of its class so far, the older ones counting less, w has a
    squared error no larger than persistence's as long as it is below twice the estimate. That
    is the past: there is no guarantee for the next reading. Any reading, however faulty,
    counts as a change of 3 kW at most, and is forgotten over some 10,000 of its class.

    **What breaks it.** Events too rare to learn from: ten in a month do not outweigh the prior.
    States that differ in something else than the power, the time and the sign share a weight.
    For the median, a class in which both forecasts are equally good, so that the leader changes.

    >>> guard = Guard()
    >>> for minute in range(500):
    ...     mean, median = guard.see(11.5, 11.2, 11.0, 0.0, 3)
    ...     guard.settle(11.0)
    >>> round(mean, 2), median
    (11.01, 11.0)
    """

    def __init__(self) -> None:
        self._sums = tuple(array("f", bytes(4 * CLASSES)) for _ in SUMS)
        self._lost = array("f", bytes(8 * CLASSES))
        self._settled = 0
        self._waiting = (0.0, 0.0, 0.0)
        self._places = (0, 0)

    def see(
        self, mean_kw: float, median_kw: float, last_kw: float, last_change_kw: float, state: int
    ) -> tuple[float, float]:
        """Guard a forecast that is about to be issued, and keep it until it is settled.

        Args:
            mean_kw: the mean forecast in kW.
            median_kw: the median forecast in kW; NaN if there is none.
            last_kw: the reading that it is issued at, in kW.
            last_change_kw: the change to that from the reading before, in kW.
            state: state of the house at that reading below 2.5 kW, 0 to 3: the part of the day,
                or the class of a battery's response.

        Returns:
            The mean and the median to issue, in kW.
        """
        level = bisect_right(LEVELS_KW, last_kw)
        place = 2 * (DAY_PARTS - 1 + level if level else state)
        squares, products, noise = self._sums
        median_change = median_kw - last_kw
        median_place = 2 * place + 2 if median_change > 0.0 else 2 * place
        if last_change_kw > MOVING_KW or last_change_kw < -MOVING_KW:
            median_place += 1
        change = mean_kw - last_kw
        if change > 0.0:
            place += 1
        if self._settled >= TRIAL:
            found = products[place] + PRIOR_KW2 + DOUBT * sqrt(noise[place])
            weight = found / (squares[place] + PRIOR_KW2)
            if weight < 1.0:
                mean_kw = last_kw + (weight * change if weight > 0.0 else 0.0)
            if self._lost[median_place] > PRIOR_KW:
                median_kw = last_kw
        self._waiting = _clipped(change), _clipped(median_change), last_kw
        self._places = place, median_place
        return mean_kw, median_kw

    def settle(self, actual_kw: float) -> None:
        """Learn from the reading, in kW, that the last forecast was made for."""
        change, median_change, last_kw = self._waiting
        place, median_place = self._places
        squares, products, noise = self._sums
        came = _clipped(actual_kw - last_kw)
        uncertain = change * (came - change)
        squares[place] = KEPT * squares[place] + change * change
        products[place] = KEPT * products[place] + change * came
        noise[place] = KEPT * noise[place] + uncertain * uncertain
        lost = abs(came - median_change) - abs(came)
        self._lost[median_place] = KEPT * self._lost[median_place] + lost
        self._settled += 1

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        return {
            "sums": packed(self._sums),
            "lost": packed(self._lost),
            "settled": self._settled,
            "waiting": list(self._waiting),
            "places": list(self._places),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit; None to begin anew.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        if state is None:
            return
        sums = unpacked(state["sums"], len(SUMS) * CLASSES).reshape(len(SUMS), CLASSES)
        lost = unpacked(state["lost"], 2 * CLASSES)
        squares, _, noise = sums
        large = max(np.abs(sums).max(), np.abs(lost).max()) > MAX_SUM
        if large or squares.min() < 0.0 or noise.min() < 0.0:
            raise ValueError("the evidence of the guard is out of bounds")
        settled = count(state["settled"])
        change, median_change, last_kw = numbers(state["waiting"], most=3)
        if max(abs(change), abs(median_change)) > MAX_CHANGE_KW:
            raise ValueError("a change that waits for the guard is out of bounds")
        place, median_place = map(count, state["places"])
        if place >= CLASSES or median_place >= 2 * CLASSES:
            raise ValueError("a class of the guard is out of bounds")
        self._sums = tuple(array("f", row) for row in sums.tolist())
        self._lost = array("f", lost.tolist())
        self._settled = settled
        self._waiting = change, median_change, last_kw
        self._places = place, median_place


def _clipped(change: float) -> float:
    """A change within the bounds; NaN, where there is no forecast, as one that leaves no trace."""
    if change > MAX_CHANGE_KW:
        return MAX_CHANGE_KW
    if change < -MAX_CHANGE_KW:
        return -MAX_CHANGE_KW
    return change if change == change else 0.0


def day_parts(readings: Sequence[Reading]) -> list[int]:
    """Part of the day, 0 to 3, of each reading."""
    if isinstance(readings, ReadingBlock):
        return day_parts_at(readings.at)
    return [reading.at.hour // HOURS for reading in readings]


def day_parts_at(at: TimeArray) -> list[int]:
    """Part of the day, 0 to 3, of each of the times (readings,)."""
    hours = at.astype("datetime64[h]").astype(np.int64)
    parts: list[int] = (hours % 24 // HOURS).tolist()
    return parts
