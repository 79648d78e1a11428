"""The chart: the plot of the power and its forecasts, with a power axis and a time axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from rich.text import Text

from streamer.dashboard.fan import Fan
from streamer.dashboard.plot import CELLS, plot_rows
from streamer.dashboard.scale import AxisScale, find_scale
from streamer.dashboard.words import LABEL, WARNING, fit, line
from streamer.history.columns import Column
from streamer.readings import MINUTE

ALARM_GLYPH = "!"

_MIN_ROWS, _MIN_COLUMNS, _MIN_GUTTER = 2, 2, 5
_MIN_SOLAR_ROWS = 5
"""Rows from which solar power is drawn, since it may need a larger scale than the grid power."""

_TICK_STEPS_MINUTES = (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
_MAX_TICKS = 8


def plot_columns(width: int) -> int:
    """Number of columns to give to `draw` for a width in cells."""
    return max(_MIN_COLUMNS, (width - _MIN_GUTTER - 1) // CELLS)


def draw(
    columns: Sequence[Column], width: int, height: int, *, waiting: str, fan: Fan | None = None
) -> list[Text]:
    """Draw columns.

    Args:
        columns: `plot_columns` of them, newest last; the oldest are left out if the fan or the
            labels of the y axis need more room. None before the first step.
        width: width in cells.
        height: height in lines.
        waiting: message to show before the first step.
        fan: the fan at the right edge.

    Returns:
        Exactly `height` lines of at most `width` cells.
    """
    axis_rows = 2 if height >= 8 else 1
    rows = height - axis_rows
    if not columns or rows < _MIN_ROWS:
        return _message("" if columns else waiting, width, height)
    if rows < _MIN_SOLAR_ROWS:
        columns = [replace(column, solar_kw=None) for column in columns]
    values = ((column.kw, column.mark_kw, column.solar_kw) for column in columns)
    known = [v for found in values for v in found if v is not None]
    scale = find_scale(known if fan is None else fan.fitted(known), rows)
    gutter = _gutter(scale)
    room = width - gutter - 1 - (0 if fan is None else fan.width)
    if room < CELLS * _MIN_COLUMNS:
        return _message("", width, height)
    columns = columns[-(room // CELLS) :]
    # The newest column is at the right edge, also if the number of cells is odd.
    spare = room - CELLS * len(columns)
    lines = _plot(columns, scale, gutter, spare) + _axis(columns, scale, gutter, axis_rows, spare)
    if fan is not None:
        for text, part in zip(lines, [*fan.rows(scale), *fan.axis(axis_rows)], strict=True):
            text.append_text(part)
    return lines


def _message(text: str, width: int, height: int) -> list[Text]:
    lines = [Text(end="") for _ in range(height)]
    if text and height:
        lines[height // 2] = fit(line((text.center(width), LABEL)), width)
    return lines


def _gutter(scale: AxisScale) -> int:
    labels = (scale.label(row) for row in range(-scale.below - 1, scale.top + 1))
    return max(_MIN_GUTTER, 1 + max(map(len, labels)))


def _plot(columns: Sequence[Column], scale: AxisScale, gutter: int, spare: int) -> list[Text]:
    """Rows of the plot from the top down, with the labels of the power axis."""
    lines = []
    for row, plot in zip(
        range(scale.top, -scale.below - 1, -1), plot_rows(columns, scale), strict=True
    ):
        label = scale.label(row)
        text = line((f"{label:>{gutter - 1}} {'┤' if label else '│'}{' ' * spare}", LABEL))
        lines.append(text.append_text(plot))
    return lines


def _axis(
    columns: Sequence[Column], scale: AxisScale, gutter: int, axis_rows: int, spare: int
) -> list[Text]:
    """The time axis: a row of labels, below a line with ticks if there is room."""
    labels = _time_labels(columns)
    cells = CELLS * len(columns)
    names = [" "] * cells
    for cell, label in labels:
        names[cell : cell + len(label)] = label
    alarms = [CELLS * index for index, column in enumerate(columns) if column.alarm]
    edge = f"{scale.label(-scale.below - 1):>{gutter - 1}} └"
    if axis_rows == 1:
        free = [cell for cell in alarms if names[cell] == " "]
        return [_with_signs(edge + " " * spare, names, free)]
    ticks = ["─"] * cells
    for cell, _ in labels:
        ticks[cell] = "┬"
    return [
        _with_signs(edge + "─" * spare, ticks, alarms),
        line((f"{'kW':>{gutter - 1}}  {' ' * spare}{''.join(names)}", LABEL)),
    ]


def _with_signs(edge: str, cells: Sequence[str], alarms: Iterable[int]) -> Text:
    """A line of the axis, with a sign at each minute of an alarm."""
    text = line((edge, LABEL), ("".join(cells), LABEL))
    for cell in alarms:
        at = len(edge) + cell
        text.plain = text.plain[:at] + ALARM_GLYPH + text.plain[at + 1 :]
        text.stylize(WARNING, at, at + 1)
    return text


def _time_labels(columns: Sequence[Column]) -> list[tuple[int, str]]:
    """Cell and text of each label of the time axis, without overlaps.

    Changes of date take precedence over round times, which are labelled if there is room.
    """
    pitch = _minutes_per_column(columns)
    span = pitch * len(columns)
    step = next((s for s in _TICK_STEPS_MINUTES if span <= s * _MAX_TICKS), 1440)
    dates, times = [], []
    before: datetime | None = None
    for index, column in enumerate(columns):
        at = column.at
        if at is None:
            continue
        until_tick = -(60 * at.hour + at.minute) % step
        if before is not None and at.date() != before.date():
            dates.append((CELLS * index, f"{at:%Y-%m-%d}"))
        elif until_tick < pitch:
            times.append((CELLS * index, f"{at + until_tick * MINUTE:%H:%M}"))
        before = at
    end_cell = CELLS * len(columns)
    taken = [False] * (end_cell + 1)
    labels = []
    for cell, label in dates + times:
        end = cell + len(label)
        if end <= end_cell and not any(taken[cell : end + 1]):
            taken[cell : end + 1] = [True] * (end + 1 - cell)
            labels.append((cell, label))
    return sorted(labels)


def _minutes_per_column(columns: Sequence[Column]) -> int:
    """Minutes from one column to the next, where none is missing."""
    times = [column.at for column in columns if column.at is not None]
    steps = [(after - before) // MINUTE for before, after in pairwise(times)]
    return max(1, min(steps, default=1))
