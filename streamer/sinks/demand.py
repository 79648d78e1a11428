"""Demand intervals and switching events of a step as JSON, as columns, and as remarks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from streamer.display.numbers import number
from streamer.readings import DemandForecast, SettledDemand, Step, SwitchingEvent

KEY, SETTLED_KEY, SWITCHED_KEY = "demand", "settled_demand", "switched"
"""Keys in a JSON line; the last two only where there is something in them."""

COLUMNS = (
    "demand_kw",
    "demand_low_kw",
    "demand_high_kw",
    "demand_margin_kw",
    "month_peak_kw",
    "p_raises_peak",
)
"""Columns of the CSV."""

_NAMES = (
    "from",
    "to",
    "so_far_kw",
    "kw",
    "low_kw",
    "high_kw",
    "margin_kw",
    "month_peak_kw",
    "p_raises_peak",
    "month_peak_at",
    "bound_kw",
    "minutes_left",
    "unknown_minutes",
)
_TEMPLATE = "{" + ", ".join(f'"{name}": %s' for name in _NAMES) + "}"

Value: TypeAlias = str | float | int | bool | None
Objects: TypeAlias = Sequence[Mapping[str, Value]]


def has_demand(step: Step) -> bool:
    """Whether demand intervals are kept in the stream of a step."""
    return step.demand is not None


def demand_values(demand: DemandForecast | None) -> tuple[float | None, ...]:
    """The values of `COLUMNS`; None for those that are not known."""
    if demand is None:
        return (None,) * len(COLUMNS)
    return (
        demand.kw,
        demand.low_kw,
        demand.high_kw,
        demand.margin_kw,
        demand.month_peak_kw,
        demand.p_raises_peak,
    )


def demand_record(demand: DemandForecast | None) -> dict[str, Value] | None:
    """The object of the running interval, as in a JSON line; None if there is none."""
    if demand is None:
        return None
    return _finite(dict(zip(_NAMES, _values(demand), strict=True)))


def _finite(found: Mapping[str, Value]) -> dict[str, Value]:
    """The same with None for what is not finite, which JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in found.items()
    }


def _values(demand: DemandForecast) -> tuple[str | float | int | None, ...]:
    """The values in the order of `_NAMES`."""
    return (
        demand.start.isoformat(),
        demand.end.isoformat(),
        demand.so_far_kw,
        demand.kw,
        demand.low_kw,
        demand.high_kw,
        demand.margin_kw,
        demand.month_peak_kw,
        demand.p_raises_peak,
        _iso(demand.month_peak_at),
        demand.bound_kw,
        demand.minutes_left,
        demand.unknown_minutes,
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def event_records(step: Step) -> dict[str, Objects]:
    """The lists of what this reading ended, by their keys; empty ones are left out."""
    found: dict[str, Objects] = {}
    if step.settled_demand:
        found[SETTLED_KEY] = [_finite(_settled(each)) for each in step.settled_demand]
    if step.switched:
        found[SWITCHED_KEY] = [_finite(_switched(event)) for event in step.switched]
    return found


def _settled(interval: SettledDemand) -> dict[str, Value]:
    return {
        "from": interval.start.isoformat(),
        "to": interval.end.isoformat(),
        "kw": interval.kw,
        "export_kw": interval.export_kw,
        "bound_kw": interval.bound_kw,
        "exceeded": interval.exceeded,
        "warned_at": _iso(interval.warned_at),
        "unknown_minutes": interval.unknown_minutes,
    }


def _switched(event: SwitchingEvent) -> dict[str, Value]:
    return {
        "on_at": event.on_at.isoformat(),
        "kw": event.kw,
        "off_at": _iso(event.off_at),
        "minutes": event.minutes,
    }


def demand_json(step: Step) -> str:
    """The same as JSON text for the end of a line, faster, where all values are finite."""
    demand = step.demand
    if demand is None:
        text = f', "{KEY}": null'
    else:
        text = f', "{KEY}": {_TEMPLATE % tuple(map(_literal, _values(demand)))}'
    if not step.settled_demand and not step.switched:
        return text
    return text + "".join(
        f', "{key}": {json.dumps(objects)}' for key, objects in event_records(step).items()
    )


def _literal(value: str | float | None) -> str | float:
    """A value as it is put in the template."""
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str) else value


def demand_remarks(step: Step) -> str:
    """Remarks for a plain line on intervals that exceeded their bound; usually empty."""
    return "".join(f"  {text}" for text in _exceeded(step)) if step.settled_demand else ""


def _exceeded(step: Step) -> Iterator[str]:
    for interval in step.settled_demand:
        if interval.exceeded:
            bound = number(interval.bound_kw, ".2f")
            yield f"demand {number(interval.kw, '.2f')} kW, above {bound}"
