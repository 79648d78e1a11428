"""Tests of the forecaster for river: its values are those of a pipeline, its manners river's."""

from __future__ import annotations

import copy
import math
import pickle
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from river import evaluate, metrics, time_series

from streamer import Pipeline, Reading, load_model, open_replay
from streamer.errors import ReadingError, UsageError
from streamer.river import Coverage, HouseholdForecaster, Skill, Winkler
from streamer.river.live import minutes_ahead
from streamer.sample import sample_path
from tests.models.several import write_model


@pytest.fixture(scope="module")
def sample() -> list[Reading]:
    found: list[Reading] = []
    with closing(open_replay(sample_path(), limit=180)) as source:
        while items := source.read():
            found += [item for item in items if isinstance(item, Reading)]
    return found


def _learn(model: HouseholdForecaster, readings: list[Reading]) -> None:
    for reading in readings:
        model.learn_one(reading.kw, {"at": reading.at})


@pytest.mark.parametrize("arguments", [{}, {"model": "homes", "adapt": False, "confidence": 0.8}])
def test_it_passes_the_checks_of_river(arguments: dict[str, Any]) -> None:
    pytest.importorskip("sklearn")
    from river import checks

    model = HouseholdForecaster(**arguments)
    names = {check.__name__ for check in checks.yield_checks(model)}
    assert {"check_forecast", "check_learn_one", "check_pickling_supports_roundtrip"} <= names
    assert not model._unit_test_skips()
    checks.check_estimator(model)


def test_forecasts_are_those_of_the_pipeline(sample: list[Reading]) -> None:
    model, pipeline = HouseholdForecaster(time="at"), Pipeline(load_model())
    assert all(map(math.isnan, model.forecast(3)))
    assert all(map(math.isnan, model.band))
    for reading in sample:
        _learn(model, [reading])
        step = pipeline.push(reading)
        assert model.step == step
        if step.forecast is None:
            assert model.forecast(60) == [reading.kw] * 60
            assert all(map(math.isnan, model.band))
            continue
        assert model.forecast(1) == [step.forecast.kw]
        assert model.band == (step.forecast.low_kw, step.forecast.high_kw)
    ahead = np.array(model.forecast(60))
    assert step.next_means is not None
    for mean in step.next_means:
        assert ahead[: mean.minutes].mean() == pytest.approx(mean.kw, abs=1e-9)
    assert len({*ahead[15:30]}) == len({*ahead[30:]}) == 1
    assert len({*ahead[:16]}) == 16
    assert model.forecast(7) == ahead[:7].tolist()


def test_times_are_a_minute_apart_if_none_are_given(sample: list[Reading]) -> None:
    model, pipeline = HouseholdForecaster(), Pipeline(load_model())
    for minute, reading in enumerate(sample[:60]):
        model.learn_one(reading.kw)
        step = pipeline.push(Reading(datetime(2000, 1, 1) + timedelta(minutes=minute), reading.kw))
    assert model.step == step


def _pickled(model: HouseholdForecaster) -> Any:
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - it is our own


@pytest.mark.parametrize("copied", [copy.deepcopy, _pickled])
@pytest.mark.parametrize("split", [0, 20, 120])
def test_a_copy_continues(sample: list[Reading], copied: Any, split: int) -> None:
    model = HouseholdForecaster(time="at", adapt=True)
    _learn(model, sample[:split])
    other = copied(model)
    np.testing.assert_array_equal(other.forecast(60), model.forecast(60))
    np.testing.assert_array_equal(other.band, model.band)
    assert other.step is None
    again = copied(other)
    np.testing.assert_array_equal(again.forecast(60), model.forecast(60))
    _learn(model, sample[split:])
    _learn(other, sample[split:])
    assert other.step == model.step
    assert other.forecast(60) == model.forecast(60)


def test_a_clone_has_learnt_nothing_and_shares_nothing(sample: list[Reading]) -> None:
    model = HouseholdForecaster("homes", confidence=0.8, time="at")
    _learn(model, sample[:60])
    clone = model.clone()
    assert clone._get_params() == model._get_params()
    assert clone.step is None
    whole = model.clone(include_attributes=True)
    assert whole.forecast(60) == model.forecast(60)
    _learn(model, sample[60:70])
    assert clone.step is None
    assert whole.forecast(60) != model.forecast(60)


def test_features_of_a_reading_are_taken_by_name(sample: list[Reading]) -> None:
    model = HouseholdForecaster("sceaux-channels", time="at", solar="pv", battery="store")
    pipeline = Pipeline(load_model("sceaux-channels"))
    names = load_model("sceaux-channels").channels
    for reading in sample[:60]:
        values = [0.1, 240.0, 1.5, 0.0, 0.0, 0.3]
        given = dict(zip(names, values, strict=True)) | {"pv": 0.5, "store": -0.2, "moon": "full"}
        model.learn_one(reading.kw, {**given, "at": reading.at})
        step = pipeline.push(Reading(reading.at, reading.kw, 0.5, -0.2, tuple(values)))
    assert model.step == step
    del given["current"]
    with pytest.raises(UsageError, match="x has no 'current', which the model takes beside"):
        model.learn_one(0.3, {**given, "at": datetime(2011, 1, 1)})


