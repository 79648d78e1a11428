"""Benchmark of training beside a plain fit, each in its own process, in turns.

A training continues when it reads a line, runs for a while, and reports its speed; in
between it waits, so that only one of them computes at any time.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.benchmarks.engines import QUIET_TENSORFLOW, WINDOW
from tests.benchmarks.processes import Worker
from tests.benchmarks.recordings import sample_kw

PLAIN = "plain fit"
TITLES = {"plain": PLAIN, "tutorial": "recipe tutorial", "sceaux": "recipe sceaux"}

_READINGS = 150_000
_BATCH = 256
_WARM_UP_S = 4.0
_TURN_S = 2.0


def compare(turns: int) -> dict[str, dict[str, float]] | None:
    """Windows per second of a plain fit and of both recipes.

    Args:
        turns: number of turns of each.

    Returns:
        Medians over the turns, of the speed and of its ratio to the plain fit's in the
        same turn; None without TensorFlow.
    """
    if find_spec("tensorflow") is None:
        return None
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(__name__, name, QUIET_TENSORFLOW)) for name in TITLES
        }
        rates: dict[str, list[float]] = {name: [] for name in TITLES}
        for turn in range(turns + 1):
            for name, worker in workers.items():
                rate = worker.ask("continue")["windows_per_s"]
                if turn:  # the first is a warm-up
                    rates[name].append(rate)
    return {
        title: {
            "windows_per_s": median(rates[name]),
            "ratio": median(np.divide(rates[name], rates["plain"])),
        }
        for name, title in TITLES.items()
    }


class _Turns:
    """Waits for a line on standard input, reports the speed after each turn, and waits again."""

    def __init__(self) -> None:
        self._length = _WARM_UP_S
        self._wait(0)

    def _wait(self, windows: int) -> None:
        if not sys.stdin.readline():
            raise SystemExit
        self._windows, self._since = windows, time.perf_counter()

    def report(self, windows: int) -> None:
        """Report the total number of windows learnt from."""
        taken = time.perf_counter() - self._since
        if taken >= self._length:
            print(json.dumps({"windows_per_s": (windows - self._windows) / taken}), flush=True)
            self._length = _TURN_S
            self._wait(windows)


def _fit_plainly() -> None:
    """The tutorial's network and call of `fit`, on copied windows."""
    import keras

    pairs = sliding_window_view(sample_kw(_READINGS).astype(np.float32), WINDOW + 1)
    inputs, targets = pairs[:, :-1, None].copy(), pairs[:, -1].copy()
    model = keras.Sequential(
        [
            keras.Input((WINDOW, 1)),
            keras.layers.LSTM(50, return_sequences=True),
            keras.layers.Dropout(0.2),
            keras.layers.LSTM(100),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    model.compile(loss="mse", optimizer="rmsprop")
    turns = _Turns()

    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        done = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.done += _BATCH
            turns.report(self.done)

    model.fit(inputs, targets, batch_size=_BATCH, epochs=1000, verbose=0, callbacks=[Report()])


def _run_network(name: str) -> None:
    """One of streamer's recipes, long enough not to end in any turn."""
    from streamer.training import find_recipe, run_network

    recipe = find_recipe(name)
    length = {"epochs": 1000} if recipe.epochs else {"windows": 10**8}
    turns = _Turns()
    run_network(
        None,
        sample_kw(_READINGS),
        recipe=find_recipe(name, **length),
        say=lambda _: None,
        on_progress=lambda progress: turns.report(progress.windows),
    )


if __name__ == "__main__":
    if sys.argv[1] == "plain":
        _fit_plainly()
    else:
        _run_network(sys.argv[1])
