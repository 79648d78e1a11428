"""Forecasts as columns of numbers, and their conversion to single values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from streamer.readings import MINUTE, Adaptation, Forecast, Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.saved import number

_NUMBERS = ("kw", "last_kw", "frozen_kw", "low_kw", "high_kw")


class Issued(NamedTuple):
    """One forecast as plain numbers in kW, and the state of the correction at its issue."""

    mean_kw: float
    frozen_kw: float
    median_kw: float
    low_kw: float
    high_kw: float
    adaptation: Adaptation | None
    consumption_kw: float | None = None
    solar_kw: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ForecastBatch:
    """Consecutive forecasts, as arrays (forecasts,) in kW.

    Attributes:
        mean_kw: the mean forecast, guarded and inside the band.
        frozen_kw: the network's own.
        median_kw: NaN where the network has none.
        low_kw: lower end of the band.
        high_kw: its upper end.
        adaptations: state of the correction at the issue of each; None without correction.
        consumption_kw: the mean forecast of the consumption; None where it is the grid power.
        solar_kw: that of the solar power; None where it is not measured.
    """

    mean_kw: DoubleArray
    frozen_kw: DoubleArray
    median_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    adaptations: Sequence[Adaptation | None] = ()
    consumption_kw: DoubleArray | None = None
    solar_kw: DoubleArray | None = None

    @property
    def columns(self) -> tuple[DoubleArray, DoubleArray, DoubleArray, DoubleArray, DoubleArray]:
        """The arrays, in the order of the attributes."""
        return self.mean_kw, self.frozen_kw, self.median_kw, self.low_kw, self.high_kw

    @property
    def point_kw(self) -> DoubleArray:
        """The point forecasts: the median, or else the mean, inside the band."""
        point = np.where(np.isnan(self.median_kw), self.mean_kw, self.median_kw)
        return np.minimum(np.maximum(point, self.low_kw), self.high_kw)

    @classmethod
    def joined(cls, parts: Sequence[ForecastBatch]) -> ForecastBatch:
        """Concatenate batches in order of time."""
        if len(parts) == 1:
            return parts[0]
        mean, frozen, median, low, high = (
            np.concatenate(column) for column in zip(*(part.columns for part in parts), strict=True)
        )
        adaptations = [adaptation for part in parts for adaptation in part.adaptations]
        consumption = _joined([part.consumption_kw for part in parts])
        solar = _joined([part.solar_kw for part in parts])
        return cls(mean, frozen, median, low, high, adaptations, consumption, solar)

    def issued(self, rows: slice = slice(None)) -> list[Issued]:
        """The forecasts as single values."""
        numbers = (column[rows].tolist() for column in self.columns)
        if self.consumption_kw is None:
            return list(map(Issued, *numbers, self.adaptations[rows]))
        consumption = self.consumption_kw[rows].tolist()
        solar = repeat(None) if self.solar_kw is None else self.solar_kw[rows].tolist()
        return list(map(Issued, *numbers, self.adaptations[rows], consumption, solar))


def _joined(columns: Sequence[DoubleArray | None]) -> DoubleArray | None:
    known = [column for column in columns if column is not None]
    return np.concatenate(known) if known else None


def settled_by(
    readings: int, waiting: Forecast | None, batch: ForecastBatch | None
) -> tuple[ForecastBatch, int]:
    """The forecasts that a run of readings settles: the one before it, then its own.

    Args:
        readings: number of readings.
        waiting: the forecast that the first of them settles, if any.
        batch: those issued at the last readings, one at each; None if none was.

    Returns:
        Forecasts (readings,), NaN for readings that settle none, and the index of the first
        reading that settles one.
    """
    settled = ForecastBatch(*np.full((5, readings), np.nan))
    first = readings
    if batch is not None:
        first = readings - len(batch.mean_kw) + 1
        for column, issued in zip(settled.columns, batch.columns, strict=True):
            column[first:] = issued[:-1]
    if waiting is not None:
        first = 0
        median = math.nan if waiting.median_kw is None else waiting.median_kw
        numbers = (waiting.kw, waiting.frozen_kw, median, waiting.low_kw, waiting.high_kw)
        for column, number in zip(settled.columns, numbers, strict=True):
            column[0] = number
    return settled, first


def to_forecast(reading: Reading, issued: Issued | None) -> Forecast | None:
    """The forecast issued at a reading, if any."""
    if issued is None:
        return None
    mean, frozen, median, low, high, _, consumption, solar = issued
    known = None if math.isnan(median) else median
    return Forecast(
        reading.at + MINUTE, mean, reading.kw, frozen, known, low, high, consumption, solar
    )


def forecast_state(forecast: Forecast | None) -> dict[str, Any] | None:
    """A forecast as plain JSON values."""
    return None if forecast is None else {**asdict(forecast), "at": forecast.at.isoformat()}


def restored_forecast(state: Mapping[str, Any] | None) -> Forecast | None:
    """The forecast that `forecast_state` converted.

    Raises:
        KeyError, TypeError, ValueError: the state is damaged.
    """
    if state is None:
        return None
    at = datetime.fromisoformat(state["at"])
    found = {name: number(state[name]) for name in _NUMBERS}
    median, consumption, solar = (
        None if kw is None else number(kw)
        for kw in (state["median_kw"], state.get("consumption_kw"), state.get("solar_kw"))
    )
    return Forecast(at=at, median_kw=median, consumption_kw=consumption, solar_kw=solar, **found)
