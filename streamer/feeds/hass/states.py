"""States of Home Assistant's entities, without the connection.

A compressed state has the state itself under ``s`` and its attributes under ``a``. An event
has new states under ``a``, changes of states under ``c`` (values set under ``+``, attributes
dropped under ``-``), and removed entities under ``r``.
"""

from __future__ import annotations

import math
from typing import Any

from streamer.errors import RefusedError
from streamer.feeds.values import MalformedError, to_number

_UNITS = {"mW": 1e-6, "W": 1e-3, "kW": 1.0, "MW": 1e3, "GW": 1e6}

_NOT_KNOWN = ("unavailable", "unknown")


class Entity:
    """State and unit of one entity, assembled from its compressed states.

    Args:
        name: its id, such as ``sensor.power``.
        sign: 1 if a positive power is import, -1 if it is export.
    """

    def __init__(self, name: str, sign: float = 1.0) -> None:
        self.name = name
        self.exists = False
        self._sign = sign
        self._state: object = None
        self._unit: object = None

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
            self._state, self._unit = None, None
            self._set(state)
            self.exists = True
        change = _object(event, "c").get(self.name)
        if change is not None:
            if not isinstance(change, dict):
                raise MalformedError("a change that is not an object")
            dropped = _object(change, "-").get("a", [])
            if isinstance(dropped, list) and "unit_of_measurement" in dropped:
                self._unit = None
            self._set(_object(change, "+"))
        return gone or state is not None or change is not None

    def _set(self, state: object) -> None:
        if not isinstance(state, dict):
            raise MalformedError("a state that is not an object")
        self._state = state.get("s", self._state)
        self._unit = _object(state, "a").get("unit_of_measurement", self._unit)

    def kw(self) -> float:
        """Power in kW; NaN where Home Assistant does not know it.

        Raises:
            MalformedError: the state is not a number.
            RefusedError: the unit is not a unit of power.
        """
        if self._state is None or self._state in _NOT_KNOWN:
            return math.nan
        factor = _UNITS.get(self._unit) if isinstance(self._unit, str) else None
        if factor is None:
            has = "has no unit" if self._unit is None else f"is in {str(self._unit)[:20]}"
            raise RefusedError(
                f"Home Assistant: {self.name} {has}; give one in {', '.join(_UNITS)}"
            )
        kw = to_number(self._state) * factor * self._sign
        if not math.isfinite(kw):
            raise MalformedError(f"{self._state!r} is not a power")
        return kw


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key, {})
    if not isinstance(value, dict):
        raise MalformedError(f"a message whose {key} is not an object")
    return value


def power_entities(states: object) -> list[str]:
    """Return the ids of the states that have a unit of power."""
    found = []
    for state in states if isinstance(states, list) else []:
        match state:
            case {"entity_id": str(name), "attributes": {"unit_of_measurement": str(unit)}}:
                if unit in _UNITS:
                    found.append(name)
    return found
