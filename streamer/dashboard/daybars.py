"""The day's demand intervals as bars: import upwards from the zero line, export below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.text import Text

from streamer.dashboard.plot import FILL, ZERO_GLYPH
from streamer.dashboard.scale import AxisScale, find_scale
from streamer.dashboard.words import ACTUAL, HANGING, LABEL, fit, line
from streamer.energy.today import IntervalMean
from streamer.history.columns import clip
from streamer.history.energy import slot_of

MIN_HEIGHT, MIN_WIDTH = 3, 30
"""Lines and cells from which there is room for the bars."""

_DAY_MINUTES, _HOURS_APART = 1440, 6
_UNKNOWN = "?"
"""Below an interval of which minutes are unknown."""


def day_bars(
    intervals: Sequence[IntervalMean],
    exports: Mapping[int, float],
    minutes: int,
    width: int,
    height: int,
) -> list[Text]:
    """Draw the intervals of a day at their times of day.

    Where they are more than the cells, neighbours share one, which shows the highest of them.

    Args:
        intervals: the means of the day's intervals.
        exports: mean export of the same in kW, by `slot_of`.
        minutes: length of an interval.
        width: width in cells.
        height: number of lines, of which the last has the times.

    Returns:
        Exactly `height` lines; blank ones if there is nothing to draw, or no room for it.
    """
    rows = height - 1
    if not intervals or height < MIN_HEIGHT or width < MIN_WIDTH:
        return [Text(end="") for _ in range(height)]
    slots = _DAY_MINUTES // minutes
    up, down = [0.0] * slots, [0.0] * slots
    unknown: set[int] = set()
    seen: set[int] = set()
    for each in intervals:
        slot = slot_of(each.start, minutes)
        seen.add(slot)
        up[slot] = max(up[slot], clip(each.kw))
        if each.unknown_minutes:
            unknown.add(slot)
    for slot, kw in exports.items():
        down[slot] = max(down[slot], clip(kw))
    scale = find_scale([max(up), -max(down)], rows)
    gutter = 1 + max(len(scale.label(row)) for row in range(-scale.below - 1, scale.top + 1))
    gutter = max(gutter, 4)
    cell_of = _places(slots, width - gutter - 1)
    cells = cell_of[-1] + 1
    bars, hanging = [0] * cells, [0] * cells
    marks: set[int] = set()
    for cell, slot in _cells(cell_of):
        if slot in seen:
            bars[cell] = max(bars[cell], scale.eighths(up[slot]))
        if down[slot] > 0.0 and scale.below:
            hanging[cell] = max(hanging[cell], -scale.eighths(-down[slot]))
        if slot in unknown:
            marks.add(cell)
    lines = []
    for row in range(scale.top, -scale.below - 1, -1):
        label = scale.label(row)
        text = line((f"{label:>{gutter - 1}} {'┤' if label else '│'}", LABEL))
        lines.append(text.append_text(_row(bars, hanging, row)))
    lines.append(_axis(scale, gutter, cells, marks))
    return [fit(text, width, pad=False) for text in lines]


def _places(slots: int, room: int) -> list[int]:
    """Cell of each slot: several cells for each if they fit, or else one for several slots."""
    if room >= slots:
        each = room // slots
        return [each * slot + each - 1 for slot in range(slots)]
    shared = -(-slots // max(1, room))
    return [slot // shared for slot in range(slots)]


def _cells(cell_of: Sequence[int]) -> list[tuple[int, int]]:
    """Cell and slot of every cell that belongs to a slot."""
    found = []
    before = -1
    for slot, cell in enumerate(cell_of):
        first = min(before + 1, cell)
        found += [(each, slot) for each in range(first, cell + 1)]
        before = cell
    return found


def _row(bars: Sequence[int], hanging: Sequence[int], row: int) -> Text:
    """One row of the bars; rows are counted from the zero line as by `AxisScale`."""
    cells: list[tuple[str, str]] = []
    for up, down in zip(bars, hanging, strict=True):
        if row >= 0:
            cells.append((FILL[min(8, max(0, up - 8 * row))], ACTUAL))
            continue
        filled = min(8, max(0, down + 8 * (row + 1)))
        if 0 < filled < 8:
            cells.append((FILL[8 - filled], HANGING))
        elif filled:
            cells.append((FILL[8], ACTUAL))
        else:
            cells.append((ZERO_GLYPH, LABEL) if row == -1 else (" ", ""))
    text = Text(no_wrap=True, end="")
    for style, run in groupby(cells, lambda cell: cell[1]):
        text.append("".join(glyph for glyph, _ in run), style)
    return text


def _axis(scale: AxisScale, gutter: int, cells: int, marks: set[int]) -> Text:
    """Hours of the day, and a sign at each interval with unknown minutes."""
    names = [_UNKNOWN if cell in marks else " " for cell in range(cells)]
    for hour in range(0, 24, _HOURS_APART):
        at = hour * cells // 24
        names[at : at + 5] = f"{hour:02}:00"
    return line((f"{scale.label(-scale.below - 1):>{gutter - 1}} └{''.join(names)}", LABEL))
