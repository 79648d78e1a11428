"""Published tables whose column names alone do not give the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamer.sources.files.units import Unit


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A published table.

    Attributes:
        names: names that must be among the columns, in lower case.
        value: name of the power.
        unit: its unit; None if it varies.
        beside: names of other powers in that unit.
        on_change: whether it has a row for each change only.
    """

    names: frozenset[str]
    value: str
    unit: Unit | None
    on_change: bool = False
    beside: frozenset[str] = frozenset()


def known_table(names: Sequence[str]) -> KnownTable | None:
    """Return the published table that has these columns, if any.

    >>> known_table(["UNIX_TS", "WHE", "RSE"]).unit
    'W'
    """
    lowered = {name.lower() for name in names}
    return next((each for each in _TABLES if each.names <= lowered), None)


def _table(
    names: str, value: str, unit: Unit | None, *, on_change: bool = False, beside: str = ""
) -> KnownTable:
    return KnownTable(frozenset(names.split()), value, unit, on_change, frozenset(beside.split()))


_TABLES = (
    _table("global_active_power", "global_active_power", "kW"),  # UCI, and what is made of it
    _table("unix aggregate appliance1", "aggregate", "W"),  # REFIT
    _table("unix_ts whe", "whe", "W"),  # AMPds
    _table("dataid localminute grid", "grid", "kW", beside="solar solar2 battery1"),  # Pecan Street
    _table(
        "grid_power load_power solar_power battery_power",
        "grid_power",
        "W",
        beside="solar_power battery_power",
    ),  # Tesla
    _table("entity_id state last_changed", "state", None, on_change=True),  # Home Assistant
)
