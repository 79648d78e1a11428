"""Tests of the minutes of a source as an array."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from streamer.commands.files import FileOptions
from streamer.errors import UsageError
from streamer.fleet.series import series_of
from streamer.readings import Notice, Reading
from streamer.sample import sample_path
from streamer.testing import ListSource

START = datetime(2013, 5, 21)


def _at(minutes: float, kw: float) -> Reading:
    return Reading(START + timedelta(minutes=minutes), kw)


def test_the_series_of_the_sample_has_all_minutes_and_gaps(sample_kw: np.ndarray) -> None:
    series = series_of(FileOptions().open(str(sample_path())))
    assert len(series) == 7 * 1440
    assert np.array_equal(series[~np.isnan(series)], sample_kw)


def test_gaps_are_nan_and_a_minute_has_the_mean_of_its_readings() -> None:
    source = ListSource([_at(0, 1.0), _at(0.5, 2.0), _at(1, 3.0), _at(4.25, 5.0)])
    np.testing.assert_array_equal(series_of(source), [1.5, 3.0, np.nan, np.nan, 5.0])


def test_the_repeated_hour_of_a_clock_change_is_two_hours() -> None:
    summer, winter = (timezone(timedelta(hours=hours)) for hours in (2, 1))
    at = datetime(2026, 10, 25, 2, 30)
    source = ListSource(
        [Reading(at.replace(tzinfo=summer), 1.0), Reading(at.replace(tzinfo=winter), 2.0)]
    )
    series = series_of(source)
    assert len(series) == 61
    assert (series[0], series[60]) == (1.0, 2.0)


def test_notices_are_passed_on() -> None:
    notice = Notice(Notice.MALFORMED, "house.csv:2: what is this", START)
    notices: list[Notice] = []
    series_of(ListSource([_at(0, 1.0), notice]), on_notice=notices.append)
    assert notices == [notice]


@pytest.mark.parametrize(
    ("readings", "words"),
    [([], "no readings"), ([_at(0, 1.0), _at(21 * 366 * 1440, 1.0)], "20 years")],
)
def test_empty_and_overlong_series_are_rejected(readings: list[Reading], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        series_of(ListSource(readings))
