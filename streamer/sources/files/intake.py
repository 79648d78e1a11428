"""Conversion of rows to readings: order, span, plausibility, and the checks at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from streamer.errors import SourceError
from streamer.readings import Notice, Reading
from streamer.sources.bounds import is_long_jump
from streamer.sources.files.intervals import Converter, RowsOfOneTime
from streamer.sources.files.joining import ChannelJoin, JoinedMinute
from streamer.sources.files.layout import ChannelName
from streamer.sources.files.progress import RowCounts
from streamer.sources.files.rows import Row
from streamer.sources.files.screening import Rules
from streamer.sources.files.skipping import SkippedRows
from streamer.sources.files.summertime import RepeatedHour
from streamer.sources.files.units import Unit
from streamer.sources.files.unmeasured import UnmeasuredMinutes

if TYPE_CHECKING:
    from streamer.sources.files.rowarrays import RowArrays

Item: TypeAlias = Reading | Notice

_MAX_BAD = 0.2
"""Share of rows that may be malformed, or out of order, before it is an error."""
_MIN_BAD = 10


class RowIntake:
    """Rows of a file in order, as readings and notices.

    Args:
        name: the file's name.
        unit: the unit in which the values are read.
        rules: rules for which rows become readings.
        converter: conversion of the rows to minutes; None if each row is a reading.
        join: conversion and join of the channels instead, if there are any beside the grid.

    Attributes:
        counts: rows by outcome.
        skipped: counts of the rows that are skipped, and their notices.
        ended: whether the limit or the end of the span has been reached.
    """

    def __init__(
        self,
        name: str,
        unit: Unit,
        rules: Rules,
        converter: Converter | None = None,
        join: ChannelJoin | None = None,
    ) -> None:
        self.counts = RowCounts()
        self.skipped = SkippedRows(unit, rules)
        self.ended = False
        self._name = name
        self._rules = rules
        self._converter = converter
        self._join = join
        self._is_plain = converter is None and join is None
        self._unmeasured = UnmeasuredMinutes(name)
        self._repeated_hour = RepeatedHour()
        self._row_at: datetime | None = None  # time of the last row, if rows are converted
        can_repeat = isinstance(converter, RowsOfOneTime) or (join is not None and join.can_repeat)
        self._shortest_step = timedelta() if can_repeat else timedelta.resolution

    @property
    def takes_blocks(self) -> bool:
        """Whether rows may be taken at once, since no reading is computed from them."""
        return self._converter is None if self._join is None else self._join.takes_blocks

    def skip_malformed(self, what: str, where: str, items: list[Item]) -> None:
        """Count a row that cannot be parsed."""
        self.counts.rows += 1
        items += self.skipped.skip_malformed(what, where, self.counts.last_at)

    def take(self, row: Row, where: str, items: list[Item]) -> None:
        """Take a row, and append what it adds.

        Args:
            row: its time and values.
            where: file and line.
            items: takes the readings and notices.

        Raises:
            FormatError: the row is out of order, if the rules are strict.
            UnitError: the values cannot be in the given unit.
        """
        at, value, others = row
        counts = self.counts
        if self._is_plain:
            self._take_reading(self._on_one_clock(at, counts.last_at, where, items), value,
                               where, items)  # fmt: skip
            return
        at = self._on_one_clock(at, self._row_at, where, items)
        if value is None and self._join is None:
            counts.missing += 1
        if self._row_at is not None and at < self._row_at + self._shortest_step:
            items += self.skipped.skip_disordered(at, where, self._row_at)
            return
        self._row_at = at
        if self._join is not None:
            if value is None:
                counts.lack(at, self._rules.span)
            self._take_joined(self._join.add(at, value, others, where), items)
        elif self._converter is not None:
            self._take_minutes(self._converter.add(at, value), where, items)

    def take_block(self, rows: RowArrays) -> Sequence[Reading] | None:
        """Take all rows of a piece; returns None, with nothing taken, if not possible."""
        limit, span, counts = self._rules.limit, self._rules.span, self.counts
        last = counts.last_at if self._join is None else self._row_at
        if self._repeated_hour.shift:
            shifted = self._repeated_hour.shifted(rows, last)
            if shifted is None:
                return None
            rows = shifted
        since, until = rows.at[0].item(), rows.at[-1].item()
        count = len(rows.at)
        if self._join is not None and not self._is_complete(rows):
            return None
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
        counts.rows += count
        if self._join is not None:
            self._row_at = until
            self._join.pass_block(rows)
        return block

    def _is_complete(self, rows: RowArrays) -> bool:
        """Whether the rows follow those before, and each with a power has all channels."""
        if self._row_at is not None and rows.at[0].item() <= self._row_at:
            return False
        given = rows.kw == rows.kw
        others = (rows.solar_kw, rows.battery_kw, rows.channels)
        return all(kw is None or bool((kw == kw)[given].all()) for kw in others)

    def finish(self, where: str, items: list[Item]) -> None:
        """Take the last minutes, and check whether the file has been understood.

        Raises:
            SourceError: it contains no reading, or too many rows are malformed or disordered.
        """
        counts, malformed, disordered = self.counts, self.skipped.malformed, self.skipped.disordered
        if counts.readings != self._rules.limit:
            if self._join is not None:
                self._take_joined(self._join.finish(where), items)
            elif self._converter is not None:
                self._take_minutes(self._converter.finish(), where, items)
        items += self._unmeasured.total(counts.last_at)
        if not counts.readings:
            raise self._nothing_found(where)
        if self._is_too_many(malformed.count):
            raise SourceError(
                f"{malformed.count:,} of {counts.rows:,} rows cannot be read, the first "
                f"{self.skipped.first_malformed} (correct them, or give --column, "
                "--time-column, --time-format or --decimal)"
            )
        if self._is_too_many(disordered.count):
            raise SourceError(
                f"{disordered.count:,} of {counts.rows:,} rows are out of order, the last "
                f"{disordered.last}; sort the file by time"
            )

    def _is_too_many(self, count: int) -> bool:
        return count >= _MIN_BAD and count > _MAX_BAD * self.counts.rows

    def _on_one_clock(
        self, at: datetime, last: datetime | None, where: str, items: list[Item]
    ) -> datetime:
        """Continue the clock of a file over the hour that the end of summer time repeats."""
        if at.tzinfo is not None:
            return at
        at, text = self._repeated_hour.correct(at, last)
        if text:
            items.append(Notice(Notice.WARNING, f"{where}: {text}", last))
        return at

    def _take_minutes(
        self, minutes: Sequence[tuple[datetime, float]], where: str, items: list[Item]
    ) -> None:
        for at, kw in minutes:
            self._take_reading(at, kw, where, items)
            if self.ended:
                return

    def _take_joined(self, minutes: Sequence[JoinedMinute], items: list[Item]) -> None:
        span, counts = self._rules.span, self.counts
        for at, kw, where, solar_kw, battery_kw, channels, without, is_night in minutes:
            if not (span.starts_after(at) or span.ends_by(at)):
                if without is not None:
                    counts.unmeasured += 1
                    items += self._unmeasured.add_gap(without, at, where)
                    continue
                if is_night:
                    items += self._unmeasured.add_night(at, where)
                if self._is_implausible(solar_kw, battery_kw, where, items):
                    continue
            self._take_reading(at, kw, where, items, solar_kw, battery_kw, channels)
            if self.ended:
                return

    def _is_implausible(
        self, solar_kw: float | None, battery_kw: float | None, where: str, items: list[Item]
    ) -> bool:
        """Whether solar or battery power is beyond any house's; then the minute is skipped."""
        counts = self.counts
        channels: tuple[tuple[ChannelName, float | None], ...] = (
            ("solar", solar_kw),
            ("battery", battery_kw),
        )
        for channel, kw in channels:
            if kw is not None and abs(kw) > self._rules.max_kw:
                items += self.skipped.skip_implausible(
                    kw, where, counts.last_at, readings=counts.readings, channel=channel
                )
                return True
        return False

    def _take_reading(
        self,
        at: datetime,
        kw: float | None,
        where: str,
        items: list[Item],
        solar_kw: float | None = None,
        battery_kw: float | None = None,
        channels: tuple[float, ...] = (),
    ) -> None:
        counts, rules, skipped = self.counts, self._rules, self.skipped
        last = counts.last_at
        if rules.span.ends_by(at):
            counts.leave_out(at)
            self.ended = True
        elif rules.span.starts_after(at):
            counts.leave_out(at)
        elif kw is None:
            counts.missing += 1
        elif abs(kw) > rules.max_kw:
            items += skipped.skip_implausible(kw, where, last, readings=counts.readings)
        elif last is not None and at <= last:
            items += skipped.skip_disordered(at, where, last)
        else:
            if last is None:
                counts.first_at = at
            elif is_long_jump(last, at):
                skipped.jumped(last, at, where)
            counts.last_at = at
            counts.readings += 1
            self.ended = self.ended or counts.readings == rules.limit
            items.append(Reading(at, kw, solar_kw, battery_kw, channels))

    def _nothing_found(self, where: str) -> SourceError:
        counts, skipped = self.counts, self.skipped
        malformed = skipped.malformed.count
        if skipped.implausible.count and skipped.implausible.count >= malformed:
            return skipped.wrong_unit(where, counts.readings)
        if not counts.rows:
            return SourceError(f"no reading found in {self._name}: it has no rows")
        parts = counts.parts()
        if malformed:
            parts.append(
                f"{malformed} malformed, the last {skipped.malformed.last} "
                "(if the layout differs, give --column, --time-column or --time-format)"
            )
        return SourceError(f"no reading found in {self._name}: {', '.join(parts)}")
