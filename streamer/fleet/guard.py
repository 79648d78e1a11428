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
    MOVING_KW,
    PRIOR_KW,
    PRIOR_KW2,
    SUMS,
    TRIAL,
)
from streamer.readings.arrays import DoubleArray, IntArray, Records

GUARD = np.dtype(
    [
        ("sums", "<f4", (len(SUMS), CLASSES)),
        ("lost", "<f4", 2 * CLASSES),
        ("change", "<f8"),  # that the waiting mean forecasts, clipped
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
    last_change_kw: DoubleArray,
    at: IntArray,
    settled: IntArray,
) -> tuple[DoubleArray, DoubleArray]:
    """Guard one forecast of each of some meters, and keep it until it is settled.

    Args:
        state: (meters,) records of `GUARD`, changed in place.
        mean_kw: (meters,) the mean forecasts.
        median_kw: (meters,) the median forecasts, NaN without them.
        last_kw: (meters,) the readings that they are issued at.
        last_change_kw: (meters,) the changes to those from the readings before.
        at: (meters,) times of these in microseconds.
        settled: (meters,) numbers of settled forecasts.

    Returns:
        The means and medians (meters,) to issue, in kW.
    """
    level = np.searchsorted(LEVELS_KW, last_kw, side="right")
    group = np.where(level > 0, DAY_PARTS - 1 + level, at // _PART_US % DAY_PARTS)
    change, median_change = mean_kw - last_kw, median_kw - last_kw
    place, median_place = 2 * group + (change > 0.0), 2 * group + (median_change > 0.0)
    median_place = 2 * median_place + (np.abs(last_change_kw) > MOVING_KW)
    for name, found in (("change", change), ("median_change", median_change)):
        state[name] = np.where(np.isnan(found), 0.0, _clipped(found))
    state["places"][:, 0], state["places"][:, 1] = place, median_place
    meters = np.arange(len(state))
    squares, products, noise = state["sums"][meters, :, place].T.astype(np.float64)
    weight = (products + PRIOR_KW2 + DOUBT * np.sqrt(noise)) / (squares + PRIOR_KW2)
    tried = settled >= TRIAL
    guarded = np.where(tried & (weight < 1.0), last_kw + np.maximum(weight, 0.0) * change, mean_kw)
    # Where there is no median, nothing is ever lost.
    worse = state["lost"][meters, median_place] > PRIOR_KW
    return guarded, np.where(tried & worse, last_kw, median_kw)


def settle(state: Records, *, last_kw: DoubleArray, actual_kw: DoubleArray) -> None:
    """Learn from the readings that the last forecasts were made for.

    Args:
        state: (meters,) records of `GUARD`, changed in place.
        last_kw: (meters,) the readings that the forecasts were issued at.
        actual_kw: (meters,) the readings.
    """
    came = _clipped(actual_kw - last_kw)
    change, median_change = state["change"], state["median_change"]
    uncertain = change * (came - change)
    place, median_place = state["places"].T.astype(np.intp)
    meters, sums = np.arange(len(state)), state["sums"]
    added = (change * change, change * came, uncertain * uncertain)
    for row, value in enumerate(added):
        sums[meters, row, place] = KEPT * sums[meters, row, place].astype(np.float64) + value
    lost = state["lost"][meters, median_place].astype(np.float64)
    more = np.abs(came - median_change) - np.abs(came)
    state["lost"][meters, median_place] = KEPT * lost + more


def are_sound(state: Records) -> bool:
    """Whether restored records (meters,) of `GUARD` can be continued."""
    sums = state["sums"]
    nonnegative = sums[:, [SUMS.index("squares"), SUMS.index("noise")]]
    return bool(
        (state["places"] < (CLASSES, 2 * CLASSES)).all()
        and (np.abs(sums) <= MAX_SUM).all()
        and (np.abs(state["lost"]) <= MAX_SUM).all()
        and (nonnegative >= 0.0).all()
        and (np.abs(state["change"]) <= MAX_CHANGE_KW).all()
        and (np.abs(state["median_change"]) <= MAX_CHANGE_KW).all()
    )


def _clipped(change: DoubleArray) -> DoubleArray:
    return np.minimum(np.maximum(change, -MAX_CHANGE_KW), MAX_CHANGE_KW)
