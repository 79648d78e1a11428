"""Tests of tracks: changes of the mean, windows over gaps, and stretches apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamer.online.history import History
from streamer.online.wallclock import wall_clocks_at
from streamer.training import RECIPES, Series
from streamer.training.copies import copied_stretches, plain_stretches
from streamer.training.tracks import Stretch, join

START = np.datetime64("2013-03-02T22:00", "m")
HORIZONS = (2, 5, 60)


def _stretch(elapsed: np.ndarray, kw: np.ndarray) -> Stretch:
    return Stretch(START + (elapsed - elapsed[0]), elapsed, kw[:, None])


def _series(days: int, *, gap: slice = slice(0, 0), seed: int = 1) -> Series:
    kept = np.delete(np.arange(days * 1440), gap)
    kw = np.random.default_rng(seed).gamma(2.0, 0.3, len(kept))
    return Series(np.round(kw, 3)[:, None], (START + kept).astype("datetime64[s]"), "house")


def test_mean_changes_are_those_of_whole_horizons_within_a_stretch() -> None:
    rng = np.random.default_rng(0)
    minutes = np.delete(np.arange(400), [100, 101, 250])
    kw = rng.uniform(0, 3, len(minutes))
    parts = [_stretch(minutes[:200] + 7, kw[:200]), _stretch(minutes[200:] + 7, kw[200:])]
    track = join(parts, length=50, max_gap_min=10)
    got = track.mean_changes(np.arange(len(kw)), HORIZONS)
    for row in range(len(kw)):
        end = 200 if row < 200 else len(kw)
        for j, ahead in enumerate(HORIZONS):
            whole = row + ahead < end and minutes[row + ahead] - minutes[row] == ahead
            expected = kw[row + 1 : row + 1 + ahead].mean() - kw[row] if whole else np.nan
            np.testing.assert_allclose(got[row, j], expected, rtol=0, atol=1e-6)


def test_windows_bridge_short_gaps_only_and_stay_within_a_stretch() -> None:
    minutes = np.concatenate([np.arange(100), 103 + np.arange(100), 500 + np.arange(100)])
    parts = [_stretch(minutes[:270], np.ones(270)), _stretch(minutes[270:], np.ones(30))]
    starts = set(join(parts, length=20, max_gap_min=3).starts.tolist())
    expected = {
        start
        for start in range(300 - 19)
        if minutes[start + 19] - minutes[start] <= 22 and not start <= 269 < start + 19
    }
    assert starts == expected
    assert 90 in starts
    assert set(join(parts, length=20, max_gap_min=2).starts.tolist()) < starts


def test_features_begin_anew_with_each_stretch() -> None:
    series = _series(3)
    kw = series.kw[:, 0]
    clocks = wall_clocks_at(series.clock)
    cut = 2000
    parts = [
        Stretch(series.clock[rows], series.elapsed[rows], series.kw[rows])
        for rows in (slice(0, cut), slice(cut, None))
    ]
    track = join(parts, length=50, max_gap_min=10)
    for rows in (slice(0, cut), slice(cut, None)):
        expected = History().extend(*(each[rows] for each in clocks), kw[rows])
        np.testing.assert_allclose(track.features[rows], expected, rtol=1e-3, atol=1e-3)


def test_gain_evens_out_the_changes_of_stretches() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=500)
    parts = [_stretch(np.arange(500), size * noise) for size in (0.1, 0.4, 1e-6)]
    plain = join(parts, length=50, max_gap_min=0)
    np.testing.assert_array_equal(plain.gain, 1.0)
    reference = parts[0].change_kw
    assert reference == pytest.approx(0.1 * np.sqrt(np.mean(np.diff(noise) ** 2)))
    even = join(parts, length=50, max_gap_min=0, reference_kw=reference, balance=1.0)
    np.testing.assert_allclose(even.gain[[0, 499, 500, 999, 1000]], [1, 1, 0.25, 0.25, 4])
    half = join(parts, length=50, max_gap_min=0, reference_kw=reference, balance=0.5)
    np.testing.assert_allclose(half.gain**2, even.gain, rtol=1e-6)


def test_plain_stretches_are_the_house_and_begin_anew_at_weeks() -> None:
    series = _series(70, gap=slice(10_000, 31_000))
    for share in (0.0, 0.5, 1.0):
        parts = plain_stretches(series, share, np.random.default_rng(3))
        np.testing.assert_array_equal(np.concatenate([p.values for p in parts]), series.kw)
        for part in parts[1:]:
            week = (part.elapsed[0] - series.elapsed[0]) % 10_080
            assert week == 0 or part.elapsed[0] - series.elapsed[0] == 31_000
        # The gap swallows two of the beginnings.
        assert len(parts) == {0.0: 1, 0.5: len(parts), 1.0: 8}[share]
    assert 1 < len(plain_stretches(series, 0.5, np.random.default_rng(3))) < 8


def test_copies_are_scaled_once_and_have_other_additions_every_few_weeks() -> None:
    series, recipe = _series(120), RECIPES["homes"]
    parts = copied_stretches(series, recipe, 1, 0)
    np.testing.assert_array_equal(np.concatenate([p.elapsed for p in parts]), series.elapsed)
    assert 120 / 7 / 6 - 1 < len(parts) < 120 / 7 / 2 + 1
    for part in parts[:-1]:
        assert len(part.elapsed) % 10_080 == 0
    added = np.concatenate([p.values for p in parts])
    assert np.isfinite(added).all()
    assert added.max() > series.kw.max() + 1.0
    again = copied_stretches(series, recipe, 1, 0)
    np.testing.assert_array_equal(added, np.concatenate([p.values for p in again]))
    for other in (copied_stretches(series, recipe, 2, 0), copied_stretches(series, recipe, 1, 1)):
        assert not np.array_equal(added, np.concatenate([p.values for p in other]))


def test_copy_without_additions_is_the_house_in_another_scale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from streamer.training.additions import Additions

    monkeypatch.setattr("streamer.training.copies.drawn_kind", lambda _: ("none", Additions()))
    series = _series(20)
    recipe = replace(RECIPES["homes"], scale_spread=0.4)
    copy = np.concatenate([p.values for p in copied_stretches(series, recipe, 1, 0)])
    factor = copy.sum() / series.kw.sum()
    assert factor != pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(copy, factor * series.kw, rtol=0, atol=2e-3)
