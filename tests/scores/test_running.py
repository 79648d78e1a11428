"""Tests of running scores on every prefix of a stream, against NumPy."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics

from streamer.readings import BandScores, ErrorScores, Scores
from streamer.scores.running import DAY, HOUR, RunningScores


def _settled(actual: Any, forecast: Any, last: Any) -> dict[str, Any]:
    """Forecasts, one or an array, with frozen forecasts and bands derived from them."""
    return {
        "actual_kw": actual,
        "forecast_kw": forecast,
        "last_kw": last,
        "frozen_kw": 0.5 * (forecast + last),
        "low_kw": forecast - 0.1,
        "high_kw": forecast + 0.2,
        "point_kw": 0.9 * forecast + 0.1 * last,
    }


def _run(actual: np.ndarray, forecast: np.ndarray, last: np.ndarray) -> list[Scores]:
    scores = RunningScores(adapted=True)
    return [
        scores.update(**_settled(*values))
        for values in zip(actual.tolist(), forecast.tolist(), last.tolist(), strict=True)
    ]


def _oracle(errors: np.ndarray, upto: int) -> tuple[float, ...]:
    so_far = errors[:upto]
    return (
        np.mean(so_far**2),
        np.mean(np.abs(so_far)),
        np.mean(so_far[-HOUR:] ** 2),
        np.mean(so_far[-DAY:] ** 2),
    )


def _values(errors: ErrorScores) -> tuple[float | None, ...]:
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
        assert scores.frozen is not None
        frozen = _oracle(actual - 0.5 * (forecast + last), upto)
        assert _values(scores.frozen) == pytest.approx(frozen, rel=1e-10, abs=1e-18)
        point = _oracle(actual - 0.9 * forecast - 0.1 * last, upto)
        assert astuple(scores.point) == pytest.approx(
            (point[1], point[0], persistence[1], persistence[0]), rel=1e-10, abs=1e-18
        )
        if persistence[0]:
            assert scores.skill == pytest.approx(1 - model[0] / persistence[0], rel=1e-9)


def test_every_prefix_of_the_bands_equals_numpy(sample_kw: np.ndarray) -> None:
    actual, forecast = sample_kw[1:3001], sample_kw[:3000]
    low, high = forecast - 0.1, forecast + 0.2
    inside = (low <= actual) & (actual <= high)
    outside = np.maximum(np.maximum(low - actual, actual - high), 0.0)
    width = high - low
    for upto, scores in enumerate(_run(actual, forecast, forecast), start=1):
        band = scores.band
        assert band.confidence == 0.9
        assert band.coverage == pytest.approx(inside[:upto].mean(), rel=1e-12)
        day = slice(max(0, upto - DAY), upto)
        assert band.day_coverage == pytest.approx(inside[day].mean(), rel=1e-12)
        assert band.width_kw == pytest.approx(width[:upto].mean(), rel=1e-12)
        assert band.day_width_kw == pytest.approx(width[day].mean(), rel=1e-12)
        winkler = (width + 20.0 * outside)[:upto].mean()
        assert band.winkler_kw == pytest.approx(winkler, rel=1e-10)


def test_huge_errors_give_finite_scores() -> None:
    huge = 1.7e308
    scores, block = RunningScores(adapted=True), RunningScores(adapted=True)
    values = dict.fromkeys(_settled(0.0, 0.0, 0.0), huge) | {"actual_kw": -huge}
    for _ in range(3):
        last = scores.update(**values)
    block.update_many(**{name: np.full(3, value) for name, value in values.items()})
    for found in (last, block.get()):
        assert found.frozen is not None
        for errors in (found.model, found.persistence, found.frozen):
            assert all(math.isfinite(value or 0.0) for value in _values(errors))
        assert all(map(math.isfinite, astuple(found.point)))
        assert math.isfinite(found.band.winkler_kw or math.nan)
        assert found.band.coverage == 0.0


def test_running_scores_equal_river_metrics(sample_kw: np.ndarray) -> None:
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


def test_persistence_has_a_skill_of_exactly_zero(sample_kw: np.ndarray) -> None:
    last = sample_kw[:-1]
    assert _run(sample_kw[1:], last, last)[-1].skill == 0.0


def test_scores_are_none_until_a_forecast_is_settled() -> None:
    scores = RunningScores().get()
    assert scores == Scores()
    assert scores.frozen is None
    assert RunningScores(adapted=True).get().frozen == ErrorScores()
    assert RunningScores(confidence=0.8).get().band == BandScores(0.8)
    assert scores.model.rmse_w is None
    assert scores.model.mae_w is None
    assert scores.skill is scores.hour_skill is scores.day_skill is None


def test_skill_is_undefined_if_the_reference_has_no_error() -> None:
    constant = np.ones(5)
    assert _run(constant, constant + 0.1, constant)[-1].skill is None


@given(
    st.lists(st.tuples(*[st.floats(-10, 10)] * 3), max_size=150), st.integers(0, 150), st.booleans()
)
def test_restored_scores_continue_bit_for_bit(
    settled: list[tuple[float, float, float]], at: int, adapted: bool
) -> None:
    at = min(at, len(settled))
    undisturbed = RunningScores(adapted=adapted)
    for values in settled[:at]:
        undisturbed.update(**_settled(*values))
    restored = RunningScores(adapted=adapted)
    restored.restore(json.loads(json.dumps(undisturbed.state())))
    assert restored.get() == undisturbed.get()
    for values in settled[at:]:
        assert restored.update(**_settled(*values)) == undisturbed.update(**_settled(*values))


def test_scores_of_a_block_equal_those_of_its_forecasts(sample_kw: np.ndarray) -> None:
    actual, last = sample_kw[1:6001], sample_kw[:6000]
    forecast = 0.9 * last + 0.05
    single, blocks = RunningScores(adapted=True), RunningScores(adapted=True)
    for start, end in pairwise([0, 1, 60, 61, 1500, 1500, 6000]):
        for values in zip(actual[start:end], forecast[start:end], last[start:end], strict=True):
            expected = single.update(**_settled(*map(float, values)))
        part = slice(start, end)
        arrays = (actual[part], forecast[part], last[part])
        blocks.update_many(**_settled(*arrays))
        found = blocks.get()
        assert found.settled == expected.settled
        assert found.frozen is not None
        assert expected.frozen is not None
        assert astuple(found.band) == pytest.approx(astuple(expected.band), rel=1e-12)
        assert found.band.day_coverage == expected.band.day_coverage
        assert found.band.day_width_kw == expected.band.day_width_kw
        assert astuple(found.point) == pytest.approx(astuple(expected.point), rel=1e-12)
        assert (found.lead is None) == (expected.lead is None)
        for mine, theirs in (
            (found.model, expected.model),
            (found.frozen, expected.frozen),
            (found.persistence, expected.persistence),
        ):
            assert mine.mse_kw2 == pytest.approx(theirs.mse_kw2, rel=1e-13)
            assert mine.mae_kw == pytest.approx(theirs.mae_kw, rel=1e-13)
            assert mine.hour_mse_kw2 == theirs.hour_mse_kw2
            assert mine.day_mse_kw2 == theirs.day_mse_kw2
