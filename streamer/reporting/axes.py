"""Ticks, grid lines and labels of a figure's axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from streamer.reporting.clock import HouseClock

_STEPS_MIN = (5, 10, 15, 30, 60, 120, 180, 360, 720)
_HOURS_LABEL = 48.0
_DAY_LABEL = 38.0
_DATE_LABEL = 74.0
_DAY_S = 86_400
_SPAN_WITH_HOURS_S = 49 * 3600


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the time axis.

    Attributes:
        at: position in Unix seconds.
        strong: whether it is a midnight, or among midnights a Monday's.
        label: text at the line; may be empty.
        below: text below the label; may be empty.
        label_at: position of the middle of the label in Unix seconds.
    """

    at: int
    strong: bool
    label: str
    below: str
    label_at: float


def ticks(low: float, high: float, max_steps: int) -> list[float]:
    """Round values, the first at or below `low` and the last at or above `high`.

    Args:
        low: the lowest value to show.
        high: the highest value to show, above `low`.
        max_steps: largest number of steps between values, at least 2.

    >>> ticks(0.0, 4.3, 5)
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    >>> ticks(-1.2, 2.0, 3)
    [-2.0, 0.0, 2.0]
    """
    decade = 10.0 ** math.floor(math.log10((high - low) / max_steps))
    for step in (decade * mantissa for mantissa in (1, 2, 5, 10, 20, 50)):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= max_steps:
            break
    return [round(step * k, 12 - math.floor(math.log10(step))) for k in range(first, last + 1)]


def tick_label(value: float, step: float) -> str:
    """Label of a tick, with as many decimals as the step has.

    >>> tick_label(-1.5, 0.5), tick_label(200.0, 100.0), tick_label(2e9, 1e9)
    ('−1.5', '200', '2e+09')
    """
    if not 1e-4 < step < 1e5:
        return f"{value:.3g}".replace("-", "−")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:z.{decimals}f}".replace("-", "−")


def time_marks(clock: HouseClock, start: int, end: int, width: float) -> list[Mark]:
    """Marks by the hour for up to two days, otherwise by the day; arguments as of either."""
    marks = hour_marks if end - start <= _SPAN_WITH_HOURS_S else day_marks
    return marks(clock, start, end, width)


def hour_marks(clock: HouseClock, start: int, end: int, width: float) -> list[Mark]:
    """Marks at full hours, or parts of them, for hours to two days; midnights have the date.

    Args:
        clock: the house's clock.
        start: beginning of the axis, Unix seconds.
        end: end of the axis, Unix seconds.
        width: width of the axis, in the unit of the widths of labels.
    """
    per_s = width / (end - start)
    step = next((m for m in _STEPS_MIN if 60 * m * per_s >= _HOURS_LABEL), _STEPS_MIN[-1])
    stride = 60 * min(step, 60)
    marks = []
    for at in range(start + -(start + clock.offset(start)) % stride, end + 1, stride):
        minute = clock.local(at)
        if (60 * minute.hour + minute.minute) % step == 0:
            midnight = minute.hour == minute.minute == 0
            below = f"{minute:%a} {minute.day} {minute:%b}" if midnight else ""
            marks.append(Mark(at, midnight, f"{minute:%H:%M}", below, at))
    return _first_date(clock, start, marks, per_s)


def day_marks(clock: HouseClock, start: int, end: int, width: float) -> list[Mark]:
    """Marks at midnights, with the days between them, or only Mondays if days are narrow.

    Args:
        clock: the house's clock.
        start: beginning of the axis, Unix seconds.
        end: end of the axis, Unix seconds.
        width: width of the axis, in the unit of the widths of labels.
    """
    per_s = width / (end - start)
    midnights = clock.midnights(start, end)
    if per_s * _DAY_S < _DAY_LABEL:
        return [_week_mark(clock, at, end, per_s) for at in midnights]
    days = [start, *(at for at in midnights if at > start), end]
    marks = []
    for begin, until in pairwise(days):
        day = clock.local(begin)
        room = per_s * (until - begin)
        monthly = room >= _DATE_LABEL or begin == start or day.day == 1
        date = f"{day.day} {day:%b}" if monthly else f"{day.day}"
        label, below = (f"{day:%a}", date) if room >= _DAY_LABEL else ("", "")
        marks.append(Mark(begin, begin in midnights, label, below, (begin + until) / 2))
    return marks


def _week_mark(clock: HouseClock, at: int, end: int, per_s: float) -> Mark:
    day = clock.local(at)
    monday = day.weekday() == 0
    named = monday and per_s * (end - at) > _DATE_LABEL / 3
    label, below = (f"{day:%a}", f"{day.day} {day:%b}") if named else ("", "")
    return Mark(at, monday, label, below, at)


def _first_date(clock: HouseClock, start: int, marks: list[Mark], per_s: float) -> list[Mark]:
    """Add the date of the first day to the first mark, if there is room for it."""
    midnight = next((mark.at for mark in marks if mark.strong), None)
    if not marks or marks[0].strong:
        return marks
    first = marks[0]
    if midnight is not None and per_s * (midnight - first.at) < _DATE_LABEL:
        return marks
    day = clock.local(start)
    below = f"{day:%a} {day.day} {day:%b}"
    return [Mark(first.at, first.strong, first.label, below, first.label_at), *marks[1:]]
