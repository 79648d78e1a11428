"""The chart: actual readings as an area, forecasts as marks, one column a reading.

The area is drawn with eighths of a cell. Rows are counted from the zero line: row 0 is
the one just above it, row -1 the one just below. What tells the series apart is their
glyph; the colour only helps.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.style import Style
from rich.text import Text

from streamer.dashboard.words import ACTUAL, FORECAST, LABEL, fit, line
from streamer.readings import Step

FILL = " ▁▂▃▄▅▆▇█"
"""Area in a cell above the zero line, by eighths."""

HANG = " ▔▔▀▀▀███"
"""The same below it; fonts have only these three that hang from the top."""

FORECAST_GLYPH = "•"
COMING_GLYPH = "◆"
GAP_GLYPH = "┊"

_INSIDE = ACTUAL + Style(reverse=True)
_MOSTLY = 5
_LIMIT_KW = 1e12
_MIN_ROWS, _MIN_COLUMNS, _MIN_GUTTER = 2, 3, 5
_TICK_STEPS_MINUTES = (10, 15, 30, 60, 120, 240, 480, 720, 1440)
_TICKS_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the plot; without a time it stands for a gap or for what comes."""

    at: datetime | None = None
    kw: float | None = None
    mark_kw: float | None = None
    mark: str = FORECAST_GLYPH
    gap: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    """How kW map to rows: `unit` kW a row, `below` rows under zero, a tick each `per_tick`."""

    unit: float
    per_tick: int
    below: int
    rows: int

    def eighths(self, kw: float) -> int:
        """Length of the area in eighths of a row; at least one, to be seen at all."""
        eighths = round(8.0 * kw / self.unit)
        return max(1, eighths) if kw >= 0 else min(-1, eighths)

    def row(self, kw: float) -> int:
        """The row that a mark belongs in: the one the area of that value ends in."""
        height = kw / self.unit
        row = max(0, math.ceil(height - 1e-9) - 1) if kw >= 0 else math.floor(height + 1e-9)
        return min(max(row, -self.below), self.rows - self.below - 1)

    def label(self, row: int) -> str:
        """What the upper edge of a row stands for, if it is a tick."""
        steps, rest = divmod(row + 1, self.per_tick)
        if rest:
            return ""
        tick = self.unit * self.per_tick
        if not 1e-4 < tick < 1e6:
            return f"{steps * tick:.3g}".replace("-", "−")
        decimals = max(0, -math.floor(math.log10(tick) + 1e-9))
        return f"{steps * tick:.{decimals}f}".replace("-", "−")


def draw(steps: Sequence[Step], width: int, height: int, *, waiting: str) -> list[Text]:
    """Draw the latest steps.

    Args:
        steps: steps, newest last; those that do not fit are left out.
        width: width in cells.
        height: height in lines.
        waiting: what to say as long as there are no steps.

    Returns:
        Exactly `height` lines of at most `width` cells.
    """
    axis_rows = 2 if height >= 8 else 1
    rows = height - axis_rows
    if not steps or rows < _MIN_ROWS:
        return _message("" if steps else waiting, width, height)
    columns = _columns(steps, max(_MIN_COLUMNS, width - _MIN_GUTTER - 1))
    scale = _scale(columns, rows)
    gutter = _gutter(scale)
    columns = columns[gutter - _MIN_GUTTER :]
    if gutter + 1 + _MIN_COLUMNS > width:
        return _message("", width, height)
    return _plot(columns, scale, gutter) + _axis(columns, scale, gutter, axis_rows)


