"""Tests of exported models: ONNX Runtime gives what the NumPy engine does, to 1e-5 kW."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from streamer.errors import MissingExtraError, UsageError
from streamer.models import load_model, shipped_models
from streamer.models.adapters.registry import make_forecaster
from streamer.models.artefact import DenseWeights, LstmWeights, StackedLstm
from streamer.models.card import CHANGE, LEVEL, Card
from streamer.models.forecaster import NetworkForecaster
from streamer.models.horizons import HorizonHead
from streamer.models.inputs import Input
from streamer.models.lstm import NumpyNetwork
from streamer.models.onnx import Exported, export_onnx
from streamer.models.onnx.export import export_source
from streamer.models.onnx.parts import Source
from streamer.models.onnx.trial import run_trial
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.layout import ChannelRequest
from streamer.testing import readings
from tests.models import heads

Arrays = dict[str, NDArray[Any]]

TOLERANCE_KW = 1e-5


class Session:
    """An exported model in ONNX Runtime."""

    def __init__(self, exported: Exported) -> None:
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(exported.content, providers=providers)
        self.shapes = {each.name: each.shape for each in self._session.get_inputs()}
        self.outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, given: Arrays) -> Arrays:
        return dict(zip(self.outputs, self._session.run(None, given), strict=True))

    def state(self, streams: int) -> Arrays:
        """That of the beginning."""
        return {
            name: np.zeros([streams, *shape[1:]], np.int64 if name == "seen" else np.float32)
            for name, shape in self.shapes.items()
            if name not in ("reading", "features")
        }

    def steps(self, readings: NDArray[Any], features: NDArray[Any] | None = None) -> list[Arrays]:
        """Outputs at each of (readings, streams, inputs)."""
        state, found = self.state(readings.shape[1]), []
        for row, reading in enumerate(readings):
            extra = {} if features is None else {"features": features[row]}
            outputs = self({"reading": reading.astype(np.float32), **state, **extra})
            state = {name: outputs[f"next_{name}"] for name in state}
            found.append(outputs)
        return found


def _sample(name: str, count: int) -> NDArray[np.float64]:
    """(readings, inputs) of the sample, as a shipped model takes them."""
    inputs = load_model(name).card.inputs[1:]
    requests = [ChannelRequest(each.name, each.unit) for each in inputs]
    rows = []
    with closing(open_replay(sample_path(), limit=count, channels=requests)) as source:
        while items := source.read():
            rows += [(item.kw, *item.channels) for item in items if isinstance(item, Reading)]
    return np.array(rows)


def _windows(readings: NDArray[Any], length: int) -> NDArray[Any]:
    return sliding_window_view(readings, length, axis=0).transpose(0, 2, 1)


@pytest.mark.parametrize("name", shipped_models())
def test_windows_of_shipped_models_are_forecast(name: str) -> None:
    session = Session(export_onnx(name))
    windows = _windows(_sample(name, 400), 49)
    expected = load_model(name, engine="numpy").forecast(windows)
    for count in (1, 7, len(windows)):
        found = session({"readings": windows[:count].astype(np.float32)})
        assert set(found) == {"mean_kw", "quantiles_kw"}
        for key, values in (("mean_kw", expected.mean_kw), ("quantiles_kw", expected.quantiles_kw)):
            assert found[key].dtype == np.float32
            np.testing.assert_allclose(found[key], values[:count], rtol=0, atol=TOLERANCE_KW)


@pytest.mark.parametrize("name", shipped_models())
def test_streams_of_shipped_models_are_forecast(name: str) -> None:
    session = Session(export_onnx(name, step=True))
    sample = _sample(name, 300)
    streams = np.stack([sample[:150], sample[150:]], axis=1)
    found = session.steps(streams)
    model = load_model(name, engine="numpy")
    for stream in range(2):
        rolling = model.stream()
        for reading, outputs in zip(streams[:, stream], found, strict=True):
            answer = rolling.push(reading[0], tuple(reading[1:]))
            mean, quantiles = outputs["mean_kw"][stream], outputs["quantiles_kw"][stream]
            if answer is None:
                assert np.isnan([mean, *quantiles]).all()
                continue
            assert mean == pytest.approx(answer.mean_kw[0], abs=TOLERANCE_KW, rel=0)
            np.testing.assert_allclose(quantiles, answer.quantiles_kw[0], rtol=0, atol=TOLERANCE_KW)
    assert [outputs["next_seen"].tolist() for outputs in found[47:49]] == [[48, 48], [49, 49]]
    assert found[-1]["next_seen"].tolist() == [49, 49]


@pytest.mark.parametrize("step", [False, True])
def test_horizons_of_shipped_models_are_forecast(step: bool) -> None:
    exported = export_onnx("sceaux", step=step, horizons=True)
    session = Session(exported)
    readings = _sample("sceaux", 80)
    windows = _windows(readings, 49)
    model = load_model("sceaux", engine="numpy")
    assert model.horizons is not None
    features = np.random.default_rng(1).normal(0.0, 1.0, (80, 35)).astype(np.float32)
    assert features.shape[1] == len(exported.source.features)
    answer = model.forecast(windows)
    expected = model.horizons.many(answer.hidden, features[48:], readings[48:, 0])
    if step:
        outputs = session.steps(readings[:, None], features[:, None])
        assert all(np.isnan(each["means_kw"]).all() for each in outputs[:48])
        found = np.concatenate([each["means_kw"] for each in outputs[48:]])
    else:
        given = {"readings": windows.astype(np.float32), "features": features[48:]}
        found = session(given)["means_kw"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE_KW)


def _random(
    seed: int, inputs: int, units: Sequence[int], outputs: tuple[str, ...], target: str, window: int
) -> Source:
    """A card and random weights."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0.0, 0.4, shape).astype(np.float32)

    layers, below = [], inputs
    for own in units:
        layers.append(LstmWeights(weights(below, 4 * own), weights(own, 4 * own), weights(4 * own)))
        below = own
    head = DenseWeights(weights(below, len(outputs)), weights(len(outputs)))
    named = tuple(
        Input(
            f"channel_{each}" if each else "power", "kW", 0.3 * each, 0.5 + each, -0.5, 1.0 + each
        )
        for each in range(inputs)
    )
    card = Card("random", window, target, outputs, named[0].shift, named if inputs > 1 else ())
    return Source(card, StackedLstm(window, tuple(layers), head))


