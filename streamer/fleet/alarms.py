"""Alarms of many meters at once: those that `streamer.alarms.detectors` raises for each of them."""

from __future__ import annotations

import numpy as np

from streamer.alarms import exports, loads, repeats, runs
from streamer.alarms.active import LASTS
from streamer.alarms.detectors import Alarms
from streamer.alarms.rules import LEARN_DIGITS, LOAD_KW, MIN_WIDTH_KW, RULES
from streamer.alarms.scale import DecimalShiftTest, count_all_decimals
from streamer.alarms.texts import BEFORE
from streamer.alarms.thresholds import DAY, HOUR, STEADY
from streamer.alarms.units import (
    HUGE_KW,
    KILO_KW,
    KILO_READINGS,
    KILO_TIMES,
    MOST_SMALL,
    STEADY_KW,
    STEADY_ZEROS,
    WATTS_KW,
    WATTS_READINGS,
    WATTS_TIMES,
)
from streamer.fleet.alarmrecords import KINDS, LONG_AGO, put_state, state_of
from streamer.fleet.rows import as_bytes, some_of
from streamer.readings import Alarm
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records, TimeArray

_PLACES = {name: place for place, name in enumerate(RULES)}

_FLOORS = np.array([rule.floor for rule in RULES.values()])

_DECAYS = np.array(
    [[rule.decay(events) for rule in RULES.values()] for events in range(STEADY + 1)]
)
"""(events, thresholds) factor by which an hour multiplies a threshold."""


def settle(
    state: Records,
    *,
    at: TimeArray,
    kw: DoubleArray,
    middle: DoubleArray,
    low: DoubleArray,
    high: DoubleArray,
    missing: IntArray,
) -> list[tuple[int, Alarm]]:
    """Check one reading of each of some meters for anomalies, stuck values and wrong units.

    Source, guarantee and limits are documented in `streamer.alarms.detectors.Alarms`. Drift is left
    out. Nearly all readings change nothing but running figures, which are updated here for all
    meters at once, by the same operations. For the others, one in a hundred, the alarms of the
    meter are restored from its record.

    Args:
        state: (meters,) records of `streamer.fleet.alarmrecords.METER`, changed in place. It may
            be a field of a larger record, and is fastest at an offset that is a multiple of eight
            bytes.
        at: (meters,) minutes of the readings.
        kw: (meters,) readings in kW, all finite.
        middle: (meters,) median or mean forecast in kW, NaN without a forecast.
        low: (meters,) lower ends of the bands in kW, NaN without a band.
        high: (meters,) upper ends of the bands in kW.
        missing: (meters,) minutes missing before each reading.

    Returns:
        The alarms raised, with their rows, in the order of the rows.

    >>> from streamer.fleet.alarmrecords import first_record
    >>> state = np.full(2, first_record())
    >>> at, nothing = np.full(2, np.datetime64("2010-03-19", "us")), np.full(2, np.nan)
    >>> for kw in (0.3, 400.0, 401.0, 399.0):
    ...     raised = settle(
    ...         state, at=at, kw=np.array([0.3, kw]), middle=nothing, low=nothing, high=nothing,
    ...         missing=np.zeros(2, int),
    ...     )
    >>> [(row, alarm.kind, alarm.text) for row, alarm in raised]
    [(1, 'unit', '399 kW looks like watts read as kW: set the unit, for example with --unit W')]
    """
    gap = np.flatnonzero(missing)
    if gap.size:
        state["known"][gap] = state["memory"]["minutes"][gap] = 0
        state["left"][gap] = np.nan
    former = as_bytes(state).copy().view(state.dtype)
    # NaN marks missing values, and sums of huge values may overflow: both are intended.
    with np.errstate(all="ignore"):
        y = _bounded(kw)
        unusual = _count_repeats(state, kw, y)
        unusual |= _watch_unit(state, y)
        unusual |= _compare(state, y, middle, low, high)
        _store(state, kw, y)
    raised, alarms = [], Alarms()
    for row in np.flatnonzero(unusual).tolist():
        alarms.restore(state_of(former[row]))
        one = slice(row, row + 1)
        found = alarms.settle_many(
            at=at[one],
            kw=kw[one],
            median_kw=middle[one],
            low_kw=low[one],
            high_kw=high[one],
            missing=np.zeros(1, np.int64),
        )
        put_state(state[row], alarms.state())
        raised += [(row, alarm) for alarm in found]
    return raised


