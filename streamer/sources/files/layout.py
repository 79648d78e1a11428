"""Columns of a delimited file, and the options that determine them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from streamer.display.lines import shorten
from streamer.feeds.values.units import ENERGY_UNITS
from streamer.feeds.values.units import UNITS as POWER_UNITS
from streamer.sources.files.fields import SPACES
from streamer.sources.files.numbers import NumberFormat
from streamer.sources.files.series import Condition
from streamer.sources.files.units import Unit

_POINT = NumberFormat(".")

ChannelName: TypeAlias = str
"""``grid``, ``solar``, ``battery``, or the name of a channel that a model takes."""

SIDE_POWERS = ("solar", "battery")
"""Names of the powers beside that of the grid connection."""

Conditions: TypeAlias = Sequence[tuple[int, frozenset[str]]]
"""Columns, and the values that they may have in a row."""


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """A channel that a model takes beside the power.

    Attributes:
        name: its name in the model's card.
        unit: the unit in which the model takes it.
        column: name or 1-based number of its column; None for that of a published table.
        column_unit: unit of the column; None to find it in the column's name.
    """

    name: str
    unit: str
    column: str | None = None
    column_unit: str | None = None


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """Options for the layout; None to recognise it in the file.

    Attributes:
        column: name or 1-based number of the value column; several joined by ``+`` are added.
        time_column: name or 1-based number of the time column.
        delimiter: the character between fields, or ``tab`` or ``space``.
        unit: unit of the values.
        minus: columns to subtract, written like `column`.
        decimal: the decimal separator.
        where: conditions that rows must meet.
        solar: columns of the power or energy of the solar panels, joined by ``+``; a leading
            ``-`` reverses the sign of one.
        battery: columns of the power or energy into the battery, written likewise.
        solar_unit: unit of the solar columns.
        battery_unit: unit of the battery columns.
        channels: the channels that the model takes, in its order.
        all_channels: whether all others of a published table are taken as well.
    """

    column: str | int | None = None
    time_column: str | int | None = None
    delimiter: str | None = None
    unit: Unit | None = None
    minus: str | int | None = None
    decimal: str | None = None
    where: tuple[Condition, ...] = ()
    solar: str | int | None = None
    battery: str | int | None = None
    solar_unit: Unit | None = None
    battery_unit: Unit | None = None
    channels: tuple[ChannelRequest, ...] = ()
    all_channels: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Something that cannot be recognised for certain.

    Attributes:
        reason: what is unclear, as part of a sentence.
        option: the option that settles it, with the most likely value.
    """

    reason: str
    option: str


def decimal_question(column: str) -> Question:
    """The question what the comma in the numbers of a column separates."""
    reason = f"the comma in column {shorten(column)} may separate decimals or thousands"
    return Question(reason, "--decimal ,")


@dataclass(frozen=True, slots=True)
class Channel:
    """Columns that make one power, energy or other quantity, counted from 0.

    Attributes:
        name: what they measure.
        plus: columns that are added.
        minus: columns that are subtracted.
        unit: unit of their values.
        numbers: format of their numbers.
        label: names of the columns, for messages.
        reversed_option: the option that gives the columns with the other sign.
        where: conditions for the rows that have them, if these are other rows than the grid's.
        per_value: number of units in one unit of the value, where that is neither a power nor an
            energy.
    """

    name: ChannelName
    plus: tuple[int, ...]
    minus: tuple[int, ...]
    unit: str
    numbers: NumberFormat = _POINT
    label: str = ""
    reversed_option: str = ""
    where: tuple[tuple[int, frozenset[str]], ...] = ()
    per_value: float | None = None

    @property
    def is_energy(self) -> bool:
        """Whether the values are energies, of which mean powers are made."""
        return self.per_value is None and self.unit in ENERGY_UNITS

    @property
    def divisor(self) -> float:
        """Number of units per kW or kWh, or per unit of another quantity."""
        if self.per_value is not None:
            return self.per_value
        return POWER_UNITS.get(self.unit) or ENERGY_UNITS[self.unit]

    @property
    def quantity(self) -> str:
        """The quantity in words, for messages: ``solar energy``."""
        kind = "energy" if self.is_energy else "power"
        if self.name == "grid":
            return kind
        return f"{self.name} {kind}" if self.is_side_power else self.name

    @property
    def is_side_power(self) -> bool:
        """Whether it is solar or battery power, rather than a channel that a model takes."""
        return self.name in SIDE_POWERS

    @property
    def unit_option(self) -> str:
        """The option that gives another unit, for messages."""
        if self.is_side_power:
            return f"--{self.name}-unit W"
        return f"--channel {shlex.quote(f'{self.name}={self.label}:W')}"

    @property
    def is_plain(self) -> bool:
        """Whether each row has one power, in a number that Python can read."""
        is_single = len(self.plus) + len(self.minus) == 1
        return is_single and not self.is_energy and self.numbers.decimal == "."


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of a table, counted from 0.

    Attributes:
        delimiter: the character between fields; a space for runs of spaces.
        width: number of fields in a row.
        value: column of the power or energy.
        time: column of the time, or of the date.
        clock: column of the time of day, if it is separate from the date.
        unit: unit of the values.
        day_first: whether ``1/2/2010`` is the first of February; None if it is not known.
        lines_before: number of lines before the first row.
        plus: further columns, which are added.
        minus: columns that are subtracted.
        where: conditions: column, and the values that it may have.
        series: columns that name the series, each with its name and the only value so far.
        header: fields of the header line, which may be repeated.
        numbers: format of the numbers.
        is_end: whether the time is the end of the interval of a row.
        on_change: whether the file has a row for each change only.
        value_name: name of the value, for messages.
        channels: columns of solar and battery power, and of the channels that a model takes.
        known_channels: names of the channels whose columns are known, since it is a published
            table.
        requests: the channels that a model takes, in its order.
        questions: what cannot be recognised for certain.
    """

    delimiter: str
    width: int
    value: int
    time: int
    clock: int | None
    unit: Unit
    day_first: bool | None = None
    lines_before: int = 0
    plus: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()
    where: tuple[tuple[int, frozenset[str]], ...] = ()
    series: tuple[tuple[int, str, str], ...] = ()
    header: tuple[str, ...] = ()
    numbers: NumberFormat = _POINT
    is_end: bool = False
    on_change: bool = False
    value_name: str = ""
    channels: tuple[Channel, ...] = ()
    known_channels: tuple[str, ...] = ()
    requests: tuple[ChannelRequest, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def grid(self) -> Channel:
        """The columns of the power or energy at the grid connection."""
        return Channel(
            "grid", (self.value, *self.plus), self.minus, self.unit, self.numbers, self.value_name
        )

    @property
    def is_energy(self) -> bool:
        """Whether the values are energies."""
        return self.unit in ENERGY_UNITS

    @property
    def is_plain(self) -> bool:
        """Whether each row has one value of each power, in numbers that Python can read."""
        return not (self.where or self.series or self.delimiter == SPACES) and all(
            channel.is_plain for channel in (self.grid, *self.channels)
        )
