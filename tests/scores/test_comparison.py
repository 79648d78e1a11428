"""Tests of the comparison with persistence, against SciPy and NumPy."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streamer.readings import Lead, PointScores
from streamer.scores.comparison import (
    BATCH,
    DAY_BATCHES,
    MIN_BATCHES,
    RunningLead,
    RunningPoint,
)
from streamer.scores.running import RunningScores


def _interval(batches: np.ndarray) -> tuple[float, float]:
    low, high = stats.t.interval(
        0.95, len(batches) - 1, loc=batches.mean(), scale=stats.sem(batches)
    )
    return float(low), float(high)


def test_the_interval_is_students_of_the_means_of_hours() -> None:
    leads = np.random.default_rng(3).normal(0.1, 1.0, size=60 * BATCH + 7)
    lead = RunningLead()
    for minute, value in enumerate(leads.tolist(), start=1):
        lead.update(value)
        batches = leads[: minute // BATCH * BATCH].reshape(-1, BATCH).mean(axis=1)
        if len(batches) < MIN_BATCHES:
            assert lead.found == (None, None)
        elif minute % BATCH in {0, 1}:
            for found, part in zip(lead.found, (batches, batches[-DAY_BATCHES:]), strict=True):
                assert found is not None
                # The quantile is an expansion.
                assert (found.low_kw2, found.high_kw2) == pytest.approx(_interval(part), abs=1e-5)


def test_the_interval_covers_the_lead_of_correlated_losses() -> None:
    rng, covered, trials = np.random.default_rng(5), 0, 300
    for _ in range(trials):
        noise = rng.normal(size=30 * BATCH)
        # A moving average of ten minutes, with the mean 0.5: minutes alone would be too sure.
        leads = 0.5 + np.convolve(noise, np.ones(10) / 10, mode="same")
        lead = RunningLead()
        lead.update_many(leads)
        found, _ = lead.found
        assert found is not None
        covered += found.low_kw2 <= 0.5 <= found.high_kw2
    assert 0.90 <= covered / trials <= 0.98


@given(st.lists(st.floats(-10, 10), max_size=300), st.lists(st.integers(0, 1740), max_size=5))
def test_blocks_give_the_lead_of_single_minutes(leads: list[float], cuts: list[int]) -> None:
    leads = [0.1 * (minute % 7) for minute in range(BATCH * MIN_BATCHES)] + leads
    single, blocks = RunningLead(), RunningLead()
    for value in leads:
        single.update(value)
    edges = sorted({0, len(leads), *(min(cut, len(leads)) for cut in cuts)})
    for start, end in pairwise(edges):
        blocks.update_many(np.array(leads[start:end]))
    for one, other in zip(single.found, blocks.found, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.low_kw2 == pytest.approx(other.low_kw2, abs=1e-9)
            assert one.high_kw2 == pytest.approx(other.high_kw2, abs=1e-9)


def test_absurd_leads_give_an_endless_interval_that_can_be_saved() -> None:
    lead = RunningLead()
    for minute in range(BATCH * MIN_BATCHES):
        lead.update(1e300 if minute == 100 else 0.1)
    found, _ = lead.found
    assert found is not None
    assert not found.is_clear
    assert not math.isnan(found.low_kw2)
    json.dumps(lead.state(), allow_nan=False)


@pytest.mark.parametrize(
    ("ends", "clear"), [((0.1, 0.2), True), ((-0.2, -0.1), True), ((-0.1, 0.2), False)]
)
def test_a_lead_is_clear_if_its_interval_excludes_zero(
    ends: tuple[float, float], clear: bool
) -> None:
    assert Lead(*ends).is_clear == clear


def test_the_point_forecast_is_compared_with_persistence_over_the_same_minutes() -> None:
    point = RunningPoint()
    assert point.get() == PointScores()
    errors, persistence = np.array([0.5, 0.25, 0.75]), np.array([1.0, 0.5, 1.5])
    point.update_many(errors[:2], persistence[:2])
    found = point.update(0.75, 1.5, 2.25)
    assert found == point.get()
    expected = (0.5, np.mean(errors**2), 1.0, np.mean(persistence**2))
    assert astuple(found) == pytest.approx(expected, rel=1e-15)
    assert found.mae_skill == 0.5
    assert found.skill == pytest.approx(0.75, rel=1e-15)
    assert (found.mae_w, found.persistence_mae_w) == (500.0, 1000.0)


@pytest.mark.parametrize("means", [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3, -0.1], [0.1] * 5, "0.1"])
def test_damaged_scores_of_the_point_forecast_are_refused(means: object) -> None:
    point = RunningPoint()
    with pytest.raises((TypeError, ValueError)):
        point.restore({"minutes": 3, "means": means})
    assert point.get() == PointScores()


def test_states_saved_without_a_comparison_can_be_restored() -> None:
    values = {"actual_kw": 1.0, "forecast_kw": 1.1, "last_kw": 1.5, "frozen_kw": 1.1}
    values |= {"low_kw": 0.5, "high_kw": 2.0, "point_kw": 1.05}
    scores = RunningScores()
    for _ in range(BATCH * MIN_BATCHES):
        before = scores.update(**values)
    assert before.lead is not None
    state = scores.state()
    assert state is not None
    del state["point"], state["lead"]
    restored = RunningScores()
    restored.restore(state)
    found = restored.get()
    assert found.model == before.model
    assert found.lead is found.day_lead is found.point.skill is None
    after = restored.update(**values)
    assert after.point.mae_kw == pytest.approx(0.05)
    assert after.point.persistence_mae_kw == pytest.approx(0.5)
    assert after.point.mae_skill == pytest.approx(0.9)
