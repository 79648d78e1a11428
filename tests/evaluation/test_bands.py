"""Tests of band scores against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.evaluation.bands import WEEK, fixed_band, score_band


def test_week_coverage_is_the_range_over_whole_weeks() -> None:
    # Two weeks and a remainder; beyond the upper end are 1,008 of the first, none of the second,
    # and all of the remainder, which counts for the coverage but not as a week.
    actual = np.full(2 * WEEK + 100, 0.5)
    actual[:1008] = 2.0
    actual[2 * WEEK :] = 2.0
    lower, upper = np.zeros_like(actual), np.ones_like(actual)
    band = score_band(0.05, 0.95, lower, upper, actual)
    assert band.week_coverage is not None
    assert (band.week_coverage.low, band.week_coverage.high) == (0.9, 1.0)
    assert band.coverage == 1 - (1008 + 100) / (2 * WEEK + 100)
    assert band.confidence == pytest.approx(0.9)


def test_weeks_are_consecutive_from_the_first_minute() -> None:
    # Half of each of two weeks is outside; weeks with another start would differ.
    actual = np.full(2 * WEEK, 0.5)
    actual[WEEK // 2 : WEEK + WEEK // 2] = 2.0
    band = score_band(0.05, 0.95, np.zeros_like(actual), np.ones_like(actual), actual)
    assert band.week_coverage is not None
    assert (band.week_coverage.low, band.week_coverage.high) == (0.5, 0.5)


@pytest.mark.parametrize(("count", "known"), [(WEEK - 1, False), (WEEK, True)])
def test_less_than_a_week_has_no_week_coverage(count: int, known: bool) -> None:
    actual = np.full(count, 0.5)
    band = score_band(0.05, 0.95, np.zeros(count), np.ones(count), actual)
    assert (band.week_coverage is not None) is known


def test_fixed_band_is_the_quantile_of_absolute_errors() -> None:
    # Errors of 0.1, 0.2, ... 1.1 kW, alternately above and below.
    errors = np.arange(1, 12) / 10
    signs = np.resize([1.0, -1.0], 11)
    mean = np.zeros(11)
    found = fixed_band(mean, signs * errors, 0.85)
    # Between the ninth and the tenth of eleven: at 0.85 of ten steps, 8.5.
    assert found.half_width_kw == pytest.approx(0.95)
    band = found.band
    assert (band.low, band.high) == pytest.approx((0.075, 0.925))
    assert band.width_kw == pytest.approx(1.9)
    assert band.coverage == pytest.approx(9 / 11)
    # Two outside, by 0.05 and 0.15; 2 / alpha is 2 / 0.15.
    assert band.winkler_kw == pytest.approx(1.9 + 2 / 0.15 * 0.2 / 11)
