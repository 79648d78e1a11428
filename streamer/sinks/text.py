"""One line per reading, for files, pipes and terminals without the dashboard."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from typing import TextIO, TypeAlias

from streamer.display.numbers import number, plural
from streamer.errors import UsageError
from streamer.readings import Forecast, Step
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.watch import AlarmWatch

FORMATS = ("plain", "json", "csv")

_TO_THE_MINUTE = len("2010-03-19 17:00")
_SETTLED_WIDTH = len("  forecast  0.500 error +0.250")
_FORECAST_WIDTH = len("  forecast  0.500")
_BAND_WIDTH = len("(0.25 to 0.75)")
_MAX_WIDTH = 100

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

Value: TypeAlias = str | float | int | None


def record(step: Step) -> dict[str, Value | list[dict[str, Value]]]:
    """A step as the record of a JSON line; None for values that are unknown or not finite.

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
    return {**found, "alarms": _alarms(step)}


def keys_of(step: Step) -> tuple[str, ...]:
    """The keys of a step's record."""
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


class TextSink:
    """Writes one line per step; notices are left to other sinks.

    Lines stay in the buffer of the output until the stream of readings may pause, so that a
    fast replay needs no system call per line.

    Args:
        out: stream to write to; a closed pipe raises BrokenPipeError.
        format: `plain`, `json` or `csv`.

    Raises:
        UsageError: the format is unknown.
    """

    def __init__(self, out: TextIO, format: str) -> None:
        self._out = out
        writers = {"plain": self._plain, "json": self._json, "csv": self._csv}
        if format not in writers:
            raise UsageError(f"no format {format!r}: give one of: {', '.join(writers)}")
        self._write_step: Callable[[Step], object] = writers[format]
        self._watch = AlarmWatch()
        self._window = About("", "").capacity - 1
        self._awaits_forecast = False
        self._rows = csv.writer(out, lineterminator="\n")
        # Those of CSV are known with the first step.
        self._columns: tuple[str, ...] = () if format == "csv" else KEYS

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
        self._out.write(json_line(step) + "\n")

    def _csv(self, step: Step) -> None:
        if not self._columns:
            self._head(keys_of(step))
        kinds = " ".join([alarm.kind for alarm in step.alarms])
        values = _values(step, kinds)
        missing = (len(self._columns) - len(values)) * ("",)
        self._rows.writerow((*values, *missing)[: len(self._columns)])

    def _head(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._rows.writerow(columns)

    def _plain(self, step: Step) -> None:
        raised, over = self._watch.see(step)
        remarks = ""
        if step.forecast is None and not self._awaits_forecast:
            remarks += f"  forecast in {plural(self._window - step.buffered, 'reading')}"
        self._awaits_forecast = step.forecast is None
        for alarm in over:
            remarks += f"  {alarm.kind} over"
        for alarm in raised:
            remarks += f"  ALARM {alarm.kind}"
        self._out.write(plain_line(step, remarks) + "\n")


def json_line(step: Step) -> str:
    """A step's record as JSON, on one line.

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
    # JSON has neither; the record has None instead.
    return json.dumps(record(step)) if "nan" in line or "inf" in line else line


def plain_line(step: Step, remarks: str = "") -> str:
    """A step as a line for a person; what is not known yet is left blank.

    It has some 85 columns for usual values. Where remarks would exceed 100, the error is left
    out, and if need be the settled forecast or the blanks in its place.

    Args:
        step: the step.
        remarks: text for the end of the line, after that of a gap.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.25))
    >>> first, second = pipeline.push_many(readings([0.25, 0.75]))
    >>> print(plain_line(second))
    2010-03-19 17:01   0.750 kW  forecast  0.500 error +0.250  next  0.500 (0.25 to 0.75)
    """
    reading, settled = step.reading, step.settled
    line = f"{str(reading.at)[:_TO_THE_MINUTE]}  {reading.kw:6.3f} kW"
    if reading.solar_kw is not None:
        line += f"  sun {reading.solar_kw:6.3f}"
    ending = _coming(step.forecast)
    forecast = error = ""
    if settled is not None:
        forecast = f"  forecast {settled.point_kw:6.3f}"
        if reading.solar_kw is None:  # beside it there is no room for the error
            error = f" error {number(step.point_error_kw, '+6.3f')}"
    elif ending:
        error = " " * (_SETTLED_WIDTH if reading.solar_kw is None else _FORECAST_WIDTH)
    if step.gap_minutes:
        remarks = f"  gap {step.gap_minutes} min{remarks}"
    if remarks:
        room = _MAX_WIDTH - len(line) - len(ending) - len(remarks)
        error = error if len(forecast) + len(error) <= room else ""
        forecast = forecast if len(forecast) <= room else ""
    return line + forecast + error + ending + remarks


def _coming(forecast: Forecast | None) -> str:
    if forecast is None:
        return ""
    # z removes the sign of a negative zero.
    band = f"({forecast.low_kw:z.2f} to {forecast.high_kw:z.2f})"
    return f"  next {forecast.point_kw:6.3f} {band:{_BAND_WIDTH}}"
