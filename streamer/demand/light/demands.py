"""Demand intervals of many meters: the running ones, their forecasts, peaks and alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamer.demand.alarm import bound_of
from streamer.demand.light.alarm import LightThreshold
from streamer.demand.light.intervals import EndedIntervals, RunningIntervals
from streamer.demand.light.probability import Ahead, LightProbability
from streamer.demand.light.records import new_record
from streamer.demand.rest import RestForecasts
from streamer.demand.settings import DemandRule
from streamer.demand.texts import peak_text
from streamer.energy.ledger import MAX_KW
from streamer.readings.arrays import (
    DoubleArray,
    FloatArray,
    IndexArray,
    IntArray,
    Records,
)


class Demands:
    """Keeps the demand intervals of many meters, by the rules of `streamer.demand.part.Demand`.

    The object itself has no state: each meter has a record. Only the peak of the running month
    is kept.

    Args:
        rule: the intervals, and the bound that they should not exceed.
        horizons: numbers of minutes whose mean is forecast, in rising order; none if there are
            no such forecasts. Then the last reading is taken to continue, without an interval,
            a probability or alarms.
        confidence: nominal coverage of the forecasts' intervals.

    Attributes:
        rule: the intervals.
        first: () record of a new meter.
    """

    def __init__(self, rule: DemandRule, horizons: Sequence[int], *, confidence: float) -> None:
        self.rule = rule
        self._rests = RestForecasts(horizons)
        self._probability = LightProbability(rule.minutes, confidence=confidence, net=rule.net)
        self._threshold = LightThreshold(rule)
        self.first = new_record(self._threshold.first)

    def take(
        self,
        state: Records,
        *,
        minute: IntArray,
        past: IntArray,
        month: IntArray,
        kw: DoubleArray,
        issued_kw: DoubleArray | None,
    ) -> RunningIntervals:
        """Take a reading of each of some meters.

        Args:
            state: (meters,) their records, changed in place.
            minute: (meters,) minutes of the readings, since 1970; those of a meter must not fall.
            past: (meters,) minutes since the beginning of the interval, on the clock on the wall.
            month: (meters,) numbers of the months on that clock.
            kw: (meters,) powers in kW, all finite.
            issued_kw: (meters, 4, horizons) mean, median, low and high of the next minutes' mean
                that were forecast at the readings, NaN if none was; None likewise.
        """
        is_new = state["passed"] == 0
        rows = np.flatnonzero(is_new | (minute > state["start"] + state["passed"].astype(int) - 1))
        now = state if len(rows) == len(state) else state[rows]
        found = self._take(
            now,
            rows,
            minute=minute[rows],
            past=past[rows],
            month=month[rows].astype(np.uint16),
            kw=np.clip(kw[rows], -MAX_KW, MAX_KW),
            issued_kw=None if issued_kw is None else issued_kw[rows],
        )
        if now is not state:
            state[rows] = now
        return found

    def _take(
        self,
        now: Records,
        rows: IndexArray,
        *,
        minute: IntArray,
        past: IntArray,
        month: IntArray,
        kw: DoubleArray,
        issued_kw: DoubleArray | None,
    ) -> RunningIntervals:
        """Take readings of which none is left out."""
        length, net = self.rule.minutes, self.rule.net
        ended: list[EndedIntervals] = []
        raised: list[tuple[int, str, float]] = []
        start = minute - past
        begins = (now["passed"] == 0) | (now["start"] != start)
        cut = np.flatnonzero(begins & (now["passed"] > 0) & (now["passed"] < length))
        if len(cut):
            ended.append(self._end(now, cut, rows))
        self._begin(now, np.flatnonzero(begins), start, month)
        now["counted"] += kw if net else np.maximum(kw, 0.0)
        now["exported"] += np.maximum(-kw, 0.0)
        now["measured"] += 1
        now["passed"] = past + 1
        left = length - past - 1
        bound_kw, peak_kw = self._bounds(now), now["peak"].astype(np.float64)
        peak_at = now["peak_at"].astype(np.int64)
        mean_kw = _mean(now["counted"], now["measured"])
        known = mean_kw * now["passed"]

        def whole(rest_kw: DoubleArray) -> DoubleArray:
            counted = rest_kw if net else np.maximum(rest_kw, 0.0)
            found: DoubleArray = np.maximum((known + left * counted) / length, 0.0)
            return found

        rest = self._rests.of_many(left, issued_kw)
        forecast = ~np.isnan(rest[:, 0])
        so_far_kw = np.maximum(mean_kw, 0.0)
        over = left == 0
        last_kw = np.where(over, so_far_kw, whole(kw))
        expected_kw, low_kw, high_kw = (
            np.where(over, so_far_kw, whole(rest[:, column])) for column in (0, 2, 3)
        )
        expected_kw = np.where(forecast, expected_kw, last_kw)
        has_bound = ~np.isnan(bound_kw)
        p = np.where(over & has_bound, so_far_kw > bound_kw, np.nan)
        margin_kw = np.full(len(now), np.nan)
        np.divide(bound_kw * length - known, left, out=margin_kw, where=~over)
        np.maximum(margin_kw, 0.0, out=margin_kw)
        some = np.flatnonzero(forecast)
        if len(some):
            ahead = Ahead(known, left, rest, kw).of(some)
            theirs = now[some]
            p[some] = self._probability.of(theirs, bound_kw[some], ahead)
            self._probability.see(theirs, ahead)
            now[some] = theirs
        found = RunningIntervals(
            rows=rows,
            start=start,
            left=left,
            unknown=now["passed"].astype(np.int64) - now["measured"],
            so_far_kw=so_far_kw,
            kw=expected_kw,
            low_kw=low_kw,
            high_kw=high_kw,
            last_kw=last_kw,
            bound_kw=bound_kw,
            margin_kw=margin_kw,
            peak_kw=peak_kw,
            peak_at=peak_at,
            p=p,
            raised=raised,
            ended=ended,
        )
        # What has been highest in less than a day is exceeded by every evening.
        knows = (bound_kw != peak_kw) | (now["highest"][:, 1] > 0.0)
        for row, size in self._threshold.raised(now, p, left, knows):
            raised.append((row, self._text(found, row, float(rest[row, 0])), size))
        last = np.flatnonzero(over)
        if len(last):
            ended.append(self._end(now, last, rows))
        return found

    def _begin(self, now: Records, rows: IndexArray, start: IntArray, month: IntArray) -> None:
        """Begin the intervals of some meters."""
        if not len(rows):
            return
        some = now[rows]
        some["start"] = start[rows]
        for name in ("measured", "passed", "counted", "exported"):
            some[name] = 0
        another = some["month"] != month[rows]
        some["month"] = month[rows]
        some["peak"][another] = np.nan
        now[rows] = some

    def _bounds(self, now: Records) -> DoubleArray:
        """(meters,) the bounds of the running intervals in kW; NaN for none."""
        if self.rule.limit_kw is not None:
            return np.full(len(now), self.rule.limit_kw)
        bound_kw = np.fmax(now["peak"].astype(np.float64), self.rule.floor_kw)
        return np.where(bound_kw > 0.0, bound_kw, np.nan)

    def _text(self, found: RunningIntervals, row: int, rest_kw: float) -> str:
        """Text of the alarm about one of the intervals."""
        rule, bound_kw = self.rule, float(found.bound_kw[row])
        return peak_text(
            minutes=rule.minutes,
            left=int(found.left[row]),
            kw=float(found.kw[row]),
            high_kw=float(found.high_kw[row]),
            rest_kw=rest_kw if rule.net else max(rest_kw, 0.0),
            bound_kw=bound_kw,
            bound=bound_of(rule, bound_kw, float(found.peak_kw[row])),
            margin_kw=float(found.margin_kw[row]),
            price_per_kw_year=rule.price_per_kw_year,
            currency=rule.currency,
        )

    def _end(self, now: Records, which: IndexArray, rows: IndexArray) -> EndedIntervals:
        """End the running intervals of some meters, and learn from those that are complete."""
        some, length = now[which], self.rule.minutes
        unknown = length - some["measured"].astype(np.int64)
        complete = unknown == 0
        kw = np.maximum(_mean(some["counted"], some["measured"]), 0.0)
        least_kw = np.zeros(len(some)) if self.rule.net else _mean(some["counted"], length)
        bound_kw = self._bounds(some)
        reached_kw = np.where(complete, kw, least_kw)
        # A comparison with NaN fails.
        exceeded = reached_kw > bound_kw
        self._probability.end(some, kw, complete)
        self._threshold.end(some, exceeded, complete & ~np.isnan(bound_kw))
        peak_kw = some["peak"]
        higher = np.where(np.isnan(peak_kw), complete, reached_kw > peak_kw)
        some["peak"] = np.where(higher, reached_kw, peak_kw)
        some["peak_at"] = np.where(higher, some["start"], some["peak_at"])
        now[which] = some
        return EndedIntervals(
            rows[which],
            some["start"].astype(np.int64),
            kw,
            unknown,
            bound_kw,
            exceeded,
            _mean(some["exported"], some["measured"]),
        )


def _mean(total: FloatArray, minutes: IntArray | int) -> DoubleArray:
    """Means in kW, rounded as the peaks of the records are, so that equal ones remain equal."""
    found = np.divide(total, minutes, dtype=np.float32, casting="same_kind")
    return found.astype(np.float64)
