"""Tests of reading artefacts and cards, and of the errors for unsupported ones."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from streamer.errors import ArchitectureError, ModelError, UsageError
from streamer.models import find_model, load_model, shipped_models
from streamer.models.artefact import read_keras, sha256_of
from streamer.models.card import Card, read_card

MakeFile = Callable[..., tuple[Any, Path]]


def _rewrite(path: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _reconfigure(path: Path, layer: int, **settings: Any) -> None:
    def change(content: bytes) -> bytes:
        config = json.loads(content)
        config["config"]["layers"][layer]["config"].update(settings)
        return json.dumps(config).encode()

    _rewrite(path, "config.json", change)


@pytest.mark.parametrize(("name", "inputs"), [("homes", 1), ("sceaux", 1), ("sceaux-channels", 7)])
def test_shipped_model_has_the_documented_architecture(name: str, inputs: int) -> None:
    network = read_keras(find_model(name))
    assert network.sizes[:3] == [inputs, 50, 100]
    assert network.sizes[3] == len(load_model(name).card.outputs)
    assert network.parameters == 70_600 + 200 * inputs + 101 * network.sizes[3]


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_card_belongs_to_the_shipped_weights(name: str) -> None:
    path = find_model(name)
    card = read_card(path.with_name("card.json"))
    assert card.name == name
    assert card.sha256 == sha256_of(path)
    assert card.horizons is not None
    assert card.horizons.sha256 == sha256_of(path.with_name("horizons.keras"))
    assert len(card.trained_spans) == len(card.facts["data"].get("houses", [0]))


def test_weights_equal_those_of_keras(make_keras_file: MakeFile) -> None:
    model, path = make_keras_file(4, 3, inputs=2, outputs=2, timesteps=9)
    network = read_keras(path)
    assert network.timesteps == 9
    ours = [w for layer in network.lstm for w in (layer.kernel, layer.recurrent, layer.bias)]
    ours += [network.head.kernel, network.head.bias]
    for mine, theirs in zip(ours, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_functional_chain_is_read_like_a_sequential_model(keras: Any, tmp_path: Path) -> None:
    inputs = keras.Input((None, 1), name="power")
    hidden = keras.layers.LSTM(3, name="memory")(inputs)
    keras.Model(inputs, keras.layers.Dense(1)(hidden)).save(tmp_path / "chain.keras")
    assert read_keras(tmp_path / "chain.keras").sizes == [1, 3, 1]


def test_branching_model_is_rejected(keras: Any, tmp_path: Path) -> None:
    inputs = keras.Input((9, 1))
    one, two = keras.layers.LSTM(3)(inputs), keras.layers.LSTM(3)(inputs)
    outputs = keras.layers.Dense(1)(keras.layers.Add(name="junction")([one, two]))
    keras.Model(inputs, outputs).save(tmp_path / "branch.keras")
    with pytest.raises(ArchitectureError, match="only a plain chain"):
        read_keras(tmp_path / "branch.keras")


def test_unknown_layer_is_rejected_by_name(keras: Any, tmp_path: Path) -> None:
    layers = [keras.Input((9, 1)), keras.layers.GRU(3, name="gate"), keras.layers.Dense(1)]
    keras.Sequential(layers).save(tmp_path / "gru.keras")
    with pytest.raises(ArchitectureError, match=r"layer 'gate' \(GRU\) is not supported"):
        read_keras(tmp_path / "gru.keras")


def test_lambda_layer_is_rejected_and_not_run(keras: Any, tmp_path: Path) -> None:
    layers = [
        keras.Input((9, 1)),
        keras.layers.LSTM(3),
        keras.layers.Lambda(lambda x: x * 2, name="trick"),
        keras.layers.Dense(1),
    ]
    keras.Sequential(layers).save(tmp_path / "lambda.keras")
    for engine in ("numpy", "tensorflow"):
        with pytest.raises(ArchitectureError, match=r"layer 'trick' \(Lambda\) is not supported"):
            load_model(tmp_path / "lambda.keras", engine=engine)


@pytest.mark.parametrize(
    ("layer", "settings", "message"),
    [
        (1, {"activation": "relu"}, "'activation' is 'relu'"),
        (1, {"recurrent_activation": "hard_sigmoid"}, "'recurrent_activation' is 'hard_sigmoid'"),
        (1, {"go_backwards": True}, "'go_backwards' is True"),
        (1, {"stateful": True}, "'stateful' is True"),
        (1, {"use_bias": False}, "'use_bias' is False"),
        (1, {"return_sequences": False}, "return_sequences must be True"),
        (3, {"return_sequences": True}, "return_sequences must be False"),
        (5, {"activation": "sigmoid"}, "'activation' is 'sigmoid'"),
    ],
)
def test_unsupported_layer_settings_are_rejected_by_name(
    make_keras_file: MakeFile, layer: int, settings: dict[str, Any], message: str
) -> None:
    _, path = make_keras_file(4, 3)
    _reconfigure(path, layer, **settings)
    with pytest.raises(ArchitectureError, match=message):
        read_keras(path)


def test_stack_without_a_head_is_rejected(keras: Any, tmp_path: Path) -> None:
    keras.Sequential([keras.Input((9, 1)), keras.layers.LSTM(3)]).save(tmp_path / "bare.keras")
    with pytest.raises(ArchitectureError, match="expected one or more LSTM and then one Dense"):
        read_keras(tmp_path / "bare.keras")


def _weights_with(name: str, value: np.ndarray) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        buffer = io.BytesIO(content)
        with h5py.File(buffer, "r+") as file:
            del file[name]
            file[name] = value
        return buffer.getvalue()

    return change


def test_missing_file_or_other_format_is_reported_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.keras"
    text.write_text("not a zip")
    for path in (text, tmp_path / "absent.keras"):
        with pytest.raises(ModelError) as caught:
            read_keras(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("config.json", b'{"class_name": "Sequential"}'),
        ("config.json", b'{"class_name": "Bundle", "config": {"layers": []}}'),
        ("model.weights.h5", b"not hdf5"),
    ],
)
def test_damaged_member_is_reported_in_one_line(
    make_keras_file: MakeFile, member: str, content: bytes
) -> None:
    _, path = make_keras_file(4, 3)
    _rewrite(path, member, lambda _: content)
    with pytest.raises(ModelError) as caught:
        read_keras(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [np.full(16, np.nan, np.float32), np.zeros(15, np.float32)], ids=["nan", "short"]
)
def test_invalid_weights_are_rejected(make_keras_file: MakeFile, value: np.ndarray) -> None:
    _, path = make_keras_file(4, 3)
    _rewrite(path, "model.weights.h5", _weights_with("layers/lstm/cell/vars/2", value))
    with pytest.raises(ModelError):
        read_keras(path)


def test_file_without_card_is_used_in_kw(make_keras_file: MakeFile) -> None:
    model, path = make_keras_file(4, 3)
    forecaster = load_model(path)
    assert forecaster.card == Card(name="random0", window=49, sha256=sha256_of(path))
    windows = np.random.default_rng(0).uniform(0, 3, (5, 49))
    expected = model(windows.astype(np.float32)[..., None]).numpy()[:, 0]
    np.testing.assert_allclose(forecaster.forecast(windows).mean_kw, expected, atol=1e-5)


def test_file_with_several_outputs_needs_a_card(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(4, outputs=2)
    with pytest.raises(ModelError, match=r"2 outputs, and no card\.json"):
        load_model(path)


def _with_card(path: Path, **changes: Any) -> Path:
    fields = {"name": "house", "sha256": sha256_of(path), **changes}
    (path.parent / "card.json").write_text(Card(**fields).to_json())
    return path


def test_card_of_other_weights_is_rejected(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(4)
    _with_card(path, sha256="0" * 64)
    with pytest.raises(ModelError, match="other weights"):
        load_model(path)


def test_card_that_contradicts_the_weights_is_rejected(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(4, timesteps=9)
    with pytest.raises(ModelError, match="windows of 9"):
        load_model(_with_card(path))
    with pytest.raises(ModelError, match="1 outputs, but its card names 2"):
        load_model(_with_card(path, window=9, outputs=("mean", "0.5")))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window", 0),
        ("window", "49"),
        ("target", "ratio"),
        ("outputs", []),
        ("outputs", ["mean", "mean"]),
        ("outputs", ["0.5"]),
        ("outputs", ["mean", "1.5"]),
        ("outputs", ["mean", "median"]),
        ("shift_kw", None),
        ("trained_from", "yesterday"),
        ("sha256", None),
    ],
)
def test_invalid_card_is_rejected_by_key(tmp_path: Path, key: str, value: Any) -> None:
    raw = json.loads(Card(name="house", sha256="0" * 64).to_json())
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**raw, key: value}))
    with pytest.raises(ModelError, match=f"'{key}'"):
        read_card(path)


def test_card_is_equal_after_writing_and_reading(tmp_path: Path) -> None:
    card = load_model().card
    path = tmp_path / "card.json"
    path.write_text(card.to_json())
    assert read_card(path) == card


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_card_that_is_not_a_json_object_is_rejected(tmp_path: Path, content: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(path)


def test_windows_of_another_length_are_rejected() -> None:
    with pytest.raises(ModelError, match="windows of 49"):
        load_model().forecast(np.zeros((2, 48)))


def test_unknown_models_and_engines_are_rejected() -> None:
    with pytest.raises(UsageError, match="no model 'nowhere'"):
        load_model("nowhere")
    with pytest.raises(UsageError, match="no engine 'abacus'"):
        load_model(engine="abacus")


def test_quantiles_are_in_rising_order(make_keras_file: MakeFile) -> None:
    _, path = make_keras_file(4, outputs=4)
    _with_card(path, outputs=("0.95", "mean", "0.05", "0.5"))
    forecaster = load_model(path)
    assert forecaster.levels == (0.05, 0.5, 0.95)
    answer = forecaster.forecast(np.random.default_rng(0).uniform(0, 3, (50, 49)))
    assert (np.diff(answer.quantiles_kw, axis=1) >= 0).all()
