"""Ledger of the energies of the last quarter-hours, with snapshots that never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, overload

from streamer.readings.demand import QuarterHour
from streamer.readings.saved import count, number, whole

DAYS = 40
"""Days that are kept: a month, and what its first days are compared with."""

QUARTERS_A_DAY = 96
QUARTER = timedelta(minutes=15)
MAX_KW = 1e9
"""Powers beyond this are taken for it, so that all sums are finite."""

_QUARTER_S = 900
_PER_HOUR = 60.0
_PER_KWH = 1e6
"""Quarter-hours that are over are rounded to a milliwatt-hour, so that their state is small."""
_MAX_ROWS = DAYS * QUARTERS_A_DAY
_SPAN = timedelta(days=DAYS)
_NEVER = -(1 << 62)


class QuarterHours(Sequence[QuarterHour]):
    """Energies of quarter-hours, oldest first, as they were at one reading.

    Those that are over are shared with the ledger and with other snapshots, so that a snapshot
    costs as little after a month as at the beginning; it may be read in any thread.

    Args:
        rows: the quarter-hours that are over, to which only more are appended.
        first: index of the first that is included.
        running: the one that is running; None before the first reading.
    """

    __slots__ = ("_end", "_first", "_rows", "_running")

    def __init__(self, rows: list[QuarterHour], first: int, running: QuarterHour | None) -> None:
        self._rows, self._first, self._end = rows, first, len(rows)
        self._running = running

    def __len__(self) -> int:
        return self._end - self._first + (self._running is not None)

    @overload
    def __getitem__(self, index: int) -> QuarterHour: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[QuarterHour]: ...
    def __getitem__(self, index: int | slice) -> QuarterHour | Sequence[QuarterHour]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(self._first, self._first + len(self))[index]
        if place < self._end or self._running is None:
            return self._rows[place]
        return self._running

    def __iter__(self) -> Iterator[QuarterHour]:
        yield from self._rows[self._first : self._end]
        if self._running is not None:
            yield self._running

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"QuarterHours({list(self)!r})"


class Ledger:
    """Adds the minutes of a stream up to quarter-hours, and keeps those of the last 40 days.

    A quarter-hour is fixed by the clock on the wall, and identified by its elapsed time, so that
    those of an hour that comes twice are kept apart. Quarter-hours without a measured minute are
    left out.

    >>> from streamer.readings.seconds import seconds_of
    >>> ledger = Ledger()
    >>> for minute, kw in ((13, 2.4), (14, -1.2), (15, 0.6)):
    ...     at = datetime(2010, 3, 19, 18, minute)
    ...     ledger.add(at, seconds_of(at), kw)
    >>> [(row.start.minute, row.import_kwh, row.export_kwh, row.minutes)
    ...  for row in ledger.snapshot()]
    [(0, 0.04, 0.02, 2), (15, 0.01, 0.0, 1)]
    """

    def __init__(self) -> None:
        self._rows: list[QuarterHour] = []
        self._first = 0
        self._start_s = _NEVER
        self._start: datetime | None = None
        self._import = self._export = 0.0
        self._minutes = 0

    def add(self, at: datetime, minute_s: int, kw: float) -> None:
        """Add a minute, later than those before.

        Args:
            at: time of the reading.
            minute_s: beginning of its minute, as by `seconds_of`.
            kw: its power in kW, `MAX_KW` either way at most.
        """
        past = at.minute % 15
        start_s = minute_s - 60 * past
        if start_s != self._start_s:
            self._close()
            self._start_s = start_s
            self._start = start = at.replace(minute=at.minute - past, second=0, microsecond=0)
            self._leave_out(start)
        if kw > 0.0:
            self._import += kw
        else:
            self._export -= kw
        self._minutes += 1

    @property
    def over(self) -> int:
        """Number of quarter-hours that are over, of those that are kept."""
        return len(self._rows) - self._first

    def snapshot(self) -> QuarterHours:
        """The quarter-hours so far, the running one included."""
        start = self._start
        if start is None:
            return QuarterHours(self._rows, self._first, None)
        running = QuarterHour(
            start, self._import / _PER_HOUR, self._export / _PER_HOUR, self._minutes
        )
        return QuarterHours(self._rows, self._first, running)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        running = None
        if self._start is not None:
            start = self._start.isoformat()
            running = [start, self._start_s, self._import, self._export, self._minutes]
        return {"runs": _runs(self._rows[self._first :]), "running": running}

    def restore(self, state: Mapping[str, Any], last_at: datetime | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Args:
            state: result of `state`.
            last_at: time of the last reading; None before the first.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        rows = list(_restored_rows(state["runs"]))
        if len(rows) > _MAX_ROWS:
            raise ValueError(f"{len(rows)} quarter-hours, at most {_MAX_ROWS} expected")
        starts = [row.start for row in rows]
        running = state["running"]
        if running is not None:
            start, start_s, imported, exported, minutes = running
            self._start, self._start_s = datetime.fromisoformat(start), whole(start_s)
            self._import, self._export = _energy(imported), _energy(exported)
            self._minutes = _minutes(minutes)
            starts.append(self._start)
        if last_at is not None:
            starts.append(last_at)
        elif starts:
            raise ValueError("quarter-hours before the first reading")
        # Comparing also raises an error where only some of the times have a zone.
        if any(before > after for before, after in pairwise(starts)):
            raise ValueError("quarter-hours are out of order")
        self._rows = rows

    def _close(self) -> None:
        """End the running quarter-hour."""
        start = self._start
        if start is None:
            return
        imported, exported = (
            round(kw / _PER_HOUR * _PER_KWH) / _PER_KWH for kw in (self._import, self._export)
        )
        self._rows.append(QuarterHour(start, imported, exported, self._minutes))
        self._import = self._export = 0.0
        self._minutes = 0

    def _leave_out(self, start: datetime) -> None:
        """Leave out the quarter-hours that are too old when one begins."""
        while self._first < len(self._rows) and start - self._rows[self._first].start > _SPAN:
            self._first += 1
        if self._first >= _MAX_ROWS:
            # Snapshots still need the former list, so that is left as it is.
            self._rows, self._first = self._rows[self._first :], 0


def _runs(rows: Iterable[QuarterHour]) -> list[list[Any]]:
    """Rows as runs without a gap: first minute, then energies in mWh and minutes of each."""
    runs: list[list[Any]] = []
    last: datetime | None = None
    for start, imported, exported, minutes in rows:
        if last is None or start - last != QUARTER or start.utcoffset() != last.utcoffset():
            runs.append([start.isoformat(), [], [], []])
        last = start
        _, imports, exports, measured = runs[-1]
        imports.append(round(imported * _PER_KWH))
        exports.append(round(exported * _PER_KWH))
        measured.append(minutes)
    return runs


def _restored_rows(runs: Iterable[Sequence[Any]]) -> Iterator[QuarterHour]:
    for first, *columns in runs:
        start = datetime.fromisoformat(first)
        for imported, exported, minutes in zip(*columns, strict=True):
            energies = count(imported) / _PER_KWH, count(exported) / _PER_KWH
            yield QuarterHour(start, *energies, _minutes(minutes))
            start += QUARTER


def _energy(value: Any) -> float:
    found = number(value)
    if found < 0.0:
        raise ValueError(f"an energy is negative: {found}")
    return found


def _minutes(value: Any) -> int:
    found = count(value)
    if not 1 <= found <= 15:
        raise ValueError(f"a quarter-hour has {found} measured minutes")
    return found
