"""The panel of demand intervals: the running one, and the day, arranged for its room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from streamer.dashboard import interval, today
from streamer.dashboard.daybars import MIN_HEIGHT, day_bars
from streamer.dashboard.words import LABEL, beside, fit, heading, line, rule
from streamer.history import HistorySnapshot
from streamer.history.energy import DayEnergy
from streamer.readings import DemandForecast, DemandScores

MIN_ROWS, MIN_WIDTH = 4, 44
"""Lines and cells from which the panel says what matters."""

_SIDE_BY_SIDE = 130
"""Columns from which the day is beside the running interval on the large panel."""

_APART = 3
"""Cells between two texts that share a line."""

_WITH_BARS = 9
"""Lines from which some of them are for the bars of the day."""


def has_demand(snapshot: HistorySnapshot) -> bool:
    """Whether demand intervals are kept in the stream."""
    return snapshot.last is not None and snapshot.last.demand is not None


def title(snapshot: HistorySnapshot, width: int) -> Text:
    """Heading of the panel: the running interval, and the time left of it."""
    demand = snapshot.last.demand if snapshot.last else None
    if demand is None:
        return heading("demand", width)
    return heading(interval.name_of(demand), width, notes=[interval.left(demand)])


def panel(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """The most important lines that there is room for, in a fixed order.

    Args:
        snapshot: state of the stream.
        width: width in cells.
        rows: number of lines.
    """
    last, day = snapshot.last, snapshot.day_energy
    if last is None or last.demand is None or day is None:
        return _missing(snapshot, width)
    inside = width - 1
    running = _running(last.demand, last.demand_scores, inside)
    energy = _day(day, inside)
    bars = MIN_HEIGHT if rows >= _WITH_BARS else 0
    lines = _most_important(running + energy, rows - bars)
    found = [interval.bar(last.demand, width), *(line(" ", text) for text in lines)]
    if bars:
        found += _bars(day, inside, rows - len(found))
    return found[:rows]


def large(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """Running interval and day with headings of their own, in place of all other panels.

    Args:
        snapshot: state of the stream.
        width: columns of the terminal.
        rows: number of lines to return.
    """
    last, day = snapshot.last, snapshot.day_energy
    if last is None or last.demand is None or day is None:
        found = [title(snapshot, width), *_missing(snapshot, width)]
        return found + [Text()] * (rows - len(found))
    left = (width - 1) // 2 if width >= _SIDE_BY_SIDE else width
    running = _lines(_running(last.demand, last.demand_scores, left - 1))
    running = [interval.bar(last.demand, left), *(line(" ", text) for text in running)]
    if width >= _SIDE_BY_SIDE:
        right = width - left - 1
        energy = [line(" ", text) for text in _lines(_day(day, right - 1))]
        energy += _bars(day, right - 1, rows - 1 - len(energy))
        titles = [title(snapshot, left), heading("today", right)]
        return [rule(titles, "┬"), *beside([(running, left), (energy, right)], rows - 1)]
    energy = [line(" ", text) for text in _lines(_day(day, width - 1))]
    bars = rows - 2 - len(running) - len(energy)
    if bars < MIN_HEIGHT:
        return [title(snapshot, width), *panel(snapshot, width, rows - 1)]
    found = [title(snapshot, width), *running, heading("today", width), *energy]
    return [fit(text, width, pad=False) for text in [*found, *_bars(day, width - 1, bars)]]


def brief(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """The running interval in a few short lines, for a small screen."""
    demand = snapshot.last.demand if snapshot.last else None
    if demand is None:
        return _missing(snapshot, width)
    until = line((f"{demand.start:%H:%M} to {demand.end:%H:%M} ", LABEL))
    return [
        line(until, interval.course(demand, width - until.cell_len)),
        interval.margin(demand, width),
        interval.chance(demand, width),
        interval.month_peak(demand, width),
    ]


def more(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """The bar of the running interval and the day, where it is narrow but tall."""
    last, day = snapshot.last, snapshot.day_energy
    if last is None or last.demand is None or day is None:
        return []
    return [interval.bar(last.demand, width), *_lines(_day(day, width))]


def _missing(snapshot: HistorySnapshot, width: int) -> list[Text]:
    text = " no demand intervals are kept" if snapshot.last else " waiting for the first reading"
    return [fit(line((text, LABEL)), width, pad=False)]


_Ranked = tuple[int, Text]
"""A line and its rank: those of higher ranks are left out first."""


def _running(demand: DemandForecast, scores: DemandScores | None, width: int) -> list[_Ranked]:
    chance, peak = interval.chance(demand, width), interval.month_peak(demand, width)
    both = [(3, chance), (5, peak)]
    if chance.cell_len + _APART + peak.cell_len <= width:
        both = [(3, line(chance, " " * _APART, peak))]
    reliable = interval.reliability(scores, width)
    return [
        (2, interval.course(demand, width)),
        (1, interval.margin(demand, width)),
        *both,
        (8, interval.record(scores, width)),
        *([(9, reliable)] if reliable else []),
    ]


def _day(day: DayEnergy, width: int) -> list[_Ranked]:
    cost = [] if day.costs is None else today.cost(day.costs, width)
    return [
        (4, today.energy(day.today, width)),
        *((6, text) for text in today.exported(day.today, width)),
        (7, today.extremes(day.today, width)),
        *((4 + place, text) for place, text in enumerate(cost)),
    ]


def _most_important(ranked: Sequence[_Ranked], rows: int) -> list[Text]:
    """As many lines as there is room for beside the bar, in their order."""
    ranks = sorted(rank for rank, _ in ranked)
    last = ranks[min(rows - 1, len(ranks)) - 1]
    return [text for rank, text in ranked if rank <= last]


def _lines(ranked: Sequence[_Ranked]) -> list[Text]:
    return [text for _, text in ranked]


def _bars(day: DayEnergy, width: int, height: int) -> list[Text]:
    if height < MIN_HEIGHT:
        return []
    bars = day_bars(day.today.intervals, day.exports, day.minutes, width, height)
    return [line(" ", text) for text in bars]
