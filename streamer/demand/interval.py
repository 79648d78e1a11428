"""Running demand interval: the minutes of it that were measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from streamer.energy.ledger import MAX_KW
from streamer.readings.saved import count, number, whole

_NEVER = -(1 << 62)
_MAX = 60.0 * MAX_KW


class Interval:
    """Sums over the minutes of one demand interval so far.

    It is fixed by the clock on the wall, and identified by its elapsed time, so that those of an
    hour that comes twice are kept apart. An interval that is cut by a change of the clock has
    minutes that nobody can measure.

    Args:
        minutes: its length, 15 or 60.
        net: whether export is subtracted from import; otherwise its minutes count as 0.

    Attributes:
        start: its first minute; None before the first reading.
        end: the minute after its last one.
        measured: minutes of it that were measured.
        passed: minutes of it up to the last one that was measured.
        left: minutes that are still to come; 0 before the first reading.
        counted_kw: mean of what counts over the measured minutes in kW; negative for a net
            export.
        known: sum of what counts over the minutes that have passed in kW, where those that were
            not measured are taken to be as the others.
    """

    __slots__ = (
        "_export",
        "_import",
        "_length",
        "_net",
        "_start_s",
        "counted_kw",
        "end",
        "known",
        "left",
        "measured",
        "passed",
        "start",
    )

    def __init__(self, minutes: int, *, net: bool) -> None:
        self._length, self._net = minutes, net
        self.start: datetime | None = None
        self.end: datetime | None = None
        self._start_s = _NEVER
        self._import = self._export = 0.0
        self.measured = self.passed = self.left = 0
        self.counted_kw = self.known = 0.0

    def has(self, at: datetime, minute_s: int) -> bool:
        """Whether a minute, later than those before, belongs to it.

        Args:
            at: time of the reading.
            minute_s: beginning of its minute, as by `seconds_of`.
        """
        return minute_s - 60 * (at.minute % self._length) == self._start_s

    def begin(self, at: datetime, minute_s: int) -> datetime:
        """Begin the interval that a minute belongs to, and return its first minute."""
        past = at.minute % self._length
        self._start_s = minute_s - 60 * past
        self.start = start = at.replace(minute=at.minute - past, second=0, microsecond=0)
        self.end = _later(start, self._length)
        self._import = self._export = 0.0
        self.measured = self.passed = 0
        return start

    def add(self, at: datetime, kw: float) -> None:
        """Add a minute that belongs to it, with its power in kW."""
        if kw > 0.0:
            self._import += kw
        else:
            self._export -= kw
        self.measured += 1
        self.passed = at.minute % self._length + 1
        self._count()

    def correct(self, kw: float) -> None:
        """Take the sum so far from the meter, which has missed no minute.

        Args:
            kw: the import so far, divided by the whole length, in kW.
        """
        self._import = kw * self._length
        self.measured = self.passed
        self._count()

    @property
    def unknown(self) -> int:
        """Minutes up to the last one that were not measured."""
        return self.passed - self.measured

    @property
    def unmeasured(self) -> int:
        """Minutes of the whole interval that have not been measured."""
        return self._length - self.measured

    def mean_kw(self, rest_kw: float) -> float:
        """Mean over the whole interval in kW if its rest has a mean power."""
        counted_kw = rest_kw if self._net else max(rest_kw, 0.0)
        return max((self.known + self.left * counted_kw) / self._length, 0.0)

    def margin_kw(self, bound_kw: float) -> float:
        """Mean over the rest at which the interval reaches a bound in kW, at least 0."""
        return max((bound_kw * self._length - self.known) / self.left, 0.0)

    @property
    def export_kw(self) -> float:
        """Mean export of the measured minutes in kW."""
        return self._export / self.measured

    @property
    def least_kw(self) -> float:
        """Lower bound of the mean over the whole interval in kW, whatever was not measured."""
        return 0.0 if self._net else self._import / self._length

    def _count(self) -> None:
        """Update what follows from the sums, which is needed several times a minute."""
        counted = self._import - self._export if self._net else self._import
        self.counted_kw = counted / self.measured
        self.known = self.counted_kw * self.passed
        self.left = self._length - self.passed

    def state(self) -> list[Any] | None:
        """Everything that `restore` needs, as plain JSON values."""
        if self.start is None:
            return None
        start = self.start.isoformat()
        return [start, self._start_s, self._import, self._export, self.measured, self.passed]

    def restore(self, state: list[Any] | None, last_at: datetime | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Args:
            state: result of `state`.
            last_at: time of the last reading; None before the first.

        Raises:
            TypeError, ValueError: the state is damaged.
        """
        if state is None:
            return
        start, start_s, imported, exported, measured, passed = state
        self.start, self._start_s = datetime.fromisoformat(start), whole(start_s)
        # Comparing also raises an error where only one of them has a zone.
        if last_at is None or self.start > last_at:
            raise ValueError("the running demand interval begins after the last reading")
        self.end = _later(self.start, self._length)
        self._import, self._export = number(imported), number(exported)
        self.measured, self.passed = count(measured), count(passed)
        if not 0.0 <= min(self._import, self._export) <= max(self._import, self._export) <= _MAX:
            raise ValueError("an energy of the running demand interval is out of bounds")
        if not 1 <= self.measured <= self.passed <= self._length:
            raise ValueError(f"{measured} minutes measured of {passed} in a demand interval")
        self._count()


def _later(at: datetime, minutes: int) -> datetime:
    """The time so many minutes later, by elapsed time."""
    after = timedelta(minutes=minutes)
    return at + after if at.tzinfo is None else (at.astimezone(UTC) + after).astimezone(at.tzinfo)
