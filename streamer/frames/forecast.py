"""Forecasts of each minute of a data frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from streamer.demand.settings import DemandRule
from streamer.display.horizons import SHOWN
from streamer.display.lines import shorten
from streamer.errors import UsageError
from streamer.frames.columns import Columns
from streamer.frames.like import Column, beside_rows
from streamer.frames.model import chosen_horizons, inputs_of, loaded
from streamer.frames.table import MAX_KW, Table, read_table
from streamer.models import DEFAULT_MODEL
from streamer.models.plugins import AnyForecaster
from streamer.online.layer import Adapt
from streamer.pipeline import Pipeline
from streamer.readings import Step
from streamer.readings.gaps import GapRule
from streamer.sinks import demand as demands
from streamer.sinks.means import mean_columns, mean_values

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrameT

_BLOCK = 4096
"""Readings whose windows are forecast together."""

_POWERS = (
    "actual_kw",
    "forecast_kw",
    "median_kw",
    "low_kw",
    "high_kw",
    "frozen_kw",
    "error_kw",
    "next_kw",
    "next_median_kw",
    "next_low_kw",
    "next_high_kw",
)
_SIDES = ("solar_kw", "battery_kw", "consumption_kw", "next_solar_kw", "next_consumption_kw")
_ALARMS = "alarms"


def forecast_frame(
    frame: IntoDataFrameT,
    *,
    power: str,
    time: str | None = None,
    unit: str | None = None,
    solar: str | None = None,
    battery: str | None = None,
    channels: Mapping[str, str | tuple[str, str]] | None = None,
    model: str | Path | AnyForecaster = DEFAULT_MODEL,
    adapt: Adapt = True,
    confidence: float = 0.9,
    horizons: Sequence[int] | None = None,
    gaps: GapRule | None = None,
    demand: DemandRule | None = None,
    max_kw: float = MAX_KW,
) -> IntoDataFrameT:
    """Forecast each minute of a data frame from the minutes before it.

    Each row is forecast, then scored, then learnt from, as by `Pipeline`. A row in which a value
    is missing is a gap; so is a minute without a row.

    Args:
        frame: data frame of pandas or polars, or a table of Arrow: a row for each minute, in order
            of time.
        power: column of the mean active power at the grid connection, import positive.
        time: column of the times, with a zone or without; None for the index of a pandas frame.
        unit: unit of the powers, such as ``kW`` or ``W``; None to find it in their names, as in
            ``grid_w``.
        solar: column of the power of the solar panels.
        battery: column of the power into the battery, negative while it is discharged.
        channels: columns of the channels that the model takes, by their names in its card, each
            alone, or with its unit as in ``("Q", "var")``. Those of the UCI file are found.
        model: name or path of a model, name of a plug-in, or a forecaster, such as one of one's
            own with no more than a method `forecast`.
        adapt: whether the forecasts are corrected online; "light" for the small adapter of a
            fleet's meter.
        confidence: nominal coverage of the bands.
        horizons: for how many next minutes their mean is forecast; empty for none, None for those
            of 5, 15 and 60 that the model has.
        gaps: effect of a gap on the window; None for the default, `GapRule()`.
        demand: demand intervals to forecast; None for none.
        max_kw: magnitude in kW above which a power is refused as implausible.

    Returns:
        A frame of the same library, with a row for each row of the given one, and its index. Its
        columns are the times and, in kW: ``actual_kw``, the power; ``forecast_kw``, the mean
        forecast of this minute that was issued at the reading before it, ``median_kw``,
        ``low_kw``, ``high_kw`` and ``frozen_kw`` (the network's own); ``error_kw``, the power less
        the mean forecast; ``next_kw``, ``next_median_kw``, ``next_low_kw`` and ``next_high_kw``,
        the forecast issued at this reading; four for each horizon, such as ``next_15_kw``; where
        they are asked for, those of solar power and of demand intervals; and ``alarms``, the kinds
        of those that are on. They are those of `streamer replay --format csv`. What is not known
        is null, as is everything in a row that is a gap.

    Raises:
        UsageError: a column, its type or its unit, a model or a setting is wrong, or the rows are
            not of single minutes.
        ReadingError: a time is missing or does not advance, or a value is infinite or implausible;
            the message names column and row, counted from 0.
        ModelError: the model cannot be loaded.
    """
    columns = Columns(time, power, unit, solar, battery, dict(channels or {}))
    forecaster = loaded(model)
    minutes = chosen_horizons(forecaster, horizons, SHOWN)
    pipeline = Pipeline(
        forecaster,
        gaps=gaps,
        adapt=adapt,
        confidence=confidence,
        horizons=bool(minutes) or demand is not None,
        demand=demand,
    )
    table = read_table(frame, columns, inputs_of(forecaster), max_kw=max_kw)
    sides = () if solar is None and battery is None else _SIDES
    names = (*_POWERS, *sides, *mean_columns(minutes), *(demands.COLUMNS if demand else ()))
    if time in (*names, _ALARMS):
        raise UsageError(f"column {shorten(str(time))} has the name of a result; rename it")
    rows: list[tuple[float | None, ...]] = []
    alarms: list[str] = []
    for start in range(0, len(table.rows), _BLOCK):
        for step in pipeline.push_many(table.readings(slice(start, start + _BLOCK))):
            beside = _sides(step) if sides else ()
            means = mean_values(step.next_means, minutes)
            ends = demands.demand_values(step.demand) if demand else ()
            rows.append((*_powers(step), *beside, *means, *ends))
            alarms.append(" ".join([alarm.kind for alarm in step.alarms]))
    found: dict[str, Column] = {
        name: (_spread(table, [row[place] for row in rows]), nw.Float64)
        for place, name in enumerate(names)
    }
    found[_ALARMS] = (_spread(table, alarms), nw.String)
    made: IntoDataFrameT = beside_rows(table.frame, time, found).to_native()
    return made


def _powers(step: Step) -> tuple[float | None, ...]:
    """The values of `_POWERS`."""
    settled, forecast = step.settled, step.forecast
    return (
        step.reading.kw,
        *(
            (None,) * 5
            if settled is None
            else (
                settled.kw,
                settled.median_kw,
                settled.low_kw,
                settled.high_kw,
                settled.frozen_kw,
            )
        ),
        step.error_kw,
        *(
            (None,) * 4
            if forecast is None
            else (forecast.kw, forecast.median_kw, forecast.low_kw, forecast.high_kw)
        ),
    )


def _sides(step: Step) -> tuple[float | None, ...]:
    """The values of `_SIDES`."""
    reading, forecast = step.reading, step.forecast
    return (
        reading.solar_kw,
        reading.battery_kw,
        reading.consumption_kw,
        None if forecast is None else forecast.solar_kw,
        None if forecast is None else forecast.consumption_kw,
    )


def _spread(table: Table, values: Sequence[Any]) -> list[Any]:
    """Values of the readings at their rows, and None in the others, and for what is not finite."""
    found: list[Any] = [None] * len(table)
    for row, value in zip(table.rows.tolist(), values, strict=True):
        if not isinstance(value, float) or math.isfinite(value):
            found[row] = value
    return found
