"""The chart: readings as an area, forecasts as marks, one column per reading.

The area is drawn in eighths of a cell. The band of a forecast is shaded: light above the area,
and a lighter shade of the area inside it. The band is background: it does not affect the scale,
and is clipped to the plot. The series differ by their glyphs; colours are optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from rich.style import Style
from rich.text import Text

from streamer.dashboard.columns import Column
from streamer.dashboard.scale import AxisScale, find_scale
from streamer.dashboard.words import ACTUAL, BAND, FORECAST, LABEL, WARNING, fit, line

FILL = " ▁▂▃▄▅▆▇█"
"""Area in a cell above the zero line, by eighths."""

HANG = " ▔▔▀▀▀███"
"""The same below it; fonts have only these three blocks that hang from the top."""

GAP_GLYPH = "┊"
BAND_GLYPH = "░"
BAND_INSIDE_GLYPH = "▓"
ALARM_GLYPH = "!"

_INSIDE = ACTUAL + Style(reverse=True)
_ALARM = WARNING + Style(dim=False)
_MOSTLY = 5
_MIN_ROWS, _MIN_COLUMNS, _MIN_GUTTER = 2, 3, 5
_TICK_STEPS_MINUTES = (10, 15, 30, 60, 120, 240, 480, 720, 1440)
_MAX_TICKS = 8


def plot_columns(width: int) -> int:
    """Number of columns to give to `draw` for a width in cells."""
    return max(_MIN_COLUMNS, width - _MIN_GUTTER - 1)


def draw(columns: Sequence[Column], width: int, height: int, *, waiting: str) -> list[Text]:
    """Draw columns.

    Args:
        columns: `plot_columns` of them, newest last; the oldest are left out if the labels of
            the y axis need more room. None before the first step.
        width: width in cells.
        height: height in lines.
        waiting: message to show before the first step.

    Returns:
        Exactly `height` lines of at most `width` cells.
    """
    axis_rows = 2 if height >= 8 else 1
    rows = height - axis_rows
    if not columns or rows < _MIN_ROWS:
        return _message("" if columns else waiting, width, height)
    values = (v for column in columns for v in (column.kw, column.mark_kw) if v is not None)
    scale = find_scale(values, rows)
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


def _gutter(scale: AxisScale) -> int:
    labels = (scale.label(row) for row in range(-scale.below - 1, scale.top + 1))
    return max(_MIN_GUTTER, 1 + max(map(len, labels)))


def _plot(columns: Sequence[Column], scale: AxisScale, gutter: int) -> list[Text]:
    """Rows of the plot from the top down, with the labels of the y axis."""
    lengths = [0 if column.kw is None else scale.eighths(column.kw) for column in columns]
    gaps = [(index, GAP_GLYPH) for index, column in enumerate(columns) if column.gap]
    marks: dict[int, list[tuple[int, str]]] = {}
    bands: dict[int, list[int]] = {}
    for index, column in enumerate(columns):
        if column.mark_kw is not None:
            marks.setdefault(scale.row(column.mark_kw), []).append((index, column.mark))
        if column.band_kw is not None:
            for row in scale.between(*column.band_kw):
                bands.setdefault(row, []).append(index)
    lines = []
    for row in range(scale.top, -scale.below - 1, -1):
        label = scale.label(row)
        text = line((f"{label:>{gutter - 1}} {'┤' if label else '│'}", LABEL))
        text.append_text(_plot_row(lengths, row, bands.get(row, ()), gaps, marks.get(row, ())))
        lines.append(text)
    return lines


def _plot_row(
    lengths: Sequence[int],
    row: int,
    bands: Iterable[int],
    gaps: Iterable[tuple[int, str]],
    marks: Iterable[tuple[int, str]],
) -> Text:
    """One row of the plot: the area, and the bands, gaps and marks drawn over it."""
    filled = _filled(lengths, row)
    cells = [(FILL if row >= 0 else HANG)[eighths] for eighths in filled]
    styles: dict[int, Style] = {}
    for index in bands:
        # The end of the area is left unshaded, because it shows the reading.
        if cells[index] == FILL[-1]:
            cells[index] = BAND_INSIDE_GLYPH
        elif not filled[index]:
            cells[index] = BAND_GLYPH
            styles[index] = BAND
    if row == -1:
        for index, eighths in enumerate(filled):
            if not eighths:
                cells[index] = HANG[1]
                styles[index] = LABEL
    for index, glyph in gaps:
        cells[index] = glyph
        styles[index] = LABEL
    for index, glyph in marks:
        cells[index] = glyph
        # Inside the area a mark is drawn in reverse, which is visible without colours too.
        styles[index] = _INSIDE if filled[index] >= _MOSTLY else FORECAST
    text = Text(no_wrap=True, end="")
    # One style per run of cells, not per cell, which paints twice as fast.
    for style, run in groupby(range(len(cells)), lambda index: styles.get(index, ACTUAL)):
        text.append("".join(cells[index] for index in run), style)
    return text


def _filled(lengths: Iterable[int], row: int) -> list[int]:
    """Number of filled eighths of each cell in a row."""
    if row >= 0:
        return [min(8, max(0, length - 8 * row)) for length in lengths]
    return [min(8, max(0, 8 * (row + 1) - length)) for length in lengths]


def _axis(columns: Sequence[Column], scale: AxisScale, gutter: int, axis_rows: int) -> list[Text]:
    """The time axis: a row of labels, below a line with ticks if there is room."""
    labels = _time_labels(columns)
    names = [" "] * len(columns)
    for index, label in labels:
        names[index : index + len(label)] = label
    alarms = [index for index, column in enumerate(columns) if column.alarm]
    lowest = scale.label(-scale.below - 1)
    edge = f"{lowest:>{gutter - 1}} └"
    if axis_rows == 1:
        free = [index for index in alarms if names[index] == " "]
        return [_with_signs(edge, names, free)]
    ticks = ["─"] * len(columns)
    for index, _ in labels:
        ticks[index] = "┬"
    return [
        _with_signs(edge, ticks, alarms),
        line((f"{'kW':>{gutter - 1}}  {''.join(names)}", LABEL)),
    ]


def _with_signs(edge: str, cells: Sequence[str], alarms: Iterable[int]) -> Text:
    """A line of the axis, with a sign at each minute of an alarm."""
    text = line((edge, LABEL), ("".join(cells), LABEL))
    for index in alarms:
        at = len(edge) + index
        text.plain = text.plain[:at] + ALARM_GLYPH + text.plain[at + 1 :]
        text.stylize(_ALARM, at, at + 1)
    return text


def _time_labels(columns: Sequence[Column]) -> list[tuple[int, str]]:
    """Column and text of each label of the time axis, without overlaps.

    Changes of date take precedence over round times, which are labelled if there is room.
    """
    count = len(columns)
    step = next((s for s in _TICK_STEPS_MINUTES if count <= s * _MAX_TICKS), 1440)
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
