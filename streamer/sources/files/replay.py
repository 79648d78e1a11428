"""Source of the readings and notices in a recorded stream."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.errors import SourceError, StreamerError
from streamer.readings import Notice, Reading
from streamer.sources.files.filled import FilledGapWatch
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.intake import Item, RowIntake
from streamer.sources.files.intervals import Converter
from streamer.sources.files.joining import ChannelJoin
from streamer.sources.files.layout import ChannelRequest
from streamer.sources.files.progress import ReadProgress
from streamer.sources.files.rows import Row, RowError, RowParser
from streamer.sources.files.screening import InitialChecks, Rules
from streamer.sources.files.solarchecks import SolarChecks
from streamer.sources.files.units import Unit

BLOCK_ROWS = 32
"""Pieces with fewer rows are read row by row: arrays would not be faster."""

_MAX_PAUSE = 31
_MAX_SORTED_ROWS = 2_000_000


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
        join: conversion and join of the channels instead, if there are any beside the grid.
        checks: plausibility checks of the readings with solar power, if there is any.
        description: description of the conversion, which is reported first.
        channels: the channels of the readings, for the attribute of this name.
        known_channels: likewise.
        is_ordered: whether the rows are in order of time; if not, all are read and sorted.

    Attributes:
        channels: the channels of the readings, in order.
        known_channels: names of the channels that the file has, as a published table.
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
        join: ChannelJoin | None = None,
        checks: SolarChecks | None = None,
        description: str | None = None,
        channels: Sequence[ChannelRequest] = (),
        known_channels: Sequence[str] = (),
        is_ordered: bool = True,
    ) -> None:
        self.channels = tuple(channels)
        self.known_channels = tuple(known_channels)
        self._name = name
        self._lines = lines
        self._parser = rows
        self._rules = rules
        self._line = lines_before
        self._intake = RowIntake(name, unit, rules, converter, join)
        self._initial_checks = InitialChecks(name, unit)
        self._filled = FilledGapWatch(name)
        self._solar_checks = checks
        self._description = description
        self._is_ordered = is_ordered
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
        return self._intake.counts.rows

    @property
    def missing(self) -> int:
        """Number of rows without a value."""
        return self._intake.counts.missing

    @property
    def outside(self) -> int:
        """Number of rows before the start or beyond the end."""
        return self._intake.counts.outside

    @property
    def readings(self) -> int:
        """Number of readings returned."""
        return self._intake.counts.readings

    @property
    def malformed(self) -> int:
        """Number of rows that could not be parsed."""
        return self._intake.skipped.malformed.count

    @property
    def disordered(self) -> int:
        """Number of rows whose time did not advance."""
        return self._intake.skipped.disordered.count

    @property
    def implausible(self) -> int:
        """Number of rows whose value is beyond any household's."""
        return self._intake.skipped.implausible.count

    @property
    def progress(self) -> float | None:
        """Share of the recording that has been read, 0 to 1, never decreasing.

        The highest of the shares of bytes, limit and end time counts. None if all of them
        are unknown, as for a pipe without a limit or an end time.
        """
        complete = self._ended and self._failure is None and not self._closed
        return self._progress.share(self._intake.counts, self._lines.progress, complete=complete)

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
            items: list[Item] = []
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
                given = [Notice(Notice.CONVERSION, text, self._intake.counts.first_at), *given]
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

    def _fill(self, items: list[Item]) -> Sequence[Reading] | None:
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
                    self._intake.take(row, self._where, items)
                if self._intake.ended:
                    break
            self._ended = self._intake.ended or not piece
        if self._ended:
            self._intake.finish(self._where, items)
        return None

    def _take_sorted(self, items: list[Item]) -> None:
        """Take all rows in order of time, which is not that of the file."""
        rows: list[tuple[Row, int]] = []
        while piece := self._lines.read():
            for line in decode_lines(piece):
                row = self._parse(line, items)
                if row is not None:
                    rows.append((row, self._line))
            if len(rows) > _MAX_SORTED_ROWS:
                raise SourceError(
                    f"{self._name}: its rows are not in order of time, and more than "
                    f"{_MAX_SORTED_ROWS:,} are too many to sort here; sort the file by time"
                )
        rows.sort(key=lambda each: each[0][0])
        for row, self._line in rows:
            self._intake.take(row, self._where, items)
            if self._intake.ended:
                break
        self._ended = True

    def _try_block(self, piece: bytes) -> Sequence[Reading] | None:
        """Read all rows of a piece at once; returns None, with nothing read, if not possible."""
        if self._rules.span.has_zone or piece.count(b"\n") < BLOCK_ROWS:
            return None
        if not self._intake.takes_blocks or self._pauses.is_pause():
            return None
        rows = self._parser.parse_block(piece)
        block = None if rows is None else self._intake.take_block(rows)
        if rows is not None and block is not None:
            self._line += len(rows.at)
        self._pauses.tried(succeeded=block is not None)
        return block

    def _parse(self, line: str, items: list[Item]) -> Row | None:
        """Parse the next line; returns None if it is not a row of the series."""
        self._line += 1
        try:
            row = self._parser.parse(line)
        except RowError as error:
            if line.strip():
                self._intake.skip_malformed(str(error), self._where, items)
            return None
        if row is not None:
            self._intake.counts.rows += 1
        return row

    @property
    def _where(self) -> str:
        return f"{self._name}:{self._line}"

    def _with_notices(self, items: list[Item]) -> Sequence[Item]:
        """Append the notices for a piece that was read row by row."""
        readings = [item for item in items if isinstance(item, Reading)]
        items += self._intake.skipped.gathered(self._intake.counts.last_at)
        items += self._initial_checks.check(readings)
        items += self._filled.check(readings, at_end=self._ended)
        if self._solar_checks is not None:
            items += self._solar_checks.check(readings)
        return items

    def _checked(self, block: Sequence[Reading]) -> Sequence[Item]:
        notices = self._initial_checks.check(block) + self._filled.check(block, at_end=False)
        if self._solar_checks is not None:
            notices += self._solar_checks.check(block)
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
