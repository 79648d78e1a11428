"""Every prefix of a stream, against NumPy over the whole of it."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics

from streamer.readings import Errors, Scores
from streamer.scores import DAY, HOUR, RollingMean, RunningScores


def _run(actual: np.ndarray, forecast: np.ndarray, last: np.ndarray) -> list[Scores]:
    scores = RunningScores()
    return [
        scores.update(actual_kw=a, forecast_kw=f, last_kw=p)
        for a, f, p in zip(actual.tolist(), forecast.tolist(), last.tolist(), strict=True)
    ]


def _oracle(errors: np.ndarray, upto: int) -> tuple[float, ...]:
    so_far = errors[:upto]
    return (
        np.mean(so_far**2),
        np.mean(np.abs(so_far)),
        np.mean(so_far[-HOUR:] ** 2),
        np.mean(so_far[-DAY:] ** 2),
    )


def _values(errors: Errors) -> tuple[float | None, ...]:
    return errors.mse_kw2, errors.mae_kw, errors.hour_mse_kw2, errors.day_mse_kw2


def test_every_prefix_of_real_data_equals_numpy(sample_kw: np.ndarray) -> None:
    kw = sample_kw[:3200]
    actual, last = kw[2:], kw[1:-1]
    forecast = 2 * kw[1:-1] - kw[:-2]
    steps = _run(actual, forecast, last)
    for upto, scores in enumerate(steps, start=1):
        assert scores.settled == upto
        model = _oracle(actual - forecast, upto)
        persistence = _oracle(actual - last, upto)
        assert _values(scores.model) == pytest.approx(model, rel=1e-10, abs=1e-18)
        assert _values(scores.persistence) == pytest.approx(persistence, rel=1e-10, abs=1e-18)
        if persistence[0]:
            assert scores.skill == pytest.approx(1 - model[0] / persistence[0], rel=1e-9)


def test_running_scores_are_those_of_river_metrics(sample_kw: np.ndarray) -> None:
    actual, forecast = sample_kw[1:500], sample_kw[:499] * 0.9
    mse, rmse, mae = metrics.MSE(), metrics.RMSE(), metrics.MAE()
    for a, f, scores in zip(
        actual.tolist(), forecast.tolist(), _run(actual, forecast, forecast), strict=True
    ):
        for metric in (mse, rmse, mae):
            metric.update(a, f)
        assert scores.model.mse_kw2 == pytest.approx(mse.get(), rel=1e-12)
        assert scores.model.rmse_w == pytest.approx(1000 * rmse.get(), rel=1e-12)
        assert scores.model.mae_w == pytest.approx(1000 * mae.get(), rel=1e-12)


def test_a_persistence_forecast_has_a_skill_of_exactly_zero(sample_kw: np.ndarray) -> None:
    last = sample_kw[:-1]
    assert _run(sample_kw[1:], last, last)[-1].skill == 0.0


def test_nothing_is_said_until_something_is_settled() -> None:
    scores = RunningScores().get()
    assert scores == Scores()
    assert scores.model.rmse_w is None
    assert scores.model.mae_w is None
    assert scores.skill is scores.hour_skill is scores.day_skill is None


def test_skill_is_undefined_beside_a_reference_without_error() -> None:
    constant = np.ones(5)
    assert _run(constant, constant + 0.1, constant)[-1].skill is None


@given(st.integers(1, 40), st.lists(st.floats(0, 1e6), max_size=200))
def test_rolling_mean_is_the_mean_of_the_last(size: int, values: list[float]) -> None:
    mean = RollingMean(size)
    assert mean.get() is None
    for upto, value in enumerate(values, start=1):
        latest = mean.update(value)
        window = values[max(0, upto - size) : upto]
        assert mean.values() == window
        assert latest == mean.get() == pytest.approx(math.fsum(window) / len(window), rel=1e-12)


@given(
    size=st.integers(1, 12),
    values=st.lists(st.floats(0, 1e6), max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
def test_many_values_leave_the_window_that_one_by_one_leaves(
    size: int, values: list[float], cuts: list[int]
) -> None:
    single, many = RollingMean(size), RollingMean(size)
    edges = sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})
    for start, end in pairwise(edges):
        for value in values[start:end]:
            single.update(value)
        many.update_many(np.array(values[start:end]))
        assert many.state() == single.state()
        assert (many.get(), len(many)) == (single.get(), len(single))
    assert many.update(1.0) == single.update(1.0)


def test_rolling_mean_forgets_a_huge_value_wholly() -> None:
    mean = RollingMean(3)
    for value in (1e300, 0.1, 0.2, 0.3):
        mean.update(value)
    assert mean.get() == pytest.approx(0.2, rel=1e-15)


def test_rolling_mean_does_not_drift() -> None:
    mean = RollingMean(60)
    values = np.random.default_rng(0).exponential(size=200_000) ** 4
    for value in values.tolist():
        mean.update(value)
    assert mean.get() == pytest.approx(values[-60:].mean(), rel=1e-13)


def test_rolling_mean_needs_room() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        RollingMean(0)


@given(st.lists(st.tuples(*[st.floats(-10, 10)] * 3), max_size=150), st.integers(0, 150))
def test_restored_scores_go_on_bit_for_bit(
    settled: list[tuple[float, float, float]], at: int
) -> None:
    at = min(at, len(settled))
    undisturbed = RunningScores()
    for actual, forecast, last in settled[:at]:
        undisturbed.update(actual_kw=actual, forecast_kw=forecast, last_kw=last)
    restored = RunningScores()
    restored.restore(json.loads(json.dumps(undisturbed.state())))
    assert restored.get() == undisturbed.get()
    for actual, forecast, last in settled[at:]:
        values = {"actual_kw": actual, "forecast_kw": forecast, "last_kw": last}
        assert restored.update(**values) == undisturbed.update(**values)


def test_scores_of_a_block_are_those_of_its_forecasts(sample_kw: np.ndarray) -> None:
    actual, last = sample_kw[1:6001], sample_kw[:6000]
    forecast = 0.9 * last + 0.05
    single, blocks = RunningScores(), RunningScores()
    for start, end in pairwise([0, 1, 60, 61, 1500, 1500, 6000]):
        for values in zip(actual[start:end], forecast[start:end], last[start:end], strict=True):
            expected = single.update(
                actual_kw=float(values[0]), forecast_kw=float(values[1]), last_kw=float(values[2])
            )
        part = slice(start, end)
        blocks.update_many(actual_kw=actual[part], forecast_kw=forecast[part], last_kw=last[part])
        found = blocks.get()
        assert found.settled == expected.settled
        for mine, theirs in (
            (found.model, expected.model),
            (found.persistence, expected.persistence),
        ):
            assert mine.mse_kw2 == pytest.approx(theirs.mse_kw2, rel=1e-13)
            assert mine.mae_kw == pytest.approx(theirs.mae_kw, rel=1e-13)
            assert mine.hour_mse_kw2 == theirs.hour_mse_kw2
            assert mine.day_mse_kw2 == theirs.day_mse_kw2
