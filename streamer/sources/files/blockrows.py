"""Vectorised parsing of pieces in which every row is regular.

`RowParser.parse` defines the meaning of a row. This parser gives the same result faster, or
none at all: if any row is irregular, the whole piece is left to `RowParser.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import DoubleArray, IntArray, Records
from streamer.sources.files.clocks import MAX_YEAR, MIN_YEAR
from streamer.sources.files.layout import SIDE_POWERS, Channel, Layout
from streamer.sources.files.rowarrays import RowArrays
from streamer.sources.files.timestamps import TimeStyle

_Bytes: TypeAlias = NDArray[np.uint8]

# So many digits make an integer below 2**53, and the power of ten is exact as well: one
# division of the two is rounded like the number's text.
_DIGITS = 15
_NUMBER_BYTES = _DIGITS + len("-.")
_POWERS_OF_TEN = np.array([float(10**exponent) for exponent in range(_DIGITS + 1)])

# A date of 8 to 16 bytes is determined by its first and last 8.
_WORD = 8
_CLOCK = re.compile(rb"\d{2}:\d{2}(:\d{2})?$")
_CLOCK_LIMITS = np.array([24, 60, 60], np.uint8)
_DAY_S = 86400
_EPOCH = date(1970, 1, 1).toordinal()

# A number is read in a window that ends with it; the padding makes room for the first one.
# It belongs to no row.
_PAD = b"\n" * _NUMBER_BYTES


class _Fields(NamedTuple):
    """Start and end of a column's field in each row."""

    starts: IntArray
    stops: IntArray

    @property
    def lengths(self) -> IntArray:
        return self.stops - self.starts


class _IrregularError(Exception):
    """The piece must be read row by row."""


class BlockParser:
    """Parser for pieces of one layout and one style of times.

    Args:
        layout: the columns.
        style: the style of the times; it has a `parse_date`.
    """

    def __init__(self, layout: Layout, style: TimeStyle) -> None:
        self._layout = layout
        self._style = style
        self._delimiter = layout.delimiter.encode()

    def parse(self, piece: bytes) -> RowArrays | None:
        """Parse a piece of whole lines; None if any row is irregular.

        Rows whose times do not increase strictly are irregular, too.
        """
        if not piece.isascii() or b'"' in piece or not self._delimiter.isascii():
            return None
        try:
            return _Piece(piece, self._layout, self._style).rows()
        except _IrregularError:
            return None


