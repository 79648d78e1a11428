"""The chart of a stream: its newest minutes with the fan, or a part of its past."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.chart import draw, plot_columns
from streamer.dashboard.fan import MIN_HEIGHT, find_fan
from streamer.dashboard.plot import CELLS
from streamer.dashboard.words import LABEL, STRONG, line
from streamer.history import HistorySnapshot
from streamer.history.columns import latest

_TITLED = 7
"""Lines from which a chart of the past has its span above it."""


def chart_of(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    """The chart, in exactly `height` lines of at most `width` cells."""
    past, count = snapshot.past, plot_columns(width)
    if past is None:
        coming = snapshot.last.next_means if snapshot.last and height >= MIN_HEIGHT else None
        fan = find_fan(coming, snapshot.horizons, width)
        newest = latest(snapshot.steps, count - (fan.width // CELLS if fan else 0))
        return draw(newest, width, height, waiting=_waiting(snapshot), fan=fan)
    columns = past.columns[-count:]
    if height < _TITLED:
        return draw(columns, width, height, waiting="")
    title = line(" ", (past.title, LABEL if past.following else STRONG))
    return [title, *draw(columns, width, height - 1, waiting="")]


def _waiting(snapshot: HistorySnapshot) -> str:
    """Message in the chart before the first reading."""
    if snapshot.about is None:
        return "opening the source"
    if not snapshot.live:
        return "waiting for readings"
    if snapshot.sample is not None:
        return "waiting for the first full minute"
    return "connecting" if snapshot.link is None else "waiting for the meter's first value"
