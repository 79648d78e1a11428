"""Recognition of the columns of a delimited file by its first lines.

As few lines as possible are used, so that a live pipe starts at once, and the same bytes
give the same layout however they arrive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from streamer.display.lines import printable, shorten
from streamer.errors import UsageError
from streamer.sources.files.fields import MISSING, find_delimiter, is_number, split_or_nothing
from streamer.sources.files.timestamps import looks_like_time

Unit: TypeAlias = Literal["kW", "W"]

UCI_COLUMNS = (
    "Date",
    "Time",
    "Global_active_power",
    "Global_reactive_power",
    "Voltage",
    "Global_intensity",
    "Sub_metering_1",
    "Sub_metering_2",
    "Sub_metering_3",
)

# In each, the first set that matches any column decides.
_TIME_NAMES = (
    {"timestamp", "datetime", "date_time", "time", "at"},
    {"date", "ts", "local_time", "time_utc", "timestamp_utc", "utc", "epoch", "unix", "unixtime"},
)
_POWER_NAMES = (
    {"", "p", "power", "active_power", "global_active_power", "total_active_power"},
    {"value", "load", "demand", "aggregate", "mains", "reading", "total_power"},
)
_KW = {"kw", "kilowatt", "kilowatts"}
_W = {"w", "watt", "watts"}
_ENERGY = {"kwh", "wh", "mwh", "energy"}

_LISTED_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """Options for the layout; None to recognise it in the file.

    Attributes:
        column: name or 1-based number of the value column.
        time_column: name or 1-based number of the time column.
        delimiter: the character between fields, or ``tab``.
        unit: unit of the values.
    """

    column: str | int | None = None
    time_column: str | int | None = None
    delimiter: str | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of a table, counted from 0.

    Attributes:
        delimiter: the character between fields.
        width: number of fields in a row.
        value: column of the power.
        time: column of the time, or of the date.
        clock: column of the time of day, if it is separate from the date.
        unit: unit of the power.
        has_header: whether the first line holds the names.
        day_first: whether ``1/2/2010`` is known to be the first of February.
    """

    delimiter: str
    width: int
    value: int
    time: int
    clock: int | None
    unit: Unit
    has_header: bool
    day_first: bool

    @property
    def per_kw(self) -> float:
        """Number of units per kW."""
        return 1000.0 if self.unit == "W" else 1.0


def recognise_layout(
    name: str, lines: Sequence[str], options: LayoutOptions, *, final: bool
) -> Layout | None:
    """Recognise the layout by the first lines of a file.

    Args:
        name: the file's name, for errors.
        lines: its first lines without blank ones; at least one.
        options: options that override the recognition.
        final: whether no more lines will be available.

    Returns:
        The layout, or None if more lines are needed.

    Raises:
        UsageError: the layout is ambiguous, or a requested column does not exist.
    """
    delimiter = find_delimiter(name, lines, options.delimiter, final=final)
    if delimiter is None:
        return None
    return _Recogniser(name, lines, delimiter, options, final=final).layout()


