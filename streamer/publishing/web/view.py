"""View of one meter at one moment, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.display.durations import lasting
from streamer.display.numbers import NOTHING, amount
from streamer.history import HistorySnapshot
from streamer.history.outage import is_down, outage
from streamer.publishing.record import ENDED, FRESH, STALE, WAITING
from streamer.publishing.web.charted import Minute, minute_of
from streamer.readings import Forecast, Step
from streamer.reporting.words import HARD

_RECENT_S = 60.0
"""Seconds for which a sample is shown as the present before there is a step."""


@dataclass(frozen=True)
class View:
    """One meter at one moment.

    Attributes:
        name: the meter's name.
        status: its status, as in its record.
        snapshot: the snapshot of its stream, with the present time.
        recorded: minutes before this stream began, as far as they are recorded.
    """

    name: str
    status: str
    snapshot: HistorySnapshot
    recorded: tuple[Minute, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether its latest step is of the present."""
        return self.status == FRESH

    @property
    def last(self) -> Step | None:
        """Its latest step, of the present or not."""
        return self.snapshot.last

    @property
    def step(self) -> Step | None:
        """Its latest step if that is of the present; None otherwise."""
        return self.snapshot.last if self.is_fresh else None

    @property
    def forecast(self) -> Forecast | None:
        """The forecast of the coming minute; None if there is none of the present."""
        return None if self.step is None else self.step.forecast

    @property
    def now_kw(self) -> float | None:
        """The present power in kW: the latest sample, or else the latest minute's mean."""
        if is_down(self.snapshot):
            return None
        sample, now = self.snapshot.sample, self.snapshot.now
        if sample is not None:
            age_s = _RECENT_S
            if sample.at is not None and now is not None:
                age_s = abs((now - sample.at).total_seconds())
            if self.is_fresh or age_s < _RECENT_S:
                return sample.kw
        return None if self.step is None else self.step.reading.kw

    def minutes(self) -> list[Minute]:
        """The latest minutes for a chart, in order of time."""
        found = [minute_of(step) for step in self.snapshot.steps]
        if not found:
            return found
        return [minute for minute in self.recorded if minute.at < found[0].at] + found

    def banner(self) -> str:
        """Why its values are not of the present; empty if they are."""
        if self.status == ENDED:
            return "The stream has ended."
        words = [] if not is_down(self.snapshot) else outage(self.snapshot)[:1]
        if self.status == WAITING:
            return _sentence(": ".join(["Waiting for the first reading", *words]))
        if self.status == STALE:
            return _sentence(": ".join([f"No new reading{self._since()}", *words]))
        return _sentence(words[0]) if words else ""

    def as_of(self) -> str:
        """The time of the latest reading, for a note; empty while there is none."""
        return "" if self.last is None else f"{self.last.reading.at:%H:%M}"

    def _since(self) -> str:
        """How long there has been no reading."""
        last, now = self.last, self.snapshot.now
        if last is None:
            return ""
        at = last.reading.at
        if now is None or at.tzinfo is None:
            return f" since {at:%H:%M}"
        return f" since {at:%H:%M}, for {lasting((now - at).total_seconds())}"


def power(kw: float | None, decimals: int = 2) -> str:
    """A power as text with its unit."""
    return NOTHING if kw is None else f"{amount(kw, decimals)}{HARD}kW"


def band(low_kw: float, high_kw: float) -> str:
    """A prediction interval as text."""
    return f"{amount(low_kw, 2)} to {amount(high_kw, 2)}{HARD}kW"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
