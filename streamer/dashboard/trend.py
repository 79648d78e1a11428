"""The skill over the day as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from streamer.dashboard.plot import BRAILLE, LEFT_DOTS, RIGHT_DOTS
from streamer.dashboard.scale import QUARTERS
from streamer.dashboard.words import FAINT, FORECAST, LABEL, fit, line
from streamer.history.day import SLOT, SLOTS_SHOWN

_GUTTER = 8
_LOWEST, _HIGHEST = -1.0, 1.0
"""Skills below are drawn at the lower edge: in a calm hour they have no bound."""

_TICK_HOURS = 6


def trend(
    skills: Sequence[float | None], until: datetime | None, width: int, height: int
) -> list[Text]:
    """Draw the skill of the last 24 hours, from −100 to +100 %.

    Args:
        skills: the skill at the end of each quarter-hour, newest last; None where it is unknown.
        until: time of the latest reading; None before the first.
        width: width in cells.
        height: number of lines, of which the last has the times.
    """
    # An odd number, so that the zero line is in the middle of a row.
    rows, cells = height - 1 - height % 2, width - _GUTTER
    if until is None or not any(value is not None for value in skills) or rows < 2 or cells < 12:
        return [line((" not known yet", LABEL))]
    dots = 2 * cells
    values = _stretched(skills, dots)
    bits = [[0] * cells for _ in range(rows)]
    before: int | None = None
    for x, value in enumerate(values):
        if value is None:
            before = None
            continue
        share = (min(max(value, _LOWEST), _HIGHEST) - _LOWEST) / (_HIGHEST - _LOWEST)
        y = min(int(share * QUARTERS * rows), QUARTERS * rows - 1)
        for dot in _between(before, y):
            row, quarter = divmod(dot, QUARTERS)
            bits[rows - 1 - row][x // 2] |= (RIGHT_DOTS if x % 2 else LEFT_DOTS)[quarter]
        before = y
    return [*(_row(bits[row], row, rows) for row in range(rows)), _times(until, cells)]


def _stretched(skills: Sequence[float | None], dots: int) -> list[float | None]:
    """The skills of the whole day at each dot from left to right."""
    day = [None] * (SLOTS_SHOWN - len(skills)) + list(skills)
    return [day[SLOTS_SHOWN * dot // dots] for dot in range(dots)]


def _between(before: int | None, y: int) -> range:
    """The dots that join a point to the one before it."""
    if before is None or before == y:
        return range(y, y + 1)
    return range(before + 1, y + 1) if before < y else range(y, before)


def _row(bits: Sequence[int], row: int, rows: int) -> Text:
    labels = {0: "+100 %", rows // 2: "0 %", rows - 1: "−100 %"}
    middle = row == rows // 2
    text = line((f"{labels.get(row, ''):>{_GUTTER - 1}}", LABEL), ("┤" if middle else "│", FAINT))
    for value in bits:
        if value:
            text.append(chr(BRAILLE + value), FORECAST)
        else:
            text.append("─" if middle else " ", FAINT)
    return text


def _times(until: datetime, cells: int) -> Text:
    """Round hours below the line."""
    names = [" "] * cells
    hours = SLOTS_SHOWN * SLOT.total_seconds() / 3600
    end = until.hour + until.minute / 60
    first = math.ceil((end - hours) / _TICK_HOURS) * _TICK_HOURS
    for hour in range(first, math.floor(end) + 1, _TICK_HOURS):
        at = round((hour - end + hours) / hours * cells)
        label = f"{hour % 24:02}:00"
        if at + len(label) <= cells:
            names[at : at + len(label)] = label
    return fit(line((" " * _GUTTER + "".join(names), LABEL)), _GUTTER + cells, pad=False)