class _Recogniser:
    """Recognition of one layout, from a header line and the rows below it."""

    def __init__(
        self,
        name: str,
        lines: Sequence[str],
        delimiter: str,
        options: LayoutOptions,
        *,
        final: bool,
    ) -> None:
        self._name = name
        self._delimiter = delimiter
        self._options = options
        self._final = final
        rows = [split_or_nothing(line, delimiter) for line in lines]
        first = [field.strip() for field in rows[0]]
        self._is_uci = _is_uci_row(first, delimiter)
        self._has_header = not self._is_uci and not _is_data(first)
        if self._has_header:
            while first and not first[-1]:
                first.pop()
            rows = rows[1:]
            self._names = first
        elif self._is_uci:
            self._names = list(UCI_COLUMNS)
        else:
            self._names = [str(number) for number in range(1, len(first) + 1)]
        self._rows = [row for row in rows if len(row) >= len(self._names)]
        lowered = [each.lower() for each in self._names]
        self._is_uci |= lowered[:3] == [each.lower() for each in UCI_COLUMNS[:3]]
        self._keys = [re.sub(r"[^a-z0-9]+", "_", each).strip("_") for each in lowered]

    def layout(self) -> Layout | None:
        options = self._options
        if not (self._has_header or self._is_uci) and None in (
            options.column,
            options.time_column,
        ):
            raise UsageError(
                f"{self._name} has no header line; give its columns by number: "
                "--time-column 1 --column 2"
            )
        times = self._time_columns()
        if times is None:
            return None
        value = self._value_column(times)
        if value is None:
            return None
        if value in times:
            raise self._error("time and power cannot be the same column", "--column")
        return Layout(
            delimiter=self._delimiter,
            width=len(self._names),
            value=value,
            time=times[0],
            clock=times[1] if len(times) > 1 else None,
            unit=self._unit(value),
            has_header=self._has_header,
            day_first=self._is_uci,
        )

    def _time_columns(self) -> tuple[int, ...] | None:
        pair = self._date_and_time()
        if self._options.time_column is not None:
            index = self._requested_column(self._options.time_column, "--time-column")
            return pair if pair and index == pair[0] else (index,)
        if pair:
            return pair
        for names in _TIME_NAMES:
            named = [i for i, key in enumerate(self._keys) if key in names]
            if named:
                return (self._only(named, "time", "--time-column"),)
        for row in self._rows:
            found = [i for i in range(len(self._names)) if looks_like_time(row[i])]
            if found:
                return (self._only(found, "time", "--time-column"),)
        if self._final:
            raise self._error("none of them is recognised as the time", "--time-column")
        return None

    def _date_and_time(self) -> tuple[int, int] | None:
        if self._keys.count("date") == 1 and self._keys.count("time") == 1:
            return self._keys.index("date"), self._keys.index("time")
        return None

    def _value_column(self, times: tuple[int, ...]) -> int | None:
        if self._options.column is not None:
            return self._requested_column(self._options.column, "--column")
        others = [i for i in range(len(self._names)) if i not in times]
        candidates = [i for i in others if not self._tokens(i) & _ENERGY]
        for names in _POWER_NAMES:
            named = [i for i in candidates if self._quantity(i) in names]
            if named:
                return self._only(named, "power", "--column")
        numeric = {i: self._is_numeric(i) for i in candidates}
        if not self._final and (not self._rows or None in numeric.values()):
            return None
        if not any(numeric.values()):
            energy = " (energy is not power)" if len(candidates) < len(others) else ""
            raise self._error(f"none of them is recognised as the power{energy}", "--column")
        found = [i for i, holds_numbers in numeric.items() if holds_numbers]
        return self._only(found, "power", "--column")

    def _is_numeric(self, index: int) -> bool | None:
        """Whether a column holds numbers; None if all its values are missing."""
        values = [row[index] for row in self._rows if row[index].strip() not in MISSING]
        return all(map(is_number, values)) if values else None

    def _tokens(self, index: int) -> set[str]:
        return set(self._keys[index].split("_"))

    def _quantity(self, index: int) -> str | None:
        """A column's name without its unit; None for an empty name."""
        words = self._keys[index].split("_")
        if words == [""]:
            return None
        return "_".join(word for word in words if word not in _KW | _W)

    def _unit(self, index: int) -> Unit:
        if self._options.unit is not None:
            return self._options.unit
        tokens = self._tokens(index)
        if tokens & _ENERGY:
            raise UsageError(
                f"{self._name}: column {shorten(self._names[index])} is energy by its name; "
                "if it is power anyway, give --unit kW or --unit W"
            )
        return "W" if tokens & _W and not tokens & _KW else "kW"

    def _requested_column(self, requested: str | int, option: str) -> int:
        text = str(requested).strip()
        exact = [i for i, name in enumerate(self._names) if name == text]
        alike = exact or [i for i, n in enumerate(self._names) if n.lower() == text.lower()]
        if alike:
            return self._only(alike, shorten(text), option)
        if text.isdecimal() and 1 <= int(text) <= len(self._names):
            return int(text) - 1
        raise self._error(f"{option} {shorten(text)} is not among them", option)

    def _only(self, indices: list[int], what: str, option: str) -> int:
        if len(indices) == 1:
            return indices[0]
        shown = ", ".join(f"{shorten(self._names[i])} (number {i + 1})" for i in indices)
        raise self._error(f"several may be the {what} column: {shown}", option)

    def _error(self, what: str, option: str) -> UsageError:
        columns = ", ".join(printable(name) for name in self._names[:_LISTED_COLUMNS])
        if len(self._names) > _LISTED_COLUMNS:
            columns += f", … ({len(self._names)} in all)"
        return UsageError(
            f"{self._name} has the columns {columns}; {what}; "
            f"choose one by name or number: {option} NAME"
        )


def _is_uci_row(fields: list[str], delimiter: str) -> bool:
    return (
        delimiter == ";"
        and len(fields) == len(UCI_COLUMNS)
        and re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", fields[0], re.ASCII) is not None
        and looks_like_time(fields[1])
        and (fields[2] in MISSING or is_number(fields[2]))
    )


def _is_data(fields: list[str]) -> bool:
    """Whether a first line is already a row: it holds a time, or nothing but numbers."""
    if any(looks_like_time(field) for field in fields):
        return True
    given = [field for field in fields if field not in MISSING]
    return bool(given) and all(map(is_number, given))
