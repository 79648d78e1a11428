"""The panels below the chart, arranged for the size of the terminal."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard import demand, panels, scores
from streamer.dashboard.alarms import listed
from streamer.dashboard.trend import trend
from streamer.dashboard.words import beside, heading, rule
from streamer.history import HistorySnapshot

LARGE = 36
"""Lines from which the figures above the chart are large."""

_WIDE = 130
"""Columns from which the events are beside the other panels."""

_STREAM_WIDTH, _MIN_STREAM_WIDTH, _MIN_TREND_WIDTH = 46, 36, 36
_STREAM_ROWS = 7

_DEMAND_WIDTH, _BESIDE_DEMAND = 60, 100
"""Width of the demand panel beside the events, and columns from which it is there."""
_DEMAND_HEIGHT, _DEMAND_ROWS = 36, 5
"""Lines from which the demand panel is below the events, and its lines there."""
_MIN_EVENT_ROWS = 4

_TREND = "skill of the mean, by three hours"


def below(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    """The panels, with their headings; that of demand intervals where there is room.

    Args:
        snapshot: state of the stream.
        width: columns of the terminal.
        height: lines of the terminal, all of them.
    """
    return (_wide if width >= _WIDE else _narrow)(snapshot, width, height)


def _narrow(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    """Scores and stream side by side, and events below them."""
    left = scores.WIDTH
    rows = min(max(scores.MIN_ROWS, height // 4), scores.ALL_ROWS)
    rest = width - left - 1
    curve = rest - _MIN_STREAM_WIDTH - 1
    has_curve = rows > scores.MIN_ROWS and curve >= _MIN_TREND_WIDTH
    stream = _MIN_STREAM_WIDTH if has_curve else rest
    columns = [
        (scores.scores(snapshot, left, rows), left),
        (panels.stream(snapshot, stream), stream),
    ]
    titles = [heading(scores.settled(snapshot), left), panels.stream_heading(snapshot, stream)]
    if has_curve:
        columns.append((_trend(snapshot, curve, rows), curve))
        titles.append(heading(_TREND, curve))
    event_rows = max(2, height // 8)
    divider = rule([heading("events", left), *(heading("", w) for _, w in columns[1:])], "┴")
    above = [rule(titles, "┬"), *beside(columns, rows)]
    has_demand = demand.has_demand(snapshot)
    if has_demand and width >= _BESIDE_DEMAND and event_rows >= _MIN_EVENT_ROWS:
        rest = width - _DEMAND_WIDTH - 1
        bottom = [
            (demand.panel(snapshot, _DEMAND_WIDTH, event_rows), _DEMAND_WIDTH),
            (panels.events(snapshot, rest, event_rows), rest),
        ]
        headings = [demand.title(snapshot, _DEMAND_WIDTH), heading("events", rest)]
        return [*above, rule(headings, "┬"), *beside(bottom, event_rows)]
    found = [*above, divider, *panels.events(snapshot, width, event_rows)]
    found += [Text()] * (len(above) + 1 + event_rows - len(found))
    if has_demand and height >= _DEMAND_HEIGHT:
        found += [demand.title(snapshot, width), *demand.panel(snapshot, width, _DEMAND_ROWS)]
    return found


def _trend(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    until = snapshot.last.reading.at if snapshot.last else None
    return trend(snapshot.day.skills, until, width, height)


def _wide(snapshot: HistorySnapshot, width: int, height: int) -> list[Text]:
    """All panels side by side, or on a tall screen two of them stacked."""
    rows = max(scores.MIN_ROWS, 3 * height // 10)
    left = scores.WIDTH
    titles = [heading(scores.settled(snapshot), left)]
    stacked = rows > scores.MIN_ROWS + _STREAM_ROWS
    if not stacked:
        columns = [
            (scores.scores(snapshot, left, rows), left),
            (panels.stream(snapshot, _STREAM_WIDTH), _STREAM_WIDTH),
        ]
        titles.append(panels.stream_heading(snapshot, _STREAM_WIDTH))
        return _with_events(snapshot, columns, titles, width, rows)
    table = scores.scores(snapshot, left, rows - _STREAM_ROWS - 1)
    divider = panels.stream_heading(snapshot, left - 1)
    columns = [([*table, divider, *panels.stream(snapshot, left)], left)]
    middle = (width - left - 2) // 2
    above = rows // 2
    curve = _trend(snapshot, middle, above)
    curve += [Text()] * (above - len(curve))
    raised = listed(snapshot.raised, middle, rows - above - 1)
    columns.append(([*curve, heading("alarms", middle - 1), *raised], middle))
    titles.append(heading(_TREND, middle))
    return _with_events(snapshot, columns, titles, width, rows, alarms=False)


def _with_events(
    snapshot: HistorySnapshot,
    columns: list[tuple[list[Text], int]],
    titles: list[Text],
    width: int,
    rows: int,
    *,
    alarms: bool = True,
) -> list[Text]:
    """Panels side by side, and events and demand intervals in what is left of the width."""
    rest = width - sum(taken + 1 for _, taken in columns)
    demand_rows = rows // 2 if demand.has_demand(snapshot) else 0
    if min(demand_rows, rows - 1 - demand_rows) >= demand.MIN_ROWS:
        event_rows = rows - 1 - demand_rows
        last = panels.events(snapshot, rest, event_rows, alarms=alarms)
        last += [Text()] * (event_rows - len(last))
        last += [demand.title(snapshot, rest), *demand.panel(snapshot, rest, demand_rows)]
    else:
        last = panels.events(snapshot, rest, rows, alarms=alarms)
    columns = [*columns, (last, rest)]
    return [rule([*titles, heading("events", rest)], "┬"), *beside(columns, rows)]