class _Piece:
    """One piece, split into fields."""

    def __init__(self, piece: bytes, layout: Layout, style: TimeStyle) -> None:
        self._layout = layout
        self._style = style
        self._text = _PAD + piece
        self._raw = np.frombuffer(self._text, np.uint8)
        self._split()

    def rows(self) -> RowArrays:
        kw, *others = self._values((self._layout.grid, *self._layout.channels))
        dates, clocks = self._dates_and_clocks()
        seconds = self._days(dates)
        seconds *= _DAY_S
        seconds += self._seconds_of_day(clocks)
        if not (seconds[1:] > seconds[:-1]).all():
            raise _IrregularError
        at = seconds.view("datetime64[s]")
        sides = dict(zip((each.name for each in self._layout.channels), others, strict=True))
        solar, battery = (sides.pop(name, None) for name in SIDE_POWERS)
        channels = np.array([*sides.values()]).T if sides else None
        return RowArrays(at, kw, solar, battery, channels)

    def _values(self, channels: Sequence[Channel]) -> list[DoubleArray]:
        """Values (rows,) of each of some plain channels, in kW or their own units."""
        fields = [self._fields(*channel.plus, *channel.minus) for channel in channels]
        if len(fields) > 1:  # the columns one after the other, since many small steps take longer
            starts = np.concatenate([each.starts for each in fields])
            fields = [_Fields(starts, np.concatenate([each.stops for each in fields]))]
        found = []
        numbers = self._numbers(*fields).reshape(len(channels), -1)
        for values, channel in zip(numbers, channels, strict=True):
            np.divide(values, channel.divisor, out=values)
            # Not a negation, which would make a negative zero.
            found.append(np.subtract(0.0, values, out=values) if channel.minus else values)
        return found

    def _split(self) -> None:
        """Find the end of each field, and from them the fields."""
        raw = self._raw[len(_PAD) :]
        at_end = raw == ord("\n")
        rows = np.count_nonzero(at_end)
        at_end |= raw == ord(self._layout.delimiter)
        ends = np.flatnonzero(at_end)
        width = self._layout.width
        if len(ends) == rows * (width + 1):
            width += 1
        if not rows or len(ends) != rows * width:
            raise _IrregularError
        ends += len(_PAD)
        self._ends = ends.reshape(rows, width)
        line_ends = self._ends[:, -1]
        if (self._raw[line_ends] != ord("\n")).any() or line_ends[-1] + 1 != len(self._raw):
            raise _IrregularError
        self._line_starts = np.concatenate([[len(_PAD)], line_ends[:-1] + 1])
        self._line_stops = line_ends - (self._raw[line_ends - 1] == ord("\r"))
        # A row may end in a delimiter, but with nothing after it.
        if width > self._layout.width and self._fields(width - 1).lengths.any():
            raise _IrregularError

    def _fields(self, column: int) -> _Fields:
        is_last = column == self._ends.shape[1] - 1
        return _Fields(
            self._ends[:, column - 1] + 1 if column else self._line_starts,
            self._line_stops if is_last else self._ends[:, column],
        )

    def _windows(self, starts: IntArray, size: int) -> Records:
        """Return the `size` bytes from each start on, as one item each."""
        shape = (len(self._raw) - size + 1,)
        return np.ndarray(shape, f"V{size}", self._text, strides=(1,))[starts]

    def _bytes(self, starts: IntArray, size: int) -> _Bytes:
        """Return the `size` bytes from each start on, shape (rows, size)."""
        return self._windows(starts, size).view(np.uint8).reshape(-1, size)

    def _numbers(self, fields: _Fields) -> DoubleArray:
        """Parse numbers such as ``4.216`` or ``-324``; NaN for ``?`` or nothing; shape (rows,)."""
        lengths = fields.lengths
        first = self._raw[fields.starts]
        missing = lengths == 0
        missing |= (lengths == 1) & (first == ord("?"))
        negative = (first == ord("-")) & ~missing
        size = int(lengths.max())
        if size > _NUMBER_BYTES:
            raise _IrregularError
        if not size:
            return np.full(len(lengths), np.nan)
        taken = np.where(missing, 0, lengths - negative)
        # (size, rows): digits of one place side by side, since operations on whole rows are fast.
        digits = np.ascontiguousarray(self._bytes(fields.stops - size, size).T)
        np.putmask(digits, np.arange(size, 0, -1)[:, None] > taken, ord("0"))
        points = digits == ord(".")
        digits -= ord("0")
        if ((digits > 9) != points).any():
            raise _IrregularError
        point_counts = np.count_nonzero(points, axis=0)
        digit_counts = taken - point_counts
        if point_counts.max() > 1 or digit_counts.max() > _DIGITS:
            raise _IrregularError
        if ((digit_counts < 1) != missing).any():
            raise _IrregularError
        numbers = np.zeros(len(lengths))
        decimals = np.zeros(len(lengths), np.intp)
        for after, digit, point in zip(range(size - 1, -1, -1), digits, points, strict=True):
            shifted = numbers * 10.0 + digit
            if point.any():
                decimals[point] = after
                shifted[point] = numbers[point]
            numbers = shifted
        numbers /= _POWERS_OF_TEN[decimals]
        np.negative(numbers, out=numbers, where=negative)
        numbers[missing] = np.nan
        return numbers

    def _dates_and_clocks(self) -> tuple[_Fields, _Fields]:
        layout = self._layout
        if layout.clock is not None:
            return self._fields(layout.time), self._fields(layout.clock)
        times = self._fields(layout.time)
        match = _CLOCK.search(self._text[times.starts[0] : times.stops[0]])
        if match is None:
            raise _IrregularError
        parting = times.stops - len(match[0]) - 1
        if (parting <= times.starts).any():
            raise _IrregularError
        separator = self._raw[parting[0]]
        if chr(separator) not in self._style.separators or (self._raw[parting] != separator).any():
            raise _IrregularError
        return _Fields(times.starts, parting), _Fields(parting + 1, times.stops)

    def _days(self, dates: _Fields) -> IntArray:
        """Days since 1970, shape (rows,)."""
        lengths = dates.lengths
        if lengths.min() < _WORD or lengths.max() > 2 * _WORD:
            raise _IrregularError
        heads = self._windows(dates.starts, _WORD).view(np.uint64)
        tails = self._windows(dates.stops - _WORD, _WORD).view(np.uint64)
        changes = lengths[1:] != lengths[:-1]
        changes |= heads[1:] != heads[:-1]
        changes |= tails[1:] != tails[:-1]
        firsts = np.concatenate([[0], np.flatnonzero(changes) + 1])
        days = [
            self._day(self._text[dates.starts[row] : dates.stops[row]].decode("ascii"))
            for row in firsts
        ]
        return np.repeat(np.array(days), np.diff(firsts, append=len(lengths)))

    def _day(self, text: str) -> int:
        assert self._style.parse_date is not None  # noqa: S101 - required by BlockParser
        try:
            day = self._style.parse_date(text)
        except ValueError:
            raise _IrregularError from None
        if not MIN_YEAR <= day.year <= MAX_YEAR:
            raise _IrregularError
        return day.toordinal() - _EPOCH

    def _seconds_of_day(self, clocks: _Fields) -> IntArray:
        """Seconds since midnight, of ``17:24:00`` or ``17:24``; shape (rows,)."""
        lengths = clocks.lengths
        size = int(lengths[0])
        if size not in (len("HH:MM"), len("HH:MM:SS")) or (lengths != size).any():
            raise _IrregularError
        text = self._bytes(clocks.starts, size)
        digits = text - np.uint8(ord("0"))
        tens, ones, colons = digits[:, ::3], digits[:, 1::3], text[:, 2::3]
        if (tens > 9).any() or (ones > 9).any() or (colons != ord(":")).any():
            raise _IrregularError
        parts = 10 * tens + ones
        if (parts >= _CLOCK_LIMITS[: parts.shape[1]]).any():
            raise _IrregularError
        seconds = np.zeros(len(lengths), np.int64)
        for unit_s, part in zip((3600, 60, 1), parts.T, strict=False):
            seconds += np.multiply(part, unit_s, dtype=np.int64)
        return seconds
