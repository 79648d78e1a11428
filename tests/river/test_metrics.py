"""Tests of river metrics: every prefix of a stream beside a plain computation."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import linear_model, metrics, time_series, utils
from river.metrics.base import Metric

from streamer.errors import UsageError
from streamer.river import Coverage, HouseholdForecaster, Skill, Winkler

POWERS = st.floats(-10.0, 10.0).map(lambda kw: round(kw, 2))


def _skill(pairs: list[tuple[float, float]], lag: int, window: int | None) -> float:
    """The skill of (actual, forecast) as it is defined."""
    scored = [
        ((actual - forecast) ** 2, (actual - pairs[place - lag][0]) ** 2)
        for place, (actual, forecast) in enumerate(pairs)
        if place >= lag and math.isfinite(actual + forecast + pairs[place - lag][0])
    ]
    if window is not None:
        scored = scored[-window:]
    if not scored:
        return math.nan
    model, persistence = np.mean(scored, axis=0)
    return math.nan if persistence == 0.0 else float(1.0 - model / persistence)


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(POWERS, st.one_of(POWERS, st.sampled_from([math.nan, math.inf]))), max_size=20
    ),
    lag=st.integers(1, 3),
    window=st.one_of(st.none(), st.integers(1, 5)),
)
def test_skill_of_every_prefix(
    pairs: list[tuple[float, float]], lag: int, window: int | None
) -> None:
    metric = Skill(lag=lag, window=window)
    assert math.isnan(metric.get())
    for place, (actual, forecast) in enumerate(pairs):
        metric.update(actual, forecast)
        expected = _skill(pairs[: place + 1], lag, window)
        assert metric.get() == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def test_a_value_that_is_not_known_is_no_reference() -> None:
    metric = Skill()
    for actual in (1.0, math.nan, 3.0, 4.0):
        metric.update(actual, 3.5)
    assert metric.get() == pytest.approx(1.0 - 0.25 / 1.0)


def test_weights_count_without_a_window() -> None:
    metric = Skill()
    metric.update(0.0, 0.0)
    metric.update(1.0, 0.0, w=3.0)
    metric.update(3.0, 3.0, w=1.0)
    assert metric.get() == pytest.approx(1.0 - (3.0 / 4.0) / ((3.0 + 4.0) / 4.0))
    assert metric.works_with_weights
    assert not Skill(window=2).works_with_weights


@pytest.mark.parametrize("metric", [Skill(), Skill(2, 7), Coverage(0.8), Winkler(0.8)])
def test_metrics_have_the_manners_of_river(metric: Any) -> None:
    assert isinstance(metric, Metric)
    assert math.isnan(metric.get())
    assert "nan" in repr(metric)
    clone = metric.clone()
    assert clone._get_params() == metric._get_params()
    pair = (0.5, (0.4, 0.6)) if not isinstance(metric, Skill) else (0.5, 0.4)
    used = metric.clone()
    for actual in (0.5, 0.7, 0.9, 1.0):
        used.update(actual, pair[1])
    assert math.isnan(clone.get())
    assert used.get() == pytest.approx(copy.deepcopy(used).get())
    saved = pickle.dumps(used)
    assert used.get() == pytest.approx(pickle.loads(saved).get())  # noqa: S301 - it is our own
    assert used.works_with(HouseholdForecaster())
    assert used.works_with(time_series.SNARIMAX(1, 0, 1))
    with pytest.raises(NotImplementedError, match="nothing can be taken back"):
        used.revert(*pair)


def test_skill_is_a_metric_of_regression() -> None:
    assert Skill().works_with(linear_model.LinearRegression())
    assert not Coverage().works_with(linear_model.LinearRegression())
    both = Skill() + metrics.MAE()
    for actual, forecast in [(1.0, 0.5), (2.0, 1.5), (1.0, 1.5)]:
        both.update(actual, forecast)
    assert both.get() == pytest.approx([0.75, 0.5])
    better, worse = Skill(), Skill()
    for actual, forecast in [(1.0, 0.5), (2.0, 1.9)]:
        better.update(actual, forecast)
        worse.update(actual, actual - 0.9)
    assert better > worse
    assert not better > Skill()
    rolling = utils.Rolling(Skill, window_size=1)
    rolling.update(1.0, 0.5)
    with pytest.raises(NotImplementedError):
        rolling.update(2.0, 1.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(POWERS, POWERS, POWERS), min_size=1, max_size=20))
def test_bands_of_every_prefix(rows: list[tuple[float, float, float]]) -> None:
    coverage, winkler = Coverage(), Winkler(0.8)
    inside, scores = [], []
    for actual, *ends in rows:
        low, high = sorted(ends)
        coverage.update(actual, (low, high))
        winkler.update(actual, (low, high))
        coverage.update(math.nan, (low, high))
        winkler.update(actual, (math.nan, high))
        inside.append(low <= actual <= high)
        outside = max(low - actual, actual - high, 0.0)
        scores.append(high - low + 2.0 / 0.2 * outside)
        assert coverage.get() == pytest.approx(np.mean(inside))
        assert winkler.get() == pytest.approx(np.mean(scores))
    assert coverage.bigger_is_better
    assert not winkler.bigger_is_better


@pytest.mark.parametrize(
    "make",
    [
        lambda: Skill(0),
        lambda: Skill(window=0),
        lambda: Coverage(1.0),
        lambda: Winkler(0.0),
    ],
)
def test_settings_out_of_their_range_are_refused(make: Any) -> None:
    with pytest.raises(UsageError):
        make()
