"""Minutes as a chart shows them, of the stream or of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from streamer.readings import Step


class Minute(NamedTuple):
    """A minute in a chart.

    Attributes:
        at: its beginning.
        kw: its mean power in kW.
        point_kw: the forecast of it in kW; None if there was none.
        low_kw: lower end of that forecast's band in kW.
        high_kw: its upper end.
        solar_kw: mean solar power in kW; None if it is not measured.
        gap_minutes: minutes missing just before it.
    """

    at: datetime
    kw: float
    point_kw: float | None
    low_kw: float | None
    high_kw: float | None
    solar_kw: float | None
    gap_minutes: int


def minute_of(step: Step) -> Minute:
    """The minute of a step."""
    reading, settled = step.reading, step.settled
    return Minute(
        at=reading.at,
        kw=reading.kw,
        point_kw=None if settled is None else settled.point_kw,
        low_kw=None if settled is None else settled.low_kw,
        high_kw=None if settled is None else settled.high_kw,
        solar_kw=reading.solar_kw,
        gap_minutes=step.gap_minutes,
    )


def recorded_minute(row: Mapping[str, Any]) -> Minute | None:
    """The minute of an exported row; None for one without a power."""
    kw, low, high = row["actual_kw"], row["low_kw"], row["high_kw"]
    if kw is None:
        return None
    point = row["forecast_kw"] if row["median_kw"] is None else row["median_kw"]
    if None not in (point, low, high):
        point = min(max(point, low), high)
    at = datetime.fromisoformat(row["at"])
    return Minute(at, kw, point, low, high, row.get("solar_kw"), row["gap_minutes"])
