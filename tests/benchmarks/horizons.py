"""Cost per reading of what the forecasts of the next minutes' mean are computed from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamer.models.features import FEATURES
from streamer.online.history import History
from streamer.online.wallclock import wall_clock, wall_clocks_at
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.stream.runner import BLOCK
from tests.models.heads import random_head

MINUTES = (*range(1, 16), 30, 60)
_HIDDEN = 128
_START = np.datetime64("2010-01-01T00:00", "us")

Runs = dict[str, Callable[[], object]]


def runs(kw: DoubleArray, hidden: FloatArray) -> Runs:
    """What to measure over all readings, each with a name.

    Args:
        kw: (readings,) readings one minute apart.
        hidden: (readings, units) the hidden state after each.
    """
    return {**_history_runs(kw), **_head_runs(kw, hidden)}


def _history_runs(kw: DoubleArray) -> Runs:
    at = _START + np.arange(len(kw)) * np.timedelta64(1, "m")

    def singly() -> None:
        history = History()
        for moment, power in zip(at.tolist(), kw.tolist(), strict=True):
            history.push(*wall_clock(moment), power)

    def together() -> None:
        history = History()
        for part in _parts(len(kw)):
            history.extend(*wall_clocks_at(at[part]), kw[part])

    def with_means() -> None:
        history = History()
        for part in _parts(len(kw)):
            history.extend_with_means(*wall_clocks_at(at[part]), kw[part], MINUTES)

    return {
        "features of the history, one by one": singly,
        "features of the history, in blocks": together,
        "the same with means of the last minutes, in blocks": with_means,
    }


def _head_runs(kw: DoubleArray, hidden: FloatArray) -> Runs:
    head = random_head(hidden.shape[1], _HIDDEN, minutes=MINUTES[1:])
    features = np.zeros((len(kw), len(FEATURES)), np.float32)

    def singly() -> None:
        for one, of_history, power in zip(hidden, features, kw.tolist(), strict=True):
            head.one(one, of_history, power)

    def together() -> None:
        for part in _parts(len(kw)):
            head.many(hidden[part], features[part], kw[part])

    return {
        "head for the next minutes, one by one": singly,
        "head for the next minutes, in blocks": together,
    }


def _parts(readings: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, readings, BLOCK)]
