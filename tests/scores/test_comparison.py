"""Tests of the comparison with persistence, against SciPy and NumPy."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streamer.readings import Lead
from streamer.scores.comparison import (
    BATCH,
    DAY_BATCHES,
    MIN_BATCHES,
    RunningLead,
    RunningMedian,
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


def test_the_median_is_compared_with_persistence_over_the_same_minutes() -> None:
    median = RunningMedian()
    assert median.get() == (None, None)
    errors = np.array([0.5, math.nan, 0.25])
    median.update_many(errors, np.array([1.0, 9.0, 0.5]))
    median.update(0.75, 1.5)
    assert median.get() == (0.5, 1.0)


def test_states_saved_without_a_comparison_can_be_restored() -> None:
    values = {"actual_kw": 1.0, "forecast_kw": 1.1, "last_kw": 1.5, "frozen_kw": 1.1}
    values |= {"low_kw": 0.5, "high_kw": 2.0, "median_kw": 1.05}
    scores = RunningScores()
    for _ in range(BATCH * MIN_BATCHES):
        before = scores.update(**values)
    assert before.lead is not None
    state = scores.state()
    assert state is not None
    del state["median"], state["lead"]
    restored = RunningScores()
    restored.restore(state)
    found = restored.get()
    assert found.model == before.model
    assert found.lead is found.day_lead is found.median_skill is None
    after = restored.update(**values)
    assert after.median_mae_kw == pytest.approx(0.05)
    assert after.median_persistence_mae_kw == pytest.approx(0.5)
    assert after.median_skill == pytest.approx(0.9)
