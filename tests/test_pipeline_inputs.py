"""Tests of the pipeline with a model that takes channels beside the power."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import ReadingError, StateError
from streamer.models.artefact import DenseWeights, LstmWeights, StackedLstm
from streamer.models.card import Card
from streamer.models.forecaster import NetworkForecaster
from streamer.models.inputs import Input
from streamer.models.lstm import NumpyNetwork
from streamer.pipeline import Pipeline
from streamer.readings import Reading, Step
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.testing import START, FixedForecaster
from tests.agreement import AGREEMENT_KW

WINDOW = 5
INPUTS = (
    Input("power", "kW", 1.0, 2.0),
    Input("reactive", "kvar", 0.1, 0.5),
    Input("voltage", "V", 240.0, 4.0, low=200.0),
)


def _forecaster(inputs: tuple[Input, ...] = INPUTS, window: int = WINDOW) -> NetworkForecaster:
    rng = np.random.default_rng(7)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0.0, 0.6, shape).astype(np.float32)

    count = max(1, len(inputs))
    layers = (
        LstmWeights(weights(count, 16), weights(4, 16), weights(16)),
        LstmWeights(weights(4, 12), weights(3, 12), weights(12)),
    )
    stack = StackedLstm(None, layers, DenseWeights(weights(3, 3), weights(3)))
    outputs = ("0.05", "mean", "0.95")
    card = Card("inputs", window, "change", outputs, shift_kw=1.0, inputs=inputs)
    return NetworkForecaster(card, NumpyNetwork(stack, threads=1))


FORECASTER = _forecaster()


def _readings(count: int, seed: int = 0, *, solar: bool = False) -> list[Reading]:
    rng = np.random.default_rng(seed)
    kw = rng.gamma(1.5, 0.6, count)
    channels = np.column_stack([rng.normal(0.1, 0.1, count), rng.normal(240.0, 3.0, count)])
    sun = rng.gamma(2.0, 0.5, count).tolist() if solar else [None] * count
    minutes = np.cumsum(rng.choice([1, 1, 1, 1, 1, 2, 30], count)).tolist()
    return [
        Reading(START + timedelta(minutes=minutes[row]), kw[row], sun[row], channels=tuple(values))
        for row, values in enumerate(channels.tolist())
    ]


def _numbers(steps: list[Step]) -> np.ndarray:
    """The forecasts of steps in kW, NaN for none."""
    rows = [
        [np.nan] * 6
        if each.forecast is None
        else [
            each.forecast.kw,
            each.forecast.frozen_kw,
            each.forecast.low_kw,
            each.forecast.high_kw,
            each.forecast.last_kw,
            each.scores.model.mse_kw2 or 0.0,
        ]
        for each in steps
    ]
    return np.array(rows)


def _agree(found: list[Step], expected: list[Step]) -> None:
    np.testing.assert_allclose(_numbers(found), _numbers(expected), rtol=0, atol=AGREEMENT_KW)
    assert [astuple(step.counts) for step in found] == [astuple(step.counts) for step in expected]
    assert [step.reading for step in found] == [step.reading for step in expected]


def _one_by_one(pipeline: Pipeline, readings: list[Reading]) -> list[Step]:
    return [pipeline.push(reading) for reading in readings]


@pytest.mark.parametrize("solar", [False, True])
def test_forecasts_are_those_of_the_windows_of_power_and_channels(solar: bool) -> None:
    readings = _readings(40, solar=solar)
    steps = _one_by_one(Pipeline(FORECASTER, adapt=False), readings)
    assert [step.forecast is None for step in steps] == [True] * 4 + [False] * 36
    for end in range(WINDOW, 41):
        window = [[each.consumption_kw, *each.channels] for each in readings[end - WINDOW : end]]
        answer = FORECASTER.forecast([window])
        forecast = steps[end - 1].forecast
        assert forecast is not None
        house = forecast.consumption_kw if solar else forecast.frozen_kw
        assert house == pytest.approx(answer.mean_kw[0], abs=AGREEMENT_KW)
        assert forecast.last_kw == readings[end - 1].kw


@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    gaps=st.sampled_from([GapRule(), GapRule("reset", 10)]),
    solar=st.booleans(),
    restart=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_blocks_equal_readings_one_by_one(
    seed: int, sizes: list[int], gaps: GapRule, solar: bool, restart: bool
) -> None:
    readings = _readings(sum(sizes), seed, solar=solar)
    expected = _one_by_one(Pipeline(FORECASTER, gaps=gaps), readings)
    many, blocks = Pipeline(FORECASTER, gaps=gaps), Pipeline(FORECASTER, gaps=gaps)
    steps: list[Step] = []
    start = 0
    for number, size in enumerate(sizes):
        part = readings[start : start + size]
        as_block = ReadingBlock.of(part)
        steps += many.push_many(as_block if number % 2 else part)
        last = blocks.push_block(as_block).last
        _agree([last], [expected[start + size - 1]])
        start += size
        if restart:
            state = json.loads(json.dumps(many.state()))
            many = Pipeline(FORECASTER, gaps=gaps)
            many.restore(state)
    _agree(steps, expected)


def test_a_restored_pipeline_continues_bit_by_bit() -> None:
    readings = _readings(60)
    whole = _one_by_one(Pipeline(FORECASTER), readings)
    first = Pipeline(FORECASTER)
    _one_by_one(first, readings[:33])
    second = Pipeline(FORECASTER)
    second.restore(json.loads(json.dumps(first.state())))
    again = _one_by_one(second, readings[33:])
    np.testing.assert_array_equal(_numbers(again), _numbers(whole[33:]))


def test_a_reading_without_the_channels_is_an_error_and_changes_nothing() -> None:
    pipeline = Pipeline(FORECASTER)
    readings = _readings(20)
    steps = _one_by_one(pipeline, readings[:10])
    wrong = replace(readings[10], channels=(0.1,))
    message = "has 1 channels; the model takes 2: reactive, voltage"
    with pytest.raises(ReadingError, match=message):
        pipeline.push(wrong)
    with pytest.raises(ReadingError, match=message):
        pipeline.push_many([readings[10], replace(readings[11], channels=(0.1,))])
    plain = ReadingBlock.of([replace(each, channels=()) for each in readings[10:]])
    with pytest.raises(ReadingError, match="has 0 channels; the model takes 2"):
        pipeline.push_block(plain)
    steps += _one_by_one(pipeline, readings[10:])
    _agree(steps, _one_by_one(Pipeline(FORECASTER), readings))


def test_a_model_of_the_power_alone_ignores_channels() -> None:
    readings = _readings(30)
    plain = [replace(each, channels=()) for each in readings]
    power = _forecaster(())
    expected = _one_by_one(Pipeline(power), plain)
    for found in (
        _one_by_one(Pipeline(power), readings),
        Pipeline(power).push_many(readings),
        Pipeline(power).push_many(ReadingBlock.of(readings)),
    ):
        np.testing.assert_allclose(_numbers(found), _numbers(expected), atol=AGREEMENT_KW)
    assert Pipeline(FixedForecaster(window=2)).push_many(readings)[-1].forecast is not None


def test_a_state_of_other_channels_is_an_error() -> None:
    state = Pipeline(FORECASTER).state()
    with pytest.raises(StateError, match="takes reactive, voltage beside the power"):
        Pipeline(_forecaster(())).restore(state)
    with pytest.raises(StateError, match="takes nothing beside the power, this one takes reactiv"):
        Pipeline(FORECASTER).restore(Pipeline(_forecaster(())).state())


def test_a_state_of_the_version_without_channels_is_restored() -> None:
    readings = [replace(each, channels=()) for each in _readings(30)]
    power = _forecaster(())
    pipeline = Pipeline(power)
    _one_by_one(pipeline, readings[:20])
    state = pipeline.state()
    del state["buffer_channels"]
    restored = Pipeline(power)
    restored.restore(state)
    found = _one_by_one(restored, readings[20:])
    np.testing.assert_array_equal(_numbers(found), _numbers(_one_by_one(pipeline, readings[20:])))


@pytest.mark.parametrize(
    "damage",
    [
        {"names": "reactive", "values": ""},
        {"names": ["reactive", "voltage"], "values": "AAAA"},
        {"names": ["reactive", "voltage"], "values": 3},
        {"names": ["reactive", "voltage"]},
        {"names": 7, "values": ""},
        "reactive",
        [1.0, 2.0],
    ],
)
def test_damaged_channels_of_a_state_are_an_error(damage: Any) -> None:
    pipeline = Pipeline(FORECASTER)
    _one_by_one(pipeline, _readings(10))
    state = {**pipeline.state(), "buffer_channels": damage}
    with pytest.raises(StateError):
        Pipeline(FORECASTER).restore(state)
