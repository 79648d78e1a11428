"""Copies of a house with drawn additions, and its plain stretches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from streamer.readings.arrays import IntArray
from streamer.training.additions import drawn_kind
from streamer.training.data import Series
from streamer.training.recipes import Recipe
from streamer.training.tracks import Stretch

_WEEK = 7 * 1440


def plain_stretches(series: Series, fresh_share: float, rng: np.random.Generator) -> list[Stretch]:
    """The house as it is, whose long history is forgotten before some of its weeks.

    Args:
        series: the readings.
        fresh_share: share of the weeks that begin with a long history of nothing.
        rng: source of random numbers.
    """
    weeks = (series.elapsed[-1] - series.elapsed[0]) // _WEEK
    fresh = 1 + np.flatnonzero(rng.random(weeks) < fresh_share)
    return _cut(series, fresh * _WEEK)


def copied_stretches(series: Series, recipe: Recipe, seed: int, copy: int) -> list[Stretch]:
    """A copy of a house: scaled once, with additions that are drawn anew every few weeks.

    Each stretch is drawn from the seed, the house, the number of the copy and its first week
    only.

    Args:
        series: the readings, of power alone.
        recipe: spread of the scale, and lengths of the stretches.
        seed: seed of the random numbers.
        copy: number of the copy.
    """
    house = int(series.sha256[:8], 16)
    rng = np.random.default_rng([seed, house, copy])
    scale = float(np.exp(recipe.scale_spread * rng.standard_normal()))
    shortest, longest = recipe.stretch_weeks
    weeks = int(series.elapsed[-1] - series.elapsed[0]) // _WEEK
    starts = np.cumsum(rng.integers(shortest, longest, weeks // shortest + 1, endpoint=True))
    found = []
    for stretch in _cut(series, starts[starts <= weeks] * _WEEK):
        week = int(stretch.elapsed[0] - series.elapsed[0]) // _WEEK
        drawn = np.random.default_rng([seed, house, copy, 1 + week])
        _, additions = drawn_kind(drawn)
        # Consecutive minutes even where the clock of the house is put back.
        at = stretch.clock[0] + (stretch.elapsed - stretch.elapsed[0])
        kw = additions.added_to(at, scale * stretch.values[:, 0], drawn).grid_kw
        found.append(Stretch(stretch.clock, stretch.elapsed, kw[:, None]))
    return found


def _cut(series: Series, after: IntArray) -> list[Stretch]:
    """The stretches between some minutes after the first one, but empty ones."""
    clock, elapsed = series.clock, series.elapsed
    rows = [0, *np.searchsorted(elapsed, elapsed[0] + after).tolist(), len(series)]
    return [Stretch(clock[a:b], elapsed[a:b], series.kw[a:b]) for a, b in pairwise(rows) if a < b]