def _message(text: str, width: int, height: int) -> list[Text]:
    lines = [Text(end="") for _ in range(height)]
    if text and height:
        lines[height // 2] = fit(line((text.center(width), LABEL)), width)
    return lines


def _columns(steps: Sequence[Step], count: int) -> list[_Column]:
    """The last `count` columns; the very last is kept for the minute to come."""
    coming = steps[-1].forecast
    columns = deque([_Column(mark_kw=_clip(coming.kw) if coming else None, mark=COMING_GLYPH)])
    for step in reversed(steps):
        if len(columns) >= count:
            break
        settled = step.settled
        forecast_kw = _clip(settled.kw) if settled else None
        columns.appendleft(_Column(step.reading.at, _clip(step.reading.kw), forecast_kw))
        if step.gap_minutes and len(columns) < count:
            columns.appendleft(_Column(gap=True))
    columns.extendleft(_Column() for _ in range(count - len(columns)))
    return list(columns)


def _clip(kw: float) -> float:
    return min(max(kw, -_LIMIT_KW), _LIMIT_KW)


def _scale(columns: Sequence[_Column], rows: int) -> _Scale:
    """The tightest scale with round ticks that shows every value, and zero."""
    values = [v for column in columns for v in (column.kw, column.mark_kw) if v is not None]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if high - low < 1e-6:
        high = 1.0
    scales = (
        _Scale(unit, per_tick, math.ceil(-low / unit - 1e-9), rows)
        for unit, per_tick in _units((high - low) / rows, rows)
    )
    return next(s for s in scales if s.below + math.ceil(high / s.unit - 1e-9) <= rows)


def _units(least: float, rows: int) -> Iterator[tuple[float, int]]:
    """Row heights in kW from about `least` on, each with the rows between its ticks."""
    choices = range(2, min(5, max(3, rows // 3 + 1)) + 1) if rows >= 4 else range(1, 2)
    wanted = rows / 6
    decade = 10.0 ** (math.floor(math.log10(least)) - 1)
    while True:
        fitting = [
            (tick / per_tick, abs(per_tick - wanted), per_tick)
            for tick in (1, 2, 5, 10, 20, 50)
            for per_tick in choices
            if 1 <= tick / per_tick < 10
        ]
        for mantissa, _, per_tick in sorted(fitting):
            yield mantissa * decade, per_tick
        decade *= 10.0


def _gutter(scale: _Scale) -> int:
    labels = (scale.label(row) for row in range(-scale.below - 1, scale.rows - scale.below))
    return max(_MIN_GUTTER, 1 + max(map(len, labels)))


def _plot(columns: Sequence[_Column], scale: _Scale, gutter: int) -> list[Text]:
    """The rows of the plot from the top down, with the labels of the y axis."""
    lengths = [0 if column.kw is None else scale.eighths(column.kw) for column in columns]
    gaps = [(index, GAP_GLYPH) for index, column in enumerate(columns) if column.gap]
    marks: dict[int, list[tuple[int, str]]] = {}
    for index, column in enumerate(columns):
        if column.mark_kw is not None:
            marks.setdefault(scale.row(column.mark_kw), []).append((index, column.mark))
    lines = []
    for row in range(scale.rows - scale.below - 1, -scale.below - 1, -1):
        label = scale.label(row)
        text = line((f"{label:>{gutter - 1}} {'┤' if label else '│'}", LABEL))
        text.append_text(_plot_row(lengths, row, gaps, marks.get(row, ())))
        lines.append(text)
    return lines


def _plot_row(
    lengths: Sequence[int],
    row: int,
    gaps: Iterable[tuple[int, str]],
    marks: Iterable[tuple[int, str]],
) -> Text:
    """One row of the plot: the area, and on it the gaps and marks."""
    if row >= 0:
        filled = [min(8, max(0, length - 8 * row)) for length in lengths]
        cells = [FILL[eighths] for eighths in filled]
    else:
        filled = [min(8, max(0, 8 * (row + 1) - length)) for length in lengths]
        cells = [HANG[eighths] for eighths in filled]
    over: list[tuple[int, Style]] = []
    if row == -1:
        for index, eighths in enumerate(filled):
            if not eighths:
                cells[index] = HANG[1]
                over.append((index, LABEL))
    for index, glyph in gaps:
        cells[index] = glyph
        over.append((index, LABEL))
    for index, glyph in marks:
        cells[index] = glyph
        # Inside the area a mark is cut out of it, which can be seen without colours too.
        over.append((index, _INSIDE if filled[index] >= _MOSTLY else FORECAST))
    text = Text("".join(cells), style=ACTUAL, no_wrap=True, end="")
    for index, style in over:
        text.stylize(style, index, index + 1)
    return text


def _axis(columns: Sequence[_Column], scale: _Scale, gutter: int, axis_rows: int) -> list[Text]:
    """The time axis: a row of labels, and above it a line with ticks if there is room."""
    labels = _time_labels(columns)
    names = [" "] * len(columns)
    for index, label in labels:
        names[index : index + len(label)] = label
    lowest = scale.label(-scale.below - 1)
    if axis_rows == 1:
        return [line((f"{lowest:>{gutter - 1}} └{''.join(names)}", LABEL))]
    ticks = ["─"] * len(columns)
    for index, _ in labels:
        ticks[index] = "┬"
    return [
        line((f"{lowest:>{gutter - 1}} └{''.join(ticks)}", LABEL)),
        line((f"{'kW':>{gutter - 1}}  {''.join(names)}", LABEL)),
    ]


def _time_labels(columns: Sequence[_Column]) -> list[tuple[int, str]]:
    """Where the labels of the time axis begin, and what they say, none over another.

    A change of date is named first, then the round times that there is room for.
    """
    count = len(columns)
    step = next((s for s in _TICK_STEPS_MINUTES if count <= s * _TICKS_AT_MOST), 1440)
    dates, times = [], []
    before: datetime | None = None
    for index, column in enumerate(columns):
        at = column.at
        if at is None:
            continue
        if before is not None and at.date() != before.date():
            dates.append((index, f"{at:%Y-%m-%d}"))
        elif (60 * at.hour + at.minute) % step == 0:
            times.append((index, f"{at:%H:%M}"))
        before = at
    taken = [False] * (count + 1)
    labels = []
    for index, label in dates + times:
        end = index + len(label)
        if end <= count and not any(taken[index : end + 1]):
            taken[index : end + 1] = [True] * (end + 1 - index)
            labels.append((index, label))
    return sorted(labels)
