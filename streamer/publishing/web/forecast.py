"""The coming steps of a meter as JSON, for optimisers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamer.publishing.record import FRESH, status_of
from streamer.publishing.state import MeterState
from streamer.publishing.stepmeans import MAX_HOURS, STEPS, step_means
from streamer.web.access import RefusalError

WRONG, UNKNOWN = "wrong query", "no forecast"
"""Reasons of refusals."""

_UNITS = {"W": 1000.0, "kW": 1.0}
_KEYS = ("step", "hours", "unit")


def forecast_record(state: MeterState, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Mean power of the coming steps of the clock as a JSON object.

    Args:
        state: state of the meter.
        query: `step` in minutes, `hours` and `unit`, as far as they are given.
        now: the time, with a zone.

    Raises:
        RefusalError: the query is wrong, or not all that it asks for is known at present.
    """
    for key in query:
        if key not in _KEYS:
            raise _wrong(f"{key[:40]!r} is unknown; there are: {', '.join(_KEYS)}")
    minutes = _one_of("step", query.get("step", "30"), STEPS)
    hours = _one_of("hours", query.get("hours", "1"), range(1, MAX_HOURS + 1))
    unit = query.get("unit", "W")
    if unit not in _UNITS:
        raise _wrong(f"unit={unit[:40]!r}: give W or kW")
    name, status, step = state.meter.key, status_of(state, now), state.step
    if step is None or status != FRESH:
        raise _unknown(f"{name} is {status}: nothing is known of the coming hour")
    at = step.reading.at
    # A replay has a time of its own, and a reading without a zone is of this machine's.
    present = (now if at.tzinfo is None else now.astimezone(at.tzinfo)) if state.meter.live else at
    found = step_means(step, present.replace(tzinfo=at.tzinfo), minutes=minutes, hours=hours)
    if not found or not found[0].forecast:
        raise _unknown(f"{name} has no forecast yet")
    if len(found) < 60 * hours // minutes:
        raise _unknown(
            f"{name}: {len(found) * minutes} minutes are known; what follows the next hour is that "
            "of earlier days, which are not known yet"
        )
    return {
        "meter": name,
        "now": now.isoformat(),
        "at": at.isoformat(),
        "step_minutes": minutes,
        "unit": unit,
        "steps": [
            {
                "start": (each.start.astimezone() if at.tzinfo is None else each.start).isoformat(),
                "power": round(_UNITS[unit] * each.kw, 6),
                "forecast": round(each.forecast, 6),
            }
            for each in found
        ],
    }


def _one_of(key: str, text: str, known: range | tuple[int, ...]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 9 and int(text) in known:
        return int(text)
    last = known[-1]
    shown = (
        f"from {known[0]} to {last}"
        if isinstance(known, range)
        else (f"{', '.join(map(str, known[:-1]))} or {last}")
    )
    raise _wrong(f"{key}={text[:40]!r}: give {shown}")


def _wrong(text: str) -> RefusalError:
    return RefusalError(400, WRONG, text)


def _unknown(text: str) -> RefusalError:
    return RefusalError(503, UNKNOWN, text)
