"""Tests of training: windows, recipes, reproducibility, checkpoints."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.errors import UsageError
from streamer.models import load_model
from streamer.online.history import History
from streamer.online.wallclock import wall_clocks_at
from streamer.readings import MINUTE, Notice, Reading
from streamer.testing import START, ListSource, readings
from streamer.training import (
    RECIPES,
    PowerData,
    Series,
    Trained,
    TrainingProgress,
    build_model,
    data_power_consumption,
    find_recipe,
    prepare,
    run_network,
    save_model,
    save_plot,
    series_from,
)
from streamer.training.checkpoint import Checkpoint
from streamer.training.network import layer_sizes
from streamer.training.recipes import Recipe

TUTORIAL = RECIPES["tutorial"]
SHORT = find_recipe("sceaux", windows=1024)
EACH = [
    pytest.param(TUTORIAL, marks=pytest.mark.slow, id="tutorial"),
    pytest.param(SHORT, id="sceaux"),
]
"""Both kinds of training; that of the tutorial shares most of its code with the other."""


def _quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def train_once(sample_kw: np.ndarray) -> Callable[[Recipe], tuple[Any, Trained]]:
    """Function that trains a recipe on 2,500 readings, once however many tests ask for it."""

    @cache
    def train(recipe: Recipe) -> tuple[Any, Trained]:
        series = series_from(ListSource(readings(sample_kw[:2500]), name="house.csv"))
        data = prepare(series, recipe, ratio=1.0, say=_quiet)
        return data, run_network(None, data, recipe=recipe, say=_quiet)

    return train


TrainOnce = Callable[[Recipe], tuple[Any, Trained]]


def _tutorial_arrays(power: np.ndarray, length: int) -> tuple[np.ndarray, ...]:
    """The code of the tutorial, with its copies, in Python 3."""
    result = np.array([power[i : i + length] for i in range(len(power) - length)])
    shift = result.mean()
    result = result - shift
    row = round(0.9 * result.shape[0])
    train = result[:row].copy()
    np.random.RandomState(1234).shuffle(train)
    return shift, train[:, :-1], train[:, -1], result[row:, :-1], result[row:, -1]


def test_windows_equal_those_of_the_tutorial(sample_kw: np.ndarray) -> None:
    power = sample_kw[:3000]
    messages: list[str] = []
    data = data_power_consumption(power, say=messages.append)
    shift, x_train, y_train, x_test, y_test = _tutorial_arrays(power, 50)
    assert data.shift[0] == pytest.approx(shift, rel=1e-12)
    for starts, x, y in ((data.train, x_train, y_train), (data.test, x_test, y_test)):
        windows = data.windows[starts][..., 0]
        np.testing.assert_allclose(windows[:, :-1], x, rtol=0, atol=1e-6)
        np.testing.assert_allclose(windows[:, -1], y, rtol=0, atol=1e-6)
    assert messages == [f"Shift : {shift:.6f} kW", "Data  : 2,950 windows of 50"]


def test_windows_are_views(sample_kw: np.ndarray) -> None:
    data = data_power_consumption(sample_kw, say=_quiet)
    assert np.shares_memory(data.windows, data.centred)
    assert data.windows.shape == (len(sample_kw) - 49, 50, 1)


def test_ratio_refers_to_the_whole_published_file(sample_kw: np.ndarray) -> None:
    data = data_power_consumption(sample_kw, ratio=1000 / 2_049_280, say=_quiet)
    assert len(data.series) == 1000


def test_too_few_readings_are_rejected() -> None:
    for recipe in (TUTORIAL, SHORT):
        with pytest.raises(UsageError, match="10 readings are too few for windows of 50"):
            prepare(np.ones(10), recipe, say=_quiet)


def test_series_is_read_from_a_source() -> None:
    kw = [0.5, np.nan, 0.7, 0.9]
    source = ListSource(readings(kw), block=2)
    series = series_from(source)
    assert source.closed
    assert series.kw.tolist() == [[0.5], [0.7], [0.9]]
    assert series.moment(0) == START
    assert len(series_from(ListSource(readings(kw), block=2), limit=1)) == 1
    with pytest.raises(UsageError, match="no readings"):
        series_from(ListSource([]))


def test_a_house_with_panels_is_trained_on_its_consumption() -> None:
    sunny = [Reading(START, -1.5, 2.5, 0.75), Reading(START + MINUTE, -1.25, 2.0, -0.25)]
    assert series_from(ListSource(sunny)).kw.tolist() == [[0.25], [1.0]]


def test_notices_of_the_source_are_passed_on() -> None:
    notice = Notice(Notice.MALFORMED, "row 3 is bad")
    reported: list[Notice] = []
    series_from(ListSource([*readings([0.5, 0.7]), notice]), on_notice=reported.append)
    assert reported == [notice]


def test_stack_is_that_of_the_tutorial(keras: Any) -> None:
    model = build_model([1, 50, 100, 1])
    assert model.count_params() == 70_901
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["LSTM", "Dropout", "LSTM", "Dropout", "Dense"]
    assert model.layers[1].rate == model.layers[3].rate == 0.2


def test_other_inputs_and_outputs_only_change_sizes() -> None:
    model = build_model([3, 4, 5, 6, 2])
    assert layer_sizes(model) == [3, 4, 5, 6, 2]
    assert model(np.zeros((7, 9, 3), np.float32)).shape == (7, 2)


def test_answer_of_the_last_step_is_the_same_in_both_forms(keras: Any) -> None:
    every, last = build_model([1, 4, 3, 2], every_step=True), build_model([1, 4, 3, 2])
    last.set_weights(every.get_weights())
    x = np.random.default_rng(0).normal(size=(5, 9, 1)).astype(np.float32)
    np.testing.assert_allclose(every(x)[:, -1], last(x), atol=1e-6)


@pytest.mark.parametrize("recipe", EACH)
@pytest.mark.slow
def test_training_twice_gives_the_same_weights(train_once: TrainOnce, recipe: Any) -> None:
    data, one = train_once(recipe)
    reported: list[TrainingProgress] = []
    two = run_network(None, data, recipe=recipe, say=_quiet, on_progress=reported.append)
    for mine, theirs in zip(one.model.get_weights(), two.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(one.predicted, two.predicted)
    assert reported[-1].windows == reported[-1].of == one.windows


@pytest.mark.slow
def test_another_seed_gives_other_weights(train_once: TrainOnce) -> None:
    data, one = train_once(TUTORIAL)
    other = run_network(None, data, seed=5, say=_quiet)
    assert not np.array_equal(other.predicted, one.predicted)


@pytest.mark.slow
def test_training_improves_on_persistence(sample_kw: np.ndarray) -> None:
    """A repeated sawtooth is easier to forecast than by persistence."""
    power = np.tile(np.linspace(0.2, 2.0, 10), 400)
    # Many small steps, for which few windows are enough.
    recipe = replace(RECIPES["sceaux"], windows=4000, batch=32, warm_up_steps=10)
    trained = run_network(None, power, recipe=recipe, say=_quiet)
    assert trained.skill is not None
    assert trained.skill > 0.2


@pytest.mark.parametrize("recipe", EACH)
def test_saved_model_forecasts_as_in_training(
    train_once: TrainOnce, tmp_path: Path, recipe: Any
) -> None:
    data, trained = train_once(recipe)
    card = save_model(tmp_path / "house", trained, data, recipe, seed=1234)
    save_plot(tmp_path / "house" / "first100.png", trained)
    written = {path.name for path in (tmp_path / "house").iterdir()}
    horizons = {"horizons.keras"} if recipe.horizons else set()
    assert written == {"card.json", "first100.png", "model.keras", *horizons}
    forecaster = load_model(tmp_path / "house")
    assert forecaster.card == card
    assert card.name == "house"
    assert card.trained_from == START
    house = data.houses[0] if recipe.horizons else data
    windows = house.series.kw[house.test[:200, None] + np.arange(49), 0]
    np.testing.assert_allclose(
        forecaster.forecast(windows).mean_kw, trained.predicted[:200], rtol=0, atol=1e-5
    )
    facts = json.loads((tmp_path / "house" / "card.json").read_text())
    (month,) = facts["test"]["by_month"].items()
    assert month == ("2010-03", {k: facts["test"][k] for k in month[1]})
    assert facts["limits"]
    assert facts["test"]["mse_kw2"] == trained.mse_kw2
    assert facts["test"]["minutes"] == len(trained.targets)
    assert facts["recipe"]["seed"] == 1234
    (described,) = facts["data"]["houses"] if recipe.horizons else [facts["data"]]
    assert described["source"] == "house.csv"
    assert described["licence"] == "unknown"


def test_scores_of_horizons_are_those_of_the_saved_head(
    train_once: TrainOnce, tmp_path: Path
) -> None:
    data, trained = train_once(SHORT)
    card = save_model(tmp_path / "house", trained, data, SHORT, seed=1234)
    forecaster = load_model(tmp_path / "house")
    assert forecaster.horizons is not None
    (house,) = data.houses
    kw, last = house.series.kw[:, 0], house.test + 48
    features = History().extend(*wall_clocks_at(house.series.at), kw)
    hidden = forecaster.forecast(kw[last[:, None] - 48 + np.arange(49)]).hidden
    forecasts = forecaster.horizons.many(hidden, features[last], kw[last])
    for place, test in enumerate(card.facts["test"]["horizons"]):
        minutes = test["minutes"]
        known = last + minutes < len(kw)
        actual = np.array([kw[i + 1 : i + 1 + minutes].mean() for i in last[known]])
        mean, low, _, high = forecasts[known, place].T
        assert test["settled"] == known.sum()
        assert test["mse_kw2"] == pytest.approx(np.mean((actual - mean) ** 2), rel=1e-3)
        naive = np.mean((actual - kw[last[known]]) ** 2)
        assert test["persistence_mse_kw2"] == pytest.approx(naive, rel=1e-4)
        inside = np.mean((actual >= low) & (actual <= high))
        assert test["coverage"] == pytest.approx(inside, abs=0.01)


@pytest.mark.slow
def test_warm_start_continues_from_the_weights(train_once: TrainOnce) -> None:
    data, first = train_once(TUTORIAL)
    before = [w.copy() for w in first.model.get_weights()]
    second = run_network(first.model, data, say=_quiet)
    assert second.mse_kw2 < first.mse_kw2
    for mine, kept in zip(first.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, kept)
    with pytest.raises(UsageError, match=r"has layers \[1, 4, 1\]"):
        run_network(build_model([1, 4, 1]), data, say=_quiet)


@pytest.mark.parametrize("recipe", EACH)
@pytest.mark.slow
def test_ctrl_c_keeps_the_weights_learnt_so_far(sample_kw: np.ndarray, recipe: Any) -> None:
    data = prepare(sample_kw, recipe, ratio=1.0, say=_quiet)
    messages: list[str] = []

    def interrupt(_: TrainingProgress) -> None:
        signal.raise_signal(signal.SIGINT)

    trained = run_network(None, data, recipe=recipe, say=messages.append, on_progress=interrupt)
    assert trained.interrupted
    assert trained.windows == recipe.batch
    tested = data.test if isinstance(data, PowerData) else data.houses[0].test
    assert len(trained.predicted) == len(trained.targets) == len(tested)
    (line,) = [line for line in messages if line.startswith("Interrupted")]
    assert re.fullmatch(r"Interrupted after \d+ of [\d,]+ windows: the weights .* are kept", line)


class KilledError(Exception):
    """Simulates the end of the process."""


def _kill_after(windows: int) -> Any:
    def watch(progress: TrainingProgress) -> None:
        if progress.windows > windows:
            raise KilledError

    return watch


def _interrupt_after(windows: int) -> Any:
    def watch(progress: TrainingProgress) -> None:
        if progress.windows > windows:
            signal.raise_signal(signal.SIGINT)

    return watch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "interrupted_at", "killed_at"),
    [
        (replace(SHORT, batch=4, windows=4 * 40), 0.4, 0.8),
        (replace(TUTORIAL, batch=100, epochs=2), 0.7, None),
    ],
    ids=["sceaux", "tutorial"],
)
def test_interrupted_and_killed_training_continues_to_the_same_weights(
    sample_kw: np.ndarray,
    tmp_path: Path,
    recipe: Any,
    interrupted_at: float,
    killed_at: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interrupted after any step, and killed after an epoch at least."""
    monkeypatch.setattr("streamer.training.progress.PROGRESS_EVERY_S", 0.0)
    monkeypatch.setattr("streamer.training.batches._STRETCH_STEPS", 10)
    checkpoint = tmp_path / "new" / "checkpoint.npz"
    data = prepare(sample_kw[:1000], recipe, ratio=1.0, say=_quiet)
    messages: list[str] = []

    def run(on_progress: Any = None) -> Trained:
        return run_network(
            *(None, data),
            recipe=recipe,
            say=messages.append,
            checkpoint=None if on_progress is _quiet else checkpoint,
            on_progress=on_progress,
        )

    undisturbed = run(_quiet)
    interrupted = run(_interrupt_after(int(interrupted_at * undisturbed.windows)))
    assert interrupted.interrupted
    (line,) = [line for line in messages if line.startswith("Interrupted")]
    done = f"{interrupted.windows:,} of {undisturbed.windows:,} windows"
    assert line == f"Interrupted after {done}, saved in {checkpoint}: the same command continues"
    if killed_at is not None:
        with pytest.raises(KilledError):
            run(_kill_after(int(killed_at * undisturbed.windows)))
    resumed = run()
    assert f"Continuing from {checkpoint}: {interrupted.windows:,} windows are done" in messages
    assert resumed.windows == undisturbed.windows
    for mine, theirs in zip(
        resumed.model.get_weights(), undisturbed.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert not checkpoint.exists()


def test_checkpoint_of_another_training_is_ignored(sample_kw: np.ndarray, tmp_path: Path) -> None:
    learner = build_model([1, 3, 1])
    learner.compile(loss="mse", optimizer="rmsprop")
    learner.optimizer.build(learner.trainable_variables)
    path = tmp_path / "checkpoint.npz"
    learner.optimizer.iterations.assign(2)
    Checkpoint(path, "this").save(learner)
    assert Checkpoint(path, "this").restore(learner) == 2
    assert Checkpoint(path, "other").restore(learner) == 0
    assert list(tmp_path.iterdir()) == [path]
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[: len(whole) // 2], b"", b"PK", bytes(len(whole))):
        path.write_bytes(damaged)
        assert Checkpoint(path, "this").restore(learner) == 0
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert Checkpoint(path, "this").restore(learner) in (0, 2)
    assert Checkpoint(tmp_path / "absent.npz", "this").restore(learner) == 0


def test_training_accepts_several_inputs_and_outputs() -> None:
    rng = np.random.default_rng(0)
    data = data_power_consumption(rng.uniform(0, 2, (400, 3)), say=_quiet)
    assert isinstance(data, PowerData)
    trained = run_network(None, data, say=_quiet)
    assert layer_sizes(trained.model) == [3, 50, 100, 3]
    assert trained.predicted.shape == (35,)


def test_checksum_depends_on_the_values_only() -> None:
    one, two = Series(np.ones((5, 1))), Series(np.ones((5, 1)), name="other")
    assert one.sha256 == two.sha256
    assert one.sha256 != Series(np.zeros((5, 1))).sha256


def test_missing_data_is_rejected() -> None:
    with pytest.raises(UsageError, match="no data"):
        run_network()
