"""Forecasts of the next reading of many meters: issued, settled, and learnt from."""

from __future__ import annotations

import numpy as np

from streamer.fleet import guard
from streamer.fleet.bands import Bands
from streamer.fleet.columns import Column
from streamer.fleet.running import score
from streamer.online import light
from streamer.online.intervals import MAX_KW
from streamer.readings.arrays import DoubleArray, IntArray, Records


class NextReadings:
    """Corrects a network's forecasts of the next reading, and puts intervals around them.

    The object itself has no state: each meter has a record.

    Args:
        levels: levels of the network's quantiles in increasing order; may be empty.
        adapt: whether the forecasts are corrected.
        confidence: nominal coverage of the intervals.

    Attributes:
        first_band: () record of the intervals of a new meter.
    """

    def __init__(self, levels: tuple[float, ...], *, adapt: bool, confidence: float) -> None:
        self._adapt = adapt
        self._median = levels.index(0.5) if 0.5 in levels else None
        self._bands = Bands(confidence, levels)
        self.first_band = self._bands.first

    def settle(self, now: Records, kw: DoubleArray) -> None:
        """Learn from the readings, and score their forecasts.

        Args:
            now: (meters,) records of meters whose forecasts wait, changed in place.
            kw: (meters,) the readings in kW.
        """
        forecast, frozen, low, high = (
            now[name] for name in ("kw", "frozen_kw", "low_kw", "high_kw")
        )
        if self._adapt:
            light.settle(now["light"], frozen_kw=frozen, actual_kw=kw)
            guard.settle(now["guard"], last_kw=_bounded(now["last_kw"]), actual_kw=kw)
        self._bands.settle(now["band"], kw, now["mean_kw"], low, high)
        score(
            now["scores"],
            actual_kw=kw,
            forecast_kw=forecast,
            last_kw=now["last_kw"],
            frozen_kw=frozen,
            low_kw=low,
            high_kw=high,
        )

    def issue(
        self, now: Records, frozen: DoubleArray, quantiles: DoubleArray, at: IntArray
    ) -> None:
        """Make the forecasts out of the network's.

        Args:
            now: (meters,) records, changed in place.
            frozen: (meters,) the network's means in kW.
            quantiles: (meters, levels) its quantiles in kW.
            at: (meters,) times of the readings by the clock on the wall, in microseconds.
        """
        mean, last = frozen, _bounded(now["last_kw"])
        none = self._median is None
        median = np.full(len(mean), np.nan) if none else quantiles[:, self._median]
        if self._adapt:
            change = last - _bounded(now["before_kw"])
            mean = light.see(
                now["light"],
                frozen_kw=frozen,
                last_kw=last,
                change_kw=change,
                spread_kw=light.spread_of(quantiles),
            )
            mean, median = guard.see(
                now["guard"],
                mean_kw=mean,
                median_kw=median,
                last_kw=last,
                last_change_kw=change,
                at=at,
                settled=now["scores"]["settled"],
            )
        low, high = self._bands.see(now["band"], mean, quantiles)
        now["mean_kw"], now["frozen_kw"] = mean, frozen
        now["kw"] = np.minimum(np.maximum(mean, low), high) if self._adapt else mean
        now["median_kw"] = np.minimum(np.maximum(median, low), high)
        now["low_kw"], now["high_kw"] = low, high


def waiting_columns(records: Records, prefix: str = "next_") -> dict[str, Column]:
    """The waiting forecasts (meters,), NaN where there is none, by names with a prefix."""
    there = records["waiting"]
    return {
        f"{prefix}{name}": np.where(there, records[name], np.nan)
        for name in ("kw", "median_kw", "low_kw", "high_kw")
    }


def _bounded(kw: DoubleArray) -> DoubleArray:
    """Readings as `streamer.online.layer.recent_changes` bounds them."""
    return np.minimum(np.maximum(kw, -MAX_KW), MAX_KW)
