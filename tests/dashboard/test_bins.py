"""Tests of columns that are longer or shorter than a minute."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.bins import binned
from streamer.dashboard.columns import MAX_KW, Column
from streamer.dashboard.zoom import MAX_SPAN, MIN_SPAN, Zoom, zooms
from streamer.readings.minutes import minutes_of

T0 = 1_269_129_600
"""2010-03-21 00:00."""

Row = tuple[int, int, float, float | None, float | None, float | None]


def _row(minute: int, kw: float, forecast: float | None = None, offset: int = 0) -> Row:
    low, high = (None, None) if forecast is None else (forecast - 0.5, forecast + 1.0)
    return (T0 + 60 * minute, offset, kw, forecast, low, high)


def _binned(rows: list[Row], zoom: Zoom, width: int, alarms: tuple[int, ...] = ()) -> list[Column]:
    known = (rows[0][0], rows[-1][0]) if rows else (T0, T0)
    minutes = minutes_of(rows, (T0 + 60 * minute for minute in alarms))
    return binned(minutes, zoom, T0, width, known=known)


def test_a_column_is_the_mean_of_its_minutes() -> None:
    rows = [_row(0, 1.0, 2.0), _row(1, 2.0, 4.0), _row(2, 6.0), _row(3, 8.0), _row(4, 1.0, 1.0)]
    first, second, third = _binned(rows, Zoom(2), 3, alarms=(3,))
    assert first == Column(datetime(2010, 3, 21), 1.5, 3.0, (2.5, 4.0))
    assert second == Column(datetime(2010, 3, 21, 0, 2), 7.0, alarm=True)
    assert third == Column(datetime(2010, 3, 21, 0, 4), 1.0, 1.0, (0.5, 2.0))


def test_a_forecast_is_shown_if_at_least_half_of_the_readings_have_one() -> None:
    rows = [
        _row(minute, 1.0, 2.0 if minute % 4 in (0, 1) or minute == 2 else None)
        for minute in range(8)
    ]
    rows[5] = _row(5, 1.0)
    first, second = _binned(rows, Zoom(4), 2)
    assert first.mark_kw == 2.0
    assert second.mark_kw is second.band_kw is None


def test_a_column_without_a_reading_is_a_gap_and_outside_it_is_empty() -> None:
    columns = _binned([_row(2, 1.0), _row(6, 1.0)], Zoom(1), 9)
    assert [column.gap for column in columns] == [False] * 3 + [True] * 3 + [False] * 3
    assert [column.kw for column in columns] == [None, None, 1.0, None, None, None, 1.0, None, None]
    assert all(column.at is not None for column in columns)


def test_a_minute_may_have_several_columns_and_is_labelled_once() -> None:
    columns = _binned([_row(0, 1.0, 1.0), _row(1, 2.0, 2.0)], Zoom(columns=3), 5, alarms=(1,))
    assert [column.kw for column in columns] == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert [column.at for column in columns[2:]] == [datetime(2010, 3, 21, 0, 1), None, None]
    assert [column.alarm for column in columns] == [False, False, True, False, False]


def test_columns_have_the_local_time_of_their_own_minutes() -> None:
    rows = [_row(0, 1.0, offset=3600), _row(60, 1.0, offset=7200), _row(120, 1.0, offset=7200)]
    hours = [column.at and column.at.hour for column in _binned(rows, Zoom(60), 3)]
    assert hours == [1, 3, 4]


def test_powers_are_finite() -> None:
    (column,) = _binned([_row(0, 1e300, -1e300)], Zoom(1), 1)
    assert (column.kw, column.mark_kw) == (MAX_KW, -MAX_KW)


def test_no_minutes_make_empty_columns() -> None:
    minutes = minutes_of([])
    columns = binned(minutes, Zoom(5), T0, 3, known=(T0 + 10_000, T0 + 20_000))
    assert [(column.kw, column.gap) for column in columns] == [(None, False)] * 3


@given(
    kw=st.dictionaries(st.integers(0, 59), st.floats(-5, 5), min_size=1),
    minutes=st.sampled_from([1, 2, 5, 10, 20, 30]),
)
def test_every_mean_is_that_of_the_readings_in_its_column(
    kw: dict[int, float], minutes: int
) -> None:
    rows = [_row(minute, kw[minute]) for minute in sorted(kw)]
    columns = _binned(rows, Zoom(minutes), 60 // minutes)
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
