"""Tests of columns that are longer or shorter than a minute."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.bins import binned
from streamer.dashboard.zoom import MAX_SPAN, MIN_SPAN, Zoom, zooms
from streamer.history.columns import MAX_KW, Column
from streamer.history.past import SeenMinutes
from streamer.readings import Reading
from streamer.readings.bins import Bins
from streamer.readings.seconds import local_time
from tests.dashboard.samples import make_steps

T0 = 1_269_129_600
"""2010-03-21 00:00."""

(STEP,) = make_steps([0.0])

Row = tuple[int, float, float | None]
"""Minute, reading and forecast."""


def _bins(rows: list[Row], zoom: Zoom, width: int, offset: int = 0) -> Bins:
    sums = Bins.empty(zoom.bins(width))
    for minute, kw, forecast in rows:
        here = np.arange(zoom.bins(width)) == minute // zoom.minutes
        known = here * (forecast is not None)
        value = forecast or 0.0
        sums += Bins(
            readings=1 * here,
            kw=kw * here,
            forecasts=1 * known,
            forecast_kw=value * known,
            low_kw=(value - 0.5) * known,
            high_kw=(value + 1.0) * known,
            sunny=1 * known,
            solar_kw=2.0 * value * known,
            alarms=0 * here,
            utc_offset=offset * here,
        )
    return sums


def _binned(rows: list[Row], zoom: Zoom, width: int, alarm: int | None = None) -> list[Column]:
    bins = _bins(rows, zoom, width)
    if alarm is not None:
        bins = replace(bins, alarms=1 * (np.arange(len(bins.alarms)) == alarm // zoom.minutes))
    known = (T0 + 60 * rows[0][0], T0 + 60 * rows[-1][0])
    return binned(bins, zoom, T0, known=known)


def test_a_column_is_the_mean_of_its_minutes() -> None:
    rows: list[Row] = [(0, 1.0, 2.0), (1, 2.0, 4.0), (2, 6.0, None), (3, 8.0, None), (4, 1.0, 1.0)]
    first, second, third = _binned(rows, Zoom(2), 3, alarm=3)
    assert first == Column(datetime(2010, 3, 21), 1.5, 3.0, (2.5, 4.0), solar_kw=6.0)
    assert second == Column(datetime(2010, 3, 21, 0, 2), 7.0, alarm=True)
    assert third == Column(datetime(2010, 3, 21, 0, 4), 1.0, 1.0, (0.5, 2.0), solar_kw=2.0)


def test_a_forecast_is_shown_if_at_least_half_of_the_readings_have_one() -> None:
    forecasts = [2.0, 2.0, None, None, 2.0, None, None, None]
    rows: list[Row] = [(minute, 1.0, forecast) for minute, forecast in enumerate(forecasts)]
    first, second = _binned(rows, Zoom(4), 2)
    assert (first.mark_kw, first.band_kw) == (2.0, (1.5, 3.0))
    assert second.mark_kw is second.band_kw is None


def test_a_column_without_a_reading_is_a_gap_and_outside_it_is_empty() -> None:
    columns = _binned([(2, 1.0, None), (6, 1.0, None)], Zoom(1), 9)
    assert [column.gap for column in columns] == [False] * 3 + [True] * 3 + [False] * 3
    assert [column.kw for column in columns] == [None, None, 1.0, None, None, None, 1.0, None, None]
    assert all(column.at is not None for column in columns)


def test_a_minute_may_have_several_columns_and_is_labelled_once() -> None:
    columns = _binned([(0, 1.0, 1.0), (1, 2.0, 2.0)], Zoom(columns=3), 6, alarm=1)
    assert [column.kw for column in columns] == [1.0] * 3 + [2.0] * 3
    assert [column.at for column in columns[3:]] == [datetime(2010, 3, 21, 0, 1), None, None]
    assert [column.alarm for column in columns] == [False, False, False, True, False, False]


def test_columns_have_the_local_time_of_their_own_minutes() -> None:
    bins = _bins([(0, 1.0, None)], Zoom(60), 5, 3600) + _bins([(120, 1.0, None)], Zoom(60), 5, 7200)
    columns = binned(bins, Zoom(60), T0, known=(T0, T0 + 7200))
    # A column without a reading has the offset of the next one, or of the last.
    assert [column.at and column.at.hour for column in columns] == [1, 3, 4, 5, 6]


def test_powers_are_finite() -> None:
    (column,) = _binned([(0, 1e300, -1e300)], Zoom(1), 1)
    assert (column.kw, column.mark_kw) == (MAX_KW, -MAX_KW)


def test_no_minutes_make_empty_columns() -> None:
    columns = binned(Bins.empty(3), Zoom(5), T0, known=(T0 + 10_000, T0 + 20_000))
    assert [(column.kw, column.gap) for column in columns] == [(None, False)] * 3


@given(
    kw=st.dictionaries(st.integers(0, 59), st.floats(-5, 5), min_size=1),
    minutes=st.sampled_from([1, 2, 5, 10, 20, 30]),
)
def test_every_mean_is_that_of_the_readings_in_its_column(
    kw: dict[int, float], minutes: int
) -> None:
    steps = [
        replace(STEP, reading=Reading(local_time(T0 + 60 * minute), kw[minute]))
        for minute in sorted(kw)
    ]
    seen = SeenMinutes()
    for step in steps:
        seen.add(step)
    bins = seen.bins(T0, 60 * minutes, 60 // minutes, before=2**62)
    columns = binned(bins, Zoom(minutes), T0, known=(T0, T0 + 3600))
    for index, column in enumerate(columns):
        inside = [kw[m] for m in kw if index * minutes <= m < (index + 1) * minutes]
        if inside:
            assert column.kw == pytest.approx(sum(inside) / len(inside), abs=1e-5)
        else:
            assert column.kw is None


@given(width=st.integers(2, 600))
def test_spans_reach_from_about_an_hour_to_a_week(width: int) -> None:
    levels = zooms(width)
    spans = [level.minutes * width / level.columns for level in levels]
    assert spans == sorted(set(spans))
    assert spans[-1] >= min(MAX_SPAN, 4320 * width)
    assert Zoom() in levels
    if width >= MIN_SPAN:
        assert MIN_SPAN <= spans[0] < 2 * MIN_SPAN
    for level in levels:
        assert level.bins(width) == math.ceil(width / level.columns)


def test_a_zoom_is_described_in_words() -> None:
    assert [str(Zoom(minutes)) for minutes in (1, 90, 180)] == [
        "1 min a column",
        "90 min a column",
        "3 h a column",
    ]
