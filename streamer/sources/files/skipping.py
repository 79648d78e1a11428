"""Counts and notices of skipped rows, by the reason why they are skipped."""

from __future__ import annotations

from datetime import datetime

from streamer.errors import FormatError, UnitError
from streamer.readings import Notice
from streamer.sources.files.layout import ChannelName
from streamer.sources.files.screening import Rules
from streamer.sources.files.units import Unit
from streamer.sources.throttle import NoticeThrottle

_ROWS_BEHIND = 10
_MAX_IMPLAUSIBLE = 20


class SkippedRows:
    """Counts of the rows that a file's source skips, and their notices.

    Args:
        unit: the unit in which the values are read.
        rules: rules for which rows become readings.

    Attributes:
        malformed: rows that cannot be parsed.
        disordered: rows whose time does not advance.
        implausible: rows whose value is beyond any household's.
        first_malformed: the first row that cannot be parsed, and why.
    """

    def __init__(self, unit: Unit, rules: Rules) -> None:
        self.malformed = _throttle(Notice.MALFORMED, "malformed rows")
        self.disordered = _throttle(Notice.ORDER, "rows whose time does not advance")
        self.implausible = _throttle(Notice.ABSURD, "implausible values")
        self.first_malformed = ""
        self._jumps = JumpWatch()
        self._channel: ChannelName = "grid"  # of the last implausible value
        self._unit = unit
        self._rules = rules

    def jumped(self, last: datetime, at: datetime, where: str) -> None:
        """Record a long step from one reading to the next."""
        self._jumps.jumped(last, at, where)

    def skip_malformed(self, what: str, where: str, last: datetime | None) -> list[Notice]:
        """Skip a row that cannot be parsed.

        Args:
            what: description of the error.
            where: file and line.
            last: time of the last reading, if any.

        Raises:
            FormatError: the rules are strict.
        """
        self._check_strict(what, where)
        self.first_malformed = self.first_malformed or f"{where}: {what}"
        return _present(self.malformed.add(f"{where}: {what}", last))

    def skip_disordered(self, at: datetime, where: str, last: datetime) -> list[Notice]:
        """Skip a row whose time does not advance.

        Raises:
            FormatError: the rules are strict.
        """
        what = f"time {at} is not after {last}"
        self._check_strict(what, where)
        return _present(
            self.disordered.add(f"{where}: {what}", last), self._jumps.fell_behind(at, last)
        )

    def skip_implausible(
        self,
        kw: float,
        where: str,
        last: datetime | None,
        *,
        readings: int,
        channel: ChannelName = "grid",
    ) -> list[Notice]:
        """Skip a value beyond any household's.

        Args:
            kw: the value.
            where: file and line.
            last: time of the last reading, if any.
            readings: number of readings so far.
            channel: what has the value.

        Raises:
            UnitError: such values outnumber the readings.
        """
        self._channel = channel
        # Six digits are enough to recognise the value.
        shown = float(f"{kw:.6g}")
        if channel == "grid":
            remedy = "if it is correct, raise --max-kw"
            if self._unit == "kW":
                remedy = "if the column is in W, give --unit W"
            what = f"{shown} kW is more than a household draws; {remedy}"
        else:
            what = (
                f"{channel} power of {shown} kW is more than a house has; if the column is in "
                f"another unit, give --{channel}-unit"
            )
        notice = self.implausible.add(f"{where}: {what}", last)
        if self.implausible.count >= _MAX_IMPLAUSIBLE and self.implausible.count > readings:
            raise self.wrong_unit(where, readings)
        return _present(notice)

    def wrong_unit(self, where: str, readings: int) -> UnitError:
        """Return the error for values that cannot be in the unit in which they are read."""
        remedy = "if they are correct, raise --max-kw"
        if self._channel != "grid":
            remedy = f"if the {self._channel} power is in another unit, give --{self._channel}-unit"
        elif self._unit == "kW":
            remedy = "if the column is in W, give --unit W; otherwise raise --max-kw"
        count = self.implausible.count
        return UnitError(
            f"{where}: {count} of {count + readings} values are above "
            f"{self._rules.max_kw:g} kW, more than a household draws; {remedy}"
        )

    def gathered(self, last: datetime | None) -> list[Notice]:
        """Return one notice for each kind with rows since its last notice."""
        kinds = (self.malformed, self.disordered, self.implausible)
        return _present(*(kind.gathered(last) for kind in kinds))

    def _check_strict(self, what: str, where: str) -> None:
        if self._rules.strict:
            raise FormatError(where, f"{what}; correct it, or leave out --strict to skip it")


class JumpWatch:
    """Detection of a single time far ahead that puts all later rows out of order."""

    def __init__(self) -> None:
        self._jump: tuple[datetime, str, datetime] | None = None
        self._behind: list[datetime] = []

    def jumped(self, before: datetime, at: datetime, where: str) -> None:
        """Record the latest long jump ahead."""
        self._jump = (before, where, at)
        self._behind.clear()

    def fell_behind(self, at: datetime, now: datetime) -> Notice | None:
        """Record a row that is not later than the stream's time `now`."""
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
            "earlier: they are skipped until that time has passed; correct or delete that row"
        )
        return Notice(Notice.WARNING, text, now)


def _throttle(kind: str, plural: str) -> NoticeThrottle:
    return NoticeThrottle(kind, f"{plural} skipped", ending="; row skipped")


def _present(*notices: Notice | None) -> list[Notice]:
    return [notice for notice in notices if notice is not None]
