"""Parser for rows: one line, or all lines of a piece at once."""

from __future__ import annotations

import csv
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.lines import shorten
from streamer.sources.files.fields import MISSING, split_fields
from streamer.sources.files.layout import Layout
from streamer.sources.files.timestamps import (
    MAX_YEAR,
    MIN_YEAR,
    TimeStyle,
    explicit_style,
    recognise_time,
)

if TYPE_CHECKING:
    from streamer.sources.files.blockrows import BlockParser, RowArrays

_UNDECODABLE = re.compile("[\udc80-\udcff]")


class RowError(ValueError):
    """A line is not a valid row; the text describes the error."""


class RowParser:
    """Parser for rows of one layout.

    Args:
        layout: the columns.
        time_format: `strptime` format of the times; None to recognise it in the first row.

    Raises:
        UsageError: the time format is not valid.
    """

    def __init__(self, layout: Layout, time_format: str | None = None) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter
        self._width = layout.width
        self._value = layout.value
        self._time = layout.time
        self._clock = layout.clock
        self._divisor = layout.per_kw
        self._style = None if time_format is None else explicit_style(time_format)
        self._aware: bool | None = None
        self._block_parser: BlockParser | None = None

    def determine_time_style(self, line: str) -> bool:
        """Determine the style of the times by one line.

        Returns:
            Whether it is known now.

        Raises:
            UsageError: day and month cannot be distinguished.
        """
        if self._style is None:
            try:
                self._style = self._recognise(self._fields(line))
            except RowError:
                return False
        return True

    def parse(self, line: str) -> tuple[datetime, float | None]:
        """Return the time and the power in kW; None for a missing power.

        Raises:
            RowError: the line is not a valid row.
            UsageError: the first time of a file is ambiguous.
        """
        fields = self._fields(line)
        style = self._style
        if style is None:
            style = self._style = self._recognise(fields)
        try:
            if self._clock is None:
                at = style.parse(fields[self._time])
            else:
                at = style.parse(fields[self._time], fields[self._clock])
        except (ValueError, OverflowError, OSError):
            raise RowError(f"time {self._shown_time(fields)} is not valid") from None
        if not MIN_YEAR <= at.year <= MAX_YEAR:
            raise RowError(f"time {self._shown_time(fields)} is out of range")
        if (at.tzinfo is not None) is not self._aware:
            self._check_zone(at, fields)
        text = fields[self._value]
        try:
            value = float(text)
        except ValueError:
            if text.strip() in MISSING:
                return at, None
            raise RowError(f"power {shorten(text)} is not a number") from None
        if not math.isfinite(value):
            raise RowError(f"power {shorten(text)} is not a finite number")
        if "_" in text:  # accepted by Python as a separator of digits
            raise RowError(f"power {shorten(text)} is not a number")
        return at, value / self._divisor

    def parse_block(self, piece: bytes) -> RowArrays | None:
        """Parse all lines of a piece like `parse`, if they are regular.

        Args:
            piece: whole lines, with their line ends.

        Returns:
            The rows, or None if the lines must be read one by one.
        """
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

    def _fields(self, line: str) -> list[str]:
        if not line.isascii() and _UNDECODABLE.search(line):
            raise RowError(f"{shorten(line)} is not UTF-8 text")
        if '"' in line:
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
        return fields

    def _recognise(self, fields: list[str]) -> TimeStyle:
        clock = None if self._clock is None else fields[self._clock]
        style = recognise_time(fields[self._time], clock, day_first=self._layout.day_first)
        if style is None:
            raise RowError(
                f"time {self._shown_time(fields)} has an unknown format (see --time-format)"
            )
        return style

    def _check_zone(self, at: datetime, fields: list[str]) -> None:
        if self._aware is None:
            self._aware = at.tzinfo is not None
            return
        has, had = ("no zone", "one") if self._aware else ("a zone", "none")
        raise RowError(f"time {self._shown_time(fields)} has {has}; earlier times have {had}")

    def _shown_time(self, fields: list[str]) -> str:
        clock = "" if self._clock is None else " " + fields[self._clock]
        return shorten(fields[self._time] + clock)
