"""Tests of the figures of a report."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamer.reporting.data import DAY, WEEK, Recorded
from streamer.reporting.parts import by_hour_or_day
from streamer.reporting.tally import (
    gaps,
    hardest,
    score,
    score_band,
    settled_errors,
    totals,
    typical_day,
)
from tests.reporting.recordings import ZONE, Row, household, minutes, recorded, unix


def _with_gaps() -> list[Row]:
    kw = household(4 * 1440)
    for first, length in ((2000, 1), (3000, 90), (5000, 7)):
        kw[first : first + length] = [math.nan] * length
    return minutes(kw)


@pytest.fixture
def week(tmp_path: Path) -> Recorded:
    return recorded(tmp_path, _with_gaps(), period=WEEK)


def test_means_equal_a_direct_computation(tmp_path: Path) -> None:
    kw = np.array(household(600)) - 0.4
    found = totals(recorded(tmp_path, minutes(kw)))
    assert found.mean_kw == pytest.approx(kw.mean())
    assert found.peak.kw == kw.max()
    assert (found.recorded, found.missing) == (600, 0)


def test_peaks_have_the_time_of_their_minute_or_quarter(tmp_path: Path) -> None:
    kw = [1.0] * 100
    kw[29:44] = [3.0] * 15  # 29 to 44 is not a quarter-hour of the clock
    kw[70] = 9.0
    rows = minutes(kw)
    found = totals(recorded(tmp_path, rows))
    assert (found.peak.kw, found.peak.at) == (9.0, unix(rows[70].at))
    assert found.quarter_peak is not None
    assert found.quarter_peak.kw == pytest.approx((14 * 3.0 + 1.0) / 15)
    assert found.quarter_peak.at == unix(rows[30].at)


def test_a_quarter_with_a_gap_is_not_a_peak(tmp_path: Path) -> None:
    kw = [1.0] * 45
    kw[20] = math.nan
    kw[25] = 50.0
    found = totals(recorded(tmp_path, minutes(kw))).quarter_peak
    assert found is not None
    assert found.kw == pytest.approx(1.0)
    assert totals(recorded(tmp_path, minutes([1.0] * 10))).quarter_peak is None


def test_gaps_have_their_length_and_beginning(week: Recorded) -> None:
    found = gaps(week)
    assert [gap.minutes for gap in found] == [1, 90, 7]
    assert found[1].start == week.begun + 3000 * 60
    assert totals(week).missing == 98


def test_gaps_at_the_ends_of_the_period_count(tmp_path: Path) -> None:
    kw = household(3000)
    kw[1300:1600] = [math.nan] * 300
    found = recorded(tmp_path, minutes(kw), until=datetime(2010, 3, 21, 4, 0))
    assert found.end == found.begun + 3120 * 60
    assert gaps(found)[-1].minutes == 120
    early = recorded(tmp_path, minutes(kw), until=datetime(2010, 3, 21, 0, 0))
    assert gaps(early)[0].start == early.start
    assert gaps(early)[0].minutes == 160


def test_scores_equal_a_direct_computation(week: Recorded) -> None:
    rows = _with_gaps()
    pairs = [(a, b) for a, b in pairwise(rows) if b.forecast_kw is not None]
    actual, mean, frozen, point, last = np.array(
        [(b.kw, b.forecast_kw, b.frozen_kw, b.median_kw, a.kw) for a, b in pairs]
    ).T
    errors = settled_errors(week.minutes)
    forecasts = {"point": point, "mean": mean, "frozen": frozen, "persistence": last}
    assert list(errors) == list(forecasts)
    for name, kw in forecasts.items():
        found = score(errors[name])
        assert found.mse_kw2 == pytest.approx(np.square(kw - actual).mean())
        assert found.mae_w == pytest.approx(1000 * np.abs(kw - actual).mean())
        assert found.rmse_w == pytest.approx(1000 * np.sqrt(np.square(kw - actual).mean()))
        assert found.bias_w == pytest.approx(1000 * (kw - actual).mean())


def test_scores_are_none_without_settled_forecasts(tmp_path: Path) -> None:
    found = recorded(tmp_path, minutes([1.0] * 49)).minutes
    assert score(settled_errors(found)["mean"]).mse_kw2 is None
    assert score(settled_errors(found)["mean"]).rmse_w is None
    assert score_band(found).coverage is None


def test_coverage_includes_the_ends_of_a_band(tmp_path: Path) -> None:
    off = [0.0] * 60
    off[50], off[51] = 0.5, 0.4
    rows = minutes([1.0] * 60, off_kw=off, width_kw=1.0)
    found = score_band(recorded(tmp_path, rows).minutes)
    assert (found.coverage, found.width_kw) == (1.0, pytest.approx(1.0))
    off[51] = -0.75
    rows = minutes([1.0] * 60, off_kw=off, width_kw=1.0)
    assert score_band(recorded(tmp_path, rows).minutes).coverage == 10 / 11


@pytest.mark.parametrize("period", [DAY, WEEK])
def test_parts_are_the_hours_or_days_of_the_clock(tmp_path: Path, period: str) -> None:
    rows = _with_gaps()[200:-333]
    found = recorded(tmp_path, rows, period=period)
    parts = by_hour_or_day(found)
    form = "%Y-%m-%d %H" if period == DAY else "%Y-%m-%d"
    named: dict[str, list[tuple[Row, float]]] = {}
    for before, row in zip([Row(rows[0].at, math.nan), *rows], rows, strict=False):
        if unix(row.at) >= found.start:
            named.setdefault(row.at.strftime(form), []).append((row, before.kw))
    expected = [
        (
            len(part),
            sum(row.kw for row, _ in part) / 60,
            max(row.kw for row, _ in part),
            *_expected_scores(part),
        )
        for part in named.values()
    ]
    got = zip(
        parts.minutes, parts.energy.imported_kwh, parts.peak_kw,
        parts.mae_w, parts.persistence_mae_w, parts.skill, parts.coverage,
        strict=True,
    )  # fmt: skip
    np.testing.assert_allclose([row for row in got if row[0]], expected)
    assert (parts.edges[0], parts.edges[-1]) == (found.start, found.end)


def _expected_scores(part: list[tuple[Row, float]]) -> tuple[float, ...]:
    settled = [(row, last) for row, last in part if row.forecast_kw is not None]
    if not settled:
        return (math.nan,) * 4
    inside = [row.low_kw <= row.kw <= row.high_kw for row, _ in settled]
    # The first reading is not scored, because persistence has no forecast for it.
    settled = [(row, last) for row, last in settled if not math.isnan(last)]
    own = np.array([row.kw - row.forecast_kw for row, _ in settled])
    median = np.array([row.kw - row.median_kw for row, _ in settled])
    reference = np.array([row.kw - last for row, last in settled])
    skill = math.nan
    if len(settled) >= 360:
        skill = 1 - np.square(own).mean() / np.square(reference).mean()
    return 1000 * np.abs(median).mean(), 1000 * np.abs(reference).mean(), skill, np.mean(inside)


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2010, 3, 28), 23), (datetime(2010, 10, 31), 25)]
)
def test_a_day_with_a_clock_change_has_all_its_hours(
    tmp_path: Path, day: datetime, hours: int
) -> None:
    rows = minutes([1.0] * 60 * hours, start=day.replace(tzinfo=ZONE))
    found = recorded(tmp_path, rows)
    parts = by_hour_or_day(found)
    assert parts.minutes.tolist() == [60] * hours
    assert parts.energy.imported_kwh.sum() == pytest.approx(hours)
    assert not gaps(found)
    whole = recorded(tmp_path, rows, period=WEEK)
    assert by_hour_or_day(whole).minutes.tolist() == [60 * hours]


def test_the_typical_day_equals_a_direct_computation(week: Recorded) -> None:
    means: dict[int, list[float]] = {}
    every: dict[int, list[float]] = {}
    for row in _with_gaps():
        every.setdefault(row.at.hour, []).append(row.kw)
        means.setdefault(row.at.hour + 24 * row.at.day, []).append(row.kw)
    day = typical_day(week)
    assert day.days == 4
    for hour in range(24):
        of_days = [np.mean(kw) for key, kw in means.items() if key % 24 == hour]
        assert day.mean_kw[hour] == pytest.approx(np.mean(every[hour]))
        assert day.low_kw[hour] == pytest.approx(min(of_days))
        assert day.high_kw[hour] == pytest.approx(max(of_days))


def test_an_hour_without_readings_has_no_mean(tmp_path: Path) -> None:
    day = typical_day(recorded(tmp_path, minutes([1.0] * 60), period=WEEK))
    assert day.mean_kw[0] == 1.0
    assert np.isnan(day.mean_kw[1:]).all()


def test_the_hardest_hours_have_the_largest_errors(tmp_path: Path) -> None:
    off = [0.1] * 1440
    off[700:760] = [2.0] * 60
    found = recorded(tmp_path, minutes([1.0] * 1440, off_kw=off))
    stretch = hardest(found)
    assert stretch is not None
    start, end = ((at - found.begun) // 60 for at in stretch)
    assert end - start == 120
    assert start % 10 == 0
    assert start <= 700
    assert end >= 760


def test_a_period_of_two_hours_has_no_hardest_hours(tmp_path: Path) -> None:
    assert hardest(recorded(tmp_path, minutes(household(120)))) is None
    assert hardest(recorded(tmp_path, minutes([1.0] * 200, warm_up=200))) is None


def test_a_period_just_over_two_hours_has_hardest_hours(tmp_path: Path) -> None:
    rows = minutes(household(130), start=datetime(2010, 3, 19, 0, 3, tzinfo=ZONE))
    found = recorded(tmp_path, rows[:-7])
    assert hardest(found) == (found.start, found.start + 7200)
