"""Replay of delimited text: the UCI file, or any table with a time and a power or an energy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from streamer.display.lines import printable
from streamer.errors import SourceError, StreamerError, UnitError, UsageError
from streamer.readings.span import Span
from streamer.sources.bounds import MAX_KW
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.layout import Layout, LayoutOptions, Question
from streamer.sources.files.recognition import recognise_layout
from streamer.sources.files.replay import ReplaySource
from streamer.sources.files.rows import Row, RowError, RowParser
from streamer.sources.files.screening import Rules
from streamer.sources.files.series import Condition
from streamer.sources.files.shape import QUANTITIES, Quantity, Shape, recognise_shape
from streamer.sources.files.table import Table, find_table
from streamer.sources.files.units import UNITS, Unit

_HEAD_LINES = 400
_MIN_PIPED_ROWS = 3
_MORE_LINES = 10
_MANY_LINES = 50
_DATE_LINES = 60_000
"""So many lines hold a day above the twelfth, if the rows are minutes."""


def open_replay(
    path: str | Path,
    *,
    member: str | None = None,
    column: str | int | None = None,
    minus: str | int | None = None,
    time_column: str | int | None = None,
    time_format: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    unit: Unit | None = None,
    quantity: Quantity | None = None,
    where: Sequence[str] = (),
    as_minutes: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    strict: bool = False,
    max_kw: float = MAX_KW,
) -> ReplaySource:
    """Open a recorded stream.

    Reads the UCI file as published, zipped or not, and any other delimited text. Rows of a
    minute are readings as they are. Finer ones are averaged; energies of intervals and counters
    become mean powers. An empty value, ``?``, ``NaN`` or the like is missing, which makes a gap
    and is not an error.

    Args:
        path: the file, or ``-`` for standard input.
        member: the member of an archive, or the table in a JSON document; by default the only
            one that may hold data.
        column: name or 1-based number of the column of the power or the energy; several joined
            by ``+`` are added.
        minus: columns to subtract, such as the energy fed into the grid, written likewise.
        time_column: name or 1-based number of the time column; the date column, if the time
            is split into date and time of day.
        time_format: `strptime` format, required only if the times are in an unusual style, or
            day and month cannot be distinguished.
        delimiter: the character between fields, ``tab``, or ``space`` for runs of spaces.
        decimal: the decimal separator, ``.`` or ``,``; by default found from the column.
        unit: unit of the column; by default that of the file, which must have one.
        quantity: ``power``, ``energy`` (of the interval of each row) or ``counter``; by default
            found from the unit and the values.
        where: conditions such as ``entity_id=sensor.power``, to choose one of several series;
            values of the same column are alternatives.
        as_minutes: accept rows more than a minute apart, and spread each value evenly over its
            minutes.
        start: skip rows before this time. Without a zone, it is on the file's own clock.
        end: stop at the first row at or after this time, interpreted likewise.
        limit: stop after so many readings.
        strict: raise at the first malformed or disordered row instead of skipping it.
        max_kw: skip values of a larger magnitude, in kW.

    Returns:
        The source, its layout determined. Waits for the first rows if necessary.

    Raises:
        UsageError: an option does not fit the file, or something cannot be recognised for
            certain.
        SourceError: the file cannot be read.
    """
    if unit is not None and unit not in UNITS:
        raise UsageError(f"--unit {unit!r} is unknown; give {', '.join(UNITS)}")
    if quantity is not None and quantity not in QUANTITIES:
        raise UsageError(f"--quantity {quantity!r} is unknown; give {', '.join(QUANTITIES)}")
    if decimal not in (None, ".", ","):
        raise UsageError(f"--decimal {decimal!r} is unknown; give . or ,")
    rules = Rules(Span(start, end), limit, strict, max_kw)
    rules.check()
    options = LayoutOptions(
        column=column,
        minus=minus,
        time_column=time_column,
        delimiter=delimiter,
        decimal=decimal,
        unit=unit,
        where=tuple(map(Condition.parse, where)),
    )
    name, stream = open_bytes(path, member=member)
    lines = LineReader(name, stream)
    try:
        head = _Head(name, lines, options)
        while True:
            layout = head.layout()
            if (layout.is_energy or layout.numbers.is_ambiguous) and head.extend(_MANY_LINES):
                continue  # a few rows of a pipe do not show a counter
            parser = RowParser(layout, time_format)
            rows = head.rows(parser)
            shape, questions = recognise_shape(
                name, layout, rows, quantity=quantity, as_minutes=as_minutes
            )
            if not questions or not head.extend(_MORE_LINES):
                break
        _check_magnitude(name, layout, shape, rows, max_kw)
        _ask(name, [*layout.questions, *questions])
        head.rewind()
    except BaseException:
        lines.close()
        raise
    return _source(name, lines, parser, layout, shape, rules)


def _source(
    name: str,
    lines: LineReader,
    parser: RowParser,
    layout: Layout,
    shape: Shape,
    rules: Rules,
) -> ReplaySource:
    converter = shape.converter(layout)
    return ReplaySource(
        name,
        lines,
        parser,
        layout.unit,
        rules,
        lines_before=layout.lines_before - lines.added_lines,
        converter=converter,
        description=None if converter is None else shape.description(layout),
        is_ordered=shape.is_ordered,
    )


def _check_magnitude(
    name: str, layout: Layout, shape: Shape, rows: Sequence[Row], max_kw: float
) -> None:
    """Raise UnitError if most of the first powers are more than a household draws."""
    values = [abs(value) for _, value in rows if value is not None]
    if layout.questions or shape.quantity != "power" or not values or median(values) <= max_kw:
        return
    remedy = "give --unit W" if layout.unit == "kW" else "give --unit"
    raise UnitError(
        f"{name}: the median of the first {len(values)} values of {layout.value_name!r} is "
        f"{median(values):.6g} kW, more than a household draws; if it is in another unit, "
        f"{remedy}; if these are sums, give --unit kWh --quantity energy; otherwise raise --max-kw"
    )


def _ask(name: str, questions: Sequence[Question]) -> None:
    """Raise one error for everything that cannot be recognised for certain."""
    if questions:
        reasons = "; ".join(question.reason for question in questions)
        options = " ".join(question.option for question in questions)
        raise UsageError(printable(f"{name}: {reasons}: give {options}"))


class _Head:
    """The first lines of a file, from which layout and shape are recognised.

    Of a pipe only so many lines are read as are needed, since the next may take a while.

    Args:
        name: the file's name, for errors.
        lines: all lines; `rewind` puts them back.
        options: options for the layout.
    """

    def __init__(self, name: str, lines: LineReader, options: LayoutOptions) -> None:
        self._name = name
        self._lines = lines
        self._options = options
        self._taken = b""
        self._texts: list[str] = []
        self._ended = False
        self._error: StreamerError | None = None
        self._before = 0
        self._is_pipe = lines.progress is None
        self._wanted = 1 if self._is_pipe else _HEAD_LINES

    def layout(self) -> Layout:
        """Return the layout.

        Raises:
            UsageError: it is ambiguous, or an option does not fit.
            SourceError: the file has no lines.
        """
        table = self._table()
        layout = recognise_layout(self._name, table, self._options)
        self._before = layout.lines_before
        return layout

    def rows(self, parser: RowParser) -> list[Row]:
        """Return the first rows, parsed; those that are malformed are left out.

        Raises:
            UsageError: day and month cannot be distinguished.
        """
        texts = self._head[self._before :]
        try:
            parser.determine_time_style(texts)
        except UsageError:
            if not self._is_pipe:
                self._read(_DATE_LINES)
            try:
                parser.determine_time_style(self._texts[self._before :])
            except UsageError as error:
                raise UsageError(f"{self._name}: {error}") from None
        rows = []
        for text in texts:
            try:
                row = parser.parse(text)
            except RowError:
                continue
            if row is not None:
                rows.append(row)
        return rows

    def extend(self, count: int) -> bool:
        """Consider so many lines of a pipe; returns whether there are more than before."""
        before = self._wanted
        self._wanted = max(before, count)
        return self._wanted > before and not self._is_whole(before)

    def rewind(self) -> None:
        """Put the rows back, to be read again."""
        parts = self._taken.split(b"\n", self._before)
        rest = parts[self._before] if len(parts) > self._before else b""
        self._lines.put_back(rest, self._error)

    @property
    def _head(self) -> list[str]:
        # However many lines a pipe delivers at once, the layout depends on the same ones.
        return self._texts[: self._wanted]

    def _table(self) -> Table:
        delimiter = self._options.delimiter or self._lines.delimiter
        while True:
            self._read(self._wanted)
            final = self._is_whole(self._wanted)
            table = find_table(self._name, self._head, delimiter, final=final)
            if table is not None and (
                final or not self._is_pipe or len(table.rows) >= _MIN_PIPED_ROWS
            ):
                return table
            if final:
                raise SourceError(f"{self._name} is empty: the header line is missing")
            self._wanted += 1

    def _is_whole(self, count: int) -> bool:
        """Whether so many lines are all there are, or may be considered."""
        return (self._ended and count >= len(self._texts)) or count >= _HEAD_LINES

    def _read(self, count: int) -> None:
        while len(self._texts) < count and not self._ended:
            try:
                piece = self._lines.read()
            except StreamerError as error:
                # An error after some rows is raised when they have been replayed.
                if not self._texts:
                    raise
                piece, self._error = b"", error
            self._ended = not piece
            self._taken += piece
            self._texts += decode_lines(piece)
