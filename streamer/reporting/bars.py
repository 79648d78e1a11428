"""Figure of the demand intervals of a period."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from streamer.display.numbers import amount, plural
from streamer.reporting.axes import ticks, time_marks
from streamer.reporting.data import DAY, MONTH, Recorded
from streamer.reporting.demand import Demand, Interval
from streamer.reporting.figures import SIZES
from streamer.reporting.legend import legend, stroke, swatch
from streamer.reporting.markup import Markup, tag
from streamer.reporting.plot import Plot, Size
from streamer.reporting.words import moment, named_days

_MIN_KW = 1e-3
"""Lowest upper end of the axis, so that it is not empty."""


@dataclass(frozen=True, slots=True)
class _Bar:
    """An interval, and the span in Unix seconds that it is drawn over."""

    start: int
    end: int
    interval: Interval


def interval_bars(recorded: Recorded, demand: Demand) -> Markup | None:
    """Mean import of each interval beside its bound, or of the highest of each day in a month.

    None if no interval began in the period.
    """
    if not demand.intervals:
        return None
    each = [_Bar(i.at, min(i.at + 60 * demand.minutes, recorded.end), i) for i in demand.intervals]
    daily = list(_highest_by_day(recorded, demand))
    monthly = recorded.period == MONTH
    bars = daily if monthly else each
    hinted = each if recorded.period == DAY else daily
    highest = max(demand.intervals, key=lambda interval: interval.kw)
    label = (
        f"Demand intervals in {named_days(recorded)}: {amount(highest.kw, 2)} kW at most, "
        f"{moment(recorded.clock, highest.at)}."
    )
    shown = [bar.interval for bar in bars]
    names = legend(
        ("highest of each day" if monthly else "mean import", swatch("actual-bar")),
        ("with unknown minutes", swatch("extent")) if any(_is_partial(i) for i in shown) else None,
        ("bound", stroke("asked")) if any(i.bound_kw is not None for i in shown) else None,
        (
            ("warning", tag("path", d="M8.5 2h9l-4.5 8z", class_="alarm"))
            if any(i.warned_at is not None for i in demand.intervals)
            else None
        ),
    )
    drawn = (_drawn(size, recorded, demand, bars, hinted).svg(label) for size in SIZES)
    return tag("figure", names, *drawn)


def _drawn(
    size: Size, recorded: Recorded, demand: Demand, bars: list[_Bar], hinted: list[_Bar]
) -> Plot:
    starts, ends, kw, bounds = np.array(
        [(bar.start, bar.end, bar.interval.kw, _bound(bar.interval)) for bar in bars]
    ).T
    partial = np.array([_is_partial(bar.interval) for bar in bars])
    top = max(float(kw.max()), float(np.nanmax(bounds, initial=0.0)), _MIN_KW)
    plot = Plot(size, recorded.start, recorded.end, ticks(0.0, top, size.ticks))
    plot.frame("kW", time_marks(recorded.clock, recorded.start, recorded.end, size.inner))
    inset = 0.1 * (ends - starts)
    for name, chosen in (("actual-bar", ~partial), ("extent", partial)):
        drawn = np.where(chosen, kw, np.nan)
        plot.columns(starts + inset, ends - inset, np.zeros(len(bars)), drawn, name)
    # Dashes begin anew with each line.
    edges = np.flatnonzero((np.diff(bounds) != 0.0) | (starts[1:] != ends[:-1])) + 1
    first, last = np.append(0, edges), np.append(edges, len(bars)) - 1
    plot.bars_across(starts[first], ends[last], bounds[first], "asked")
    for interval in demand.intervals:
        if interval.warned_at is not None:
            plot.flag(interval.warned_at, _described(recorded, interval))
    for bar in hinted:
        plot.hint(bar.start, bar.end, _described(recorded, bar.interval))
    return plot


def _highest_by_day(recorded: Recorded, demand: Demand) -> Iterator[_Bar]:
    """The highest interval of each day, drawn over the day."""
    clock = recorded.clock
    edges = [recorded.start, *clock.midnights(recorded.start + 1, recorded.end), recorded.end]
    at = [interval.at for interval in demand.intervals]
    for start, end in pairwise(edges):
        of_day = demand.intervals[bisect_left(at, start) : bisect_left(at, end)]
        if of_day:
            yield _Bar(start, end, max(of_day, key=lambda interval: interval.kw))


def _described(recorded: Recorded, interval: Interval) -> str:
    text = f"{moment(recorded.clock, interval.at)}: {amount(interval.kw, 2)} kW"
    if interval.unknown_minutes:
        text += f", {plural(interval.unknown_minutes, 'minute')} unknown"
    if interval.bound_kw is not None:
        text += f", bound {amount(interval.bound_kw, 2)} kW"
    if interval.warned_at is not None:
        text += f", warned at {recorded.clock.local(interval.warned_at):%H:%M}"
    return text


def _is_partial(interval: Interval) -> bool:
    return interval.unknown_minutes > 0


def _bound(interval: Interval) -> float:
    return np.nan if interval.bound_kw is None else interval.bound_kw
