"""Rules for which rows become readings, and plausibility checks of a file's first readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median

from streamer.errors import UsageError
from streamer.readings import MINUTE, Notice, Reading
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.layout import Unit

_SPACING_READINGS = 50
_MIN_SPACING_READINGS = 10
_UNIT_READINGS = 1000
_LOW_KW = 0.02


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules for which rows become readings.

    Attributes:
        span: the span of time to replay.
        limit: largest number of readings; None for all.
        strict: whether the first malformed or disordered row ends the stream with an error.
        max_kw: magnitude in kW above which a value is implausible.
    """

    span: Span = field(default_factory=Span)
    limit: int | None = None
    strict: bool = False
    max_kw: float = MAX_KW

    def check(self) -> None:
        """Raise UsageError for contradictory rules."""
        self.span.check()
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit} must be at least 1")
        if not (math.isfinite(self.max_kw) and self.max_kw > 0):
            raise UsageError(f"--max-kw {self.max_kw} must be a number above 0")


class InitialChecks:
    """Checks of the first readings for an unlikely spacing or unit.

    Args:
        name: the file's name.
        unit: the unit in which the values are read.
    """

    def __init__(self, name: str, unit: Unit) -> None:
        self._name = name
        self._unit = unit
        self._times: list[datetime] = []
        self._seen = 0
        self._highest_kw = 0.0

    def check(self, readings: Sequence[Reading], *, at_end: bool) -> list[Notice]:
        """Examine the next readings; returns warnings."""
        notices: list[Notice] = []
        if len(self._times) < _SPACING_READINGS:
            self._times += [each.at for each in readings[: _SPACING_READINGS - len(self._times)]]
            full = len(self._times) == _SPACING_READINGS
            if full or (at_end and len(self._times) >= _MIN_SPACING_READINGS):
                notices += self._spacing()
        if self._seen < _UNIT_READINGS:
            first = readings[: _UNIT_READINGS - self._seen]
            self._seen += len(first)
            self._highest_kw = max([self._highest_kw, *(abs(each.kw) for each in first)])
            if self._seen == _UNIT_READINGS:
                notices += self._magnitude()
        return notices

    def _spacing(self) -> list[Notice]:
        typical = median((b - a).total_seconds() for a, b in pairwise(self._times))
        if typical == MINUTE.total_seconds():
            return []
        text = (
            f"{self._name}: readings are {typical:g} s apart; "
            "the models expect one a minute, so resample the file"
        )
        return [Notice(Notice.WARNING, text, self._times[-1])]

    def _magnitude(self) -> list[Notice]:
        if self._unit != "W" or self._highest_kw >= _LOW_KW:
            return []
        text = (
            f"{self._name}: no value in the first {_UNIT_READINGS} readings reaches "
            f"{1000 * _LOW_KW:g} W; if the column is in kW, give --unit kW"
        )
        return [Notice(Notice.WARNING, text, self._times[-1])]
