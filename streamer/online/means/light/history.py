"""Longer history of many meters, in 270 bytes each, for a head that forecasts the next minutes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamer.models.features import FEATURES
from streamer.online.history import CHANGE_MINUTES, RECENT, VALUE_MINUTES
from streamer.online.minutesums import MAX_KW
from streamer.online.profile import KEPT_A_DAY, QUARTER
from streamer.online.wallclock import DAY, WallClocks, harmonics
from streamer.readings.arrays import (
    BoolArray,
    DoubleArray,
    FloatArray,
    IndexArray,
    IntArray,
    Records,
)

BUCKET = 5
"""Minutes whose mean is kept, from a minute since 1970 that is a multiple of them."""

KEPT = RECENT[-1] // BUCKET
_HALF = 30 // BUCKET
"""Buckets of a half-hour, of which the daily profile is made."""

_HALVES = DAY // 30
_MAX_PROFILE_KW = 60_000.0
_MAX_MEASURED = 0xFFFF
_AHEAD = 5
_DAY_MEAN = VALUE_MINUTES.index(DAY)

HISTORY = np.dtype(
    [
        ("recent", "<f4", KEPT),  # means of the last buckets, NaN if not measured; a ring
        ("profile", "<f2", _HALVES),  # mean by half-hour of the day, NaN if not known
        ("values", "<f4", len(VALUE_MINUTES)),  # exponential means of the power
        ("changes", "<f4", len(CHANGE_MINUTES)),  # and of the absolute change
        ("measured", "<u2"),  # minutes in these, up to 45 days
        # The bucket under way.
        ("sum", "<f4"),
        ("change", "<f4"),
        ("count", "u1"),
        ("pairs", "u1"),
    ]
)


def _weights() -> DoubleArray:
    """(minutes, buckets, means) weight of each bucket in each recent mean, newest first."""
    found = np.empty((BUCKET, 1 + KEPT, len(RECENT)))
    for known in range(1, BUCKET + 1):
        found[known - 1, 0] = np.minimum(RECENT, known)
        older = np.array(RECENT) - known - BUCKET * np.arange(KEPT)[:, None]
        found[known - 1, 1:] = np.clip(older, 0, BUCKET)
    return found


_WEIGHTS = _weights()
_SINCE = np.arange(KEPT)


class Seen(NamedTuple):
    """What is known at one reading of each of some meters.

    Attributes:
        features: (meters, features) those of `FEATURES`.
        recent_kw: (meters, buckets) means of the present bucket, as far as it is over, and of those
            before it, newest first; NaN where none of its minutes was measured.
        exports: (meters,) whether a bucket of the last three hours, or the mean of a half-hour of
            the day, is negative.
    """

    features: FloatArray
    recent_kw: DoubleArray
    exports: BoolArray


def first_record() -> Records:
    """Record of a new meter, without dimensions."""
    first = np.zeros((), HISTORY)
    first["recent"] = first["profile"] = np.nan
    return first


def take(
    state: Records, *, clocks: WallClocks, apart: IntArray, kw: DoubleArray, change_kw: DoubleArray
) -> Seen:
    """Take one reading of each of some meters.

    The features are those of `streamer.online.history.History`, from less: a mean of the last
    minutes ends inside a bucket of five, of which the same share of the mean is taken; a bucket
    that was measured in part counts as a whole one; exponential means advance by measured
    minutes; the profile is of half-hours, and stands for yesterday, too. Measured on three houses,
    the forecasts lose nothing by it (`docs/fleets.md`).

    Args:
        state: (meters,) records of `HISTORY`, changed in place.
        clocks: (meters,) times of the readings.
        apart: (meters,) minutes since the reading before, 0 for another one in the same minute,
            which is left out of all means; anything for the first.
        kw: (meters,) the readings in kW, within ±1e6.
        change_kw: (meters,) change since the reading before, used where that is a minute ago.
    """
    minute, shift = clocks.minutes, clocks.day_minutes - clocks.minutes
    bucket, before = minute // BUCKET, (minute - apart) // BUCKET
    rows = np.flatnonzero((bucket != before) & (state["count"] > 0))
    if len(rows):
        some = state[rows]
        _end_buckets(some, before[rows], bucket[rows], shift[rows])
        state[rows] = some
    is_new = (apart > 0) | (state["count"] == 0)
    state["sum"] += np.where(is_new, kw, 0.0)
    state["count"] += is_new
    pair = apart == 1
    state["change"] += np.where(pair, np.abs(change_kw), 0.0)
    state["pairs"] += pair
    recent = np.empty((len(state), 1 + KEPT))
    recent[:, 0] = state["sum"] / state["count"]
    recent[:, 1:] = np.take_along_axis(
        state["recent"], (bucket[:, None] - 1 - _SINCE) % KEPT, axis=1
    )
    values, changes = _blended(state)
    halves = (minute[:, None] + 1 + QUARTER * np.arange(_AHEAD)) // 30
    profile = np.take_along_axis(
        state["profile"].astype(np.float64), _place(halves, shift[:, None]), axis=1
    )
    np.copyto(profile, values[:, _DAY_MEAN, None], where=np.isnan(profile))
    rest = profile[:, 0], profile[:, 0], profile[:, :2].mean(axis=1), profile[:, :4].mean(axis=1)
    levels = np.concatenate(
        [
            _recent_means(recent, minute % BUCKET),
            values,
            kw[:, None] + changes,
            profile,
            np.stack(rest, axis=1),
        ],
        axis=1,
    )
    features = np.empty((len(state), len(FEATURES)), np.float32)
    known = levels.shape[1]
    features[:, :known] = np.arcsinh(2.0 * (levels - kw[:, None]))
    features[:, known:-2] = harmonics().T[clocks.day_minutes]
    features[:, -2] = clocks.weekends
    features[:, -1] = np.arcsinh(2.0 * kw)
    exports = np.minimum(np.fmin.reduce(recent, axis=1), profile.min(axis=1)) < 0.0
    return Seen(features, recent, exports)


def _recent_means(recent_kw: DoubleArray, place: IntArray) -> DoubleArray:
    """(meters, means) means of the last minutes, at a minute's place in its bucket."""
    known = ~np.isnan(recent_kw)
    kw = np.where(known, recent_kw, 0.0)
    means = np.empty((len(recent_kw), len(RECENT)))
    for each in np.unique(place).tolist():
        rows = place == each
        means[rows] = kw[rows] @ _WEIGHTS[each] / (known[rows] @ _WEIGHTS[each])
    return means


