"""Training data of one or several houses, each split in time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import inf

import numpy as np

from streamer.errors import UsageError
from streamer.models.inputs import POWER, POWER_UNIT, Input
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.training.copies import copied_stretches, plain_stretches
from streamer.training.data import TEST_SHARE, Series, require_windows
from streamer.training.recipes import Recipe
from streamer.training.tracks import Stretch, Track, join, window_starts

WINDOW = 49
"""Readings that a network sees before the one it forecasts."""

_BLOCK = 1 << 18
_MIN_SCALE = 1e-6
_MIN_STD = 1e-3


@dataclass(frozen=True, eq=False)
class House:
    """One house: its last part in time is for testing.

    Attributes:
        series: all its readings.
        row: first reading of the test part.
        tracks: the training part: as it is, then its copies.
        test: first readings of the windows whose target is in the test part.
    """

    series: Series
    row: int
    tracks: tuple[Track, ...]
    test: IntArray


@dataclass(frozen=True, eq=False)
class Houses:
    """Houses to train on, and how their readings are scaled.

    Attributes:
        houses: the houses.
        weights: (houses,) share of the windows from each.
        length: readings in a window, its target included.
        inputs: what the network takes of each reading, and how it is scaled.
        scales_kw: (horizons,) root mean squared change of the mean power of the next minutes.
        feature_mean: (features,) mean of each feature of the long history.
        feature_std: (features,) its standard deviation.
        shares: (tracks,) share of the windows from each track of all houses, in order.
    """

    houses: tuple[House, ...]
    weights: DoubleArray
    length: int
    inputs: tuple[Input, ...]
    scales_kw: DoubleArray
    feature_mean: DoubleArray
    feature_std: DoubleArray
    shares: DoubleArray

    @property
    def shift(self) -> DoubleArray:
        """(inputs,) value subtracted from each input, in its unit."""
        return np.array([each.shift for each in self.inputs])

    @property
    def scale(self) -> DoubleArray:
        """(inputs,) value that each input is divided by then."""
        return np.array([each.scale for each in self.inputs])

    @property
    def tracks(self) -> list[Track]:
        """The tracks of all houses, in order."""
        return [track for house in self.houses for track in house.tracks]

    @property
    def trained_from(self) -> datetime | None:
        """First minute of all training parts; None if times are unknown."""
        return min((m for m in (h.series.moment(0) for h in self.houses) if m), default=None)

    @property
    def trained_to(self) -> datetime | None:
        """Last minute of all training parts; None if times are unknown."""
        last = (house.series.moment(house.row - 1) for house in self.houses)
        return max((moment for moment in last if moment), default=None)

    @cached_property
    def fingerprint(self) -> int:
        """Checksum of all that is trained on."""
        found = 0
        for track in self.tracks:
            for array in (track.values, track.minute, track.features, track.gain):
                found = zlib.crc32(np.ascontiguousarray(array).data, found)
        return found


def split_houses(
    series: Sequence[Series],
    recipe: Recipe,
    *,
    length: int = WINDOW + 1,
    inputs: Sequence[Input] = (),
    seed: int = 1234,
    say: Callable[[str], None] = print,
) -> Houses:
    """Split houses in time, and draw their copies.

    No reading of the last 10 % of a house, its test part, is trained on.

    Args:
        series: the readings of each house.
        recipe: horizons, weights and copies.
        length: readings in a window, its target included.
        inputs: the inputs of an existing model; none for new ones, centred on the mean of the
            training parts, by weight, and scaled by their standard deviation, but for the power.
        seed: seed of the copies.
        say: called with the shift and the shape, as text.

    Raises:
        UsageError: there are too few readings for windows, or the houses have not the same
            inputs.
    """
    _check_inputs(series, recipe)
    parts = [_train_part(each, recipe, length) for each in series]
    weights = np.array([len(each) for each in parts], float) ** recipe.house_exponent
    weights /= weights.sum()
    inputs = tuple(inputs) or _inputs(parts, weights)
    say(f"Shift : {', '.join(f'{each.shift:.6f} {each.unit}' for each in inputs)}")
    changes = [np.diff(part.kw[:, 0]) ** 2 for part in parts]
    reference_kw = float(np.sqrt(np.average([c.mean() for c in changes], weights=weights)))
    houses = []
    for each, part in zip(series, parts, strict=True):
        house = _house(each, part, recipe, length, reference_kw, seed)
        windows = f"{len(house.tracks[0].starts):,} training windows of {length}"
        copies = f", {recipe.copies} copies" if recipe.copies else ""
        say(f"House : {each.name}: {windows}{copies}, {len(house.test):,} to test")
        houses.append(house)
    tracks = [track for house in houses for track in house.tracks]
    shares = _shares(tracks, weights, recipe)
    mean, std = _feature_moments(tracks, shares)
    return Houses(
        houses=tuple(houses),
        weights=weights,
        length=length,
        inputs=inputs,
        scales_kw=_scales_kw(tracks, shares, recipe.horizons),
        feature_mean=mean,
        feature_std=std,
        shares=shares,
    )


def _check_inputs(series: Sequence[Series], recipe: Recipe) -> None:
    channels = series[0].channels
    for each in series:
        if each.kw.shape[1] != 1 + len(each.channels):
            raise UsageError(f"{each.name}: {each.kw.shape[1]} inputs; name those after the power")
        if each.channels != channels:
            raise UsageError(
                f"{each.name} has other channels than {series[0].name}: {_listed(each.channels)}, "
                f"not {_listed(channels)}"
            )
    if recipe.channels and not channels:
        raise UsageError(
            f"{series[0].name}: no channels beside the power are known; name their columns "
            "(--channel), or train on the power alone (--recipe sceaux)"
        )
    if recipe.copies and channels:
        raise UsageError(f"recipe {recipe.name!r} adds to the power alone; it takes no channels")


def _listed(channels: Sequence[tuple[str, str]]) -> str:
    return ", ".join(name for name, _ in channels) or "none"


def _inputs(parts: Sequence[Series], weights: DoubleArray) -> tuple[Input, ...]:
    """The power, centred, and the channels, centred and scaled, within what they have been."""
    means = [part.kw.mean(axis=0) for part in parts]
    shift = np.average(means, axis=0, weights=weights)
    squares = [((part.kw - shift) ** 2).mean(axis=0) for part in parts]
    std = np.sqrt(np.average(squares, axis=0, weights=weights))
    low = np.min([part.kw.min(axis=0) for part in parts], axis=0)
    high = np.max([part.kw.max(axis=0) for part in parts], axis=0)
    found = [Input(POWER, POWER_UNIT, float(shift[0]))]
    for i, (name, unit) in enumerate(parts[0].channels, start=1):
        scale = float(std[i]) if std[i] > _MIN_SCALE else 1.0
        bounds = (float(low[i]), float(high[i])) if low[i] < high[i] else (-inf, inf)
        found.append(Input(name, unit, float(shift[i]), scale, *bounds))
    return tuple(found)


def _train_part(series: Series, recipe: Recipe, length: int) -> Series:
    part = series.first(round((1 - TEST_SHARE) * len(series)))
    require_windows(len(window_starts(part.elapsed, length, recipe.max_gap_min)), series, length)
    return part


def _house(
    series: Series, part: Series, recipe: Recipe, length: int, reference_kw: float, seed: int
) -> House:
    def track(stretches: Sequence[Stretch]) -> Track:
        return join(
            stretches,
            length=length,
            max_gap_min=recipe.max_gap_min,
            reference_kw=reference_kw,
            balance=recipe.balance,
        )

    rng = np.random.default_rng([seed, int(part.sha256[:8], 16)])
    tracks = [track(plain_stretches(part, recipe.fresh_share, rng))]
    tracks += [track(copied_stretches(part, recipe, seed, i)) for i in range(recipe.copies)]
    # A test window may begin in the training part: those readings precede its target.
    starts = window_starts(series.elapsed, length, recipe.max_gap_min)
    test = starts[starts > len(part) - length]
    if not len(test):
        raise UsageError(
            f"{series.name}: the last tenth of its readings has no {length} of them with at most "
            f"{recipe.max_gap_min} minutes missing between; nothing can be tested"
        )
    return House(series, len(part), tuple(tracks), test)


def _shares(tracks: Sequence[Track], weights: DoubleArray, recipe: Recipe) -> DoubleArray:
    """(tracks,) share of the windows from each; none from one without windows."""
    copies = recipe.copies
    per_house = [1.0]
    if copies:
        per_house = [recipe.plain_share, *[(1.0 - recipe.plain_share) / copies] * copies]
    shares = np.outer(weights, per_house).ravel() * [len(track.starts) > 0 for track in tracks]
    found: DoubleArray = shares / shares.sum()
    return found


def _feature_moments(
    tracks: Sequence[Track], shares: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Mean and standard deviation of each feature; a constant one gets a deviation of 1."""
    moments = []
    for track in tracks:
        total = np.zeros((2, track.features.shape[1]))
        for start in range(0, len(track.features), _BLOCK):
            block = track.features[start : start + _BLOCK].astype(np.float64)
            total += block.sum(axis=0), (block * block).sum(axis=0)
        moments.append(total / len(track.features))
    mean, square = np.average(moments, axis=0, weights=shares)
    std = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return mean, np.where(std > _MIN_STD, std, 1.0)


def _scales_kw(
    tracks: Sequence[Track], shares: DoubleArray, horizons: Sequence[int]
) -> DoubleArray:
    """(horizons,) root mean squared change; 1 where there are no whole horizons."""
    squares = np.zeros((len(tracks), len(horizons)))
    known = np.zeros_like(squares)
    for i, track in enumerate(tracks):
        for start in range(0, len(track.minute), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(track.minute)))
            changes = track.mean_changes(rows, horizons)
            squares[i] += np.nansum(changes * changes, axis=0)
            known[i] += (~np.isnan(changes)).sum(axis=0)
    weights = np.where(known > 0, shares[:, None], 0.0)
    total = (weights * squares / np.maximum(known, 1.0)).sum(axis=0)
    scale = np.sqrt(total / np.maximum(weights.sum(axis=0), _MIN_STD))
    return np.where(scale > 0.0, scale, 1.0)
