"""Published tables whose column names alone do not give the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streamer.sources.files.channelunits import WH_PER_MINUTE
from streamer.sources.files.table import UCI_COLUMNS
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
        channels: column and unit of other quantities, by the name of the channel that they are.
    """

    names: frozenset[str]
    value: str
    unit: Unit | None
    on_change: bool = False
    beside: frozenset[str] = frozenset()
    channels: Mapping[str, tuple[str, str]] = field(default_factory=dict)


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


_UCI = KnownTable(
    frozenset(name.lower() for name in UCI_COLUMNS),
    "global_active_power",
    "kW",
    channels={
        "reactive": ("global_reactive_power", "kvar"),
        "voltage": ("voltage", "V"),
        "current": ("global_intensity", "A"),
        "sub_1": ("sub_metering_1", WH_PER_MINUTE),
        "sub_2": ("sub_metering_2", WH_PER_MINUTE),
        "sub_3": ("sub_metering_3", WH_PER_MINUTE),
    },
)
"""The UCI file, whose sub-meters give the energy of each minute."""

_TABLES = (
    _UCI,
    _table("global_active_power", "global_active_power", "kW"),  # what is made of the UCI file
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