def _blended(state: Records) -> tuple[DoubleArray, DoubleArray]:
    """The exponential means (meters, constants) of power and change, buckets under way included."""
    measured = state["measured"].astype(np.float64)
    found = []
    for name, total, count, minutes in (
        ("values", "sum", "count", VALUE_MINUTES),
        ("changes", "change", "pairs", CHANGE_MINUTES),
    ):
        added = state[count].astype(np.float64)[:, None]
        constants = np.array(minutes, np.float64)
        age = np.maximum(measured[:, None] + added, 1.0) / constants
        # A mean of little is of that: the weights of all minutes so far add up to 1.
        share = np.minimum(added / constants / -np.expm1(-age), 1.0)
        mean = state[total].astype(np.float64)[:, None] / np.maximum(added, 1.0)
        old = state[name].astype(np.float64)
        found.append(old + share * (mean - old))
    values, changes = found
    return values, changes


def _end_buckets(some: Records, ended: IntArray, bucket: IntArray, shift: IntArray) -> None:
    """Keep the means of buckets that are over.

    Args:
        some: (meters,) records, changed in place.
        ended: (meters,) numbers of those buckets since 1970.
        bucket: (meters,) those of the next buckets with a reading.
        shift: (meters,) minutes of the day less minutes since 1970.
    """
    some["values"], some["changes"] = _blended(some)
    count = some["count"]
    recent, meters = some["recent"], np.arange(len(some))
    recent[meters, ended % KEPT] = some["sum"] / count
    over = np.flatnonzero(bucket // _HALF != ended // _HALF)
    if len(over):
        _end_halves(some, over, ended[over], shift[over])
    skipped = (_SINCE - ended[:, None] - 1) % KEPT < (bucket - ended - 1)[:, None]
    recent[skipped] = np.nan
    some["measured"] = np.minimum(some["measured"].astype(np.int64) + count, _MAX_MEASURED)
    for name in ("sum", "change", "count", "pairs"):
        some[name] = 0


def _end_halves(some: Records, rows: IndexArray, ended: IntArray, shift: IntArray) -> None:
    """Add half-hours that are over to the profile, the last bucket of each as it ended."""
    half, places = ended // _HALF, np.arange(_HALF)
    slots = (half[:, None] * _HALF + places) % KEPT
    kw = np.take_along_axis(some["recent"][rows], slots, axis=1).astype(np.float64)
    known = ~np.isnan(kw) & (places <= (ended % _HALF)[:, None])
    mean = np.where(known, kw, 0.0).sum(axis=1) / known.sum(axis=1)
    place = _place(half, shift)
    old = some["profile"][rows, place].astype(np.float64)
    days = 1 + some["measured"][rows] // DAY
    share = (1.0 - KEPT_A_DAY) / (1.0 - KEPT_A_DAY**days)
    new = np.where(np.isnan(old), mean, old + share * (mean - old))
    some["profile"][rows, place] = np.clip(new, -_MAX_PROFILE_KW, _MAX_PROFILE_KW)


def _place(halves: IntArray, shift: IntArray) -> IntArray:
    """Half-hours of the day by the clock on the wall, from numbers of half-hours since 1970."""
    place: IntArray = (halves * 30 + shift) // 30 % _HALVES
    return place


def are_sound(state: Records) -> bool:
    """Whether restored records (meters,) of `HISTORY` can be continued."""
    unknown = ("recent", "profile")
    largest = dict.fromkeys((*unknown, "values", "changes"), 2.0 * MAX_KW)
    largest |= {"sum": BUCKET * MAX_KW, "change": 2.0 * BUCKET * MAX_KW}
    for name, bound in largest.items():
        kw = state[name].astype(np.float64)
        # A NaN fails the comparison.
        if not ((np.abs(kw) <= bound) | (np.isnan(kw) & (name in unknown))).all():
            return False
    return bool((state["count"] <= BUCKET).all() and (state["pairs"] <= state["count"]).all())
