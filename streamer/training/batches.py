"""Batches of windows for Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import FloatArray, IntArray
from streamer.training.data import PowerData
from streamer.training.houses import Houses
from streamer.training.recipes import Recipe

_STRETCHES = 32
_STRETCH_STEPS = 100
_TEST_BATCH = 2048


def training_batches(
    keras: Any, data: PowerData, recipe: Recipe, starts: IntArray, seed: int
) -> Any:
    """The training batches of a recipe with epochs, as a `keras.utils.PyDataset`.

    Args:
        keras: the module.
        data: the windows.
        recipe: batch size and length of the training.
        starts: first readings of the windows to learn from.
        seed: seed of the order.

    Returns:
        The dataset, as `_dataset` describes it.
    """
    windows = data.windows

    def order(epoch: int) -> IntArray:
        return np.random.default_rng([seed, epoch + 1]).permutation(starts)

    def batch(order: IntArray, epoch: int, number: int) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ARG001
        chosen = order[number * recipe.batch : (number + 1) * recipe.batch]
        block = windows[chosen]
        return block[:, :-1], block[:, -1]

    steps = -(-len(starts) // recipe.batch)
    return _dataset(keras, recipe.epochs, steps, recipe.batch, len(starts), order, batch)


def drawn_batches(keras: Any, data: Houses, recipe: Recipe, seed: int) -> Any:
    """The training batches of a recipe with a number of windows, as a `keras.utils.PyDataset`.

    Windows are drawn at random from the tracks of all houses. The training is cut into equal
    parts after which a checkpoint is saved; to Keras these are the epochs.

    Args:
        keras: the module.
        data: the houses.
        recipe: batch size, length of the training, and horizons.
        seed: seed of the windows.

    Returns:
        The dataset, as `_dataset` describes it, of `DrawnBatch.draw`.
    """
    epochs = max(1, min(_STRETCHES, recipe.windows // recipe.batch // _STRETCH_STEPS))
    steps = recipe.windows // recipe.batch // epochs
    drawer = Drawer(data, recipe)

    def batch(_: None, epoch: int, number: int) -> tuple[dict[str, NDArray[Any]]]:
        rng = np.random.default_rng([seed, 1, epoch * steps + number])
        return (drawer.draw(rng),)

    return _dataset(keras, epochs, steps, recipe.batch, steps * recipe.batch, _nothing, batch)


def _nothing(_: int) -> None:
    pass


class Drawer:
    """Random windows of houses, with what is learnt from them.

    Args:
        data: the houses.
        recipe: batch size and horizons.
    """

    def __init__(self, data: Houses, recipe: Recipe) -> None:
        self._data, self._recipe = data, recipe
        self._tracks, self._window = data.tracks, data.length - 1
        self._shift, self._scale = data.shift.astype(np.float32), data.scale.astype(np.float32)

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """A batch.

        Args:
            rng: source of random numbers.

        Returns:
            `inputs` (windows, timesteps, inputs), centred and scaled; `changes` (windows,
            timesteps, 1) to the next reading in kW; `gain` (windows, 1, 1), the factor of the
            errors; `steps` (steps,) of the window that the head for horizons learns from;
            `features` (windows, steps, features) there, normalised; and `means` (windows,
            steps, horizons): changes of the mean, scaled, NaN where unknown.
        """
        recipe, window = self._recipe, self._window
        counts = rng.multinomial(recipe.batch, self._data.shares)
        steps = np.arange(recipe.first_scored, window)
        if len(steps) > recipe.horizon_steps:
            steps = np.sort(rng.choice(steps, recipe.horizon_steps, replace=False))
        parts = [
            self._of_track(index, rng.integers(0, len(self._tracks[index].starts), count), steps)
            for index, count in enumerate(counts.tolist())
            if count
        ]
        batch = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        batch["steps"] = steps.astype(np.int32)
        return batch

    def _of_track(self, index: int, chosen: IntArray, steps: IntArray) -> dict[str, NDArray[Any]]:
        track, data = self._tracks[index], self._data
        starts = track.starts[chosen].astype(np.int64)
        values = track.values[starts[:, None] + np.arange(data.length)]
        rows = starts[:, None] + steps
        features = (track.features[rows] - data.feature_mean) / data.feature_std
        means = track.mean_changes(rows, self._recipe.horizons) / data.scales_kw
        return {
            "inputs": (values[:, :-1] - self._shift) / self._scale,
            "changes": np.diff(values[..., :1], axis=1),
            "gain": track.gain[starts, None, None],
            "features": features.astype(np.float32),
            "means": means.astype(np.float32),
        }


def _dataset(
    keras: Any,
    epochs: int,
    steps: int,
    batch_size: int,
    per_epoch: int,
    order: Callable[[int], Any],
    batch: Callable[[Any, int, int], tuple[Any, ...]],
) -> Any:
    """Batches that follow from the seed and their number only, however they are requested.

    Args:
        keras: the module.
        epochs: number of epochs.
        steps: batches in one.
        batch_size: windows in a batch, except the last one of an epoch.
        per_epoch: windows in an epoch.
        order: what is needed for the batches of an epoch, by its number.
        batch: the batch from that, the epoch, and its number in the epoch.

    Returns:
        The dataset, with the number of `epochs`; `start(epoch)` must be called at the start of
        each. `windows_in(steps)` is the number of windows in so many steps of the whole
        training, and `rest(skip)` the dataset of an epoch without its first steps.
    """

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(workers=1)
            self.epochs = epochs
            self.start(0)

        def windows_in(self, done: int) -> int:
            """Number of windows in the first steps of the training."""
            epoch, step = divmod(done, steps)
            return epoch * per_epoch + min(step * batch_size, per_epoch)

        def rest(self, skip: int) -> Any:
            """The batches of the current epoch without the first ones."""
            return _rest(keras, self, skip)

        def start(self, epoch: int) -> None:
            self.epoch, self.order = epoch, order(epoch)

        def __len__(self) -> int:
            return steps

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            return batch(self.order, self.epoch, number)

    return Batches()


def _rest(keras: Any, whole: Any, skip: int) -> Any:
    """A dataset without its first batches."""

    class Rest(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(whole) - skip

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            batch: tuple[Any, ...] = whole[skip + number]
            return batch

    return Rest(workers=1)


def blocks_in_order(keras: Any, data: PowerData, starts: IntArray, *, targets: bool) -> Any:
    """Windows in order, as a `keras.utils.PyDataset`.

    Args:
        keras: the module.
        data: the windows.
        starts: first readings of the windows.
        targets: whether to return the targets as well.
    """
    windows = data.windows

    class Blocks(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(starts) // _TEST_BATCH)

        def __getitem__(self, number: int) -> tuple[FloatArray, ...]:
            block = windows[starts[number * _TEST_BATCH : (number + 1) * _TEST_BATCH]]
            return (block[:, :-1], block[:, -1]) if targets else (block[:, :-1],)

    return Blocks(workers=1)