def _count_repeats(state: Records, kw: DoubleArray, y: DoubleArray) -> BoolArray:
    """Count repetitions of the same value, and follow the base load.

    Returns:
        (meters,) whether a run may be too long, or ends as the longest run of zeros.
    """
    last, known, zeros = state["recent"][:, -1], state["known"] > 0, state["memory"]["zeros"]
    same, is_zero = (last == kw) & known, kw == 0.0
    unusual: BoolArray = (last == 0.0) & ~is_zero & known & (state["run"] > zeros)
    run = np.minimum(state["run"], DAY) * same + 1
    state["run"] = run
    base, plateau, level = state["base"], state["plateau"], state["repeats"]
    level -= (level >> repeats.SHIFT) * ~is_zero
    level += np.uint16(repeats.REPEAT) * (same & ~is_zero)
    np.copyto(plateau, level > repeats.OFTEN, where=~same)
    rows = np.flatnonzero((y > 0.0) & (y <= base + repeats.REST_KW) & ~same & known)
    if rows.size:
        recent = _bounded(state["recent"][rows])
        size = recent.shape[1]
        recent[np.arange(size) < size - state["known"][rows, None]] = -np.inf
        plateau[rows] |= recent.max(axis=1) - y[rows] >= repeats.FALL_KW
    # A NaN fails the comparison.
    exporting = state["memory"]["export"] > KILO_KW
    lower = np.where(exporting & ((y <= 0.0) | (run < repeats.AT_REST)), base, y)
    state["base"] = np.where(base <= y, base + (y - base) / DAY, lower)
    limit = np.where(plateau, _limit(state, "plateau"), _limit(state, "stuck"))
    limit = np.where(is_zero, np.maximum(repeats.ZEROS, runs.TIMES * zeros), limit)
    counted = same & (run <= DAY)
    kept = _keep(state, Alarm.STUCK, counted)
    unusual |= counted & (run > limit) & ~(kept & is_zero)
    return unusual


def _watch_unit(state: Records, y: DoubleArray) -> BoolArray:
    """Count consecutive readings that only another unit explains.

    Returns:
        (meters,) whether there may be an alarm.
    """
    unusual, odd = np.zeros(len(y), bool), state["odd"]
    rows = np.flatnonzero((odd != 0) | (np.abs(y) < KILO_KW) | (np.abs(y) > WATTS_KW))
    if not rows.size:
        return unusual
    with some_of(state, rows) as some:
        size, level = np.abs(y[rows]), some["level"]
        before, memory = some["odd"], some["memory"]
        # fmax and fmin ignore a level that is still NaN.
        large = size > np.fmax(WATTS_KW, WATTS_TIMES * level)
        small = (size > 0.0) & (size < np.fmin(KILO_KW, KILO_TIMES * level))
        near_zero = (memory["export"] > KILO_KW) | (memory["zeros"] >= STEADY_ZEROS)
        last = np.where(some["known"] > 0, some["recent"][:, -1], np.nan)
        steady = (before < 0) & (np.abs(y[rows] - last) <= STEADY_KW)
        later = np.where(steady, before - 1, np.minimum(before + 1, -1))
        count = np.maximum(np.where(near_zero, later, np.minimum(before, 0) - 1), -MOST_SMALL)
        peak = memory["peak"].astype(np.int64)
        unusual[rows] = near_zero & ~small & (peak >= KILO_READINGS) & (peak > memory["small"])
        memory["peak"] = np.where(small, np.maximum(peak, -count), 0)
        watts = np.minimum(np.maximum(before, 0) + 1, WATTS_READINGS)
        some["odd"] = watts * large + count * small
        due = _doubts_unit(some)
        unusual[rows] |= due & ~_keep(some, Alarm.UNIT, due)
    return unusual


def _doubts_unit(state: Records) -> BoolArray:
    """Whether an alarm on the unit is due, which suppresses all others."""
    odd = state["odd"].astype(np.int64)
    limit = np.maximum(KILO_READINGS - 1, runs.TIMES * state["memory"]["small"])
    found: BoolArray = (odd >= WATTS_READINGS) | (-odd > limit)
    return found


