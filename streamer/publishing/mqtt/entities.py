"""Entities of a meter in Home Assistant: which ones it has, and their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from streamer.publishing.mqtt import attributes
from streamer.readings import Alarm, Step

Value: TypeAlias = float | str | None
"""A power in kW, a share in percent, or `ON` and `OFF`; None if it is not known."""

ON, OFF = "ON", "OFF"
"""States of a binary sensor, as Home Assistant expects them by default."""

SENSOR, BINARY = "sensor", "binary_sensor"

ENTITIES, POWER, LINK = "entities", "power", "link"
"""Last levels of the topics with the values."""

_KW = {"device_class": "power", "unit_of_measurement": "kW", "suggested_display_precision": 3}
_PERCENT = {"unit_of_measurement": "%", "suggested_display_precision": 0}
_DIAGNOSTIC = {"entity_category": "diagnostic"}


@dataclass(frozen=True)
class Entity:
    """An entity of a meter.

    A forecast has no `state_class`: Home Assistant keeps statistics of what was measured.

    Attributes:
        key: identifier among those of a meter.
        name: its name for people.
        config: what Home Assistant should know about it, in its own terms.
        value: its value at a step; None for one that has a topic of its own.
        attributes: further values at a step, for people; None without any.
        component: kind of entity: `sensor` or `binary_sensor`.
        topic: last level of the topic with its value.
        field: name of the value there; empty for the key.
    """

    key: str
    name: str
    config: Mapping[str, Any]
    value: Callable[[Step], Value] | None = None
    attributes: Callable[[Step], Mapping[str, Any]] | None = None
    component: str = SENSOR
    topic: str = ENTITIES
    field: str = ""

    @property
    def has_attributes(self) -> bool:
        """Whether its topic has attributes for it."""
        return self.attributes is not None or self.topic == LINK


@dataclass(frozen=True)
class Features:
    """What a stream has beside powers and forecasts.

    Attributes:
        horizons: minutes of the means that are forecast and shown, in rising order.
        demand: whether demand intervals are kept.
        solar: whether solar power is measured.
    """

    horizons: tuple[int, ...] = ()
    demand: bool = False
    solar: bool = False

    @classmethod
    def of(cls, step: Step, horizons: tuple[int, ...]) -> Features:
        """Those of the stream of a step.

        Args:
            step: the step.
            horizons: the horizons to show, in minutes.
        """
        known: tuple[int, ...] = ()
        if step.mean_scores is not None:
            known = step.mean_scores.minutes
        elif step.next_means is not None:
            known = step.next_means.minutes
        return cls(
            horizons=tuple(minutes for minutes in horizons if minutes in known),
            demand=step.demand is not None,
            solar=step.reading.solar_kw is not None,
        )


def kilowatts(kw: float | None) -> float | None:
    """A power to publish: to 1 W; None if it is not known or not finite."""
    return None if kw is None or not math.isfinite(kw) else round(kw, 3)


def percent(share: float | None) -> float | None:
    """A share as a percentage to publish; None if it is not known or not finite."""
    return None if share is None or not math.isfinite(share) else round(100.0 * share, 1)


def entities_of(features: Features) -> tuple[Entity, ...]:
    """The entities of a meter, in the order in which they are announced."""
    return (
        *_always(),
        *(_mean(minutes) for minutes in features.horizons),
        *(_demand() if features.demand else ()),
        *(_solar() if features.solar else ()),
        *(_alarm(kind) for kind in ALARMS if features.demand or kind != Alarm.PEAK),
    )


def values_of(entities: tuple[Entity, ...], step: Step) -> dict[str, Any]:
    """Values and attributes of entities at a step, as a JSON object.

    Args:
        entities: the entities; those with a topic of their own are left out.
        step: the step.
    """
    found: dict[str, Any] = {each.key: each.value(step) for each in entities if each.value}
    found["attributes"] = {each.key: each.attributes(step) for each in entities if each.attributes}
    return found


def _always() -> Iterator[Entity]:
    measured = {**_KW, "state_class": "measurement"}
    yield Entity("power", "Power", measured, topic=POWER, field="kw")
    yield Entity(
        "next",
        "Next minute",
        {**_KW, "icon": "mdi:crystal-ball"},
        lambda step: kilowatts(step.forecast.point_kw) if step.forecast else None,
        attributes.of_next,
    )
    yield Entity(
        "next_low",
        "Next minute, low",
        {**_KW, "icon": "mdi:arrow-collapse-down"},
        lambda step: kilowatts(step.forecast.low_kw) if step.forecast else None,
    )
    yield Entity(
        "next_high",
        "Next minute, high",
        {**_KW, "icon": "mdi:arrow-collapse-up"},
        lambda step: kilowatts(step.forecast.high_kw) if step.forecast else None,
    )
    yield Entity(
        "skill",
        "Skill",
        {**_PERCENT, **_DIAGNOSTIC, "icon": "mdi:bullseye-arrow"},
        lambda step: percent(step.scores.skill),
        attributes.of_skill,
    )
    yield Entity(
        "coverage",
        "Band coverage",
        {**_PERCENT, **_DIAGNOSTIC, "icon": "mdi:arrow-expand-vertical"},
        lambda step: percent(step.scores.band.coverage),
        attributes.of_coverage,
    )
    yield Entity(
        "connected",
        "Meter",
        {"device_class": "connectivity", **_DIAGNOSTIC},
        component=BINARY,
        topic=LINK,
    )


def _mean(minutes: int) -> Entity:
    def value(step: Step) -> Value:
        found = step.next_means.of(minutes) if step.next_means is not None else None
        return None if found is None else kilowatts(found.kw)

    return Entity(
        f"mean_{minutes}",
        f"Next {minutes} minutes",
        {**_KW, "icon": "mdi:crystal-ball"},
        value,
        lambda step: attributes.of_mean(step, minutes),
    )


def _demand() -> Iterator[Entity]:
    yield Entity(
        "demand",
        "Demand interval",
        {**_KW, "icon": "mdi:timer-sand"},
        lambda step: kilowatts(step.demand.kw) if step.demand else None,
        attributes.of_demand,
    )
    yield Entity(
        "demand_so_far",
        "Demand interval so far",
        {**_KW, "icon": "mdi:timer-sand-complete"},
        lambda step: kilowatts(step.demand.so_far_kw) if step.demand else None,
    )
    yield Entity(
        "demand_margin",
        "Demand margin",
        {**_KW, "icon": "mdi:arrow-up-bold-outline"},
        lambda step: kilowatts(step.demand.margin_kw) if step.demand else None,
    )
    yield Entity(
        "peak_probability",
        "Peak probability",
        {**_PERCENT, "icon": "mdi:chart-bell-curve"},
        lambda step: percent(step.demand.p_raises_peak) if step.demand else None,
    )
    yield Entity(
        "month_peak",
        "Month's peak",
        {**_KW, "icon": "mdi:summit"},
        lambda step: kilowatts(step.demand.month_peak_kw) if step.demand else None,
        attributes.of_month_peak,
    )


def _solar() -> Iterator[Entity]:
    yield Entity(
        "next_consumption",
        "Next minute, consumption",
        {**_KW, "icon": "mdi:home-lightning-bolt-outline"},
        lambda step: kilowatts(step.forecast.consumption_kw) if step.forecast else None,
    )
    yield Entity(
        "next_solar",
        "Next minute, solar",
        {**_KW, "icon": "mdi:solar-power"},
        lambda step: kilowatts(step.forecast.solar_kw) if step.forecast else None,
    )


_PROBLEM = {"device_class": "problem"}

ALARMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    Alarm.PEAK: ("Peak alarm", _PROBLEM),
    Alarm.ANOMALY: ("Anomaly", _PROBLEM),
    Alarm.STUCK: ("Meter stuck", {**_PROBLEM, **_DIAGNOSTIC}),
    Alarm.DRIFT: ("Drift of the errors", {**_PROBLEM, **_DIAGNOSTIC}),
    Alarm.UNIT: ("Wrong unit", {**_PROBLEM, **_DIAGNOSTIC}),
}
"""Name of each kind of alarm, and what Home Assistant should know about it."""


def _alarm(kind: str) -> Entity:
    def value(step: Step) -> Value:
        return ON if any(alarm.kind == kind for alarm in step.alarms) else OFF

    name, config = ALARMS[kind]
    return Entity(
        kind, name, config, value, lambda step: attributes.of_alarm(step, kind), component=BINARY
    )
