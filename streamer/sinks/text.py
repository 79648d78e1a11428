"""One line a reading, for files, pipes and people without a full screen."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import TextIO, TypeAlias

from streamer.readings import Step, Vitals
from streamer.sinks import Item
from streamer.words import number, percent

FORMATS = ("plain", "json", "csv")

_TO_THE_MINUTE = len("2010-03-19 17:00")

KEYS = (
    "at",
    "actual_kw",
    "forecast_kw",
    "error_kw",
    "next_kw",
    "settled",
    "mse_kw2",
    "persistence_mse_kw2",
    "skill",
    "gap_minutes",
)
"""Keys of a JSON line and columns of the CSV, in order."""


_JSON_LINE = "{" + ", ".join(f'"{key}": %s' for key in KEYS).replace("%s", '"%s"', 1) + "}"

Value: TypeAlias = str | float | int | None


def record(step: Step) -> dict[str, Value]:
    """A step as the flat record that JSON lines and CSV rows hold; None for nothing yet.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(readings([0.25])[0])
    >>> record(step)["next_kw"], record(step)["forecast_kw"]
    (0.5, None)
    """
    return dict(zip(KEYS, _values(step), strict=True))


def _values(step: Step) -> tuple[Value, ...]:
    """The values of the record, in the order of `KEYS`."""
    scores = step.scores
    return (
        step.reading.at.isoformat(),
        step.reading.kw,
        None if step.settled is None else step.settled.kw,
        step.error_kw,
        None if step.forecast is None else step.forecast.kw,
        scores.settled,
        scores.model.mse_kw2,
        scores.persistence.mse_kw2,
        scores.skill,
        step.gap_minutes,
    )


class TextSink:
    """Writes one line a step; notices are for other sinks.

    What is written stays in the stream's buffer until the stream of readings may pause,
    so that a fast replay is not held up by a call to the system for every line.

    Args:
        out: where to; a closed pipe raises BrokenPipeError.
        format: `plain`, `json` or `csv`.
    """

    def __init__(self, out: TextIO, format: str) -> None:  # noqa: A002 - as the option is called
        self._out = out
        self._write_step: Callable[[Step], object] = {
            "plain": self._plain,
            "json": self._json,
            "csv": self._csv,
        }[format]
        self._rows = csv.writer(out, lineterminator="\n")
        if format == "csv":
            self._rows.writerow(KEYS)

    def write(self, item: Item) -> None:
        """Write a step; let out what is buffered when the stream has come to rest."""
        if isinstance(item, Step):
            self._write_step(item)
        elif isinstance(item, Vitals):
            self._out.flush()

    def close(self) -> None:
        """Let out what is buffered."""
        self._out.flush()

    def _json(self, step: Step) -> None:
        self._out.write(json_line(step) + "\n")

    def _csv(self, step: Step) -> None:
        self._rows.writerow(_values(step))

    def _plain(self, step: Step) -> None:
        self._out.write(plain_line(step) + "\n")


def json_line(step: Step) -> str:
    """A step's record as JSON, on one line.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(readings([0.25])[0])
    >>> json_line(step) == json.dumps(record(step))
    True
    """
    # A template takes two thirds of the time of json.dumps, and most steps are written here.
    line = _JSON_LINE % tuple(["null" if value is None else value for value in _values(step)])
    # Of a model that has lost its way: JSON has no numbers for it, but json has words.
    return json.dumps(record(step)) if "nan" in line or "inf" in line else line


def plain_line(step: Step) -> str:
    """A step as a line for a person.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=1))
    >>> first, second = pipeline.push_many(readings([0.25, 0.75]))
    >>> print(plain_line(second)[:62])
    2010-03-19 17:01  actual  0.750  forecast  0.500  error +0.250
    """
    settled = None if step.settled is None else step.settled.kw
    coming = None if step.forecast is None else step.forecast.kw
    line = (
        f"{str(step.reading.at)[:_TO_THE_MINUTE]}  actual {step.reading.kw:6.3f}"
        f"  forecast {number(settled, '6.3f')}  error {number(step.error_kw, '+6.3f')}"
        f"  next {number(coming, '6.3f')} kW"
        f"  mse {number(step.scores.model.mse_kw2, '7.5f')}  skill {percent(step.scores.skill):>8}"
    )
    return line + (f"  after a gap of {step.gap_minutes} min" if step.gap_minutes else "")
