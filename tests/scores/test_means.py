"""Tests of the running scores of the means' forecasts: their state, and what damages it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.readings.packing import packed
from streamer.scores.means import COLUMNS, RunningMeanScores

MINUTES = (1, 5)


def updated(rows: int = 40) -> RunningMeanScores:
    scores, rng = RunningMeanScores(MINUTES, confidence=0.9), np.random.default_rng(1)
    issued, actual = rng.random((rows, COLUMNS, 2)), rng.random((rows, 2))
    issued[:5], issued[5:9, COLUMNS - 1] = np.nan, np.nan
    for start in range(0, rows, 7):
        scores.update(issued[start : start + 7], actual[start : start + 7])
    return scores


def test_nothing_is_known_before_the_first_settlement() -> None:
    first = RunningMeanScores(MINUTES, confidence=0.9).get()[0]
    assert (first.settled, first.mse_kw2, first.skill, first.coverage) == (0, None, None, None)


def test_blocks_add_up_to_the_same_bits() -> None:
    rng = np.random.default_rng(1)
    issued, actual = rng.random((40, COLUMNS, 2)), rng.random((40, 2))
    one, many = (RunningMeanScores(MINUTES, confidence=0.9) for _ in range(2))
    issued[3, :, 1] = issued[7:9, COLUMNS - 1] = np.nan
    for i in range(40):
        one.update(issued[i : i + 1], actual[i : i + 1])
    many.update(issued[:31], actual[:31])
    many.update(issued[31:], actual[31:])
    assert many.get() == one.get()
    assert many.state() == one.state()


def test_a_saved_state_continues_exactly() -> None:
    first, second = updated(), RunningMeanScores(MINUTES, confidence=0.9)
    second.restore(json.loads(json.dumps(first.state())))
    assert second.get() == first.get()
    assert first.get()[0].settled == 35


@pytest.mark.parametrize(
    "damage",
    [
        {"sums": packed([-1.0] * COLUMNS * 2)},
        {"sums": packed([1.0])},
        {"counts": [[1, 1]]},
        {"counts": [[1], [1]]},
        {"counts": [[1, 1], [2, 1]]},
        {"counts": [[1, -1], [1, 1]]},
        {"counts": [[1, 1.5], [1, 1]]},
    ],
)
def test_damaged_states_are_refused(damage: dict[str, object]) -> None:
    scores = updated()
    before = scores.state()
    with pytest.raises((ValueError, TypeError)):
        scores.restore({**before, **damage})
    assert scores.state() == before
