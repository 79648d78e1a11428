"""Parser for rows: one line, or all lines of a piece at once."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from streamer.display.lines import shorten
from streamer.feeds.values.units import ENERGY_UNITS
from streamer.feeds.values.units import UNITS as POWER_UNITS
from streamer.sources.files.clocks import MAX_YEAR, MIN_YEAR
from streamer.sources.files.fields import SPACES, is_missing, split_fields
from streamer.sources.files.layout import Channel, Conditions, Layout
from streamer.sources.files.table import COMMENT
from streamer.sources.files.timestamps import TimeStyle, explicit_style, recognise_times
from streamer.sources.files.units import measure_of

if TYPE_CHECKING:
    from streamer.sources.files.blockrows import BlockParser
    from streamer.sources.files.rowarrays import RowArrays

Row: TypeAlias = tuple[datetime, float | None, tuple[float | None, ...]]
"""Time of a row, its power in kW or energy in kWh, and those of the other channels; None for a
missing value."""


ABSENT = math.nan
"""Value of a channel in the rows of another series."""


class RowError(ValueError):
    """A line is not a valid row; the text describes the error."""


class RowParser:
    """Parser for rows of one layout.

    Args:
        layout: the columns.
        time_format: `strptime` format of the times; None to recognise it in the first rows.

    Raises:
        UsageError: the time format is not valid.
    """

    def __init__(self, layout: Layout, time_format: str | None = None) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter
        self._width = layout.width
        self._time = layout.time
        self._clock = layout.clock
        self._value = _value_of(layout.grid)
        self._others = [_value_of(channel) for channel in layout.channels]
        # Places and conditions of the channels in rows of their own.
        self._series = [
            (place, channel.where) for place, channel in enumerate(layout.channels) if channel.where
        ]
        self._style = None if time_format is None else explicit_style(time_format)
        self._aware: bool | None = None
        self._block_parser: BlockParser | None = None

    def determine_time_style(self, lines: list[str]) -> bool:
        """Determine the style of the times by the first lines.

        Returns:
            Whether it is known now.

        Raises:
            UsageError: day and month cannot be distinguished.
        """
        if self._style is None:
            texts = []
            for line in lines:
                try:
                    fields = self._fields(line)
                except RowError:
                    continue
                if fields is not None:
                    texts.append((fields[self._time], self._clock_text(fields)))
            self._style = recognise_times(texts, day_first_known=self._layout.day_first)
        return self._style is not None

    def parse(self, line: str) -> Row | None:
        """Return the time and the values; None if the line is not a row of this series.

        Raises:
            RowError: the line is not a valid row.
            UsageError: the first time of a file is ambiguous.
        """
        fields = self._fields(line)
        if fields is None:
            return None
        style = self._style
        if style is None:
            style = self._style = self._recognise(fields)
        try:
            if self._clock is None:
                at = style.parse(fields[self._time])
            else:
                at = style.parse(fields[self._time], fields[self._clock])
        except (ValueError, OverflowError, OSError):
            if self._is_header(fields):
                return None
            raise RowError(f"time {self._shown_time(fields)} is not valid") from None
        if not MIN_YEAR <= at.year <= MAX_YEAR:
            raise RowError(f"time {self._shown_time(fields)} is out of range")
        if (at.tzinfo is not None) is not self._aware:
            self._check_zone(at, fields)
        if not self._others:
            return at, self._value(fields), ()
        if self._series:
            return at, *self._values_of_series(fields)
        return at, self._value(fields), tuple([value(fields) for value in self._others])

    def parse_block(self, piece: bytes) -> RowArrays | None:
        """Parse all lines of a piece like `parse`, if they are regular.

        Args:
            piece: whole lines, with their line ends.

        Returns:
            The rows, or None if the lines must be read one by one.
        """
        if not self._layout.is_plain:
            return None
        if self._style is None or self._style.parse_date is None or self._aware:
            return None
        if self._block_parser is None:
            # Imports NumPy, which is not needed before the first row.
            from streamer.sources.files.blockrows import BlockParser

            self._block_parser = BlockParser(self._layout, self._style)
        rows = self._block_parser.parse(piece)
        if rows is not None:
            self._aware = False
        return rows

    def _fields(self, line: str) -> list[str] | None:
        """The fields of a row; None for a comment, a repeated header, or another series."""
        if line.startswith(COMMENT):
            return None
        if '"' in line or self._delimiter == SPACES:
            try:
                fields = split_fields(line, self._delimiter)
            except csv.Error as error:
                raise RowError(f"{shorten(line)} cannot be split into fields: {error}") from None
        else:
            fields = line.split(self._delimiter)
        count = len(fields)
        if count != self._width and not (count == self._width + 1 and not fields[-1].strip()):
            plural = "" if count == 1 else "s"
            raise RowError(f"{count} field{plural} instead of {self._width}, in {shorten(line)}")
        if self._layout.where and not _meets(fields, self._layout.where):
            is_channel = any(_meets(fields, where) for _, where in self._series)
            return fields if is_channel else None
        for column, name, value in self._layout.series:
            if fields[column].strip() != value and not self._is_header(fields):
                found = shorten(fields[column].strip())
                raise RowError(
                    f"{shorten(name)} is {found}, not {shorten(value)} as in the first rows; "
                    "choose one with --where"
                )
        return fields

    def _values_of_series(self, fields: list[str]) -> tuple[float | None, tuple[float | None, ...]]:
        """The values of the channels that a row has, if they are in rows of their own."""
        own = [place for place, where in self._series if _meets(fields, where)]
        if own:
            others = enumerate(self._others)
            return ABSENT, tuple([of(fields) if i in own else ABSENT for i, of in others])
        apart = [place for place, _ in self._series]
        others = enumerate(self._others)
        values = tuple([ABSENT if i in apart else of(fields) for i, of in others])
        return self._value(fields), values

    def _is_header(self, fields: list[str]) -> bool:
        """Whether a row repeats the names of the columns."""
        return tuple(field.strip() for field in fields[: self._width]) == self._layout.header

    def _recognise(self, fields: list[str]) -> TimeStyle:
        texts = [(fields[self._time], self._clock_text(fields))]
        style = recognise_times(texts, day_first_known=self._layout.day_first)
        if style is None:
            raise RowError(
                f"time {self._shown_time(fields)} has an unknown format (see --time-format)"
            )
        return style

    def _clock_text(self, fields: list[str]) -> str | None:
        return None if self._clock is None else fields[self._clock]

    def _check_zone(self, at: datetime, fields: list[str]) -> None:
        if self._aware is None:
            self._aware = at.tzinfo is not None
            return
        has, had = ("no zone", "one") if self._aware else ("a zone", "none")
        raise RowError(f"time {self._shown_time(fields)} has {has}; earlier times have {had}")

    def _shown_time(self, fields: list[str]) -> str:
        clock = "" if self._clock is None else " " + fields[self._clock]
        return shorten(fields[self._time] + clock)


def _meets(fields: list[str], where: Conditions) -> bool:
    return all(fields[column].strip() in values for column, values in where)


def _value_of(channel: Channel) -> Callable[[list[str]], float | None]:
    """The value of a channel in the fields of a row."""
    if channel.is_plain and channel.plus:
        return _PlainValue(channel)
    return _CombinedValue(channel)


class _PlainValue:
    """Value of a row with one power, usually written so that Python can read it."""

    def __init__(self, channel: Channel) -> None:
        (self._column,) = channel.plus
        self._divisor = channel.divisor
        self._other = _CombinedValue(channel)

    def __call__(self, fields: list[str]) -> float | None:
        text = fields[self._column]
        try:
            value = float(text)
        except ValueError:
            return self._other(fields)
        # Python accepts an underscore as a separator of digits.
        if not math.isfinite(value) or "_" in text:
            return self._other(fields)
        return value / self._divisor


class _CombinedValue:
    """Value of a row: the sum of one or more columns, less others, each perhaps with a unit."""

    def __init__(self, channel: Channel) -> None:
        self._terms = [
            *((column, 1.0) for column in channel.plus),
            *((column, -1.0) for column in channel.minus),
        ]
        self._numbers = channel.numbers
        self._divisor = channel.divisor
        self._units = ENERGY_UNITS if channel.is_energy else POWER_UNITS
        self._own_unit = None if channel.per_value is None else channel.unit
        self._what = channel.quantity

    def __call__(self, fields: list[str]) -> float | None:
        total = 0.0
        for column, sign in self._terms:
            value = self._term(fields[column])
            if value is None:
                return None
            total += sign * value
        return total

    def _term(self, text: str) -> float | None:
        if is_missing(text):
            return None
        try:
            number, suffix = self._numbers.parse(text)
        except ValueError:
            is_infinite = text.strip().lower().lstrip("+-") in ("inf", "infinity")
            kind = "a finite number" if is_infinite or "e" in text.lower() else "a number"
            raise RowError(f"{self._what} {shorten(text)} is not {kind}") from None
        if not suffix or suffix.strip() == self._own_unit:
            return number / self._divisor
        unit = measure_of(suffix).unit
        if unit not in self._units or self._own_unit is not None:
            raise RowError(f"{self._what} {shorten(text)} is in another unit")
        return number / self._units[unit]
