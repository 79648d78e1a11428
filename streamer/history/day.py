"""The day so far: its energy, and the skill of the forecasts over it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamer.readings import Step, skill

SLOT = timedelta(minutes=15)
SLOTS_SHOWN, SLOTS_PER_SKILL = 96, 12
"""Slots in a day, and slots whose errors are compared for one skill: three hours of them."""

_SLOT_MINUTES, _DAY_MINUTES = 15, 1440


@dataclass(frozen=True, slots=True)
class DayView:
    """The day of the latest reading.

    Attributes:
        kwh: energy in kWh in the minutes that were seen; negative if more was exported.
        minutes: number of these minutes.
        elapsed: minutes from midnight to the end of the latest.
        exported: whether power was exported in any of them.
        exported_kwh: energy of the minutes with export, as a positive number.
        solar_kwh: energy of the solar panels; None if it is not measured.
        skills: skill of the forecasts in the three hours up to the end of each quarter-hour of
            the last 24 hours, newest last; None where it is not known.
    """

    kwh: float = 0.0
    minutes: int = 0
    elapsed: int = 0
    exported: bool = False
    exported_kwh: float = 0.0
    solar_kwh: float | None = None
    skills: tuple[float | None, ...] = ()


NO_DAY = DayView()
"""The view before the first reading."""


class Day:
    """Sums over the day of a stream, a microsecond for each step."""

    def __init__(self) -> None:
        self._date = 0
        self._last: datetime | None = None
        self._kw = self._exported_kw = 0.0
        self._solar_kw: float | None = None
        self._minutes = 0
        self._exported = False
        self._slot = 0
        self._squares: deque[list[float]] = deque(maxlen=SLOTS_SHOWN + SLOTS_PER_SKILL)

    def add(self, step: Step) -> None:
        """Add one step."""
        at, kw, solar_kw = step.reading.at, step.reading.kw, step.reading.solar_kw
        date = at.toordinal()
        if date != self._date:
            self._date, self._kw, self._minutes, self._exported = date, 0.0, 0, False
            self._exported_kw, self._solar_kw = 0.0, None
        self._last = at
        self._kw += kw
        self._minutes += 1
        if kw < 0.0:
            self._exported = True
            self._exported_kw -= kw
        if solar_kw is not None:
            self._solar_kw = solar_kw + (self._solar_kw or 0.0)
        settled = step.settled
        if settled is not None:
            slot = (date * _DAY_MINUTES + 60 * at.hour + at.minute) // _SLOT_MINUTES
            if slot != self._slot:
                self._open(slot)
            ours, theirs = kw - settled.kw, kw - settled.last_kw
            sums = self._squares[-1]
            sums[0] += ours * ours
            sums[1] += theirs * theirs

    def view(self) -> DayView:
        """The day so far, as an immutable value."""
        at = self._last
        if at is None:
            return NO_DAY
        return DayView(
            self._kw / 60.0,
            self._minutes,
            60 * at.hour + at.minute + 1,
            self._exported,
            self._exported_kw / 60.0,
            None if self._solar_kw is None else self._solar_kw / 60.0,
            tuple(_skills(list(self._squares))),
        )

    def _open(self, slot: int) -> None:
        """Begin a slot, after those in which nothing was settled."""
        if self._squares:
            # After a clock has been set back, a slot is repeated.
            empty = max(0, min(slot - self._slot - 1, SLOTS_SHOWN + SLOTS_PER_SKILL))
            self._squares.extend([0.0, 0.0] for _ in range(empty))
        self._squares.append([0.0, 0.0])
        self._slot = slot


def _skills(squares: Sequence[Sequence[float]]) -> list[float | None]:
    """The skill up to the end of each slot."""
    found: list[float | None] = []
    for end in range(max(1, len(squares) - SLOTS_SHOWN + 1), len(squares) + 1):
        # Over less than three hours, a skill means little.
        if end < SLOTS_PER_SKILL or not squares[end - 1][1]:
            found.append(None)
            continue
        part = squares[max(0, end - SLOTS_PER_SKILL) : end]
        ours, theirs = (math.fsum(sums[i] for sums in part) for i in (0, 1))
        value = skill(ours, theirs)
        found.append(value if value is not None and math.isfinite(value) else None)
    return found
