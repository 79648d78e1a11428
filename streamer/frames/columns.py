"""Columns of a frame that hold the readings, and their units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from streamer.display.lines import shorten
from streamer.errors import UsageError
from streamer.feeds.values.units import UNITS
from streamer.models.inputs import Input
from streamer.sources.files.channelunits import per_unit, unit_in, units_of
from streamer.sources.files.known import KnownTable, known_table
from streamer.sources.files.units import measure_of

_SHOWN = 12
"""Columns that an error lists."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of numbers, and what makes the unit of a model of them.

    Attributes:
        name: name of the column.
        per_unit: number of its units in one unit of the model.
        is_power: whether it is a power in kW, for which there is a plausible range.
    """

    name: str
    per_unit: float
    is_power: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns as a caller names them.

    Attributes:
        time: the times; None for the index of a pandas frame.
        power: power at the grid connection, import positive.
        unit: its unit; None to find it in the column's name. It is that of the other powers, too,
            whose names do not have one.
        solar: power of the solar panels; None if it is not measured.
        battery: power into the battery; None if it is not measured.
        channels: columns of the channels that the model takes, each alone or with its unit.
    """

    time: str | None
    power: str
    unit: str | None = None
    solar: str | None = None
    battery: str | None = None
    channels: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)

    def check_known(self, names: Sequence[str]) -> None:
        """Check that the frame has each column, and that each is used once.

        Args:
            names: names of the columns of the frame.

        Raises:
            UsageError: one is missing, has no text for its name, or is used twice.
        """
        asked: dict[str, object] = {"time": self.time, "power": self.power}
        asked |= {"solar": self.solar, "battery": self.battery}
        asked |= {f"channels[{key!r}]": _column(value) for key, value in self.channels.items()}
        seen: dict[str, str] = {}
        for argument, column in asked.items():
            if column is None and argument != "power":
                continue
            if not isinstance(column, str):
                raise UsageError(f"{argument} is {column!r:.40}; give the name of a column")
            if column not in names:
                raise UsageError(
                    f"{argument}: the frame has no column {shorten(column)}; it has "
                    f"{_listed(names)}"
                )
            if column in seen:
                raise UsageError(
                    f"column {shorten(column)} is given as {seen[column]} and {argument}"
                )
            seen[column] = argument

    def power_quantity(self, names: Sequence[str]) -> Quantity:
        """The power at the grid connection.

        Raises:
            UsageError: its unit is unknown, or is not one of power.
        """
        unit = self.unit or _known_unit(self.power, names)
        if unit is None:
            raise UsageError(
                f"the unit of column {shorten(self.power)} is not known; give unit='kW' or unit='W'"
            )
        return _power(self.power, unit)

    def side_quantity(self, column: str, names: Sequence[str]) -> Quantity:
        """The power of a column beside it, in the unit of its name, or else in that of the power.

        Raises:
            UsageError: it is no power.
        """
        found = _known_unit(column, names)
        if found is not None:
            return _power(column, found)
        return replace(self.power_quantity(names), name=column)

    def channel_quantities(self, inputs: Sequence[Input], names: Sequence[str]) -> list[Quantity]:
        """The channels that a model takes, in its order.

        Those that are not given are taken from the columns of the UCI file, if the frame has them.

        Args:
            inputs: inputs of the model after the power.
            names: names of the columns of the frame.

        Raises:
            UsageError: a channel is not given, is not one of the model's, or cannot be in its
                unit.
        """
        wanted = [each.name for each in inputs]
        if unknown := [name for name in self.channels if name not in wanted]:
            takes = (
                f"takes {', '.join(wanted)} beside the power" if wanted else "takes the power alone"
            )
            raise UsageError(f"channels[{unknown[0]!r}]: the model {takes}; leave it out")
        table = _published(names)
        published = {} if table is None else table.channels
        by_name = {name.lower(): name for name in names}
        found = []
        for each in inputs:
            given = self.channels.get(each.name)
            if given is None and each.name in published:
                column, unit = published[each.name]
                found.append(Quantity(by_name[column], per_unit(unit, each.unit), is_power=False))
            elif given is None:
                raise UsageError(
                    f"the model takes {each.name} ({each.unit}) beside the power; give "
                    f"channels={{{each.name!r}: 'COLUMN'}}, or model='sceaux' for the power alone"
                )
            else:
                found.append(_channel(each, given))
        return found


def _column(given: object) -> object:
    return given[0] if isinstance(given, tuple) and len(given) == 2 else given


def _known_unit(column: str, names: Sequence[str]) -> str | None:
    """The unit of a power by the name of its column, or by those of a published table."""
    table = _published(names)
    if table is not None and column.lower() in {table.value, *table.beside}:
        return table.unit
    return measure_of(column).unit


def _published(names: Sequence[str]) -> KnownTable | None:
    """The published table that the frame was made of, whose times are a column of their own."""
    return known_table([*names, "Date", "Time"])


def _power(column: str, unit: str) -> Quantity:
    if unit not in UNITS:
        raise UsageError(
            f"column {shorten(column)} is in {shorten(unit)}, which is no unit of power; give mean "
            f"powers, with unit as one of {', '.join(UNITS)}"
        )
    return Quantity(column, UNITS[unit])


def _channel(wanted: Input, given: str | tuple[str, str]) -> Quantity:
    known = units_of(wanted.unit)
    column, unit = given if isinstance(given, tuple) else (given, unit_in(given, wanted.unit))
    if unit is None:
        raise UsageError(
            f"the unit of column {shorten(column)} is not known; give channels={{{wanted.name!r}: "
            f"({column!r}, {known[0]!r})}}, or another of {', '.join(known)}"
        )
    if unit not in known:
        raise UsageError(
            f"column {shorten(column)} is in {shorten(unit)}, but the model takes {wanted.name} in "
            f"{wanted.unit}; give one of {', '.join(known)}"
        )
    return Quantity(column, per_unit(unit, wanted.unit), is_power=False)


def _listed(names: Sequence[str]) -> str:
    """Names of columns on one line, the first ones if there are many."""
    shown = ", ".join(shorten(name) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown or "none"
