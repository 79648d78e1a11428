"""Tests of heads for the mean of the next minutes that give something else than finite numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from streamer import Pipeline, ReadingBlock
from streamer.testing import FixedForecaster, readings
from streamer.testing.forecasters import FixedHead

KW = np.round(np.random.default_rng(11).gamma(2.0, 0.3, 300), 3)
AT_KW = KW[150] = 9.0
ITEMS = readings(KW)


class SpoiltHead(FixedHead):
    """A head whose answers are spoilt where the last reading is a given one."""

    def __init__(self, spoil: Callable[[Any], Any]) -> None:
        super().__init__(0.5, minutes=(5, 15), spread_kw=0.1)
        self.spoil = spoil

    def many(self, hidden: Any, features: Any, last_kw: Any) -> Any:
        found = super().many(hidden, features, last_kw)
        spoilt = last_kw == AT_KW
        if not spoilt.any():
            return found
        return self.spoil(found) if len(found) == 1 else self._in_place(found, spoilt)

    def _in_place(self, found: Any, spoilt: Any) -> Any:
        changed = self.spoil(found[spoilt])
        if changed.shape == found[spoilt].shape:
            found[spoilt] = changed
        return found


def _forecaster(spoil: Callable[[Any], Any]) -> FixedForecaster:
    forecaster = FixedForecaster(window=4, spread_kw=0.2, horizons=(5, 15))
    forecaster.horizons = SpoiltHead(spoil)
    return forecaster


def _raising(found: Any) -> Any:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda found: found * math.nan, "gave a mean that is not finite, or not plausible"),
        (lambda found: found + 1e9, "gave a mean that is not finite, or not plausible"),
        (lambda found: np.ones((1, 3, 4)), "gave an array of shape (3, 4), not (2, 4)"),
        (_raising, "raised ValueError: no"),
    ],
)
def test_the_last_reading_is_taken_in_place_of_a_faulty_mean(
    spoil: Callable[[Any], Any], said: str
) -> None:
    pipeline = Pipeline(_forecaster(spoil), adapt=False)
    steps = [pipeline.push(reading) for reading in ITEMS]
    texts = [notice.text for notice in pipeline.gathered()]
    assert texts == [
        f"model FixedForecaster: horizons {said}; the last reading is taken in its place"
    ]
    means = [step.next_means for step in steps]
    assert means[150] is not None
    assert means[151] is not None
    assert means[150].values[1:, 0].tolist() == [AT_KW] * 2
    assert means[151].values[1:, 0].tolist() == [0.5] * 2
    scores = steps[-1].mean_scores
    assert scores is not None
    json.dumps(pipeline.state(), allow_nan=False)


def test_a_fault_is_the_same_in_a_block() -> None:
    singly, block = (Pipeline(_forecaster(lambda found: found * math.nan)) for _ in range(2))
    steps = [singly.push(reading) for reading in ITEMS]
    result = block.push_block(ReadingBlock.of(ITEMS))
    assert singly.gathered() == block.gathered()
    assert result.last.next_means is not None
    assert steps[-1].next_means is not None
    np.testing.assert_allclose(
        result.last.next_means.values, steps[-1].next_means.values, atol=1e-5
    )
