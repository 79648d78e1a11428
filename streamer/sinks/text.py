"""One line per reading, for files, pipes and terminals without the dashboard."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO, TypeAlias

from streamer.display.horizons import SHOWN
from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.readings import Step
from streamer.sinks import Item, demand
from streamer.sinks.challengers import race_record
from streamer.sinks.items import About, Vitals
from streamer.sinks.means import (
    KEY,
    has_means,
    mean_columns,
    mean_json,
    mean_records,
    mean_values,
)
from streamer.sinks.plain import plain_line
from streamer.sinks.watch import AlarmWatch

FORMATS = ("plain", "json", "csv")

KEYS = (
    "at",
    "actual_kw",
    "forecast_kw",
    "error_kw",
    "low_kw",
    "high_kw",
    "median_kw",
    "frozen_kw",
    "next_kw",
    "next_low_kw",
    "next_high_kw",
    "settled",
    "mse_kw2",
    "persistence_mse_kw2",
    "skill",
    "coverage",
    "gap_minutes",
    "alarms",
    "point_kw",
    "next_median_kw",
    "next_point_kw",
)
"""Keys of a JSON line and columns of the CSV, in order."""

SOLAR_KEYS = (
    "solar_kw",
    "battery_kw",
    "consumption_kw",
    "next_solar_kw",
    "next_consumption_kw",
)
"""Keys that follow where solar power is measured."""


def _template(keys: Sequence[str]) -> str:
    return "{" + ", ".join(f'"{key}": %s' for key in keys).replace("%s", '"%s"', 1) + "}"


_JSON_LINE, _JSON_SOLAR_LINE = _template(KEYS), _template(KEYS + SOLAR_KEYS)

Value: TypeAlias = demand.Value
Objects: TypeAlias = demand.Objects


def record(
    step: Step, horizons: Sequence[int] = SHOWN
) -> dict[str, Value | Objects | Mapping[str, Value]]:
    """A step as the record of a JSON line; None for values that are unknown or not finite.

    Args:
        step: the step.
        horizons: the horizons whose means are in it, in minutes.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(readings([0.25])[0])
    >>> record(step)["next_kw"], record(step)["forecast_kw"], record(step)["alarms"]
    (0.5, None, [])
    """
    # A diverged model may return infinity or NaN.
    found = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in zip(keys_of(step), _values(step, None), strict=True)
    }
    means = {KEY: mean_records(step.next_means, horizons)} if horizons and has_means(step) else {}
    ends = {demand.KEY: demand.demand_record(step.demand), **demand.event_records(step)}
    return {**found, "alarms": _alarms(step), **means, **ends, **race_record(step)}


def keys_of(step: Step) -> tuple[str, ...]:
    """The keys of a step's record, but for those of the next minutes' means and of demand."""
    return KEYS if step.reading.solar_kw is None else KEYS + SOLAR_KEYS


def _values(step: Step, alarms: str | None) -> tuple[Value, ...]:
    """The values of the record in the order of its keys, with the alarms as they are given."""
    reading, settled, forecast, scores = step.reading, step.settled, step.forecast, step.scores
    return (
        reading.at.isoformat(),
        reading.kw,
        None if settled is None else settled.kw,
        step.error_kw,
        None if settled is None else settled.low_kw,
        None if settled is None else settled.high_kw,
        None if settled is None else settled.median_kw,
        None if settled is None else settled.frozen_kw,
        None if forecast is None else forecast.kw,
        None if forecast is None else forecast.low_kw,
        None if forecast is None else forecast.high_kw,
        scores.settled,
        scores.model.mse_kw2,
        scores.persistence.mse_kw2,
        scores.skill,
        scores.band.coverage,
        step.gap_minutes,
        alarms,
        None if settled is None else settled.point_kw,
        None if forecast is None else forecast.median_kw,
        None if forecast is None else forecast.point_kw,
        *(() if reading.solar_kw is None else _solar(step)),
    )


def _solar(step: Step) -> tuple[Value, ...]:
    """The values of `SOLAR_KEYS`."""
    reading, forecast = step.reading, step.forecast
    return (
        reading.solar_kw,
        reading.battery_kw,
        reading.consumption_kw,
        None if forecast is None else forecast.solar_kw,
        None if forecast is None else forecast.consumption_kw,
    )


def _alarms(step: Step) -> list[dict[str, Value]]:
    """The alarms that are on, as in a JSON line."""
    return [
        {
            "kind": alarm.kind,
            "at": alarm.at.isoformat(),
            "text": alarm.text,
            "size": alarm.size if math.isfinite(alarm.size) else None,
        }
        for alarm in step.alarms
    ]


METER_KEY = "meter"
"""Key of a JSON line and first column of the CSV where there are several meters."""


@dataclass(frozen=True)
class MeterLabel:
    """Label of the lines of one of several meters, which share an output.

    Attributes:
        key: its key, for JSON and CSV.
        text: its name, filled up to the width of the longest, for lines for people.
        is_first: whether it writes the header of the CSV, which has the columns of all.
        demand: whether the CSV has the columns of demand intervals.
    """

    key: str
    text: str
    is_first: bool = False
    demand: bool = False


class TextSink:
    """Writes one line per step; notices are left to other sinks.

    Lines stay in the buffer of the output until the stream of readings may pause, so that a
    fast replay needs no system call per line.

    Args:
        out: stream to write to; a closed pipe raises BrokenPipeError.
        format: `plain`, `json` or `csv`.
        horizons: horizons whose means are shown, in minutes and in rising order.
        meter: label of the lines; None if there is one meter.

    Raises:
        UsageError: the format is unknown.
    """

    def __init__(
        self,
        out: TextIO,
        format: str,
        *,
        horizons: tuple[int, ...] = SHOWN,
        meter: MeterLabel | None = None,
    ) -> None:
        self._out = out
        self._horizons = horizons
        self._meter = meter
        writers = {"plain": self._plain, "json": self._json, "csv": self._csv}
        if format not in writers:
            raise UsageError(f"no format {format!r}: give one of: {', '.join(writers)}")
        self._write_step: Callable[[Step], object] = writers[format]
        self._watch = AlarmWatch()
        self._window = About("", "").capacity - 1
        self._awaits_forecast = False
        self._rows = csv.writer(out, lineterminator="\n")
        # Those of CSV are known with the first step: all columns, and those of the means in it.
        self._columns: tuple[str, ...] = () if format == "csv" else KEYS
        self._means: tuple[str, ...] = ()
        self._demand: tuple[str, ...] = ()
        if meter is not None and format == "csv":
            # Before the first step of any of them, all columns that one may have.
            self._means = mean_columns(horizons)
            self._demand = demand.COLUMNS if meter.demand else ()
            self._head(KEYS + SOLAR_KEYS + self._means + self._demand)

    def write(self, item: Item) -> None:
        """Write a step; flush the output when the stream pauses."""
        if isinstance(item, Step):
            self._write_step(item)
        elif isinstance(item, Vitals):
            self._out.flush()
        elif isinstance(item, About):
            self._window = item.capacity - 1

    def close(self) -> None:
        """Flush the output; a CSV without any reading has its header alone."""
        if not self._columns:
            self._head(KEYS)
        self._out.flush()

    def _json(self, step: Step) -> None:
        line = json_line(step, self._horizons)
        if self._meter is not None:
            line = f'{{"{METER_KEY}": {json.dumps(self._meter.key)}, {line[1:]}'
        self._out.write(line + "\n")

    def _csv(self, step: Step) -> None:
        if not self._columns:
            self._means = mean_columns(self._horizons) if has_means(step) else ()
            self._demand = demand.COLUMNS if demand.has_demand(step) else ()
            self._head(keys_of(step) + self._means + self._demand)
        kinds = " ".join([alarm.kind for alarm in step.alarms])
        values = _values(step, kinds)
        room = len(self._columns) - len(self._means) - len(self._demand)
        row = (*values, *(room - len(values)) * ("",))[:room]
        if self._means:
            row += tuple(mean_values(step.next_means, self._horizons))
        if self._demand:
            row += demand.demand_values(step.demand)
        self._rows.writerow(row if self._meter is None else (self._meter.key, *row))

    def _head(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        if self._meter is None:
            self._rows.writerow(columns)
        elif self._meter.is_first:
            self._rows.writerow((METER_KEY, *columns))

    def _plain(self, step: Step) -> None:
        raised, over = self._watch.see(step)
        remarks = demand.demand_remarks(step)
        if step.forecast is None and not self._awaits_forecast:
            remarks += f"  forecast in {plural(self._window - step.buffered, 'reading')}"
        self._awaits_forecast = step.forecast is None
        for alarm in over:
            remarks += f"  {alarm.kind} over"
        for alarm in raised:
            remarks += f"  ALARM {alarm.kind}"
        line = plain_line(step, remarks, self._horizons)
        self._out.write((line if self._meter is None else f"{self._meter.text}  {line}") + "\n")


def json_line(step: Step, horizons: tuple[int, ...] = SHOWN) -> str:
    """A step's record as JSON, on one line.

    Args:
        step: the step.
        horizons: the horizons whose means are in it, in minutes.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(readings([0.25])[0])
    >>> json_line(step) == json.dumps(record(step))
    True
    """
    # A template takes three quarters of the time of json.dumps, for most of the steps.
    alarms = json.dumps(_alarms(step)) if step.alarms else "[]"
    values = ["null" if value is None else value for value in _values(step, alarms)]
    line = (_JSON_LINE if step.reading.solar_kw is None else _JSON_SOLAR_LINE) % tuple(values)
    if horizons and has_means(step):
        line = f'{line[:-1]}, "{KEY}": {mean_json(step.next_means, horizons)}}}'
    line = f"{line[:-1]}{demand.demand_json(step)}}}"
    if step.challengers:
        line = f"{line[:-1]}, {json.dumps(race_record(step))[1:]}"
    # JSON has neither; the record has None instead.
    return json.dumps(record(step, horizons)) if "nan" in line or "inf" in line else line
