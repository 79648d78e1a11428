"""Tests of what is learnt of many meters' horizons."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.online.means.light import learning
from streamer.online.means.light.learning import CLASSES, MINUTES, LightBands


@pytest.mark.parametrize("confidence", [0.8, 0.9])
def test_intervals_come_to_cover_the_nominal_share_of_every_class(confidence: float) -> None:
    rng = np.random.default_rng(1)
    bands, meters = LightBands(confidence), 100
    terms = np.tile(bands.first, (meters, 1, 1, 1))
    head = np.tile([1.0, 0.7, 1.0, 1.3], (meters, 2, 1))
    covered: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for number in range(700):
        night, last = number % 2 == 0, np.full(meters, 1.0 + number % 3)
        day_minutes = np.full(meters, 60 if night else 900)
        low, high = bands.see(terms, head, last, day_minutes)
        actual = rng.normal(1.0, 0.1 if night else 0.9, (meters, 2))
        for horizon in range(len(MINUTES)):
            outside = np.stack(
                [actual[:, horizon] < low[:, horizon], actual[:, horizon] > high[:, horizon]], 1
            )
            settled = np.full(meters, number)
            bands.learn(terms[:, horizon], horizon, settled, outside, last, day_minutes)
            if number >= 300:
                covered[night].append(~outside.any(axis=1))
    for found in covered.values():
        assert np.mean(found) == pytest.approx(confidence, abs=0.02)


def test_moves_in_and_out_balance_at_the_nominal_coverage() -> None:
    bands = LightBands(0.9)
    terms = np.zeros((2, *bands.first.shape[1:]), np.int16)
    outside = np.array([[True, False], [False, False]])
    bands.learn(terms, 0, np.zeros(2, int), outside, np.ones(2), np.zeros(2, int))
    out, inside = terms[:, 0, 0].tolist()
    assert out == -19 * inside > 0
    assert terms[0, 1, 0] == inside


def test_terms_stay_within_their_bounds() -> None:
    bands = LightBands(0.9)
    terms = np.tile(bands.first, (1, 1, 1, 1))
    for _ in range(200):
        outside, nothing = np.array([[True, True]]), np.zeros(1, int)
        bands.learn(terms[:, 1], 1, nothing, outside, np.ones(1), nothing)
    assert terms.max() == 32000
    sums = np.zeros((1, 2, 2, CLASSES), np.float32)
    assert learning.are_sound(terms, sums)
    assert not learning.are_sound(terms + np.int16(1), sums)


def test_the_weight_is_the_least_squares_coefficient() -> None:
    rng = np.random.default_rng(2)
    sums = np.zeros((1, 2, 2, CLASSES), np.float32)
    change = np.abs(rng.normal(size=400))
    came = 0.4 * change + rng.normal(0.0, 0.1, 400)
    for forecast, real in zip(change, came, strict=True):
        learning.confirm(sums[:, 1], np.array([forecast]), np.array([real]), np.array([2.0]))
    kept = 0.5 ** ((15 / 14400) * np.arange(400)[::-1])
    gain, size = (kept * change * came).sum(), (kept * change * change).sum()

    def weighted(change: float, last: float, mse: float = 0.0) -> list[float]:
        changes, noise = np.full((1, 2), change), np.full((1, 2), mse)
        found: list[float] = learning.weighted(sums, changes, np.array([last]), noise)[0].tolist()
        return found

    expected = (gain + 0.5) / (size + 0.5)
    assert weighted(1.0, 2.0) == [1.0, pytest.approx(expected, rel=1e-4)]
    above = expected + 0.1 * np.sqrt(size) / (size + 0.5)
    assert weighted(1.0, 2.0, mse=0.01)[1] == pytest.approx(above, rel=1e-4)
    # Other directions and levels have their own.
    assert weighted(-1.0, 2.0)[1] == -1.0
    assert weighted(1.0, 0.2)[1] == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1e13])
def test_damaged_evidence_is_found(value: float) -> None:
    sums = np.zeros((2, 2, 2, CLASSES), np.float32)
    terms = np.tile(LightBands(0.9).first, (2, 1, 1, 1))
    assert learning.are_sound(terms, sums)
    sums[1, 0, 0, 2] = value
    assert not learning.are_sound(terms, sums)
