"""Tests of the day bootstrap against a slow one, and of its properties."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.evaluation.bootstrap import (
    MIN_DAYS,
    REPLICATES,
    day_sums,
    draw_days,
    interval,
    skill_replicates,
)
from tests.evaluation.conftest import minutes


def _sums(days: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.gamma(3.0, 1.0, days)
    return reference[:, None] * rng.uniform(0.6, 1.0, (days, 2)), reference


def test_day_sums_cover_each_calendar_day() -> None:
    at = np.concatenate([minutes(2000)[1430:], minutes(30, "2010-05-01T10:00:00")])
    values = np.random.default_rng(1).random((len(at), 3))
    found = day_sums(at, values)
    days = [str(moment)[:10] for moment in at]
    expected = [values[[day == wanted for day in days]].sum(axis=0) for wanted in sorted(set(days))]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(found) == 3


def test_skill_replicates_equal_a_slow_bootstrap() -> None:
    sums, reference = _sums(11)
    found = skill_replicates(sums, reference, replicates=50, seed=5)
    assert found is not None
    for counts, skills in zip(draw_days(11, replicates=50, seed=5), found, strict=True):
        days = [day for day, count in enumerate(counts) for _ in range(count)]
        assert len(days) == 11
        for column in range(2):
            squared = sum(sums[day, column] for day in days)
            of_persistence = sum(reference[day] for day in days)
            assert skills[column] == pytest.approx(1 - squared / of_persistence, rel=1e-12)


def test_days_are_drawn_with_equal_probability() -> None:
    drawn = draw_days(20)
    assert drawn.shape == (REPLICATES, 20)
    assert (drawn.sum(axis=1) == 20).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.12)
    # With replacement: the number of times has the variance 1 − 1/20 of a binomial.
    assert drawn.var() == pytest.approx(0.95, abs=0.05)


def test_same_seed_gives_the_same_interval() -> None:
    sums, reference = _sums(30)
    one, two = skill_replicates(sums, reference), skill_replicates(sums, reference)
    other = skill_replicates(sums, reference, seed=1)
    assert one is not None
    assert two is not None
    assert other is not None
    assert interval(one[:, 0]) == interval(two[:, 0]) != interval(other[:, 0])


def test_interval_contains_the_skill_and_shrinks_with_more_days() -> None:
    widths = []
    for days in (10, 100, 1000):
        sums, reference = _sums(days)
        replicates = skill_replicates(sums, reference)
        assert replicates is not None
        found = interval(replicates[:, 0])
        assert found.low < 1 - sums[:, 0].sum() / reference.sum() < found.high
        widths.append(found.high - found.low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_interval_has_the_theoretical_width() -> None:
    # The delta method for a ratio of sums of independent days.
    sums, reference = _sums(400)
    replicates = skill_replicates(sums, reference)
    assert replicates is not None
    found = interval(replicates[:, 0])
    ratio = sums[:, 0].sum() / reference.sum()
    error = np.sqrt(np.square(sums[:, 0] - ratio * reference).sum()) / reference.sum()
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.08)


def test_persistence_has_skill_zero_for_any_draw() -> None:
    sums, reference = _sums(37)
    replicates = skill_replicates(np.column_stack([sums, reference]), reference)
    assert replicates is not None
    assert not replicates[:, 2].any()


def test_interval_is_none_if_undefined() -> None:
    sums, reference = _sums(MIN_DAYS - 1)
    assert skill_replicates(sums, reference) is None
    sums, reference = _sums(20)
    assert skill_replicates(sums, np.zeros(20)) is None
    reference[1:] = 0.0
    assert skill_replicates(sums, reference) is None
