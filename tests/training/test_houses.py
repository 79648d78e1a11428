"""Tests of the data of several houses: split, weights, scaling and drawn batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from streamer.errors import UsageError
from streamer.models.features import FEATURES
from streamer.training import RECIPES, Houses, Series, prepare
from streamer.training.batches import Drawer

SCEAUX = RECIPES["sceaux"]
PLAIN = replace(SCEAUX, fresh_share=0.0)
START = np.datetime64("2013-03-02T22:00:00", "s")


def _quiet(_: str) -> None:
    pass


def _house(readings: int, *, name: str = "house", mean_kw: float = 0.6, **options: Any) -> Series:
    kw = mean_kw * np.random.default_rng(readings).gamma(2.0, 0.5, readings)
    at = START + 60 * np.arange(readings)
    return Series(np.round(kw, 3)[:, None], at, name, **options)


def _split(*houses: Series, recipe: Any = PLAIN, **options: Any) -> Houses:
    data = prepare(list(houses), recipe, say=_quiet, **options)
    assert isinstance(data, Houses)
    return data


def test_last_tenth_of_each_house_is_kept_out_of_training() -> None:
    one, two = _house(2000), _house(1000, mean_kw=2.0)
    data = _split(one, two, recipe=replace(PLAIN, copies=1))
    for house, row in zip(data.houses, (1800, 900), strict=True):
        assert all(len(track.values) == row for track in house.tracks)
        np.testing.assert_array_equal(house.test + 49, np.arange(row, len(house.series)))
        np.testing.assert_array_equal(
            house.tracks[0].values, house.series.kw[:row].astype(np.float32)
        )
    assert data.trained_from == START.item()
    assert data.trained_to == (START + 60 * 1799).item()


def test_houses_are_weighted_and_centred_by_their_weight() -> None:
    one, two = _house(4000), _house(1000, mean_kw=2.0)
    for exponent, expected in ((0.0, 0.5), (0.5, 2 / 3), (1.0, 0.8)):
        data = _split(one, two, recipe=replace(PLAIN, house_exponent=exponent))
        np.testing.assert_allclose(data.weights, [expected, 1 - expected], atol=1e-9)
        means = one.kw[:3600].mean(), two.kw[:900].mean()
        np.testing.assert_allclose(data.shift, [np.dot(data.weights, means)])
        np.testing.assert_array_equal(data.shares, data.weights)
    copied = replace(PLAIN, house_exponent=0.0, copies=2, plain_share=0.6)
    shares = _split(one, two, recipe=copied).shares
    np.testing.assert_allclose(shares, [0.3, 0.1, 0.1] * 2)


def test_scales_and_features_are_those_of_the_training_part() -> None:
    data = _split(_house(3000))
    (track,) = data.tracks
    changes = track.mean_changes(np.arange(2700), PLAIN.horizons)
    np.testing.assert_allclose(data.scales_kw, np.sqrt(np.nanmean(changes**2, axis=0)))
    features = track.features.astype(float)
    np.testing.assert_allclose(data.feature_mean, features.mean(axis=0), atol=1e-9)
    std = features.std(axis=0)
    np.testing.assert_allclose(data.feature_std, np.where(std > 1e-3, std, 1.0), atol=1e-6)


def test_channels_are_scaled_within_what_they_have_been() -> None:
    rng = np.random.default_rng(0)
    kw = np.column_stack([rng.gamma(2.0, 0.3, 2000), rng.normal(240, 2, 2000), np.ones(2000)])
    named = Series(kw, channels=(("voltage", "V"), ("sub_1", "kW")))
    data = _split(named, recipe=replace(RECIPES["sceaux-channels"], fresh_share=0.0))
    power, voltage, constant = data.inputs
    assert (power.name, power.unit, power.scale, power.high) == ("power", "kW", 1.0, np.inf)
    assert (voltage.name, voltage.unit) == ("voltage", "V")
    part = kw[:1800, 1]
    assert voltage.shift == pytest.approx(part.mean())
    assert voltage.scale == pytest.approx(part.std())
    assert (voltage.low, voltage.high) == (part.min(), part.max())
    assert (constant.shift, constant.scale, constant.high) == (1.0, 1.0, np.inf)
    batch = Drawer(data, SCEAUX).draw(np.random.default_rng(1))
    assert batch["inputs"].shape == (256, 49, 3)
    assert batch["inputs"][..., 1].std() == pytest.approx(1.0, abs=0.05)


def test_houses_that_do_not_fit_are_refused() -> None:
    house = _house(1000)
    both = np.column_stack([house.kw, house.kw])
    other = Series(both, house.at, "other", channels=(("voltage", "V"),))
    with pytest.raises(UsageError, match="other has other channels than house: voltage, not none"):
        _split(house, other)
    with pytest.raises(UsageError, match="house: 2 inputs; name those after the power"):
        _split(replace(house, kw=both))
    with pytest.raises(UsageError, match="house: no channels beside the power are known"):
        _split(house, recipe=RECIPES["sceaux-channels"])
    with pytest.raises(UsageError, match="recipe 'homes' adds to the power alone"):
        _split(other, recipe=RECIPES["homes"])
    spread = np.concatenate([house.at[:900], house.at[899] + 3600 * np.arange(1, 101)])
    with pytest.raises(UsageError, match="house: the last tenth of its readings has no 50 of"):
        _split(replace(house, at=spread))
    with pytest.raises(UsageError, match="recipe 'tutorial' trains on one house, not on 2"):
        prepare([house, house], RECIPES["tutorial"], say=_quiet)


def test_batches_hold_windows_and_what_follows_them() -> None:
    one, two = _house(3000), _house(2000, mean_kw=5.0)
    data = _split(one, two, recipe=replace(PLAIN, balance=0.5))
    recipe = replace(PLAIN, batch=64)
    drawn = Drawer(data, recipe).draw(np.random.default_rng(4))
    again = Drawer(data, recipe).draw(np.random.default_rng(4))
    assert all(np.array_equal(drawn[name], again[name], equal_nan=True) for name in drawn)
    steps = drawn["steps"]
    assert len(set(steps.tolist())) == 8
    assert steps.min() >= 10
    assert drawn["features"].shape == (64, 8, len(FEATURES))
    found = 0
    for row, window in enumerate(drawn["inputs"][..., 0] + data.shift[0]):
        for house in data.houses:
            kw = house.series.kw[: house.row, 0]
            views = np.lib.stride_tricks.sliding_window_view(kw[:-1], 49)
            match = np.flatnonzero(np.abs(views - window).max(axis=1) < 1e-5)
            if not len(match):
                continue
            (start,) = match
            found += 1
            track = house.tracks[0]
            np.testing.assert_allclose(
                drawn["changes"][row, :, 0], np.diff(kw[start : start + 50]), atol=1e-5
            )
            assert drawn["gain"][row, 0, 0] == track.gain[start]
            means = track.mean_changes(start + steps, recipe.horizons) / data.scales_kw
            np.testing.assert_allclose(drawn["means"][row], means, rtol=1e-5, atol=1e-6)
            features = track.features[start + steps].astype(float)
            np.testing.assert_allclose(
                drawn["features"][row],
                (features - data.feature_mean) / data.feature_std,
                atol=1e-4,
            )
    assert found == 64


def test_fingerprint_depends_on_what_is_trained_on() -> None:
    one = _split(_house(2000))
    assert one.fingerprint == _split(_house(2000)).fingerprint
    assert one.fingerprint != _split(_house(2001)).fingerprint
    assert one.fingerprint != _split(_house(2000), recipe=replace(PLAIN, copies=1)).fingerprint


def test_series_with_a_zone_has_elapsed_minutes_of_its_own() -> None:
    house = _house(100)
    assert house.elapsed[1] - house.elapsed[0] == 1
    later = replace(house, utc=house.at + 3600)
    np.testing.assert_array_equal(later.elapsed, house.elapsed + 60)
    np.testing.assert_array_equal(later.clock, house.clock)
    assert Series(house.kw).elapsed.tolist() == list(range(100))
