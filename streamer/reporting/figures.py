"""Figures of a report, each drawn for narrow, medium and wide screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from streamer.display.numbers import amount, plural
from streamer.readings.arrays import DoubleArray
from streamer.reporting.axes import Mark, hour_marks, ticks, time_marks
from streamer.reporting.clock import HouseClock
from streamer.reporting.data import MINUTE_S, Recorded
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.parts import Parts
from streamer.reporting.plot import MIDDLE, NARROW, WIDE, Plot, Size
from streamer.reporting.tally import HOUR_S, Gap, TypicalDay, mean_by
from streamer.reporting.words import part_name, share

SIZES = (NARROW, MIDDLE, WIDE)

_EACH_MINUTE = 2.6
"""Minutes per unit of width up to which each minute is drawn; otherwise one point per unit."""
_BUCKETS_MIN = (5, 10, 15, 30, 60, 120, 180, 360, 720)
_MIN_SETTLED = 30
"""Fewest settled minutes for which a coverage is meaningful."""


@dataclass(frozen=True, eq=False)
class _Series:
    """Readings and forecasts, minute by minute or aggregated over several minutes."""

    at: DoubleArray
    step_s: int
    kw: DoubleArray
    min_kw: DoubleArray
    max_kw: DoubleArray
    point_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    solar_kw: DoubleArray


def power(
    recorded: Recorded, start: int, end: int, gaps: Sequence[Gap], parts: Parts | None, label: str
) -> Markup:
    """Actual power, point forecast, band and solar power over a span of time.

    Args:
        recorded: data of the period.
        start: beginning of the span in Unix seconds.
        end: end of the span in Unix seconds.
        gaps: spans without readings.
        parts: hours or days with tooltips; None for no tooltips.
        label: description of the figure for screen readers.
    """
    return join(*(_power(size, recorded, start, end, gaps, parts, label) for size in SIZES))


def errors(recorded: Recorded, parts: Parts, label: str) -> Markup:
    """Mean absolute errors of the forecasts and of persistence, by hour or day."""
    starts, ends = parts.edges[:-1].astype(float), parts.edges[1:].astype(float)
    inset = 0.14 * (ends - starts)
    values = ticks(0.0, _top(_highest(parts.mae_w, parts.persistence_mae_w), 0.0), 4)

    def draw(size: Size) -> Markup:
        plot = Plot(size, recorded.start, recorded.end, values)
        plot.frame("W", time_marks(recorded.clock, recorded.start, recorded.end, size.inner))
        zero = np.zeros(len(starts))
        plot.columns(starts + inset, ends - inset, zero, parts.mae_w, "forecast-bar")
        plot.bars_across(
            starts + inset / 2, ends - inset / 2, parts.persistence_mae_w, "persistence"
        )
        _hint(plot, recorded, parts, _errors_of)
        return plot.svg(label)

    return join(*(draw(size) for size in SIZES))


def coverage(recorded: Recorded, parts: Parts, label: str) -> Markup | None:
    """Coverage of the band beside the nominal coverage, by hour or day.

    Returns:
        None if no hour or day has enough settled forecasts.
    """
    confidence = recorded.confidence
    shares = np.where(parts.settled >= _MIN_SETTLED, parts.coverage, np.nan)
    if np.isnan(shares).all():
        return None
    middles = (parts.edges[:-1] + parts.edges[1:]) / 2
    asked = 1.0 if confidence is None else confidence
    lowest = min(float(np.nanmin(shares)), asked)
    values = ticks(min(lowest, 0.95), 1.0, 5)

    def draw(size: Size) -> Markup:
        plot = Plot(size, recorded.start, recorded.end, values)
        marks = time_marks(recorded.clock, recorded.start, recorded.end, size.inner)
        plot.frame("%", marks, lambda value: f"{100 * value:.3g}")
        if confidence is not None:
            plot.stems(middles, shares, np.full(len(shares), confidence), "stem")
            plot.level(confidence, "asked")
        plot.dots(middles, shares, "forecast-dot")
        _hint(plot, recorded, parts, _coverage_of)
        return plot.svg(label)

    return join(*(draw(size) for size in SIZES))


def day_by_hour(day: TypicalDay, label: str) -> Markup:
    """Mean power by hour of the day, with the range over the days."""
    starts = np.arange(24.0) * HOUR_S
    highest, lowest = float(np.nanmax(day.high_kw)), float(np.nanmin(day.low_kw))
    values = ticks(min(lowest, 0.0), _top(max(highest, 0.0), lowest), 4)
    clock = HouseClock(np.array([0]), np.array([0]))

    def draw(size: Size) -> Markup:
        plot = Plot(size, 0, 24 * HOUR_S, values)
        marks = hour_marks(clock, 0, 24 * HOUR_S - 1, size.inner)
        plot.frame("kW", [Mark(m.at, False, m.label, "", m.label_at) for m in marks])
        zero = np.zeros(24)
        plot.columns(starts + 300, starts + HOUR_S - 300, zero, day.mean_kw, "actual-bar")
        if day.days > 1:
            plot.stems(starts + HOUR_S / 2, day.low_kw, day.high_kw, "range")
        for hour in np.flatnonzero(np.isfinite(day.mean_kw)).tolist():
            mean, low, high = (
                float(column[hour]) for column in (day.mean_kw, day.low_kw, day.high_kw)
            )
            text = f"{hour:02}:00 to {hour + 1:02}:00: mean {amount(mean, 3)} kW"
            if day.days > 1:
                text += f", by day {amount(low, 3)} to {amount(high, 3)} kW"
            plot.hint(hour * HOUR_S, (hour + 1) * HOUR_S, text)
        return plot.svg(label)

    return join(*(draw(size) for size in SIZES))


def bucket_minutes(start: int, end: int, size: Size) -> int:
    """Number of minutes that a point of a figure aggregates."""
    minutes = (end - start) / MINUTE_S
    if minutes <= _EACH_MINUTE * size.inner:
        return 1
    wanted = minutes / size.inner
    return next((m for m in _BUCKETS_MIN if m >= wanted), _BUCKETS_MIN[-1])


def _power(
    size: Size,
    recorded: Recorded,
    start: int,
    end: int,
    gaps: Sequence[Gap],
    parts: Parts | None,
    label: str,
) -> Markup:
    bucket = bucket_minutes(start, end, size)
    series = _series(recorded, start, end, bucket)
    highest = _highest(series.max_kw, series.point_kw, series.solar_kw)
    lowest = min(0.0, _lowest(series.min_kw, series.point_kw))
    plot = Plot(size, start, end, ticks(lowest, _top(highest, lowest), size.ticks))
    plot.frame("kW", time_marks(recorded.clock, start, end, size.inner))
    for gap in gaps:
        if gap.start < end and gap.end > start:
            plot.missing(max(gap.start, start), min(gap.end, end))
    at, step_s = series.at, series.step_s
    if bucket > 1:
        plot.area(at, series.min_kw, series.max_kw, "extent", step_s=step_s)
    plot.area(at, series.low_kw, series.high_kw, "band", step_s=step_s)
    plot.line(at, series.solar_kw, "solar", step_s=step_s)
    plot.line(at, series.point_kw, "forecast", step_s=step_s)
    plot.line(at, series.kw, "actual", step_s=step_s)
    if parts is not None:
        _hint(plot, recorded, parts, _power_of)
    for alarm in recorded.alarms:
        if start <= alarm.at < end:
            plot.flag(
                alarm.at, f"{recorded.clock.local(alarm.at):%H:%M} {alarm.kind}: {alarm.text}"
            )
    note = _drawn(bucket)
    if np.nanmax(series.high_kw, initial=-np.inf) > plot.top:
        note += " The band is cut off where it leaves the picture."
    return tag("div", plot.svg(label), tag("p", note, class_="drawn"), class_=size.name)


def _drawn(bucket: int) -> str:
    """Description of a point of the figure."""
    if bucket == 1:
        return "Each minute."
    length = f"{bucket} minutes" if bucket < 60 else f"{bucket // 60} hours"
    return (
        f"Means of {'one hour' if bucket == 60 else length}, the ends of the band too; shaded "
        "grey, from the lowest to the highest minute."
    )


def _series(recorded: Recorded, start: int, end: int, bucket: int) -> _Series:
    minutes = recorded.minutes
    rows = slice(*np.searchsorted(minutes.at, [start, end]).tolist())
    at, kw = minutes.at[rows], minutes.kw[rows]
    columns = [
        column[rows]
        for column in (minutes.point_kw, minutes.low_kw, minutes.high_kw, minutes.solar_kw)
    ]
    if bucket == 1:
        middle = at.astype(np.float64) + MINUTE_S / 2
        return _Series(middle, MINUTE_S, kw, kw, kw, *columns)
    step_s = bucket * MINUTE_S
    ahead = recorded.clock.offset(start)
    buckets, of_bucket = np.unique((at + ahead) // step_s, return_inverse=True)
    first = np.flatnonzero(np.diff(of_bucket, prepend=-1))
    count = len(buckets)
    return _Series(
        (buckets.astype(np.float64) + 0.5) * step_s - ahead,
        step_s,
        mean_by(of_bucket, kw, count),
        np.minimum.reduceat(kw, first) if count else kw,
        np.maximum.reduceat(kw, first) if count else kw,
        *(mean_by(of_bucket, column, count) for column in columns),
    )


def _top(highest: float, lowest: float) -> float:
    """A value for the upper end of an axis, so that the axis is not empty."""
    return highest if highest - lowest > 1e-3 else lowest + 1e-3


def _highest(*columns: DoubleArray) -> float:
    return max(float(c[np.isfinite(c)].max(initial=0.0)) for c in columns)


def _lowest(*columns: DoubleArray) -> float:
    return min(float(c[np.isfinite(c)].min(initial=0.0)) for c in columns)


def _hint(plot: Plot, recorded: Recorded, parts: Parts, text: Callable[[Parts, int], str]) -> None:
    """Add a tooltip to each hour or day with readings."""
    edges: list[int] = parts.edges.tolist()
    for i in np.flatnonzero(parts.minutes).tolist():
        name = part_name(recorded, edges[i], edges[i + 1])
        plot.hint(edges[i], edges[i + 1], f"{name}: {text(parts, i)}")


def _power_of(parts: Parts, i: int) -> str:
    mean, peak = amount(float(parts.mean_kw[i]), 3), amount(float(parts.peak_kw[i]), 2)
    found = parts.energy
    imported, exported = (
        amount(float(kwh[i]), 2) for kwh in (found.imported_kwh, found.exported_kwh)
    )
    text = f"mean {mean} kW, peak {peak} kW, {imported} kWh imported, {exported} kWh exported"
    solar = float(found.solar_kwh[i])
    return text + (f", {amount(solar, 2)} kWh solar" if np.isfinite(solar) else "")


def _errors_of(parts: Parts, i: int) -> str:
    if not parts.settled[i]:
        return "no forecast settled"
    own, reference = (float(column[i]) for column in (parts.mae_w, parts.persistence_mae_w))
    settled = plural(int(parts.settled[i]), "forecast")
    return f"MAE {amount(own, 1)} W, persistence {amount(reference, 1)} W, {settled}"


def _coverage_of(parts: Parts, i: int) -> str:
    if not np.isfinite(parts.coverage[i]):
        return "no forecast settled"
    settled = plural(int(parts.settled[i]), "reading")
    return f"{share(float(parts.coverage[i]))} of {settled} in their band"
