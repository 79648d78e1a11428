"""Source of the readings and notices in a recorded stream."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from streamer.errors import SourceError, StreamerError
from streamer.readings import Notice, Reading
from streamer.sources.bounds import is_long_jump
from streamer.sources.files.filled import FilledGapWatch
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.intervals import Converter, RowsOfOneTime
from streamer.sources.files.progress import ReadProgress, RowCounts
from streamer.sources.files.rows import Row, RowError, RowParser
from streamer.sources.files.screening import InitialChecks, Rules
from streamer.sources.files.skipping import SkippedRows
from streamer.sources.files.summertime import RepeatedHour
from streamer.sources.files.units import Unit

_Item: TypeAlias = Reading | Notice

BLOCK_ROWS = 32
"""Pieces with fewer rows are read row by row: arrays would not be faster."""

_MAX_PAUSE = 31
_MAX_SORTED_ROWS = 2_000_000
_MAX_BAD = 0.2
"""Share of rows that may be malformed, or out of order, before it is an error."""
_MIN_BAD = 10


class ReplaySource:
    """A recorded stream; made by `open_replay`.

    Args:
        name: the name for display.
        lines: its lines, from the first row on; closed with the source.
        rows: parses them.
        unit: the unit in which `rows` reads the values.
        rules: rules for which rows become readings.
        lines_before: number of lines before the first row.
        converter: conversion of the rows to minutes; None if each row is a reading.
        description: description of the conversion, which is reported first.
        is_ordered: whether the rows are in order of time; if not, all are read and sorted.
    """

    def __init__(
        self,
        name: str,
        lines: LineReader,
        rows: RowParser,
        unit: Unit,
        rules: Rules,
        *,
        lines_before: int = 0,
        converter: Converter | None = None,
        description: str | None = None,
        is_ordered: bool = True,
    ) -> None:
        self._name = name
        self._lines = lines
        self._parser = rows
        self._rules = rules
        self._line = lines_before
        self._counts = RowCounts()
        self._skipped = SkippedRows(unit, rules)
        self._initial_checks = InitialChecks(name, unit)
        self._filled = FilledGapWatch(name)
        self._converter = converter
        self._description = description
        self._is_ordered = is_ordered
        self._repeated_hour = RepeatedHour()
        self._row_at: datetime | None = None  # time of the last row, if rows are converted
        can_repeat = isinstance(converter, RowsOfOneTime)
        self._shortest_step = timedelta() if can_repeat else timedelta.resolution
        self._progress = ReadProgress(rules)
        self._pauses = _BlockPauses()
        self._ended = False
        self._closed = False
        self._failure: StreamerError | None = None

    @property
    def name(self) -> str:
        """The file's name without its folder, or ``stdin``."""
        return self._name

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return self._counts.rows

    @property
    def missing(self) -> int:
        """Number of rows without a value."""
        return self._counts.missing

    @property
    def outside(self) -> int:
        """Number of rows before the start or beyond the end."""
        return self._counts.outside

    @property
    def readings(self) -> int:
        """Number of readings returned."""
        return self._counts.readings

    @property
    def malformed(self) -> int:
        """Number of rows that could not be parsed."""
        return self._skipped.malformed.count

    @property
    def disordered(self) -> int:
        """Number of rows whose time did not advance."""
        return self._skipped.disordered.count

    @property
    def implausible(self) -> int:
        """Number of rows whose value is beyond any household's."""
        return self._skipped.implausible.count

    @property
    def progress(self) -> float | None:
        """Share of the recording that has been read, 0 to 1, never decreasing.

        The highest of the shares of bytes, limit and end time counts. None if all of them
        are unknown, as for a pipe without a limit or an end time.
        """
        complete = self._ended and self._failure is None and not self._closed
        return self._progress.share(self._counts, self._lines.progress, complete=complete)

    def read(self) -> Sequence[Reading | Notice]:
        """Return the items of the next piece of the file, or those available from a pipe.

        Returns:
            At least one reading or notice, or an empty sequence at the end. Readings
            without a notice among them may be a `ReadingBlock`.

        Raises:
            FormatError: a row is malformed or disordered, if strict.
            UnitError: the values cannot be in the given unit.
            SourceError: the file cannot be read, or contains no reading.
        """
        while not self._ended:
            items: list[_Item] = []
            block: Sequence[Reading] | None = None
            # Items before an error are returned first, so that the result does not depend
            # on how the file is split into pieces.
            try:
                block = self._fill(items)
            except StreamerError as error:
                self._fail(error)
            given = self._with_notices(items) if block is None else self._checked(block)
            if given and self._description is not None:
                text, self._description = f"{self._name}: {self._description}", None
                given = [Notice(Notice.CONVERSION, text, self._counts.first_at), *given]
            if given:
                return given
        if self._failure is not None:
            raise self._failure
        return []

    def close(self) -> None:
        """Close the file. May be called repeatedly."""
        self._closed = self._ended = True
        self._failure = None
        self._lines.close()

    def _fail(self, error: StreamerError) -> None:
        self._ended = True
        if not self._closed:
            self._failure = error

    def _fill(self, items: list[_Item]) -> Sequence[Reading] | None:
        """Read a piece: return it as a block, or else append its contents to `items`."""
        if not self._is_ordered:
            self._take_sorted(items)
        else:
            piece = self._lines.read()
            block = self._try_block(piece)
            if block is not None:
                return block
            for line in decode_lines(piece):
                row = self._parse(line, items)
                if row is not None:
                    self._take(*row, items)
                if self._ended:
                    break
            else:
                self._ended = not piece
        if self._ended:
            self._finish(items)
        return None

    def _take_sorted(self, items: list[_Item]) -> None:
        """Take all rows in order of time, which is not that of the file."""
        rows: list[tuple[datetime, float | None, int]] = []
        while piece := self._lines.read():
            for line in decode_lines(piece):
                row = self._parse(line, items)
                if row is not None:
                    rows.append((*row, self._line))
            if len(rows) > _MAX_SORTED_ROWS:
                raise SourceError(
                    f"{self._name}: its rows are not in order of time, and more than "
                    f"{_MAX_SORTED_ROWS:,} are too many to sort here; sort the file by time"
                )
        rows.sort(key=lambda row: row[0])
        for at, value, self._line in rows:
            self._take(at, value, items)
            if self._ended:
                return
        self._ended = True

    def _finish(self, items: list[_Item]) -> None:
        """Take the last minutes, and check at the end whether the file has been understood."""
        counts = self._counts
        if self._converter is not None and counts.readings != self._rules.limit:
            self._emit(self._converter.finish(), items)
        if not counts.readings:
            raise self._nothing_found()
        bad = self.malformed
        if bad >= _MIN_BAD and bad > _MAX_BAD * counts.rows:
            raise SourceError(
                f"{bad:,} of {counts.rows:,} rows cannot be read, the first "
                f"{self._skipped.first_malformed} (correct them, or give --column, "
                "--time-column, --time-format or --decimal)"
            )
        if self.disordered >= _MIN_BAD and self.disordered > _MAX_BAD * counts.rows:
            raise SourceError(
                f"{self.disordered:,} of {counts.rows:,} rows are out of order, the last "
                f"{self._skipped.disordered.last}; sort the file by time"
            )

    def _try_block(self, piece: bytes) -> Sequence[Reading] | None:
        """Read all rows of a piece at once; returns None, with nothing read, if not possible."""
        if self._rules.span.has_zone or piece.count(b"\n") < BLOCK_ROWS:
            return None
        if self._converter is not None:
            return None
        if self._pauses.is_pause():
            return None
        block = self._take_block(piece)
        self._pauses.tried(succeeded=block is not None)
        return block

    def _take_block(self, piece: bytes) -> Sequence[Reading] | None:
        limit, span, counts = self._rules.limit, self._rules.span, self._counts
        rows = self._parser.parse_block(piece)
        if rows is None:
            return None
        if self._repeated_hour.shift:
            rows = self._repeated_hour.shifted(rows, counts.last_at)
            if rows is None:
                return None
        since, until = rows.at[0].item(), rows.at[-1].item()
        count = len(rows.at)
        if span.starts_after(until):
            counts.leave_out(until, count)
            block: Sequence[Reading] = ()
        elif span.starts_after(since) or span.ends_by(until):
            return None
        else:
            readings = rows.readings(counts.last_at, self._rules.max_kw)
            if readings is None:
                return None
            if limit is not None and counts.readings + len(readings) >= limit:
                return None
            counts.missing += count - len(readings)
            counts.readings += len(readings)
            if readings:
                counts.first_at = counts.first_at or readings[0].at
                counts.last_at = readings[-1].at
            block = readings
        self._line += count
        counts.rows += count
        return block

    def _parse(self, line: str, items: list[_Item]) -> Row | None:
        """Parse the next line; returns None if it is not a row of the series."""
        self._line += 1
        try:
            row = self._parser.parse(line)
        except RowError as error:
            if line.strip():
                self._counts.rows += 1
                items += self._skipped.skip_malformed(str(error), self._where, self._counts.last_at)
            return None
        if row is not None:
            self._counts.rows += 1
        return row

    def _take(self, at: datetime, value: float | None, items: list[_Item]) -> None:
        """Take a row, and what it adds to the readings."""
        counts = self._counts
        if self._converter is None:
            at = self._on_one_clock(at, counts.last_at, items)
            self._take_reading(at, value, items)
            return
        at = self._on_one_clock(at, self._row_at, items)
        if value is None:
            counts.missing += 1
        if self._row_at is not None and at < self._row_at + self._shortest_step:
            items += self._skipped.skip_disordered(at, self._where, self._row_at)
            return
        self._row_at = at
        self._emit(self._converter.add(at, value), items)

    def _on_one_clock(self, at: datetime, last: datetime | None, items: list[_Item]) -> datetime:
        """Continue the clock of a file over the hour that the end of summer time repeats."""
        if at.tzinfo is not None:
            return at
        at, text = self._repeated_hour.correct(at, last)
        if text:
            items.append(Notice(Notice.WARNING, f"{self._where}: {text}", last))
        return at

    def _emit(self, minutes: Sequence[tuple[datetime, float]], items: list[_Item]) -> None:
        for at, kw in minutes:
            self._take_reading(at, kw, items)
            if self._ended:
                return

    def _take_reading(self, at: datetime, kw: float | None, items: list[_Item]) -> None:
        counts, rules, skipped = self._counts, self._rules, self._skipped
        last = counts.last_at
        if rules.span.ends_by(at):
            counts.leave_out(at)
            self._ended = True
        elif rules.span.starts_after(at):
            counts.leave_out(at)
        elif kw is None:
            counts.missing += 1
        elif abs(kw) > rules.max_kw:
            items += skipped.skip_implausible(kw, self._where, last, readings=counts.readings)
        elif last is not None and at <= last:
            items += skipped.skip_disordered(at, self._where, last)
        else:
            self._accept(at, kw, last, items)

    def _accept(self, at: datetime, kw: float, last: datetime | None, items: list[_Item]) -> None:
        counts = self._counts
        if last is None:
            counts.first_at = at
        elif is_long_jump(last, at):
            self._skipped.jumped(last, at, self._where)
        counts.last_at = at
        counts.readings += 1
        self._ended = self._ended or counts.readings == self._rules.limit
        items.append(Reading(at, kw))

    @property
    def _where(self) -> str:
        return f"{self._name}:{self._line}"

    def _nothing_found(self) -> SourceError:
        counts, skipped = self._counts, self._skipped
        if self.implausible and self.implausible >= self.malformed:
            return skipped.wrong_unit(self._where, counts.readings)
        if not counts.rows:
            return SourceError(f"no reading found in {self._name}: it has no rows")
        parts = counts.parts()
        if self.malformed:
            parts.append(
                f"{self.malformed} malformed, the last {skipped.malformed.last} "
                "(if the layout differs, give --column, --time-column or --time-format)"
            )
        return SourceError(f"no reading found in {self._name}: {', '.join(parts)}")

    def _with_notices(self, items: list[_Item]) -> Sequence[_Item]:
        """Append the notices for a piece that was read row by row."""
        readings = [item for item in items if isinstance(item, Reading)]
        items += self._skipped.gathered(self._counts.last_at)
        items += self._initial_checks.check(readings)
        items += self._filled.check(readings, at_end=self._ended)
        return items

    def _checked(self, block: Sequence[Reading]) -> Sequence[_Item]:
        notices = self._initial_checks.check(block) + self._filled.check(block, at_end=False)
        return [*block, *notices] if notices else block


class _BlockPauses:
    """Backoff for the attempts to read a piece as a block.

    In a file with something unusual in every piece, most attempts would be in vain.
    """

    def __init__(self) -> None:
        self._left = 0
        self._next = 0

    def is_pause(self) -> bool:
        """Whether the next piece should be read row by row, without an attempt."""
        if not self._left:
            return False
        self._left -= 1
        return True

    def tried(self, *, succeeded: bool) -> None:
        """Record the outcome of an attempt."""
        if succeeded:
            self._next = 0
        else:
            self._left = self._next
            self._next = min(2 * self._next + 1, _MAX_PAUSE)
