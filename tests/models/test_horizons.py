"""Tests of the head for the mean of the next minutes: its numbers, and the reading of its file."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from streamer.cli import main
from streamer.errors import ModelError
from streamer.models import HorizonForecaster, horizons_of, load_model
from streamer.models.card import read_card
from streamer.models.cardhorizons import OUTPUTS, CardHorizons
from streamer.models.densenet import DenseNetwork, parse_dense
from streamer.models.features import FEATURES
from streamer.models.horizons import HorizonHead
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.testing import FixedForecaster
from tests.models import heads, hostile
from tests.models.heads import MINUTES, random_head, write

UNITS = 100


def inputs(readings: int, units: int = UNITS) -> tuple[FloatArray, FloatArray, DoubleArray]:
    """Hidden states, features and last readings, as large as they may be."""
    rng = np.random.default_rng(3)
    hidden = rng.uniform(-1, 1, (readings, units)).astype(np.float32)
    features = np.arcsinh(2 * rng.normal(0, 3, (readings, len(FEATURES)))).astype(np.float32)
    return hidden, features, rng.gamma(1, 2, readings)


def expected(
    card: CardHorizons,
    network: DenseNetwork,
    hidden: FloatArray,
    features: FloatArray,
    last_kw: DoubleArray,
) -> DoubleArray:
    """Forecasts by their definition, in float64."""
    taken = [FEATURES.index(name) for name in card.features]
    values = np.concatenate([hidden, features[:, taken]], axis=1).astype(float)
    for layer, activation in zip(network.layers, [*network.activations, "linear"], strict=True):
        values = values @ layer.kernel.astype(float) + layer.bias
        values = {"tanh": np.tanh, "relu": lambda x: x * (x > 0), "linear": lambda x: x}[
            activation
        ](values)
    changes = values.reshape(len(hidden), len(card.minutes), 4)
    kw = last_kw[:, None, None] + changes * np.array(card.scales_kw)[:, None]
    by_name = {name: kw[:, :, place] for place, name in enumerate(card.outputs)}
    quantiles = np.sort([by_name[name] for name in ("0.05", "0.5", "0.95")], axis=0)
    return np.stack([by_name["mean"], *quantiles], axis=2)


@pytest.mark.parametrize("hidden", [(), (128,), (64, 32)], ids=str)
def test_forecasts_are_as_defined_one_by_one_and_in_blocks(hidden: tuple[int, ...]) -> None:
    card = heads.card(range(2, 18))
    layers = heads.network(UNITS + len(FEATURES), *hidden, outputs=64)
    head = HorizonHead(card, layers, units=UNITS)
    given = inputs(300)
    wanted = expected(card, layers, *given)
    together = head.many(*given)
    np.testing.assert_allclose(together, wanted, rtol=0, atol=1e-5)
    assert (np.diff(together[:, :, 1:], axis=2) >= 0).all()
    for row in range(0, 300, 7):
        one = head.one(*(each[row] for each in given))
        np.testing.assert_allclose(one, together[row], rtol=0, atol=1e-5)
        assert (np.diff(one[:, 1:], axis=1) >= 0).all()
    assert head.many(*(each[:0] for each in given)).shape == (0, 16, 4)


def test_some_features_and_outputs_in_another_order_are_as_defined() -> None:
    card = heads.card(features=("last", "profile_2", "sin_1"), outputs=OUTPUTS[::-1])
    layers = heads.network(UNITS + 3, 20, outputs=4 * len(MINUTES))
    head = HorizonHead(card, layers, units=UNITS)
    given = inputs(20)
    wanted = expected(card, layers, *given)
    np.testing.assert_allclose(head.many(*given), wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(head.one(*(each[3] for each in given)), wanted[3], rtol=0, atol=1e-5)


def test_largest_weights_give_finite_forecasts() -> None:
    layers = heads.network(UNITS + len(FEATURES), 1024, 1024, outputs=16)
    for layer in layers.layers:
        layer.kernel[:] = layer.bias[:] = 1e6
    layers = DenseNetwork(layers.layers, ("relu", "relu"))
    card = CardHorizons(MINUTES, OUTPUTS, FEATURES, (1e6,) * 4, "0" * 64)
    head = HorizonHead(card, layers, units=UNITS)
    hidden, features = (
        np.ones((1, UNITS), np.float32),
        np.full((1, len(FEATURES)), 15.5, np.float32),
    )
    assert np.isfinite(head.many(hidden, features, np.ones(1))).all()
    assert np.isfinite(head.one(hidden[0], features[0], 1.0)).all()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_forecasts_equal_those_of_keras(keras: Any, tmp_path: Path, activation: str) -> None:
    model = keras.Sequential(
        [
            keras.Input((hostile.UNITS + len(FEATURES),)),
            keras.layers.Dense(12, activation=activation),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(4 * len(MINUTES)),
        ]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    model.save(tmp_path / "horizons.keras")
    write(tmp_path, (tmp_path / "horizons.keras").read_bytes())
    head = horizons_of(load_model(tmp_path))
    assert isinstance(head, HorizonHead)
    assert head.sizes == [hostile.UNITS + len(FEATURES), 12, 4 * len(MINUTES)]
    hidden, features, last_kw = inputs(50, hostile.UNITS)
    outputs = model(np.concatenate([hidden, features], axis=1)).numpy()
    scales = np.array(heads.card().scales_kw)[:, None]
    wanted = last_kw[:, None, None] + outputs.reshape(50, -1, 4) * scales
    wanted[:, :, 1:].sort(axis=2)
    np.testing.assert_allclose(head.many(hidden, features, last_kw), wanted, rtol=0, atol=1e-5)


def test_a_model_folder_may_have_a_head(tmp_path: Path) -> None:
    write(tmp_path)
    forecaster = load_model(tmp_path)
    assert isinstance(forecaster, HorizonForecaster)
    head = horizons_of(forecaster)
    assert head is forecaster.horizons is not None
    assert head.minutes == MINUTES
    answer = forecaster.forecast(np.ones((2, 49)))
    features = np.zeros((2, len(FEATURES)), np.float32)
    assert head.many(answer.hidden, features, np.ones(2)).shape == (2, len(MINUTES), 4)


def test_models_without_a_head_and_forecasters_of_others_have_no_horizons(tmp_path: Path) -> None:
    hostile.write(tmp_path)
    (tmp_path / "horizons.keras").write_bytes(b"not named by the card")
    assert load_model(tmp_path).horizons is None
    assert horizons_of(load_model(tmp_path)) is None
    assert horizons_of(FixedForecaster()) is None


def test_a_head_of_another_kind_may_take_its_place() -> None:
    other, head = FixedForecaster(), random_head(0)
    other.horizons = head
    assert horizons_of(other) is head


def test_card_with_horizons_is_equal_after_writing_and_reading(tmp_path: Path) -> None:
    write(tmp_path)
    card = read_card(tmp_path / "card.json")
    assert card.horizons is not None
    (tmp_path / "card.json").write_text(card.to_json())
    assert read_card(tmp_path / "card.json") == card
    hostile.write(tmp_path)
    assert "horizons" not in json.loads(read_card(tmp_path / "card.json").to_json())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("minutes", ...),
        ("minutes", []),
        ("minutes", [2, 5, 60, 15]),
        ("minutes", [2, 2, 15, 60]),
        ("minutes", [1, 5, 15, 60]),
        ("minutes", [2, 5, 15, 61]),
        ("minutes", [2, 5, 15, 60.0]),
        ("minutes", list(range(2, 70))),
        ("minutes", "2, 5, 15, 60"),
        ("outputs", ...),
        ("outputs", ["mean", "0.05", "0.5"]),
        ("outputs", ["mean", "0.05", "0.5", "0.5"]),
        ("outputs", ["mean", "0.1", "0.5", "0.9"]),
        ("features", ...),
        ("features", ["mean_4h", "temperature"]),
        ("features", ["last", "last"]),
        ("scales_kw", ...),
        ("scales_kw", [1.0, 1.0, 1.0]),
        ("scales_kw", [1.0, 1.0, 0.0, 1.0]),
        ("scales_kw", [1.0, 1.0, 1e9, 1.0]),
        ("scales_kw", [1.0, True, 1.0, 1.0]),
        ("sha256", ...),
        ("sha256", "0" * 63),
        ("sha256", None),
    ],
)
def test_card_with_invalid_horizons_is_rejected_by_key(
    tmp_path: Path, key: str, value: Any
) -> None:
    write(tmp_path, **{key: value})
    with pytest.raises(ModelError, match=rf"card\.json: horizons: '{key}") as caught:
        load_model(tmp_path)
    assert str(caught.value).isprintable()


def test_card_whose_horizons_are_no_object_is_rejected(tmp_path: Path) -> None:
    hostile.write(tmp_path, horizons=[2, 5])
    with pytest.raises(ModelError, match=r"horizons: is .* not a JSON object"):
        load_model(tmp_path)


Change = Callable[[dict[str, Any]], object]


def _layer(number: int, **settings: Any) -> Change:
    return lambda config: config["config"]["layers"][number]["config"].update(settings)


CONFIGS: dict[str, tuple[Change, str]] = {
    "LSTM": (
        lambda c: c["config"]["layers"][1].update(class_name="LSTM"),
        r"layer 'dense_0' \(LSTM\) is not supported, only Dense layers",
    ),
    "Lambda": (
        lambda c: c["config"]["layers"][1].update(class_name="Lambda"),
        r"layer 'dense_0' \(Lambda\) is not supported",
    ),
    "class of its own": (
        lambda c: c["config"]["layers"][1].update(registered_name="mine>Dense"),
        "layer 'dense_0' .* is of a class of its own",
    ),
    "linear hidden layer": (_layer(1, activation="linear"), "'dense_0' .* must be tanh or relu"),
    "tanh at the end": (_layer(2, activation="tanh"), "'dense_1' .* must be linear there"),
    "other activation": (_layer(1, activation="gelu"), "'dense_0' .* 'activation' is 'gelu'"),
    "activation as an object": (_layer(1, activation={"class_name": "Mine"}), "'activation' is"),
    "no bias": (_layer(1, use_bias=False), "'dense_0' .* 'use_bias' is False"),
    "too many units": (_layer(1, units=10**9), "'dense_0' .* 'units' is 1000000000"),
    "units of text": (_layer(1, units="5"), "'dense_0' .* 'units' is '5'"),
    "other units": (_layer(1, units=6), "'dense_0'.* has the shape"),
    "other outputs": (_layer(2, units=12), "'dense_1'.* has the shape"),
    "no input shape": (_layer(0, batch_shape=None), "'batch_shape' is None"),
    "window as input": (_layer(0, batch_shape=[None, 49, 1]), "'batch_shape' is"),
    "text as input": (_layer(0, batch_shape="29"), "'batch_shape' is '29'"),
    "other inputs": (_layer(0, batch_shape=[None, 28]), "'dense_0'.* has the shape"),
    "huge inputs": (_layer(0, batch_shape=[None, 10**9]), "'inputs' is 1000000000"),
    "no layers": (lambda c: c["config"].update(layers=[]), "0 Dense layers"),
    "Dense without input": (
        lambda c: c["config"]["layers"].__delitem__(0),
        "'dense_0' .* 'batch_shape' is missing",
    ),
    "too many layers": (
        lambda c: c["config"]["layers"].extend(c["config"]["layers"][1:2] * 3),
        "5 Dense layers; expected Dense layers, at most 2",
    ),
    "subclassed model": (lambda c: c.update(class_name="Mine"), "a Mine model"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_unsupported_heads_are_rejected_by_layer(tmp_path: Path, name: str) -> None:
    layers = heads.small()
    config = copy.deepcopy(heads.config(layers))
    change, message = CONFIGS[name]
    change(config)
    content = {**heads.members(layers), hostile.CONFIG: json.dumps(config).encode()}
    write(tmp_path, hostile.packed(content))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'horizons.keras'}: ")
    assert str(caught.value).isprintable()


def _with_weights(change: Callable[[h5py.File], object]) -> bytes:
    buffer = io.BytesIO(heads.weights(heads.small()))
    with h5py.File(buffer, "r+") as file:
        change(file)
    return hostile.packed({**heads.members(heads.small()), hostile.WEIGHTS: buffer.getvalue()})


def _replace(value: Any) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        del file["layers/dense_1/vars/1"]
        if value is not None:
            file["layers/dense_1/vars/1"] = value

    return change


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "missing"),
        (np.full(16, np.nan, np.float32), "not finite"),
        (np.full(16, 1e7, np.float32), "beyond"),
        (np.zeros(15, np.float32), "shape"),
        (np.zeros((16, 1), np.float32), "shape"),
        (np.zeros(16, np.int32), "type int32"),
        (h5py.ExternalLink("elsewhere.h5", "/bias"), "link to another place"),
    ],
    ids=["missing", "nan", "huge", "short", "deep", "whole", "linked"],
)
def test_invalid_weights_of_a_head_are_rejected_by_layer(
    tmp_path: Path, value: Any, message: str
) -> None:
    write(tmp_path, _with_weights(_replace(value)))
    with pytest.raises(ModelError, match=f"horizons.keras: .*layer 'dense_1'.*{message}"):
        load_model(tmp_path)


def test_missing_other_and_truncated_files_are_rejected(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "horizons.keras"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ModelError, match=r"card\.json: belongs to another horizons\.keras"):
        load_model(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match=r"horizons\.keras: no such file"):
        load_model(tmp_path)
    path.mkdir()
    with pytest.raises(ModelError, match=r"horizons\.keras: cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_of_a_matching_card_is_rejected(tmp_path: Path, share: float) -> None:
    whole = hostile.packed(heads.members(heads.small()))
    write(tmp_path, whole[: int(share * len(whole))])
    with pytest.raises(ModelError, match=r"horizons\.keras: not a \.keras file"):
        load_model(tmp_path)


def test_head_of_another_network_or_other_horizons_is_rejected(tmp_path: Path) -> None:
    def packed(inputs: int, outputs: int) -> bytes:
        return hostile.packed(heads.members(heads.network(inputs, 5, outputs=outputs)))

    fitting = hostile.UNITS + len(FEATURES)
    write(tmp_path, packed(fitting + 1, 16))
    with pytest.raises(ModelError, match=r"horizons\.keras: 39 inputs; expected 38, a hidden"):
        load_model(tmp_path)
    write(tmp_path, packed(fitting, 12))
    with pytest.raises(ModelError, match=r"horizons\.keras: 12 outputs; expected 16, 4 for each"):
        load_model(tmp_path)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_any_bit_of_the_weights_of_a_head_may_be_flipped(start: int) -> None:
    """With a checksum in the archive that fits, so that HDF5 itself meets the damage."""
    whole = heads.weights(heads.small())
    for place in range(start, len(whole), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        content = {**heads.members(heads.small()), hostile.WEIGHTS: bytes(flipped)}
        try:
            network = parse_dense(Path("flipped"), hostile.packed(content))
        except ModelError:
            continue
        assert all(
            np.isfinite(each).all()
            for layer in network.layers
            for each in (layer.kernel, layer.bias)
        )


def test_models_show_names_the_horizons_and_their_features(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    show = ["models", "show", str(tmp_path)]
    with pytest.raises(SystemExit, match="0"):
        main(show)
    shown = " ".join(capsys.readouterr().out.split())
    assert "horizons mean of the next 2, 5, 15, 60 minutes: mean, 0.05, 0.5, 0.95" in shown
    assert "sizes [38, 5, 16]" in shown
    assert "features recent_5, recent_10, recent_15" in shown
    with pytest.raises(SystemExit, match="0"):
        main([*show, "--json"])
    assert json.loads(capsys.readouterr().out)["horizons"]["features"] == list(FEATURES)


def test_models_show_reports_a_missing_head_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    (tmp_path / "horizons.keras").unlink()
    with pytest.raises(SystemExit) as caught:
        main(["models", "show", str(tmp_path)])
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"streamer: error: {tmp_path / 'horizons.keras'}: no such file"