def _compare(
    state: Records, y: DoubleArray, middle: DoubleArray, low: DoubleArray, high: DoubleArray
) -> BoolArray:
    """Compare readings with their bands.

    Returns:
        (meters,) whether a reading may be an anomaly, or part of a large load.
    """
    recent, left, memory = _bounded(state["recent"]), state["left"], state["memory"]
    wide, middle = high - low, _bounded(middle)
    banded = (wide >= 0.0) & (wide < HUGE_KW) & ~np.isnan(middle) & ~_doubts_unit(state)
    # Without a band every score is NaN, which exceeds no threshold; nor does a negative one.
    up, width = np.where(banded, y - middle, np.nan), np.maximum(wide, MIN_WIDTH_KW)
    rise = np.minimum(recent[:, BEFORE:].min(axis=1), y) - recent[:, :BEFORE].max(axis=1)
    likeness, scale = np.full(len(y), np.nan), DecimalShiftTest()
    rows = np.flatnonzero(banded & ~np.isnan(left[:, 0]) & (y != 0.0))
    for row in rows.tolist():
        first, centre, breadth = left[row].tolist()
        scale.restore(state["decimals"][row].tolist())
        likeness[row] = scale.evidence(first, float(y[row]), middle=centre, width=breadth)
    leaves = (np.abs(up) > 2.0 * width) & (2.0 * np.abs(middle) > width) & (y != 0.0)
    leaves &= np.isnan(left[:, 0])
    left[banded] = np.nan
    left[leaves] = np.stack([y[leaves], middle[leaves], width[leaves]], axis=-1)
    unusual: BoolArray = (memory["minutes"] > 0) | ((up <= 0.0) & (-y > memory["export"]))
    unusual |= (up > LOAD_KW) & (y - recent[:, -2:].min(axis=1) >= loads.MIN_KW)
    for name, score in (
        ("far", up / np.sqrt(np.maximum(high - middle, 0.5 * MIN_WIDTH_KW))),
        ("jump", up),
        ("fall", -up / np.maximum(middle - low, 0.5 * MIN_WIDTH_KW)),
        ("scale", likeness),
        ("lasting", np.where(banded, rise, np.nan)),
    ):
        unusual |= score > _limit(state, name)
    return unusual


def _store(state: Records, kw: DoubleArray, y: DoubleArray) -> None:
    """Store the readings, count decimals of every few, and close completed hours."""
    recent = state["recent"]
    recent[:, :-1] = recent[:, 1:]
    recent[:, -1] = kw
    state["known"] = np.minimum(state["known"] + 1, recent.shape[1])
    calm = state["odd"] == 0
    state["drawn"] += np.abs(y) * calm
    state["summed"] += calm
    state["seen"] += 1
    rows = np.flatnonzero(state["seen"] % LEARN_DIGITS == 0)
    if rows.size:
        state["decimals"][rows, count_all_decimals(y[rows])] += 1
        rows = rows[state["seen"][rows] % HOUR == 0]
        if rows.size:
            with some_of(state, rows) as some:
                _close_hour(some)


def _close_hour(some: Records) -> None:
    """Lower the thresholds, forget an hour's share, and update the mean level of the house."""
    seen, memory = some["seen"], some["memory"]
    wanes = _DECAYS[some["events"], np.arange(len(_FLOORS))]
    some["limits"] = np.maximum(_FLOORS, some["limits"] * wanes)
    memory["export"] *= exports.FORGETS
    # Once in 1440 readings, all exports become known.
    memory["known"] = np.where(seen % DAY, memory["known"] * exports.FORGETS, memory["export"])
    for name in ("zeros", "small"):
        memory[name] *= runs.FORGETS
    memory["hours"] += memory["times"] > 0
    for name in ("load", "times", "hours"):
        memory[name][memory["hours"] > loads.FORGOTTEN] = 0
    clock = seen.astype(np.uint8)[:, None]
    for name in ("since", "last", "kept"):
        some[name] = clock - np.minimum(clock - some[name], LONG_AGO)
    level, summed = some["level"], some["summed"]
    mean = some["drawn"] / summed
    weight = np.maximum(HOUR / DAY, HOUR / seen)
    moved = np.where(np.isnan(level), mean, level + weight * (mean - level))
    some["level"] = np.where(summed > 0, moved, level)
    some["drawn"], some["summed"] = 0.0, 0


def _keep(state: Records, kind: str, which: BoolArray) -> BoolArray:
    """Extend the alarms of a kind that are on, of some meters; and which these are."""
    clock, kept = (state["seen"] + 1).astype(np.uint8), state["kept"][:, KINDS.index(kind)]
    # An alarm that lasts for no further reading is over only after this one.
    extended: BoolArray = which & (clock - kept <= LASTS[kind] + 1)
    np.copyto(kept, clock, where=extended)
    return extended


def _limit(state: Records, rule: str) -> DoubleArray:
    """(meters,) the thresholds of one rule."""
    limits: DoubleArray = state["limits"][:, _PLACES[rule]]
    return limits


def _bounded(kw: DoubleArray) -> DoubleArray:
    return np.minimum(np.maximum(kw, -HUGE_KW), HUGE_KW)
