"""Rules for which rows become readings, and a plausibility check of the first readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from streamer.errors import UsageError
from streamer.readings import Notice, Reading
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.units import Unit

_UNIT_READINGS = 100
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
    """Check of the first readings for an unlikely unit.

    Args:
        name: the file's name.
        unit: the unit in which the values are read.
    """

    def __init__(self, name: str, unit: Unit) -> None:
        self._name = name
        self._unit = unit
        self._seen = 0
        self._highest_kw = 0.0

    def check(self, readings: Sequence[Reading]) -> list[Notice]:
        """Examine the next readings; returns warnings."""
        if self._seen >= _UNIT_READINGS or not readings:
            return []
        first = readings[: _UNIT_READINGS - self._seen]
        self._seen += len(first)
        self._highest_kw = max([self._highest_kw, *(abs(each.kw) for each in first)])
        if self._seen < _UNIT_READINGS or self._unit not in ("W", "mW"):
            return []
        if self._highest_kw >= _LOW_KW:
            return []
        text = (
            f"{self._name}: no value in the first {_UNIT_READINGS} readings reaches "
            f"{1000 * _LOW_KW:g} W; if the column is in kW, give --unit kW"
        )
        return [Notice(Notice.WARNING, text, first[-1].at)]
