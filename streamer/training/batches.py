"""Batches of windows for Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import IntArray
from streamer.training.data import PowerData
from streamer.training.recipes import Recipe

_STRETCHES = 32
_STRETCH_STEPS = 100
_TEST_BATCH = 2048


def training_batches(
    keras: Any, data: PowerData, recipe: Recipe, starts: IntArray, seed: int
) -> Any:
    """The training batches as a `keras.utils.PyDataset`.

    Each is drawn from the seed and its number only, so the order does not depend on how the
    batches are requested. A recipe with a number of windows runs through them once, in equal
    parts after which a checkpoint is saved; to Keras these are the epochs.

    Args:
        keras: the module.
        data: the windows.
        recipe: batch size and length of the training.
        starts: first readings of the windows to learn from.
        seed: seed of the order.

    Returns:
        The dataset, with the number of `epochs`; `start(epoch)` must be called at the start of
        each. `windows_in(steps)` is the number of windows in so many steps of the whole
        training, and `rest(skip)` the dataset of an epoch without its first steps.
    """
    windows = data.windows
    by_epochs = bool(recipe.epochs)
    if by_epochs:
        epochs, steps = recipe.epochs, -(-len(starts) // recipe.batch)
    else:
        epochs = max(1, min(_STRETCHES, recipe.windows // recipe.batch // _STRETCH_STEPS))
        steps = recipe.windows // recipe.batch // epochs

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(workers=1)
            self.epochs = epochs
            self.start(0)

        def windows_in(self, done: int) -> int:
            """Number of windows in the first steps of the training."""
            per_epoch = len(starts) if by_epochs else steps * recipe.batch
            epoch, step = divmod(done, steps)
            return epoch * per_epoch + min(step * recipe.batch, per_epoch)

        def rest(self, skip: int) -> Any:
            """The batches of the current epoch without the first ones."""
            return _rest(keras, self, skip)

        def start(self, epoch: int) -> None:
            self.epoch = epoch
            if by_epochs:
                self.order = np.random.default_rng([seed, epoch + 1]).permutation(starts)

        def __len__(self) -> int:
            return steps

        def __getitem__(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
            if by_epochs:
                chosen = self.order[number * recipe.batch : (number + 1) * recipe.batch]
                block = windows[chosen]
                return block[:, :-1], block[:, -1]
            rng = np.random.default_rng([seed, 1, self.epoch * steps + number])
            block = windows[rng.choice(starts, recipe.batch)]
            return block[:, :-1], np.diff(block[..., :1], axis=1)

    return Batches()


def _rest(keras: Any, whole: Any, skip: int) -> Any:
    """A dataset without its first batches."""

    class Rest(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(whole) - skip

        def __getitem__(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
            batch: tuple[NDArray[Any], NDArray[Any]] = whole[skip + number]
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

        def __getitem__(self, number: int) -> tuple[NDArray[Any], ...]:
            block = windows[starts[number * _TEST_BATCH : (number + 1) * _TEST_BATCH]]
            return (block[:, :-1], block[:, -1]) if targets else (block[:, :-1],)

    return Blocks(workers=1)
