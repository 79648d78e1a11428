"""Running scores of the forecasts of demand intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from streamer.energy.ledger import MAX_KW
from streamer.readings.demand import DemandScores, ReliabilityBin
from streamer.readings.saved import count, number, numbers

EDGES = (0.01, 0.05, 0.2, 0.4, 0.6, 0.8)
"""Probabilities at which the bins of the reliability are divided; an edge is in the upper bin."""

SCORED = (1 / 15, 1 / 3, 2 / 3)
"""Shares of an interval after which the forecast of its mean is scored."""


_MAX_SUM = 1e36
"""Bound of the sums in a saved state, so that they stay finite."""


class _Forecast(NamedTuple):
    kw: float
    low_kw: float
    high_kw: float
    last_kw: float


class _Bin(NamedTuple):
    intervals: int = 0
    exceeded: int = 0
    total: float = 0.0
    """Sum of the probabilities."""

    def plus(self, p: float, *, exceeded: bool) -> _Bin:
        return _Bin(self.intervals + 1, self.exceeded + exceeded, self.total + p)


class RunningDemandScores:
    """Scores of complete intervals that had a forecast at each scored minute.

    The probability is scored a third of the interval after its start: by its Brier score (Brier
    1950, "Verification of forecasts expressed in terms of probability"), and in bins for its
    reliability (Murphy and Winkler 1977). Intervals without a bound have no probability, and
    count only for the errors of the mean.

    Args:
        minutes: length of the intervals.

    Attributes:
        scored: numbers of minutes after which the forecast is scored, in rising order.

    >>> scores = RunningDemandScores(15)
    >>> for passed in range(1, 15):
    ...     scores.see(passed, kw=1.0, low_kw=0.5, high_kw=1.5, last_kw=2.0, p=0.1)
    >>> scores.end(1.2, exceeded=False, warned=False)
    >>> found = scores.get()
    >>> round(found.brier, 3), round(found.rmse_kw[0], 3), found.coverage
    (0.01, 0.2, 1.0)
    """

    __slots__ = (
        "_bins",
        "_brier",
        "_counts",
        "_inside",
        "_probability",
        "_probable",
        "_seen",
        "_squares",
        "scored",
    )

    def __init__(self, minutes: int) -> None:
        self.scored = tuple(round(share * minutes) for share in SCORED)
        self._seen: dict[int, _Forecast] = {}
        self._probability: float | None = None
        # Settled, exceeded, found, false alarms.
        self._counts = [0, 0, 0, 0]
        self._inside = 0
        # Of the forecast and of the last reading, at each scored minute.
        self._squares = [[0.0, 0.0] for _ in self.scored]
        self._probable, self._brier = 0, 0.0
        self._bins = [_Bin() for _ in range(len(EDGES) + 1)]

    def see(
        self,
        passed: int,
        *,
        kw: float,
        low_kw: float,
        high_kw: float,
        last_kw: float,
        p: float | None,
    ) -> None:
        """Take the forecast of the running interval's mean after so many minutes of it.

        Args:
            passed: how many; others than those of `scored` are ignored.
            kw: expected mean in kW.
            low_kw: lower end of its prediction interval.
            high_kw: its upper end.
            last_kw: the mean if the last reading continues.
            p: probability that it exceeds the bound; None without a bound.
        """
        if passed in self.scored:
            self._seen[passed] = _Forecast(kw, low_kw, high_kw, last_kw)
            if passed == self.scored[1]:
                self._probability = p

    def end(self, kw: float | None, *, exceeded: bool | None, warned: bool) -> None:
        """End the running interval.

        Args:
            kw: its mean in kW; None if minutes of it are missing, and it is not scored.
            exceeded: whether it exceeded its bound; None without one.
            warned: whether there was an alarm.
        """
        seen, self._seen = self._seen, {}
        p, self._probability = self._probability, None
        if kw is None or len(seen) < len(self.scored):
            return
        self._counts[0] += 1
        for sums, passed in zip(self._squares, self.scored, strict=True):
            sums[0] += (kw - seen[passed].kw) ** 2
            sums[1] += (kw - seen[passed].last_kw) ** 2
        third = seen[self.scored[1]]
        self._inside += third.low_kw <= kw <= third.high_kw
        if exceeded is None:
            return
        self._counts[1] += exceeded
        self._counts[2] += exceeded and warned
        self._counts[3] += warned and not exceeded
        if p is not None:
            self._probable += 1
            self._brier += (p - exceeded) ** 2
            place = sum(p >= edge for edge in EDGES)
            self._bins[place] = self._bins[place].plus(p, exceeded=exceeded)

    def get(self) -> DemandScores:
        """The scores so far."""
        settled, exceeded, found, false_alarms = self._counts
        if not settled:
            return DemandScores()
        probable = self._probable
        share = sum(each.exceeded for each in self._bins) / probable if probable else 0.0
        return DemandScores(
            settled,
            exceeded,
            found,
            false_alarms,
            self._brier / probable if probable else None,
            share * (1.0 - share) if probable else None,
            tuple(
                ReliabilityBin(
                    each.total / each.intervals, each.exceeded / each.intervals, each.intervals
                )
                for each in self._bins
                if each.intervals
            ),
            tuple(math.sqrt(squares / settled) for squares, _ in self._squares),
            tuple(math.sqrt(squares / settled) for _, squares in self._squares),
            self._inside / settled,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the next scores depend on, as plain JSON values."""
        return {
            "counts": list(self._counts),
            "inside": self._inside,
            "squares": [list(each) for each in self._squares],
            "probable": self._probable,
            "brier": self._brier,
            "bins": [list(each) for each in self._bins],
            "seen": [[passed, *each] for passed, each in self._seen.items()],
            "p": self._probability,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        settled, exceeded, found, false_alarms = map(count, state["counts"])
        self._counts = [settled, exceeded, found, false_alarms]
        self._inside, self._probable = count(state["inside"]), count(state["probable"])
        if not max(exceeded, self._inside, self._probable) <= settled or found > exceeded:
            raise ValueError("the counts of demand intervals contradict each other")
        self._brier = _sum(state["brier"])
        squares = [[_sum(each) for each in row] for row in state["squares"]]
        bins = [_Bin(count(rows), count(came), _sum(sum_)) for rows, came, sum_ in state["bins"]]
        if len(squares) != len(self._squares) or any(len(row) != 2 for row in squares):
            raise ValueError("the squared errors of demand intervals are not those of the minutes")
        if len(bins) != len(self._bins) or any(each.exceeded > each.intervals for each in bins):
            raise ValueError("the bins of the reliability are damaged")
        if sum(each.intervals for each in bins) != self._probable:
            raise ValueError("the bins of the reliability are not of all intervals")
        self._squares, self._bins = squares, bins
        self._seen = {}
        for passed, *values in state["seen"]:
            if passed not in self.scored:
                raise ValueError(f"minute {passed!r:.40} of a demand interval is not scored")
            forecast = _Forecast(*numbers(values, 4))
            if max(map(abs, forecast)) > MAX_KW:
                raise ValueError("a forecast of a demand interval is out of bounds")
            self._seen[count(passed)] = forecast
        p = state["p"]
        self._probability = None if p is None else _share(p)


def _sum(value: Any) -> float:
    found = number(value)
    if not 0.0 <= found <= _MAX_SUM:
        raise ValueError(f"{found} is out of bounds")
    return found


def _share(value: Any) -> float:
    found = number(value)
    if not 0.0 <= found <= 1.0:
        raise ValueError(f"{found} is not a probability")
    return found
