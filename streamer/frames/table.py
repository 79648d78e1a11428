"""Readings in the rows of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from streamer.display.lines import one_line, shorten
from streamer.errors import ReadingError, UsageError
from streamer.frames.columns import Columns, Quantity
from streamer.frames.times import Times, read_times
from streamer.models.inputs import Input
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock

MAX_KW = 100.0
"""Magnitude in kW above which a power is implausible for a household."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The rows of a frame.

    Attributes:
        frame: the frame.
        time: name of the column of times; None where they are the index.
        times: those of all rows.
        rows: (readings,) the rows that are readings: those in which no value is missing.
        powers: (readings,) powers in kW: of the grid, the panels and the battery, each None
            where it is not measured.
        channels: (readings, channels) the channels that the model takes; None without any.
    """

    frame: nw.DataFrame[Any]
    time: str | None
    times: Times
    rows: IntArray
    powers: tuple[DoubleArray, DoubleArray | None, DoubleArray | None]
    channels: DoubleArray | None

    def __len__(self) -> int:
        return len(self.times.local)

    def readings(self, part: slice = slice(None)) -> Sequence[Reading]:
        """The readings, or a part of them; as a block of arrays if their times have no zone."""
        kw = self.powers[0][part]
        solar, battery = (None if each is None else each[part] for each in self.powers[1:])
        channels = None if self.channels is None else self.channels[part]
        rows = self.rows[part]
        if not self.times.has_zone:
            return ReadingBlock(self.times.local[rows], kw, solar, battery, channels)
        columns = [
            [None] * len(rows) if each is None else each.tolist() for each in (solar, battery)
        ]
        further = [()] * len(rows) if channels is None else map(tuple, channels.tolist())
        return list(map(Reading, self.times.datetimes(rows), kw.tolist(), *columns, further))


def read_table(
    given: Any, columns: Columns, inputs: Sequence[Input], *, max_kw: float = MAX_KW
) -> Table:
    """Read a frame.

    Args:
        given: the frame, of any library that narwhals knows, such as pandas, polars or Arrow.
        columns: its columns.
        inputs: inputs of the model after the power.
        max_kw: magnitude in kW above which a power is refused.

    Raises:
        UsageError: it is not a frame, a column is missing or of another type, a unit is unknown,
            or its rows are no minutes.
        ReadingError: a time does not advance, or a value is not finite or implausible; the
            message names column and row.
    """
    frame = _frame(given)
    names = frame.columns
    columns.check_known(names)
    power = columns.power_quantity(names)
    sides = [
        None if column is None else columns.side_quantity(column, names)
        for column in (columns.solar, columns.battery)
    ]
    further = columns.channel_quantities(inputs, names)
    times = read_times(*_times(frame, columns.time))
    kw = _values(frame, power, times, max_kw)
    solar, battery = (
        None if each is None else _values(frame, each, times, max_kw) for each in sides
    )
    beside = [_values(frame, each, times, max_kw) for each in further]
    known = [values for values in (kw, solar, battery, *beside) if values is not None]
    rows = np.flatnonzero(~np.isnan(np.array(known)).any(axis=0)).astype(np.int64)
    solar, battery = (None if each is None else each[rows] for each in (solar, battery))
    channels = np.column_stack([each[rows] for each in beside]) if beside else None
    return Table(frame, columns.time, times, rows, (kw[rows], solar, battery), channels)


def _frame(given: Any) -> nw.DataFrame[Any]:
    try:
        frame: nw.DataFrame[Any] = nw.from_native(given, eager_only=True)
    except TypeError:
        hint = "; call its collect() first" if hasattr(given, "collect") else ""
        raise UsageError(
            f"the frame is a {one_line(type(given).__name__)}; give a data frame of pandas or "
            f"polars, or a table of Arrow{hint}"
        ) from None
    except Exception as error:  # noqa: BLE001 - of any library, such as two columns of one name
        raise UsageError(f"the frame cannot be read: {one_line(error)}") from None
    if not len(frame):
        raise UsageError("the frame has no rows")
    return frame


def _times(frame: nw.DataFrame[Any], column: str | None) -> tuple[nw.Series[Any], str]:
    """The column of times, and its name for errors."""
    if column is not None:
        return frame[column], shorten(column)
    index = nw.maybe_get_index(frame)
    if index is None:
        raise UsageError("time is missing: give the name of the column of times")
    series = nw.from_native(index.to_series(), series_only=True)
    return series, "time (the index)"


def _values(
    frame: nw.DataFrame[Any], quantity: Quantity, times: Times, max_kw: float
) -> DoubleArray:
    """(rows,) the values of a column in the unit of the model, NaN where they are missing."""
    series = frame[quantity.name]
    if not series.dtype.is_numeric():
        raise UsageError(
            f"column {shorten(quantity.name)} has values of type {one_line(series.dtype)}, not "
            "numbers; convert them first, such as by astype(float) or cast"
        )
    values: DoubleArray = np.array(series.cast(nw.Float64).to_numpy(), np.float64)
    values /= quantity.per_unit
    wrong = np.isinf(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ReadingError(
            f"{times.text(row)}: column {shorten(quantity.name)} is {values[row]}, not a finite "
            "number; make it null if it is not known"
        )
    if quantity.is_power and (far := np.abs(values) > max_kw).any():
        row = int(np.argmax(far))
        raise ReadingError(
            f"{times.text(row)}: column {shorten(quantity.name)} is {values[row]:g} kW, more than "
            f"a household draws; give another unit, make it null, or give a max_kw above {max_kw:g}"
        )
    return values
