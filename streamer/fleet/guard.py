"""Guards of many meters.

The arithmetic is that of `streamer.online.guard`.
"""

from __future__ import annotations

import numpy as np

from streamer.online.guard import (
    CLASSES,
    DAY_PARTS,
    DOUBT,
    HOURS,
    KEPT,
    LEVELS_KW,
    MAX_CHANGE_KW,
    MAX_SUM,
    PRIOR_KW,
    PRIOR_KW2,
    SUMS,
    TRIAL,
)
from streamer.readings.arrays import DoubleArray, IndexArray, IntArray, Records

GUARD = np.dtype(
    [
        ("sums", "<f4", (len(SUMS), CLASSES)),
        ("change", "<f8"),  # that the waiting mean forecasts
        ("median_change", "<f8"),
        ("places", "u1", 2),  # the classes of these two
    ]
)
"""State of one meter; initially all zeros."""

_PART_US = HOURS * 3_600_000_000


def see(
    state: Records,
    *,
    mean_kw: DoubleArray,
    median_kw: DoubleArray,
    last_kw: DoubleArray,
    at: IntArray,
    settled: IntArray,
) -> tuple[DoubleArray, DoubleArray]:
    """Guard one forecast of each of some meters, and keep it until it is settled.

    Args:
        state: (meters,) records of `GUARD`, changed in place.
        mean_kw: (meters,) the mean forecasts.
        median_kw: (meters,) the median forecasts, NaN without them.
        last_kw: (meters,) the readings that they are issued at.
        at: (meters,) times of these in microseconds.
        settled: (meters,) numbers of settled forecasts.

    Returns:
        The means and medians (meters,) to issue, in kW.
    """
    level = np.searchsorted(LEVELS_KW, last_kw, side="right")
    group = np.where(level > 0, DAY_PARTS - 1 + level, at // _PART_US % DAY_PARTS)
    change, median_change = mean_kw - last_kw, median_kw - last_kw
    place, median_place = 2 * group + (change > 0.0), 2 * group + (median_change > 0.0)
    state["change"] = change
    state["median_change"] = np.where(np.isnan(median_change), 0.0, median_change)
    state["places"][:, 0], state["places"][:, 1] = place, median_place
    squares, products, noise, _ = _sums(state, place)
    weight = (products + PRIOR_KW2 + DOUBT * np.sqrt(noise)) / (squares + PRIOR_KW2)
    tried = settled >= TRIAL
    guarded = np.where(tried & (weight < 1.0), last_kw + np.maximum(weight, 0.0) * change, mean_kw)
    lost = _sums(state, median_place)[SUMS.index("lost")]
    # Where there is no median, nothing is ever lost.
    return guarded, np.where(tried & (lost > PRIOR_KW), last_kw, median_kw)


def settle(state: Records, *, last_kw: DoubleArray, actual_kw: DoubleArray) -> None:
    """Learn from the readings that the last forecasts were made for.

    Args:
        state: (meters,) records of `GUARD`, changed in place.
        last_kw: (meters,) the readings that the forecasts were issued at.
        actual_kw: (meters,) the readings.
    """
    came, change, median_change = (
        np.minimum(np.maximum(kw, -MAX_CHANGE_KW), MAX_CHANGE_KW)
        for kw in (actual_kw - last_kw, state["change"], state["median_change"])
    )
    uncertain = change * (came - change)
    place, median_place = state["places"].T.astype(np.intp)
    added = {
        "squares": (place, change * change),
        "products": (place, change * came),
        "noise": (place, uncertain * uncertain),
        "lost": (median_place, np.abs(came - median_change) - np.abs(came)),
    }
    sums, meters = state["sums"], np.arange(len(state))
    for row, name in enumerate(SUMS):
        where, value = added[name]
        before = sums[meters, row, where].astype(np.float64)
        sums[meters, row, where] = KEPT * before + value


def are_sound(state: Records) -> bool:
    """Whether restored records (meters,) of `GUARD` can be continued."""
    sums = state["sums"]
    nonnegative = sums[:, [SUMS.index("squares"), SUMS.index("noise")]]
    return bool(
        (state["places"] < CLASSES).all()
        and (np.abs(sums) <= MAX_SUM).all()
        and (nonnegative >= 0.0).all()
        and np.isfinite(state["change"]).all()
        and np.isfinite(state["median_change"]).all()
    )


def _sums(state: Records, place: IndexArray) -> DoubleArray:
    """(sums, meters) the sums of one class of each meter."""
    sums: DoubleArray = state["sums"][np.arange(len(state)), :, place].T.astype(np.float64)
    return sums
