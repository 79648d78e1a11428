"""States of Home Assistant's entities, without the connection.

A compressed state has the state itself under ``s`` and its attributes under ``a``. An event
has new states under ``a``, changes of states under ``c`` (values set under ``+``, attributes
dropped under ``-``), and removed entities under ``r``.

An energy register is an entity with a unit of energy and the ``state_class``
``total_increasing``, or ``total``, which may also fall: after a reset if it has the attribute
``last_reset``, otherwise because export is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Any

from streamer.errors import RefusedError
from streamer.feeds.values import MalformedError, measure_of, to_number, words_for
from streamer.feeds.values.units import unit_symbol
from streamer.readings import CounterSample, Sample

_ENERGIES = {"mWh": 1e-6, "Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6}
_COUNTERS = ("total", "total_increasing")

_NOT_KNOWN = ("unavailable", "unknown", "", "none", "null", "nan")


class Entity:
    """State and attributes of one entity, assembled from its compressed states.

    Args:
        name: its id, such as ``sensor.power``.
        factor: factor for its values; -1 for a power that is export where it is positive.
        channel: what is measured; empty for the grid power.
    """

    def __init__(self, name: str, factor: float = 1.0, channel: str = "") -> None:
        self.name = name
        self.channel = channel
        self.exists = False
        self._factor = factor
        self._units = measure_of(channel).units
        self._state: object = None
        self._attributes: dict[str, Any] = {}
        self._was_counter: bool | None = None

    def apply(self, event: object) -> bool:
        """Apply an event of the subscription.

        Returns:
            Whether the event concerns this entity.

        Raises:
            MalformedError: the event has another form.
        """
        if not isinstance(event, dict):
            raise MalformedError("an event that is not an object")
        removed = event.get("r", [])
        if not isinstance(removed, list):
            raise MalformedError("an event whose r is not a list")
        if gone := self.name in removed:
            self.exists, self._state = False, None
        state = _object(event, "a").get(self.name)
        if state is not None:
            self._state, self._attributes = None, {}
            self._set(state)
            self.exists = True
        change = _object(event, "c").get(self.name)
        if change is not None:
            if not isinstance(change, dict):
                raise MalformedError("a change that is not an object")
            dropped = _object(change, "-").get("a", [])
            for name in dropped if isinstance(dropped, list) else []:
                if isinstance(name, str):
                    self._attributes.pop(name, None)
            self._set(_object(change, "+"))
        return gone or state is not None or change is not None

    def _set(self, state: object) -> None:
        if not isinstance(state, dict):
            raise MalformedError("a state that is not an object")
        self._state = state.get("s", self._state)
        self._attributes |= _object(state, "a")

    def sample(self) -> Sample | CounterSample:
        """Return the value; NaN where Home Assistant does not know it.

        Raises:
            MalformedError: the state is not a number.
            RefusedError: it is not of the channel's quantity nor, for the grid power, an energy
                register, or has become the other.
        """
        state = self._state
        if state is None or (isinstance(state, str) and state.strip().lower() in _NOT_KNOWN):
            return self.unknown()
        unit = self._attributes.get("unit_of_measurement")
        unit = unit_symbol(unit) if isinstance(unit, str) else ""
        is_counter = self._is_counter(unit)
        if self._was_counter not in (None, is_counter):
            raise RefusedError(f"Home Assistant: {self.name} is in another quantity now: {unit}")
        self._was_counter = is_counter
        factor = _ENERGIES[unit] if is_counter else 1.0 / self._units[unit]
        value = to_number(state) * factor * self._factor
        if not math.isfinite(value):
            raise MalformedError(f"{state!r} is not a {measure_of(self.channel).what}")
        if not is_counter:
            return Sample(value, channel=self.channel)
        is_total = self._attributes.get("state_class") == "total"
        return CounterSample(value, net=is_total and "last_reset" not in self._attributes)

    def unknown(self) -> Sample:
        """Return the sample of a value that is not known."""
        return Sample(math.nan, channel=self.channel)

    def _is_counter(self, unit: str) -> bool:
        """Whether the entity is an energy register, not a power.

        Raises:
            RefusedError: it is neither.
        """
        if unit in self._units:
            return False
        has = f"is in {unit[:20]}" if unit else "has no unit"
        known = ", ".join(self._units)
        if unit in _ENERGIES and self.channel:
            raise RefusedError(
                f"Home Assistant: {self.name} {has}, but {words_for(self.channel)} cannot be a "
                f"counter; give an entity in {known}"
            )
        if self.channel:
            of = words_for(self.channel)
            raise RefusedError(f"Home Assistant: {self.name} {has}; for {of} give one in {known}")
        if unit in _ENERGIES:
            if self._attributes.get("state_class") in _COUNTERS:
                return True
            has += ", but its state_class is not total_increasing"
        raise RefusedError(
            f"Home Assistant: {self.name} {has}; give one in {known}, "
            f"or a counter in {', '.join(_ENERGIES)}"
        )


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key, {})
    if not isinstance(value, dict):
        raise MalformedError(f"a message whose {key} is not an object")
    return value


def entities_in(states: object, units: Container[str]) -> list[str]:
    """Return the ids of the states that have one of some units."""
    found = []
    for state in states if isinstance(states, list) else []:
        match state:
            case {"entity_id": str(name), "attributes": {"unit_of_measurement": str(unit)}}:
                if unit_symbol(unit) in units:
                    found.append(name)
    return found