def _expected(source: Source, windows: NDArray[Any]) -> Any:
    return NetworkForecaster(source.card, NumpyNetwork(source.weights)).forecast(windows)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    inputs=st.integers(1, 4),
    units=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    outputs=st.sampled_from([("mean",), ("0.5", "mean"), ("0.9", "0.1", "mean", "0.5")]),
    target=st.sampled_from([LEVEL, CHANGE]),
    window=st.integers(2, 6),
)
def test_random_models_are_forecast(
    seed: int, inputs: int, units: list[int], outputs: tuple[str, ...], target: str, window: int
) -> None:
    source = _random(seed, inputs, units, outputs, target, window)
    # Some of them beyond the bounds of the inputs.
    readings = np.random.default_rng(seed).normal(0.5, 2.0, (12, inputs))
    expected = _expected(source, _windows(readings, window))
    found = Session(export_source(source))(
        {"readings": _windows(readings, window).astype(np.float32)}
    )
    steps = Session(export_source(source, step=True)).steps(readings[:, None])[window - 1 :]
    for key, values in (("mean_kw", expected.mean_kw), ("quantiles_kw", expected.quantiles_kw)):
        if values.size == 0:
            assert key not in found
            continue
        np.testing.assert_allclose(found[key], values, rtol=0, atol=TOLERANCE_KW)
        one_by_one = np.concatenate([each[key] for each in steps])
        np.testing.assert_allclose(one_by_one, values, rtol=0, atol=TOLERANCE_KW)


@pytest.mark.parametrize("names", [(), ("recent_5", "last"), ("last", "sin_1", "recent_60")])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_random_heads_are_forecast(names: tuple[str, ...], hidden: tuple[int, ...]) -> None:
    from streamer.models.features import FEATURES

    source = _random(1, 1, [3], ("mean",), CHANGE, 4)
    order = ("0.95", "mean", "0.05", "0.5")
    card = heads.card((2, 30), features=names, outputs=order)
    network = heads.network(3 + len(names), *hidden, outputs=8)
    source = replace(source, card=replace(source.card, horizons=card), head=network)
    rng = np.random.default_rng(2)
    windows, features = rng.normal(0.4, 1.0, (6, 4, 1)), rng.normal(size=(6, len(FEATURES)))
    features = features.astype(np.float32)
    answer = _expected(source, windows)
    head = HorizonHead(card, network, units=3)
    expected = head.many(answer.hidden, features, windows[:, -1, 0])
    given = {"readings": windows.astype(np.float32)}
    if names:
        given["features"] = features[:, [FEATURES.index(name) for name in names]]
    session = Session(export_source(source))
    assert set(session.shapes) == set(given)
    np.testing.assert_allclose(session(given)["means_kw"], expected, rtol=0, atol=TOLERANCE_KW)


def test_a_stream_begins_anew_with_a_state_of_zeros() -> None:
    session = Session(export_source(_random(1, 1, [3], ("mean",), CHANGE, 3), step=True))
    readings = np.arange(8.0)[:, None, None]
    first, again = session.steps(readings[:4]), session.steps(readings[:4])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one["mean_kw"], other["mean_kw"])
    state = session.state(2)
    for name in state:
        state[name][0] = first[-1][f"next_{name}"][0]
    outputs = session({"reading": np.array([[4.0], [4.0]], np.float32), **state})
    assert np.isnan(outputs["mean_kw"]).tolist() == [False, True]
    assert outputs["next_seen"].tolist() == [3, 1]


