"""Rows that are left out: counted by kind, the first of each kind named, later ones gathered."""

from __future__ import annotations

from datetime import datetime

from streamer.errors import FormatError, UnitError
from streamer.readings import Notice
from streamer.sources.files.layout import Unit
from streamer.sources.files.screening import Rules
from streamer.sources.throttle import NoticeThrottle

_ROWS_BEHIND = 10
_ABSURD_ENOUGH = 20


class SkippedRows:
    """Counts of the rows that a file's source leaves out, and the notices of them.

    Args:
        unit: the unit that the values are read in.
        rules: which rows become readings.

    Attributes:
        malformed: rows that cannot be read.
        disordered: rows whose time does not advance.
        absurd: rows whose value no household draws.
    """

    def __init__(self, unit: Unit, rules: Rules) -> None:
        self.malformed = _throttle(Notice.MALFORMED, "malformed rows")
        self.disordered = _throttle(Notice.ORDER, "rows whose time does not advance")
        self.absurd = _throttle(Notice.ABSURD, "absurd values")
        self._jumps = JumpWatch()
        self._unit = unit
        self._rules = rules

    def jumped(self, last: datetime, at: datetime, where: str) -> None:
        """Take note of a long step from one reading to the next."""
        self._jumps.jumped(last, at, where)

    def skip_malformed(self, what: str, where: str, last: datetime | None) -> list[Notice]:
        """Leave out a row that cannot be read.

        Args:
            what: what is wrong with it.
            where: file and line.
            last: time of the last reading, if there is one.

        Raises:
            FormatError: the rules are strict.
        """
        self._check_strict(what, where)
        return _present(self.malformed.add(f"{where}: {what}", last))

    def skip_disordered(self, at: datetime, where: str, last: datetime) -> list[Notice]:
        """Leave out a row whose time does not advance.

        Raises:
            FormatError: the rules are strict.
        """
        what = f"time {at} does not come after {last}"
        self._check_strict(what, where)
        return _present(
            self.disordered.add(f"{where}: {what}", last), self._jumps.fell_behind(at, last)
        )

    def skip_absurd(
        self, kw: float, where: str, last: datetime | None, *, readings: int
    ) -> list[Notice]:
        """Leave out a value that no household draws.

        Args:
            kw: the value.
            where: file and line.
            last: time of the last reading, if there is one.
            readings: how many readings have been given.

        Raises:
            UnitError: there are more such values than readings.
        """
        remedy = "raise --max-kw if it is right"
        if self._unit == "kW":
            remedy = "if the column is in W, say --unit W"
        # Six figures are enough to know the value by.
        shown = float(f"{kw:.6g}")
        what = f"{shown} kW is more than a household draws; {remedy}"
        notice = self.absurd.add(f"{where}: {what}", last)
        if self.absurd.count >= _ABSURD_ENOUGH and self.absurd.count > readings:
            raise self.wrong_unit(where, readings)
        return _present(notice)

    def wrong_unit(self, where: str, readings: int) -> UnitError:
        """The error for values that cannot be in the unit they are read in."""
        remedy = "if they are right, raise --max-kw"
        if self._unit == "kW":
            remedy = "if the column is in W, say --unit W; otherwise raise --max-kw"
        count = self.absurd.count
        return UnitError(
            f"{where}: {count} of {count + readings} values are more than "
            f"{self._rules.max_kw:g} kW, which no household draws; {remedy}"
        )

    def gathered(self, last: datetime | None) -> list[Notice]:
        """One notice for all rows of a kind since the last such notice."""
        kinds = (self.malformed, self.disordered, self.absurd)
        return _present(*(kind.gathered(last) for kind in kinds))

    def _check_strict(self, what: str, where: str) -> None:
        if self._rules.strict:
            raise FormatError(where, f"{what}; correct it, or leave out --strict to skip it")


class JumpWatch:
    """Notices that one wrong time far ahead has put all rows after it out of order."""

    def __init__(self) -> None:
        self._jump: tuple[datetime, str, datetime] | None = None
        self._behind: list[datetime] = []

    def jumped(self, before: datetime, at: datetime, where: str) -> None:
        """Remember the latest long jump ahead."""
        self._jump = (before, where, at)
        self._behind.clear()

    def fell_behind(self, at: datetime, now: datetime) -> Notice | None:
        """Take note of a row that is not after the stream's time `now`."""
        if self._jump is None or len(self._behind) >= _ROWS_BEHIND:
            return None
        before, where, far = self._jump
        if not before < at < far or (self._behind and at <= self._behind[-1]):
            self._behind.clear()
            return None
        self._behind.append(at)
        if len(self._behind) < _ROWS_BEHIND:
            return None
        text = (
            f"{where}: time jumps ahead from {before} to {far}, and the rows after it are "
            "earlier: they are skipped until that time is passed; correct or delete that row"
        )
        return Notice(Notice.WARNING, text, now)


def _throttle(kind: str, plural: str) -> NoticeThrottle:
    return NoticeThrottle(kind, f"{plural} skipped", ending="; row skipped")


def _present(*notices: Notice | None) -> list[Notice]:
    return [notice for notice in notices if notice is not None]
