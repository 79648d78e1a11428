"""Forecasts of a series, minute by minute, as arrays.

What a forecast has is looked up by name, so that an earlier release of streamer can be measured
with the same program: without `Forecast.point_kw`, the mean is what was shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from streamer import Forecaster, Pipeline, Reading
from streamer.readings import Forecast
from streamer.readings.arrays import BoolArray, DoubleArray, TimeArray
from streamer.training.additions import HouseSeries

if TYPE_CHECKING:
    from streamer.readings.means import HorizonScores

_BLOCK = 4096
_NAMES = ("kw", "median_kw", "point_kw", "frozen_kw", "last_kw", "low_kw", "high_kw")
_FIELDS = ("mean_kw", *_NAMES[1:])


@dataclass(frozen=True, eq=False)
class Trace:
    """Forecasts that the readings of a series settled. NaN where a reading settled none.

    Attributes:
        at: (minutes,) minutes of the readings.
        actual_kw: (minutes,) the readings in kW.
        mean_kw: (minutes,) mean forecast, adapted, in kW.
        median_kw: (minutes,) median forecast.
        point_kw: (minutes,) forecast that is shown as the next reading.
        frozen_kw: (minutes,) forecast of the network alone.
        last_kw: (minutes,) persistence.
        low_kw: (minutes,) lower end of the interval.
        high_kw: (minutes,) upper end.
        raised: for each kind of alarm the (minutes,) alarms raised.
        active: for each kind (minutes,) whether one is active.
        means: scores of the forecasts of the next minutes' mean over the whole series, one for
            each horizon; none from a model without, or from an earlier release.
    """

    at: TimeArray
    actual_kw: DoubleArray
    mean_kw: DoubleArray
    median_kw: DoubleArray
    point_kw: DoubleArray
    frozen_kw: DoubleArray
    last_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    raised: dict[str, BoolArray]
    active: dict[str, BoolArray]
    means: Sequence[HorizonScores] = ()


def knows_solar() -> bool:
    """Whether readings have a solar channel in this release."""
    return "solar_kw" in {field.name for field in fields(Reading)}


def trace(forecaster: Forecaster, series: HouseSeries, *, channel: bool = False) -> Trace | None:
    """Forecast every minute of a series, as if it came from a meter.

    Args:
        forecaster: the model.
        series: the series.
        channel: whether solar and battery power are measured beside the grid power.

    Returns:
        The forecasts; None if `channel` and this release does not make use of it.
    """
    readings = _readings(series, channel=channel)
    if readings is None:
        return None
    pipeline = Pipeline(forecaster)
    values = np.full((len(readings), len(_NAMES)), np.nan)
    raised: dict[str, BoolArray] = {}
    active: dict[str, BoolArray] = {}
    used = not channel
    means: Sequence[HorizonScores] = ()
    for start in range(0, len(readings), _BLOCK):
        for row, step in enumerate(pipeline.push_many(readings[start : start + _BLOCK]), start):
            if step.settled is not None:
                values[row] = _values(step.settled)
                used = used or getattr(step.settled, "solar_kw", None) is not None
            means = getattr(step, "mean_scores", None) or means
            for alarm in step.alarms:
                for kept, holds in ((active, True), (raised, alarm.at == step.reading.at)):
                    kept.setdefault(alarm.kind, np.zeros(len(readings), np.bool_))[row] |= holds
    if not used:
        return None
    columns = dict(zip(_FIELDS, values.T, strict=True))
    return Trace(series.at, series.grid_kw, raised=raised, active=active, means=means, **columns)


def _readings(series: HouseSeries, *, channel: bool) -> list[Reading] | None:
    columns = [series.at.astype("datetime64[us]").tolist(), series.grid_kw.tolist()]
    if channel:
        if not knows_solar() or series.solar_kw is None:
            return None
        columns.append(series.solar_kw.tolist())
        if series.battery_kw is not None:
            columns.append(series.battery_kw.tolist())
    return [Reading(*values) for values in zip(*columns, strict=True)]


def _values(forecast: Forecast) -> list[float]:
    shown = forecast.kw
    return [getattr(forecast, name, shown) for name in _NAMES]
