"""Chart of the last hours with the forecast of the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from streamer.display.numbers import amount
from streamer.history.alarms import RaisedAlarm
from streamer.history.columns import clip
from streamer.publishing.web.charted import Minute
from streamer.publishing.web.view import View
from streamer.readings import NextMeans
from streamer.readings.arrays import DoubleArray
from streamer.readings.seconds import seconds_of
from streamer.reporting.axes import hour_marks, ticks
from streamer.reporting.clock import HouseClock
from streamer.reporting.legend import legend, stroke, swatch
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.plot import MIDDLE, NARROW, WIDE, Plot, Size

_MINUTE_S, _HOUR_S = 60, 3600
_HOURS = {NARROW: 2, MIDDLE: 4, WIDE: 6}
"""Hours before the latest reading that each figure shows."""

_MOST = 60 * max(_HOURS.values())
_MIN_KW = 0.1
"""Lowest upper end of the axis, so that it is not empty."""


@dataclass(frozen=True, eq=False)
class _Lines:
    """Minutes as arrays, with NaN for what is not known.

    Attributes:
        at: (minutes,) middle of each in seconds, as by `seconds_of`.
        kw: (minutes,) readings.
        point_kw: (minutes,) their forecasts.
        low_kw: (minutes,) lower ends of their bands.
        high_kw: (minutes,) upper ends.
        solar_kw: (minutes,) solar power.
    """

    at: DoubleArray
    kw: DoubleArray
    point_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    solar_kw: DoubleArray


def chart(view: View) -> Markup:
    """The figure in all sizes, with its legend; a remark while there is no reading."""
    last, minutes = view.last, view.minutes()[-_MOST:]
    if last is None:
        return tag("p", "There is no reading yet.")
    means = None if view.step is None else view.step.next_means
    confidence = last.scores.band.confidence
    solar = any(minute.solar_kw is not None for minute in minutes)
    names = legend(
        ("actual", stroke("actual")),
        ("forecast", stroke("forecast")),
        (f"{100 * confidence:g} % band", swatch("band")),
        ("solar", stroke("solar")) if solar else None,
        ("gap", swatch("missing")) if any(minute.gap_minutes for minute in minutes) else None,
    )
    note = f"Up to {view.as_of()}."
    if means is not None:
        note = "After the latest reading: the mean power from then on up to each time, forecast."
    label = f"Power of the last hours, {amount(last.reading.kw, 2)} kW at {view.as_of()}."
    drawn = (_drawn(size, minutes, means, view.snapshot.raised).svg(label) for size in _HOURS)
    return join(names, *drawn, tag("p", note, class_="drawn"))


def _drawn(
    size: Size, minutes: Sequence[Minute], means: NextMeans | None, raised: Sequence[RaisedAlarm]
) -> Plot:
    end = seconds_of(minutes[-1].at) + _MINUTE_S
    start = end - _HOUR_S * _HOURS[size]
    shown = [minute for minute in minutes if seconds_of(minute.at) >= start]
    lines = _lines(shown)
    fan = _fan(means, end)
    powers = [lines.kw, lines.point_kw, lines.solar_kw, fan[1]]
    low, high = _range(powers, [lines.low_kw, lines.high_kw, *fan[2:]])
    until = end if means is None else int(fan[0].max(initial=end))
    plot = Plot(size, start, until, ticks(low, high, size.ticks))
    plot.frame("kW", hour_marks(_clock(shown), start, until, size.inner))
    for minute in shown:
        if minute.gap_minutes:
            at = seconds_of(minute.at)
            plot.missing(max(start, at - _MINUTE_S * minute.gap_minutes), at)
    each_s = float(_MINUTE_S)
    plot.area(lines.at, lines.low_kw, lines.high_kw, "band", step_s=each_s)
    plot.area(fan[0], fan[2], fan[3], "band", step_s=_HOUR_S)
    plot.line(lines.at, lines.solar_kw, "solar", step_s=each_s)
    plot.line(lines.at, lines.point_kw, "forecast", step_s=each_s)
    plot.line(fan[0], fan[1], "forecast", step_s=_HOUR_S)
    plot.line(lines.at, lines.kw, "actual", step_s=each_s)
    for entry in raised:
        alarm, at = entry.alarm, seconds_of(entry.alarm.at)
        if start <= at < end:
            plot.flag(at, f"{alarm.at:%H:%M} {alarm.kind}: {alarm.text}")
    return plot


def _lines(minutes: Sequence[Minute]) -> _Lines:
    rows = [
        (
            seconds_of(minute.at) + _MINUTE_S / 2,
            *(
                np.nan if kw is None else clip(kw)
                for kw in (
                    minute.kw,
                    minute.point_kw,
                    minute.low_kw,
                    minute.high_kw,
                    minute.solar_kw,
                )
            ),
        )
        for minute in minutes
    ]
    return _Lines(*np.array(rows, np.float64).T)


def _fan(means: NextMeans | None, end: int) -> tuple[DoubleArray, ...]:
    """Times, means, and low and high ends of their bands; each empty if nothing is forecast."""
    if means is None:
        return (np.empty(0),) * 4
    at = end + _MINUTE_S * np.array(means.minutes, np.float64)
    mean, _, low, high = np.clip(means.values, clip(-np.inf), clip(np.inf)).T
    return at, mean, low, high


def _range(powers: Sequence[DoubleArray], bands: Sequence[DoubleArray]) -> tuple[float, float]:
    """Ends of the value axis.

    Bands count up to the height of all else, above it and below, so that unlikely powers do not
    leave the measured ones too little of the figure.
    """
    known = np.concatenate([*powers, [0.0, _MIN_KW]])
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    ends = np.concatenate([*bands, [low, high]])
    room = high - low
    return (
        max(float(np.nanmin(ends)), low - room),
        min(float(np.nanmax(ends)), high + room),
    )


def _clock(minutes: Sequence[Minute]) -> HouseClock:
    at = [minute.at for minute in minutes]
    return HouseClock(np.array([*map(seconds_of, at)]), np.array([*map(_offset_s, at)]))


def _offset_s(at: datetime) -> int:
    offset = at.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
