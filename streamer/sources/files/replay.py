"""Rows of a recorded stream into readings and notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from streamer.errors import FormatError, SourceError, StreamerError, UnitError
from streamer.readings import Notice, Reading
from streamer.sources.files.framing import LineReader, decode_lines
from streamer.sources.files.layout import Unit
from streamer.sources.files.rows import RowError, RowParser
from streamer.sources.files.screening import FirstLook, JumpWatch, Rules, Tally, is_long_jump

_Item: TypeAlias = Reading | Notice

BLOCK_ROWS = 32
"""Fewer rows than this are read one by one: arrays would gain nothing."""

_LONGEST_PAUSE = 31

_ABSURD_ENOUGH = 20


class ReplaySource:
    """A recorded stream; made by `open_replay`.

    Args:
        name: the name to show.
        lines: its lines, from the first row on; closed with the source.
        rows: reads them.
        unit: the unit that `rows` reads them in.
        rules: which rows become readings.
        lines_before: how many lines came before.

    Attributes:
        rows: rows seen.
        missing: rows without a value.
        outside: rows before the start or beyond the end.
        readings: readings given.
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
    ) -> None:
        self.rows = self.missing = self.outside = self.readings = 0
        self._name = name
        self._lines = lines
        self._parser = rows
        self._unit = unit
        self._rules = rules
        self._line = lines_before
        self._malformed = Tally(Notice.MALFORMED, "malformed rows")
        self._disordered = Tally(Notice.ORDER, "rows whose time does not advance")
        self._absurd = Tally(Notice.ABSURD, "absurd values")
        self._first_look = FirstLook(name, unit)
        self._jumps = JumpWatch()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._outside_at: datetime | None = None
        self._ended = False
        self._closed = False
        self._failure: StreamerError | None = None
        self._progress: float | None = None
        self._pieces_to_pass = 0
        self._next_pause = 0

    @property
    def name(self) -> str:
        """The file's name without its folder, or ``stdin``."""
        return self._name

    @property
    def malformed(self) -> int:
        """Rows that could not be read."""
        return self._malformed.count

    @property
    def disordered(self) -> int:
        """Rows whose time did not advance."""
        return self._disordered.count

    @property
    def absurd(self) -> int:
        """Rows whose value no household draws."""
        return self._absurd.count

    @property
    def progress(self) -> float | None:
        """The share of the recording that has been read, 0 to 1; it never goes back.

        Whatever of the bytes, the limit and the end time is nearest to being reached
        counts. None where nothing is known: of a pipe without a limit or an end time.
        """
        known = [share for share in (self._progress, self._lines.progress) if share is not None]
        if self._rules.limit is not None:
            known.append(self.readings / self._rules.limit)
        if self._rules.span.end is not None and self._first is not None and self._last is not None:
            known.append(self._rules.span.share_done(self._first, self._last))
        if known and self._ended and self._failure is None and not self._closed:
            known.append(1.0)
        self._progress = max(known, default=None)
        return self._progress

    def read(self) -> Sequence[Reading | Notice]:
        """What the next piece of the file gives, or what a pipe has.

        Returns:
            At least one reading or notice, or an empty sequence at the end. Readings
            without a notice among them may come as a `ReadingBlock`.

        Raises:
            FormatError: a malformed or disordered row, if strict.
            UnitError: the values cannot be in the unit they are read in.
            SourceError: the file cannot be read on, or there is no reading in it.
        """
        while not self._ended:
            items: list[_Item] = []
            block: Sequence[Reading] | None = None
            # What came before an error is given out first, so that where the pieces of
            # a file happen to break makes no difference.
            try:
                block = self._fill(items)
            except StreamerError as error:
                self._fail(error)
            given = self._sum_up(items) if block is None else self._look_at(block)
            if given:
                return given
        if self._failure is not None:
            raise self._failure
        return []

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._closed = self._ended = True
        self._failure = None
        self._lines.close()

    def _fail(self, error: StreamerError) -> None:
        self._ended = True
        if not self._closed:
            self._failure = error

    def _fill(self, items: list[_Item]) -> Sequence[Reading] | None:
        """Read a piece: give its readings, or else put what is in it into `items`."""
        piece = self._lines.read()
        block = self._try_block(piece)
        if block is not None:
            return block
        for line in decode_lines(piece):
            self._take(line, items)
            if self._ended:
                break
        else:
            self._ended = not piece
        if self._ended and not self.readings:
            raise self._nothing_found()
        return None

    def _try_block(self, piece: bytes) -> Sequence[Reading] | None:
        """Take all rows of a piece at once; None, and nothing taken, if that cannot be."""
        if self._rules.span.has_zone or piece.count(b"\n") < BLOCK_ROWS:
            return None
        if self._pieces_to_pass:
            self._pieces_to_pass -= 1
            return None
        block = self._take_block(piece)
        # Where piece after piece has something odd in it, trying each would be a waste.
        if block is None:
            self._pieces_to_pass = self._next_pause
            self._next_pause = min(2 * self._next_pause + 1, _LONGEST_PAUSE)
        else:
            self._next_pause = 0
        return block

    def _take_block(self, piece: bytes) -> Sequence[Reading] | None:
        limit, span = self._rules.limit, self._rules.span
        rows = self._parser.parse_block(piece)
        if rows is None:
            return None
        since, until = rows.at[0].item(), rows.at[-1].item()
        count = len(rows.at)
        if span.starts_after(until):
            self._leave_out(until, count)
            block: Sequence[Reading] = ()
        elif span.starts_after(since) or span.ends_by(until):
            return None
        else:
            readings = rows.readings(self._last, self._rules.max_kw)
            if readings is None or (limit is not None and self.readings + len(readings) >= limit):
                return None
            self.missing += count - len(readings)
            self.readings += len(readings)
            if readings:
                self._first = self._first or readings[0].at
                self._last = readings[-1].at
            block = readings
        self._line += count
        self.rows += count
        return block

    def _take(self, line: str, items: list[_Item]) -> None:
        self._line += 1
        try:
            at, kw = self._parser.parse(line)
        except RowError as error:
            if line.strip():
                self.rows += 1
                self._skip(self._malformed, str(error), items)
            return
        self.rows += 1
        rules = self._rules
        if rules.span.ends_by(at):
            self._leave_out(at)
            self._ended = True
        elif rules.span.starts_after(at):
            self._leave_out(at)
        elif kw is None:
            self.missing += 1
        elif abs(kw) > rules.max_kw:
            self._skip_absurd(kw, items)
        elif self._last is not None and at <= self._last:
            self._skip_disordered(at, self._last, items)
        else:
            if self._last is None:
                self._first = at
            elif is_long_jump(self._last, at):
                self._jumps.jumped(self._last, at, self._where)
            self._last = at
            self.readings += 1
            self._ended = self.readings == rules.limit
            items.append(Reading(at, kw))

    @property
    def _where(self) -> str:
        return f"{self._name}:{self._line}"

    def _leave_out(self, at: datetime, count: int = 1) -> None:
        self.outside += count
        self._outside_at = at

    def _skip(self, tally: Tally, what: str, items: list[_Item]) -> None:
        if self._rules.strict and tally is not self._absurd:
            raise FormatError(self._where, f"{what}; correct it, or leave out --strict to skip it")
        notice = tally.add(f"{self._where}: {what}", self._last)
        if notice is not None:
            items.append(notice)

    def _skip_disordered(self, at: datetime, last: datetime, items: list[_Item]) -> None:
        self._skip(self._disordered, f"time {at} does not come after {last}", items)
        warning = self._jumps.fell_behind(at, last)
        if warning is not None:
            items.append(warning)

    def _skip_absurd(self, kw: float, items: list[_Item]) -> None:
        remedy = "raise --max-kw if it is right"
        if self._unit == "kW":
            remedy = "if the column is in W, say --unit W"
        # Six figures are enough to know the value by.
        shown = float(f"{kw:.6g}")
        self._skip(self._absurd, f"{shown} kW is more than a household draws; {remedy}", items)
        if self.absurd >= _ABSURD_ENOUGH and self.absurd > self.readings:
            raise self._wrong_unit()

    def _wrong_unit(self) -> UnitError:
        remedy = "if they are right, raise --max-kw"
        if self._unit == "kW":
            remedy = "if the column is in W, say --unit W; otherwise raise --max-kw"
        return UnitError(
            f"{self._where}: {self.absurd} of {self.absurd + self.readings} values are more than "
            f"{self._rules.max_kw:g} kW, which no household draws; {remedy}"
        )

    def _nothing_found(self) -> SourceError:
        if self.absurd and self.absurd >= self.malformed:
            return self._wrong_unit()
        if not self.rows:
            return SourceError(f"no reading found in {self._name}: there is no row in it")
        parts = [f"{self.rows} rows"]
        if self.missing:
            parts.append(f"{self.missing} without a value (if others have one, say --column)")
        if self.outside:
            parts.append(
                f"{self.outside} before --start or from --end on, the last at {self._outside_at} "
                "(correct --start or --end)"
            )
        if self.malformed:
            parts.append(
                f"{self.malformed} malformed, the last {self._malformed.last} "
                "(if the layout is another, say --column, --time-column or --time-format)"
            )
        return SourceError(f"no reading found in {self._name}: {', '.join(parts)}")

    def _sum_up(self, items: list[_Item]) -> Sequence[_Item]:
        """What is to be said of a piece read row by row, and the notices that stand for all."""
        readings = [item for item in items if isinstance(item, Reading)]
        for tally in (self._malformed, self._disordered, self._absurd):
            gathered = tally.gathered(self._last)
            if gathered is not None:
                items.append(gathered)
        items += self._first_look.look(readings, at_end=self._ended)
        return items

    def _look_at(self, block: Sequence[Reading]) -> Sequence[_Item]:
        notices = self._first_look.look(block, at_end=False)
        return [*block, *notices] if notices else block
