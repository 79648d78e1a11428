"""One line per reading, for files, pipes and terminals without the dashboard."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from typing import TextIO, TypeAlias

from streamer.display.numbers import number, plural
from streamer.errors import UsageError
from streamer.readings import Step
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.watch import AlarmWatch

FORMATS = ("plain", "json", "csv")

_TO_THE_MINUTE = len("2010-03-19 17:00")
_SETTLED_WIDTH = len("  forecast  0.500 error +0.250")
_BAND_WIDTH = len("(0.25 to 0.75)")

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
)
"""Keys of a JSON line and columns of the CSV, in order."""

_JSON_LINE = "{" + ", ".join(f'"{key}": %s' for key in KEYS).replace("%s", '"%s"', 1) + "}"

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
    values = [
        None if isinstance(value, float) and not math.isfinite(value) else value
        for value in _values(step)
    ]
    return dict(zip(KEYS, [*values, _alarms(step)], strict=True))


def _values(step: Step) -> tuple[Value, ...]:
    """The values of the record in the order of `KEYS`, without the alarms."""
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
        if format == "csv":
            self._rows.writerow(KEYS)

    def write(self, item: Item) -> None:
        """Write a step; flush the output when the stream pauses."""
        if isinstance(item, Step):
            self._write_step(item)
        elif isinstance(item, Vitals):
            self._out.flush()
        elif isinstance(item, About):
            self._window = item.capacity - 1

    def close(self) -> None:
        """Flush the output."""
        self._out.flush()

    def _json(self, step: Step) -> None:
        self._out.write(json_line(step) + "\n")

    def _csv(self, step: Step) -> None:
        kinds = " ".join([alarm.kind for alarm in step.alarms])
        self._rows.writerow([*_values(step), kinds])

    def _plain(self, step: Step) -> None:
        raised, over = self._watch.see(step)
        line = plain_line(step)
        if step.forecast is None and not self._awaits_forecast:
            line += f"  forecast in {plural(self._window - step.buffered, 'reading')}"
        self._awaits_forecast = step.forecast is None
        for alarm in over:
            line += f"  {alarm.kind} over"
        for alarm in raised:
            line += f"  ALARM {alarm.kind}"
        self._out.write(line + "\n")


def json_line(step: Step) -> str:
    """A step's record as JSON, on one line.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(readings([0.25])[0])
    >>> json_line(step) == json.dumps(record(step))
    True
    """
    # A template takes three quarters of the time of json.dumps, for most of the steps.
    values = ["null" if value is None else value for value in _values(step)]
    line = _JSON_LINE % (*values, json.dumps(_alarms(step)) if step.alarms else "[]")
    # JSON has neither; the record has None instead.
    return json.dumps(record(step)) if "nan" in line or "inf" in line else line


def plain_line(step: Step) -> str:
    """A step as a line for a person; what is not known yet is left blank.

    It has some 85 columns for usual values, so that a remark beside it still fits in 100.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.25))
    >>> first, second = pipeline.push_many(readings([0.25, 0.75]))
    >>> print(plain_line(second))
    2010-03-19 17:01   0.750 kW  forecast  0.500 error +0.250  next  0.500 (0.25 to 0.75)
    """
    line = f"{str(step.reading.at)[:_TO_THE_MINUTE]}  {step.reading.kw:6.3f} kW"
    settled, forecast = step.settled, step.forecast
    if settled is not None:
        line += f"  forecast {settled.kw:6.3f} error {number(step.error_kw, '+6.3f')}"
    if forecast is not None:
        known = "" if settled is not None else " " * _SETTLED_WIDTH
        # z removes the sign of a negative zero.
        band = f"({forecast.low_kw:z.2f} to {forecast.high_kw:z.2f})"
        line += f"{known}  next {forecast.kw:6.3f} {band:{_BAND_WIDTH}}"
    return line + (f"  gap {step.gap_minutes} min" if step.gap_minutes else "")
