"""Both NumPy paths and the TensorFlow engine, against Keras itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from streamer.blas import free_cores
from streamer.models import Answer, Forecaster, find_model, load_model
from streamer.models.artefact import read_keras
from streamer.models.lstm import BLOCK, LstmNetwork, RollingLstm
from tests.agreement import AGREEMENT_KW

STACKS = [(50, 100), (7,), (5, 4, 3)]
MakeFile = Callable[..., tuple[Any, Path]]


def _keras_mean(keras: Any, path: Path, kw: np.ndarray) -> np.ndarray:
    """The shipped model's mean forecasts, from nothing but Keras and its card's recipe."""
    model = keras.saving.load_model(path, compile=False)
    windows = sliding_window_view(kw, 49)
    card = load_model().card
    outputs = model((windows - card.shift_kw).astype(np.float32)[..., None]).numpy()
    mean = outputs[:, card.outputs.index("mean")].astype(np.float64)
    return mean + (windows[:, -1] if card.target == "change" else card.shift_kw)


def _one_by_one(forecaster: Forecaster, kw: np.ndarray) -> list[Answer]:
    stream = forecaster.stream()
    answers = [stream.push(value) for value in kw.tolist()]
    assert answers[: forecaster.window - 1] == [None] * (forecaster.window - 1)
    found = [answer for answer in answers if answer is not None]
    assert len(found) == len(kw) - forecaster.window + 1
    return found


def test_shipped_model_on_real_minutes(keras: Any, sample_kw: np.ndarray) -> None:
    kw = sample_kw[:1500]
    path = Path(load_model.__code__.co_filename).parent / "sceaux" / "model.keras"
    expected = _keras_mean(keras, path, kw)
    windows = sliding_window_view(kw, 49)
    numpy_engine, reference = load_model(), load_model(engine="tensorflow")
    batch = numpy_engine.forecast(windows)
    np.testing.assert_allclose(batch.mean_kw, expected, rtol=0, atol=AGREEMENT_KW)
    np.testing.assert_allclose(
        reference.forecast(windows).mean_kw, expected, rtol=0, atol=AGREEMENT_KW
    )
    rolled = _one_by_one(numpy_engine, kw)
    np.testing.assert_allclose(
        [answer.mean_kw[0] for answer in rolled], expected, rtol=0, atol=AGREEMENT_KW
    )
    np.testing.assert_allclose(
        [answer.quantiles_kw[0] for answer in rolled], batch.quantiles_kw, rtol=0, atol=AGREEMENT_KW
    )
    single = _one_by_one(reference, kw[:60])
    np.testing.assert_allclose(
        [answer.mean_kw[0] for answer in single], expected[:12], rtol=0, atol=AGREEMENT_KW
    )


@pytest.mark.parametrize("units", STACKS)
@pytest.mark.parametrize("inputs", [1, 3])
def test_random_weights_in_batches(
    make_keras_file: MakeFile, units: tuple[int, ...], inputs: int
) -> None:
    model, path = make_keras_file(*units, inputs=inputs, outputs=2, seed=len(units))
    windows = np.random.default_rng(1).normal(0, 2, (BLOCK + 3, 12, inputs)).astype(np.float32)
    network = LstmNetwork(read_keras(path))
    outputs, hidden = network.run(windows)
    np.testing.assert_allclose(outputs, model(windows).numpy(), rtol=0, atol=AGREEMENT_KW)
    assert hidden.shape == (BLOCK + 3, units[-1])
    # The work space is used again: the same windows must give the same bits.
    np.testing.assert_array_equal(network.run(windows)[0], outputs)


@pytest.mark.parametrize("units", STACKS)
def test_random_weights_rolling(make_keras_file: MakeFile, units: tuple[int, ...]) -> None:
    model, path = make_keras_file(*units, seed=3)
    series = np.random.default_rng(2).normal(0, 2, (200, 1)).astype(np.float32)
    timesteps = 9
    expected = model(sliding_window_view(series[:, 0], timesteps)[..., None]).numpy()
    rolling = RollingLstm(read_keras(path), timesteps)
    found = [result for value in series if (result := rolling.push(value)) is not None]
    outputs = np.concatenate([outputs for outputs, _ in found])
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=AGREEMENT_KW)


def test_batch_and_rolling_give_the_same_hidden_state(sample_kw: np.ndarray) -> None:
    kw = sample_kw[:120]
    forecaster = load_model()
    hidden = [answer.hidden[0] for answer in _one_by_one(forecaster, kw)]
    batch = forecaster.forecast(sliding_window_view(kw, 49)).hidden
    assert batch.shape[1] == 100
    np.testing.assert_allclose(hidden, batch, rtol=0, atol=AGREEMENT_KW)


@pytest.mark.parametrize("count", [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_any_number_of_windows(sample_kw: np.ndarray, count: int) -> None:
    windows = sliding_window_view(sample_kw, 49)
    forecaster = load_model()
    whole = forecaster.forecast(windows[: 2 * BLOCK]).mean_kw
    part = forecaster.forecast(windows[:count])
    assert part.quantiles_kw.shape == (count, len(forecaster.levels))
    np.testing.assert_allclose(part.mean_kw, whole[:count], rtol=0, atol=AGREEMENT_KW)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [63, 64, 127, 128, BLOCK, 3 * BLOCK + 5])
def test_any_number_of_threads(sample_kw: np.ndarray, threads: int, count: int) -> None:
    windows = sliding_window_view(sample_kw[: count + 48].astype(np.float32), 49)[..., None]
    weights = read_keras(find_model("sceaux"))
    outputs, hidden = LstmNetwork(weights, threads=threads).run(windows)
    expected, expected_hidden = LstmNetwork(weights, threads=1).run(windows[::-1])
    np.testing.assert_allclose(outputs, expected[::-1], rtol=0, atol=AGREEMENT_KW)
    np.testing.assert_allclose(hidden, expected_hidden[::-1], rtol=0, atol=AGREEMENT_KW)


def test_one_network_may_be_shared_by_threads(sample_kw: np.ndarray) -> None:
    windows = sliding_window_view(sample_kw[:1048], 49)
    forecaster = load_model()
    expected = forecaster.forecast(windows).mean_kw
    sizes = [1000, 30, 999, 500, 64, 1]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            answers = pool.map(lambda size: forecaster.forecast(windows[:size]), sizes)
            for size, answer in zip(sizes, answers, strict=True):
                np.testing.assert_allclose(
                    answer.mean_kw, expected[:size], rtol=0, atol=AGREEMENT_KW
                )


@pytest.mark.parametrize(
    ("environment", "cores"),
    [
        ({}, 1),
        ({"OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "1"}, 1),
        ({"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}, 3),
    ],
)
def test_cores_are_free_where_matrix_products_leave_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], cores: int
) -> None:
    for library in ("OPENBLAS", "MKL"):
        monkeypatch.delenv(f"{library}_NUM_THREADS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5}, raising=False)
    assert free_cores() == cores


def test_a_rolling_engine_begun_again_is_as_new(sample_kw: np.ndarray) -> None:
    stream, fresh = load_model().stream(), load_model().stream()
    for value in sample_kw[:70].tolist():
        stream.push(value)
    stream.restart()
    for value in sample_kw[500:560].tolist():
        again, expected = stream.push(value), fresh.push(value)
        assert (again is None) == (expected is None)
        if again is not None and expected is not None:
            np.testing.assert_array_equal(again.mean_kw, expected.mean_kw)


def test_the_tensorflow_engine_pads_odd_blocks(sample_kw: np.ndarray) -> None:
    windows = sliding_window_view(sample_kw, 49)[:2115]
    ours, reference = load_model(), load_model(engine="tensorflow")
    np.testing.assert_allclose(
        reference.forecast(windows).mean_kw,
        ours.forecast(windows).mean_kw,
        rtol=0,
        atol=AGREEMENT_KW,
    )
