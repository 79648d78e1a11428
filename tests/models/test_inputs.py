"""Tests of models with several inputs: their cards, their scaling, and their forecasts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import ModelError, UsageError
from streamer.fleet.shard import Shard
from streamer.models import Answer, ChannelForecaster, channels_of, kernels, load_model, read_model
from streamer.models.artefact import read_keras, sha256_of
from streamer.models.card import Card, read_card
from streamer.models.compiled import CompiledNetwork
from streamer.models.forecaster import NetworkForecaster
from streamer.models.inputs import Input
from streamer.models.lstm import NumpyNetwork
from streamer.models.scaling import Scaling
from streamer.testing import FixedForecaster
from tests.agreement import AGREEMENT_KW

MakeFile = Callable[..., tuple[Any, Path]]
INPUTS = (
    Input("power", "kW", 1.25, 2.0),
    Input("reactive", "kvar", 0.125, 0.5, low=0.0, high=1.0),
    Input("voltage", "V", 240.0, 4.0, low=200.0),
    Input("current", "A", 4.5, 8.0),
    Input("sub_1", "kW", 0.0, 1.0),
    Input("sub_2", "kW", 0.0, 1.0),
    Input("sub_3", "kW", 0.5, 0.5, high=3.0),
)
CARD = Card(
    "seven", window=9, target="change", outputs=("0.05", "mean"), shift_kw=1.25, inputs=INPUTS
)
ENGINES: dict[str, Callable[..., Any]] = {
    "numpy": NumpyNetwork,
    **{name: partial(CompiledNetwork, kernel=name) for name in kernels.available()},
}


def _series(count: int, seed: int = 0) -> np.ndarray:
    """Readings (readings, inputs), some of them beyond the bounds of their input."""
    rng = np.random.default_rng(seed)
    shift = np.array([each.shift for each in INPUTS])
    scale = np.array([each.scale for each in INPUTS])
    return shift + scale * rng.normal(0.0, 1.5, (count, len(INPUTS)))


def _windows(series: np.ndarray) -> np.ndarray:
    return sliding_window_view(series, CARD.window, axis=0).transpose(0, 2, 1)


def _one_by_one(forecaster: NetworkForecaster, series: np.ndarray) -> list[Answer]:
    stream = forecaster.stream()
    answers = [stream.push(kw, channels) for kw, *channels in series.tolist()]
    return [answer for answer in answers if answer is not None]


def _agrees(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=AGREEMENT_KW)


@pytest.mark.parametrize("engine", ENGINES)
def test_seven_inputs_agree_with_keras(make_keras_file: MakeFile, engine: str) -> None:
    model, path = make_keras_file(50, 100, inputs=7, outputs=2)
    forecaster = NetworkForecaster(CARD, ENGINES[engine](read_keras(path)))
    series = _series(150)
    bounded = np.clip(
        series,
        [-np.inf, 0.0, 200.0, -np.inf, -np.inf, -np.inf, -np.inf],
        [np.inf, 1.0, np.inf, np.inf, np.inf, np.inf, 3.0],
    )
    scaled = (bounded - [each.shift for each in INPUTS]) / [each.scale for each in INPUTS]
    outputs = model(_windows(scaled).astype(np.float32)).numpy().astype(np.float64)
    kw = outputs + _windows(series)[:, -1, :1]
    block = forecaster.forecast(_windows(series))
    _agrees(block.mean_kw, kw[:, 1])
    _agrees(block.quantiles_kw[:, 0], kw[:, 0])
    rolled = _one_by_one(forecaster, series)
    _agrees([answer.mean_kw[0] for answer in rolled], kw[:, 1])
    _agrees([answer.hidden[0] for answer in rolled], block.hidden)
    parts = list(forecaster.forecast_parts(_windows(series)))
    _agrees(np.concatenate([part.mean_kw for part in parts]), block.mean_kw)


def test_the_tensorflow_engine_takes_seven_inputs(make_keras_file: MakeFile) -> None:
    from streamer.models.keras import KerasNetwork

    _, path = make_keras_file(4, inputs=7, outputs=2)
    weights = read_keras(path)
    reference = NetworkForecaster(CARD, KerasNetwork(weights, timesteps=CARD.window))
    series = _series(30)
    expected = NetworkForecaster(CARD, NumpyNetwork(weights)).forecast(_windows(series))
    _agrees(reference.forecast(_windows(series)).mean_kw, expected.mean_kw)
    rolled = _one_by_one(reference, series)
    _agrees([answer.mean_kw[0] for answer in rolled], expected.mean_kw)


@given(
    values=st.lists(st.floats(allow_nan=False), min_size=7, max_size=7),
    power=st.sampled_from(INPUTS),
)
@settings(max_examples=60)
def test_one_reading_is_scaled_as_a_block_is(values: list[float], power: Input) -> None:
    scaling = Scaling([power, *INPUTS[1:]])
    one = scaling.one(values)
    out = np.empty((7, 1), np.float32)
    for place, value in enumerate(values):
        with np.errstate(over="ignore"):
            scaling.convert(place, np.array([value]), out=out[place])
    assert one.tobytes() == out.tobytes()
    assert (np.abs(one) <= 1e6).all()


def test_a_scaled_power_alone_is_scaled_everywhere(make_keras_file: MakeFile) -> None:
    model, path = make_keras_file(4)
    card = Card("scaled", window=9, shift_kw=1.25, target="change", inputs=INPUTS[:1])
    forecaster = NetworkForecaster(card, NumpyNetwork(read_keras(path)))
    kw = _series(40)[:, 0]
    windows = sliding_window_view(kw, 9)
    expected = model(((windows - 1.25) / 2.0).astype(np.float32)[..., None]).numpy()[:, 0]
    _agrees(forecaster.forecast(windows).mean_kw, expected + windows[:, -1])
    stream = forecaster.stream()
    rolled = [answer.mean_kw[0] for value in kw.tolist() if (answer := stream.push(value))]
    _agrees(rolled, expected + windows[:, -1])
    inputs = np.empty((9, 32), np.float32)
    forecaster.to_inputs(windows.T, out=inputs)
    _agrees(forecaster.forecast_inputs(inputs.T, windows[:, -1]).mean_kw, rolled)


def test_windows_without_the_channels_are_an_error(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    forecaster = NetworkForecaster(CARD, NumpyNetwork(read_keras(path)))
    with pytest.raises(ModelError, match=r"inputs power \(kW\), reactive \(kvar\), voltage \(V\)"):
        forecaster.forecast(_series(9)[None, :, 0])
    with pytest.raises(ModelError, match="NaN"):
        forecaster.stream().push(0.5, [0.1, 240.0, np.nan, 0.0, 0.0, 0.0])
    windows = _windows(_series(20)).copy()
    windows[3, 2, 4] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        forecaster.forecast(windows)


def test_a_fleet_refuses_a_model_with_channels(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    with pytest.raises(UsageError, match="takes the channels reactive, voltage, current, sub_1"):
        Shard(NetworkForecaster(CARD, NumpyNetwork(read_keras(path))))


def test_only_some_forecasters_take_channels() -> None:
    assert channels_of(FixedForecaster()) == ()
    assert channels_of(load_model()) == ()
    assert isinstance(load_model(), ChannelForecaster)


def _saved(path: Path, **changes: Any) -> Path:
    """The card of a `.keras` file of seven inputs, beside it, with some entries changed."""
    target = path.with_name("model.keras")
    path.rename(target)
    card = json.loads(replace(CARD, sha256=sha256_of(target)).to_json())
    target.with_name("card.json").write_text(json.dumps({**card, **changes}))
    return target


def test_a_card_keeps_its_inputs(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    card, weights = read_model(_saved(path))
    assert card.inputs == INPUTS
    assert card.channels == ("reactive", "voltage", "current", "sub_1", "sub_2", "sub_3")
    assert weights.sizes[0] == 7
    assert load_model(path.parent).channels == card.channels


def test_a_card_without_inputs_has_no_such_entry() -> None:
    assert "inputs" not in json.loads(Card("plain").to_json())


def _entries(**changes: Any) -> list[dict[str, Any]]:
    first, second, *rest = (each.entry() for each in INPUTS)
    return [first, {**second, **changes}, *rest]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("power", "'inputs' is 'power'; give a list of at most 64 objects"),
        ([], "'inputs' is []; the first must be 'power' in 'kW'"),
        (_entries()[1:], "the first must be 'power' in 'kW'"),
        (_entries(name="power"), "give each input a name of its own"),
        (_entries(name="Reactive power"), "inputs[1]: 'name' is 'Reactive power'; give small"),
        (_entries(name="solar"), "and neither of solar and battery"),
        (_entries(unit=None), "inputs[1]: 'unit' is None; give a text"),
        (_entries(shift="0"), "inputs[1]: 'shift' is '0'; give a number"),
        (_entries(scale=0.0), "inputs[1]: 'scale' is 0.0; give a number from 1e-09"),
        (_entries(low=1.0), "inputs[1]: 'high' is 1.0; it must be above low, which is 1"),
        (_entries(high=1e9), "inputs[1]: 'high' is 1000000000.0; give a number"),
    ],
)
def test_wrong_inputs_of_a_card_are_an_error(
    make_keras_file: MakeFile, inputs: object, message: str
) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    _saved(path, inputs=inputs)
    with pytest.raises(ModelError, match=re.escape(message)):
        read_card(path.with_name("card.json"))


def test_a_card_with_another_shift_than_its_first_input_is_an_error(
    make_keras_file: MakeFile,
) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    _saved(path, shift_kw=1.5)
    with pytest.raises(ModelError, match=r"'shift_kw' is 1\.5; the input 'power' has a shift"):
        read_card(path.with_name("card.json"))


def test_a_card_must_name_all_inputs(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(3, inputs=7, outputs=2)
    with pytest.raises(ModelError, match=r"7 inputs, and no card\.json beside it"):
        read_model(path)
    path = _saved(path, inputs=_entries()[:6])
    with pytest.raises(ModelError, match="7 inputs, but its card names 6"):
        read_model(path)
    path = _saved(path, inputs=None)
    with pytest.raises(ModelError, match="7 inputs, but its card names no"):
        read_model(path)