@pytest.mark.parametrize("place", [(1, 0, 0), (1, 2, 1), (1, 1, 0)])
def test_a_window_with_a_nan_has_no_forecast(place: tuple[int, int, int]) -> None:
    source = _random(3, 2, [3], ("mean", "0.5"), CHANGE, 3)
    windows = np.random.default_rng(0).normal(size=(3, 3, 2)).astype(np.float32)
    expected = Session(export_source(source))({"readings": windows})
    windows[place] = np.nan
    found = Session(export_source(source))({"readings": windows})
    for name, values in found.items():
        assert np.isnan(values[1]).all()
        np.testing.assert_array_equal(values[::2], expected[name][::2])


@pytest.mark.parametrize("place", [0, 1])
def test_a_reading_that_is_nan_begins_the_window_anew(place: int) -> None:
    source = _random(3, 2, [3, 2], ("mean", "0.5"), CHANGE, 3)
    session = Session(export_source(source, step=True))
    readings = np.random.default_rng(0).normal(size=(12, 2, 2))
    whole = session.steps(readings)
    readings[5, 0, place] = np.nan
    found = session.steps(readings)
    assert [outputs["next_seen"][0] for outputs in found[4:9]] == [3, 0, 1, 2, 3]
    for minute, (outputs, expected) in enumerate(zip(found, whole, strict=True)):
        for name in ("mean_kw", "quantiles_kw"):
            known = minute >= 2 and minute not in (5, 6, 7)
            assert np.isnan(outputs[name][0]).any() == (not known)
            if known:
                np.testing.assert_array_equal(outputs[name][0], expected[name][0])
            np.testing.assert_array_equal(outputs[name][1], expected[name][1])
    assert all(np.isfinite(outputs["next_hidden_0"]).all() for outputs in found)


@pytest.mark.parametrize("step", [False, True])
def test_a_file_has_its_card_and_standard_operators(step: bool) -> None:
    exported = export_onnx("sceaux-channels", step=step, horizons=True)
    model = onnx.load_from_string(exported.content)
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 13)]
    assert model.ir_version == 7
    assert {node.domain for node in model.graph.node} == {""}
    assert sum(node.op_type == "LSTM" for node in model.graph.node) == 2
    facts = {each.key: each.value for each in model.metadata_props}
    card = load_model("sceaux-channels").card
    assert json.loads(facts["card"]) == json.loads(card.to_json())
    assert (facts["name"], facts["window"]) == ("sceaux-channels", "49")
    assert facts["kind"] == ("step" if step else "window")
    assert "CC BY 4.0" in facts["licence"]
    assert facts["sha256"] == card.sha256
    assert json.loads(facts["inputs"])[:3] == [
        {"name": "power", "unit": "kW"},
        {"name": "reactive", "unit": "kvar"},
        {"name": "voltage", "unit": "V"},
    ]
    outputs = json.loads(facts["outputs"])
    assert outputs["quantiles_kw"] == [0.05, 0.5, 0.95]
    assert card.horizons is not None
    assert outputs["means_kw"]["minutes"] == list(card.horizons.minutes)
    assert json.loads(facts["features"]) == list(card.horizons.features)


def test_a_file_is_a_forecaster_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "sceaux.onnx"
    path.write_bytes(export_onnx("sceaux").content)
    sample = _sample("sceaux", 60)[:, 0]
    found, expected = (
        Pipeline(model, adapt=False, horizons=False)
        for model in (make_forecaster(f"onnx:{path}"), load_model(engine="numpy"))
    )
    for reading in readings(sample):
        one, other = found.push(reading).forecast, expected.push(reading).forecast
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.kw == pytest.approx(other.kw, abs=TOLERANCE_KW, rel=0)


def test_trials_find_a_difference() -> None:
    exported = export_source(_random(1, 2, [3], ("mean", "0.5"), CHANGE, 3))
    readings = np.random.default_rng(0).normal(size=(20, 2))
    trial = run_trial(exported, readings)
    assert trial.forecasts == 18
    assert trial.worst_kw < TOLERANCE_KW
    assert trial.median_s > 0.0
    other = _random(2, 2, [3], ("mean", "0.5"), CHANGE, 3)
    assert run_trial(replace(exported, source=other), readings).worst_kw > 1e-3


def test_what_cannot_be_exported_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source = _random(1, 1, [3], ("mean",), CHANGE, 1)
    assert export_source(source).content
    with pytest.raises(UsageError, match="windows are one reading long; leave out --step"):
        export_source(source, step=True)
    with pytest.raises(UsageError, match="no model 'nobody'"):
        export_onnx("nobody")
    monkeypatch.setattr("streamer.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"an export as ONNX .*\[export\]"):
        export_onnx("sceaux")
