"""Silence of a meter: its beginning, interruptions and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streamer.publishing.state import MeterState
from streamer.readings import MINUTE, Link, Step

ASLEEP = timedelta(minutes=2)
"""Time between two checks that shows that this machine was asleep, and not the meter."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A meter is silent.

    Attributes:
        since: when the last reading before it arrived, or when the program was started.
        reason: what is known of the reason; empty if nothing is.
        interrupted: whether a few readings have arrived meanwhile.
    """

    since: datetime
    reason: str
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Back:
    """A meter is no longer silent.

    Attributes:
        since: beginning of the silence.
        until: when the first reading after it arrived.
    """

    since: datetime
    until: datetime


class SilenceWatch:
    """Reports the silence of one meter once, and its end once.

    A silence is reported when readings have been missing for `after`, interruptions left out, and
    it is over when none has been missing for as long: a meter that comes and goes is one silence.

    Args:
        after: how long readings must be missing.
        now: the time, with a zone.
    """

    def __init__(self, after: timedelta, now: datetime) -> None:
        self._after = after
        self._begun = self._awake = self._checked = now
        self._heard: datetime | None = None
        self._since: datetime | None = None
        self._out_since: datetime | None = None
        self._missing = timedelta(0)
        self._good_since: datetime | None = None
        self._reported = False

    def resume(self, since: datetime) -> None:
        """Continue a silence that was reported before the program was started."""
        self._since, self._reported = since, True

    def take(self, item: object, now: datetime) -> None:
        """Take an item of the stream of the meter."""
        if isinstance(item, Step):
            self._heard = now
            if self._good_since is None:
                self._good_since = now
            self._end_interruption(now)

    def check(self, state: MeterState, now: datetime) -> Silent | Back | None:
        """What should be reported at a time; None if nothing is new.

        Args:
            state: state of the meter.
            now: the time, with a zone; some seconds after that of the check before.
        """
        if now < self._checked:
            self._set_back(now)
        elif now - self._checked > ASLEEP:
            self._awake = now
        self._checked = now
        if now - self._last_heard() > MINUTE + timedelta(seconds=state.meter.late_s):
            return self._out(state, now)
        if self._since is None or self._good_since is None:
            return None
        if now - self._good_since < self._after:
            return None
        since, until, reported = self._since, self._good_since, self._reported
        self._since, self._reported, self._missing = None, False, timedelta(0)
        return Back(since, until) if reported else None

    def _out(self, state: MeterState, now: datetime) -> Silent | None:
        """Readings are missing at present."""
        if self._out_since is None:
            self._out_since = self._last_heard()
            self._good_since = None
        if self._since is None:
            self._since = self._out_since
        if self._reported or self._missing + (now - self._out_since) < self._after:
            return None
        self._reported = True
        interrupted = self._missing > timedelta(0)
        return Silent(self._since, _reason(state.link), interrupted)

    def _last_heard(self) -> datetime:
        """When the meter was heard last, or could have been."""
        return max(self._heard or self._begun, self._awake)

    def _set_back(self, now: datetime) -> None:
        """Move all times that the clock, which was set back, has not reached yet."""
        self._begun, self._awake = min(self._begun, now), min(self._awake, now)
        for name in ("_heard", "_since", "_out_since", "_good_since"):
            at = getattr(self, name)
            setattr(self, name, at and min(at, now))

    def _end_interruption(self, now: datetime) -> None:
        if self._out_since is not None:
            self._missing += now - self._out_since - MINUTE
            self._out_since = None


def _reason(link: Link | None) -> str:
    if link is None or link.state == Link.UP:
        return ""
    if link.state == Link.SILENT:
        return "it is connected, but sends nothing"
    return f"the connection is lost: {link.text}" if link.text else "the connection is lost"