@pytest.mark.parametrize(
    ("y", "x", "error", "message"),
    [
        (0.3, {}, UsageError, "x has no 'at', the time of the reading"),
        (0.3, None, UsageError, "x has no 'at', the time of the reading"),
        (0.3, {"at": 7}, UsageError, "at is 7; give a datetime"),
        (0.3, {"at": datetime(2010, 1, 1)}, ReadingError, "does not come after"),
        (0.3, {"at": datetime(2011, 1, 1, tzinfo=UTC)}, ReadingError, "cannot be compared"),
        (math.nan, {"at": datetime(2011, 1, 1)}, ReadingError, "not a finite number"),
        ("0.3", {"at": datetime(2011, 1, 1)}, ReadingError, "give a number of kW"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    y: Any, x: Any, error: type[Exception], message: str, sample: list[Reading]
) -> None:
    model = HouseholdForecaster(time="at")
    _learn(model, sample[:50])
    before = model.step
    with pytest.raises(error, match=message):
        model.learn_one(y, x)
    assert model.step is before


def test_a_feature_that_is_no_number_is_refused() -> None:
    model = HouseholdForecaster(solar="pv")
    with pytest.raises(ReadingError, match="pv is 'much'; give a number"):
        model.learn_one(0.3, {"pv": "much"})


@pytest.mark.parametrize("horizon", [0, 61, -1, 1.0, True, "3"])
def test_other_horizons_are_refused(horizon: Any) -> None:
    with pytest.raises(UsageError, match=r"give 1 to 60, the minutes that model 'sceaux' forec"):
        HouseholdForecaster().forecast(horizon)


def test_a_model_without_horizons_forecasts_the_next_minute_alone(tmp_path: Any) -> None:
    folder = write_model(tmp_path / "plain", load_model("sceaux-channels").card.inputs[:1])
    model = HouseholdForecaster(str(folder))
    for _ in range(50):
        model.learn_one(0.3)
    assert model.step is not None
    assert model.step.forecast is not None
    assert model.forecast(1) == [model.step.forecast.kw] == minutes_ahead(model.step)
    with pytest.raises(UsageError, match="give 1 to 1"):
        model.forecast(2)


def test_settings_that_are_wrong_are_refused() -> None:
    with pytest.raises(UsageError, match="no model 'nobody'"):
        HouseholdForecaster("nobody")
    with pytest.raises(UsageError, match=r"1\.5"):
        HouseholdForecaster(confidence=1.5).learn_one(0.3)


class Persistence(time_series.base.Forecaster):
    """The last value, which it has learnt."""

    def __init__(self) -> None:
        self.last = math.nan

    def learn_one(self, y: float, x: Any = None) -> None:
        self.last = y

    def forecast(self, horizon: int, xs: Any = None) -> list[float]:
        return [self.last] * horizon


def test_it_runs_in_the_evaluation_of_river(sample: list[Reading]) -> None:
    data = [({"at": reading.at}, reading.kw) for reading in sample]
    found = evaluate.evaluate(data, HouseholdForecaster(time="at"), metrics.MSE(), horizon=3)
    # River has the present value learnt after the forecast, so that the first of a horizon is
    # what comes two values after the last one that the model knows.
    pipeline = Pipeline(load_model())
    errors: list[list[float]] = [[], [], []]
    for place, reading in enumerate(sample[: -3 - 1]):
        step = pipeline.push(reading)
        ahead = minutes_ahead(step) or [reading.kw] * 3
        if place >= 2:
            for each in range(3):
                errors[each].append((sample[place + 2 + each].kw - ahead[each]) ** 2)
    assert found.get() == pytest.approx([float(np.mean(each)) for each in errors], abs=1e-9)
    kw = np.array([reading.kw for reading in sample])
    persistence = evaluate.evaluate(data, Persistence(), metrics.MSE(), horizon=1).get()
    assert persistence == pytest.approx([float(np.square(kw[2:] - kw[:-2]).mean())])
    skill = evaluate.evaluate(data, HouseholdForecaster(time="at"), Skill(lag=2), horizon=1)
    assert skill.get()[0] == pytest.approx(_skill_of_two(sample), abs=1e-9)


def _skill_of_two(sample: list[Reading]) -> float:
    """1 − MSE / MSE of persistence where the value after next is forecast by the next."""
    pipeline = Pipeline(load_model())
    errors = []
    for place, reading in enumerate(sample[:-2]):
        step = pipeline.push(reading)
        actual = sample[place + 2].kw
        forecast = reading.kw if step.forecast is None else step.forecast.kw
        errors.append((actual - forecast, actual - reading.kw))
    # The first two values have none before them that the metric has seen.
    model, persistence = np.square(errors[2:]).mean(axis=0)
    return float(1.0 - model / persistence)


def test_scores_are_those_of_the_pipeline(sample: list[Reading]) -> None:
    model, skill, coverage, winkler = (
        HouseholdForecaster(time="at"),
        Skill(),
        Coverage(),
        Winkler(),
    )
    for reading in sample:
        known = model.step is not None and model.step.forecast is not None
        skill.update(reading.kw, model.forecast(1)[0] if known else math.nan)
        coverage.update(reading.kw, model.band)
        winkler.update(reading.kw, model.band)
        _learn(model, [reading])
    assert model.step is not None
    scores = model.step.scores
    assert skill.get() == pytest.approx(scores.skill, abs=1e-12)
    assert coverage.get() == pytest.approx(scores.band.coverage)
    assert winkler.get() == pytest.approx(scores.band.winkler_kw)
