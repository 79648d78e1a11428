"""Forecasts of the mean of the next 15 and 60 minutes of many meters, as output columns."""

from __future__ import annotations

import numpy as np

from streamer.errors import StateError
from streamer.fleet.arranged import MINUTE_US, NEVER
from streamer.fleet.columns import Column
from streamer.models import MeansHead
from streamer.online.means.light.forecasts import HORIZONS, LightHorizons, offers
from streamer.online.means.light.learning import MINUTES
from streamer.online.minutesums import MAX_KW
from streamer.online.wallclock import WallClocks, wall_clocks_at
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray, Records

_NAMES = ("kw", "median_kw", "low_kw", "high_kw")


class FleetHorizons:
    """Forecasts the means of the next minutes of many meters.

    The object itself has no state: each meter has a record.

    Args:
        head: forecaster of both horizons.
        adapt: whether the forecasts are corrected.
        confidence: nominal coverage of the intervals.

    Attributes:
        first: () record of a new meter.
    """

    def __init__(self, head: MeansHead, *, adapt: bool, confidence: float) -> None:
        self._horizons = LightHorizons(head, adapt=adapt, confidence=confidence)
        self.first = self._horizons.first

    @classmethod
    def of(cls, head: MeansHead | None, *, adapt: bool, confidence: float) -> FleetHorizons | None:
        """Those of a model's head; None if it does not forecast both horizons."""
        if head is None or not offers(head):
            return None
        return cls(head, adapt=adapt, confidence=confidence)

    def check(self, records: Records) -> None:
        """Check records that were restored.

        Raises:
            StateError: they are damaged.
        """
        if not self._horizons.are_sound(records):
            raise StateError("state of a shard is damaged: its horizons are out of bounds")

    def take(
        self,
        records: Records,
        *,
        at: IntArray,
        local: IntArray,
        before_at: IntArray,
        kw: DoubleArray,
        before_kw: DoubleArray,
        hidden: FloatArray,
        full: BoolArray,
        next_kw: DoubleArray,
    ) -> DoubleArray:
        """Take a reading of each of some meters.

        Args:
            records: (meters,) their records, changed in place.
            at: (meters,) times in microseconds.
            local: (meters,) the same by the clock on the wall.
            before_at: (meters,) times of the readings before, `NEVER` without one.
            kw: (meters,) readings in kW.
            before_kw: (meters,) those before, within the bounds of the next.
            hidden: (meters, units) the network's last hidden states.
            full: (meters,) whether the window is full, so that there is one.
            next_kw: (meters, 4) mean, median, low and high of the next reading; NaN if there is
                no forecast, and for the median if the model has none.

        Returns:
            (meters, 4, horizons) the same of the next 1, 15 and 60 minutes.
        """
        minutes = at // MINUTE_US
        _, day_minutes, weekends = wall_clocks_at(local.view("datetime64[us]"))
        known = before_at != NEVER
        apart = np.where(known, minutes - np.where(known, before_at, 0) // MINUTE_US, 0)
        taken = self._horizons.take(
            records,
            clocks=WallClocks(minutes, day_minutes, weekends),
            apart=apart,
            kw=kw,
            before_kw=before_kw,
            hidden=hidden,
            full=full,
        )
        mean, median, low, high = np.clip(next_kw.T, -MAX_KW, MAX_KW)
        point = np.minimum(np.maximum(mean, low), high)
        issued = np.empty((len(kw), len(_NAMES), len(HORIZONS)))
        issued[:, :, 1:] = taken.issued_kw
        columns = mean, np.where(np.isnan(median), point, median), low, high
        for row, column in enumerate(columns):
            issued[:, row, 0] = column
        return issued


def next_columns(issued_kw: DoubleArray) -> dict[str, Column]:
    """Output columns of forecasts (meters, 4, horizons) beyond the next reading."""
    return {
        f"next_{minutes}_{name}": issued_kw[:, row, place]
        for place, minutes in enumerate(HORIZONS)
        if minutes in MINUTES
        for row, name in enumerate(_NAMES)
    }


def horizon_scores(records: Records) -> dict[int, dict[str, Column]]:
    """The running scores (meters,) by horizon and name; NaN before the first settled forecast."""
    found: dict[int, dict[str, Column]] = {}
    for place, minutes in enumerate(MINUTES):
        scores = records["scores"][:, place]
        settled = scores["settled"].astype(np.int64)
        mse, reference, coverage = (
            np.where(settled > 0, scores[name].astype(np.float64), np.nan)
            for name in ("mse_kw2", "persistence_mse_kw2", "coverage")
        )
        ratio = np.full(len(records), np.nan)
        np.divide(mse, reference, out=ratio, where=reference > 0.0)
        found[minutes] = {
            "settled": settled,
            "mse_kw2": mse,
            "persistence_mse_kw2": reference,
            "skill": 1.0 - ratio,
            "coverage": coverage,
        }
    return found


def score_name(name: str, minutes: int) -> str:
    """Name of the output column of a score.

    >>> score_name("mse_kw2", 15), score_name("skill", 60)
    ('mse_15_kw2', 'skill_60')
    """
    stem = name.removesuffix("_kw2")
    return f"{stem}_{minutes}{name[len(stem) :]}"
