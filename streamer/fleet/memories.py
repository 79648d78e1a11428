"""Memories of many meters: exports, loads and long runs, with the arithmetic of single ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamer.alarms import exports, loads, runs
from streamer.alarms.loads import KnownLoads
from streamer.alarms.thresholds import DAY
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records

MEMORY = np.dtype(
    [
        ("export", np.float64),  # the largest export, in kW
        ("known", np.float64),  # the same until some time in the last day
        ("zeros", np.float64),  # the longest run of exact zeros, in readings
        ("small", np.float64),  # the largest number of too small readings in a run
        ("base", np.float64),  # power before the load under way, in kW
        ("low", np.float64),  # its smallest reading, in kW
        ("load", np.float64, loads.SLOTS),  # power of the remembered loads, in kW; 0 if none
        ("exported", np.uint32),  # number of the reading of the last alarm for an export
        ("hours", np.uint16, loads.SLOTS),  # hours since each load came
        ("times", np.uint8, loads.SLOTS),  # times that it came
        ("minutes", np.uint8),  # readings since the load under way came on; 0 if none is
        ("peak", np.uint8),  # the largest number of too small readings in the present run
        ("spare", np.uint8),  # always 0, because padding of the dtype would be undefined
    ],
    align=True,
)


def run_limit(longest: DoubleArray, *, least: int) -> DoubleArray:
    """Number of readings beyond which a run is unusual, as `RunMemory.limit`."""
    limit: DoubleArray = np.maximum(float(least), runs.TIMES * longest)
    return limit


def end_runs(longest: DoubleArray, rows: IntArray, run: IntArray, *, least: int, most: int) -> None:
    """Remember runs that have ended by themselves, as `RunMemory.end`.

    Args:
        longest: (meters,) the longest runs, changed in place.
        rows: (ended,) rows of the meters whose run ended.
        run: (ended,) lengths of those runs.
        least: number of readings up to which no run is unusual.
        most: maximum length that is remembered.
    """
    before = longest[rows]
    bound = runs.GROWTH / runs.TIMES * run_limit(before, least=least)
    after = np.minimum(np.minimum(run.astype(np.float64), float(most)), bound)
    longest[rows] = np.where(run > before, after, before)


def see_exports(
    memory: Records, rows: IntArray, kw: DoubleArray, seen: NDArray[np.uint32]
) -> tuple[DoubleArray, BoolArray]:
    """Register exports larger than all before, as `ExportMemory.see`.

    Args:
        memory: (meters,) the memories, changed in place.
        rows: (exports,) rows of the meters.
        kw: (exports,) the exports in kW.
        seen: (exports,) numbers of the readings.

    Returns:
        (exports,) sizes, and whether each is an alarm.
    """
    bound = exports.GROWTH * memory["export"][rows] + exports.STEP_KW
    memory["export"][rows] = np.minimum(kw, bound)
    size = kw / (exports.MARGIN * memory["known"][rows] + exports.MIN_KW)
    alarmed = (size >= 1.0) & (seen - memory["exported"][rows] > exports.SILENT)
    memory["exported"][rows[alarmed]] = seen[alarmed]
    return size, alarmed


def begin_loads(memory: Records, rows: IntArray, before: DoubleArray, kw: DoubleArray) -> None:
    """Begin to follow what may be large loads that have come on.

    Args:
        memory: (meters,) the memories, changed in place.
        rows: (rises,) rows of the meters.
        before: (rises,) power before, in kW.
        kw: (rises,) the readings in kW.
    """
    begun = (memory["minutes"][rows] == 0) & (kw - before >= loads.MIN_KW)
    rows = rows[begun]
    memory["minutes"][rows], memory["low"][rows] = 1, np.inf
    memory["base"][rows] = before[begun]


def follow_loads(memory: Records, kw: DoubleArray) -> None:
    """Follow the loads under way with a reading of each meter, as `KnownLoads.follow`."""
    rows = np.flatnonzero(memory["minutes"])
    if not rows.size:
        return
    rise = kw[rows] - memory["base"][rows]
    minutes = memory["minutes"][rows] + np.uint8(1)
    minutes[rise < loads.MIN_KW] = 0
    low = memory["low"][rows]
    memory["low"][rows] = np.where(minutes > loads.RAMP, np.minimum(low, kw[rows]), low)
    held = rows[minutes == loads.HOLDS]
    minutes[minutes == loads.HOLDS] = 0
    memory["minutes"][rows] = minutes
    for row in held.tolist():
        _remember(memory, row)


def may_begin(memory: Records, rows: IntArray, rise: DoubleArray) -> BoolArray:
    """Whether rises may be the first readings of known loads, as `KnownLoads.may_begin`."""
    most = _most(memory, rows)
    may: BoolArray = (most > 0.0) & (rise <= (1.0 + loads.NEAR) * most + loads.NEAR_KW)
    return may


def may_end(memory: Records, rows: IntArray, peak: DoubleArray, kw: DoubleArray) -> BoolArray:
    """Whether readings may be the ends of known loads, as `KnownLoads.may_end`."""
    most = _most(memory, rows)
    was_on = (most > 0.0) & (peak >= (1.0 - loads.NEAR) * most)
    may: BoolArray = was_on & (peak - kw <= (1.0 + loads.NEAR) * most + loads.NEAR_KW)
    return may


def explain(memory: Records, rows: IntArray, rise: DoubleArray) -> BoolArray:
    """Whether rises are those of known loads, as `KnownLoads.explains`."""
    kw, rise = memory["load"][rows], rise[:, None]
    above = (1.0 - loads.NEAR) * kw <= rise
    below = rise <= (1.0 + loads.NEAR) * kw + loads.NEAR_KW
    known = memory["times"][rows] >= loads.OFTEN
    found: BoolArray = np.any(above & below & known, axis=1)
    return found


def have_begun(memory: Records, rows: IntArray, kw: DoubleArray) -> BoolArray:
    """Whether readings are explained by known loads just come on, as `KnownLoads.has_begun`."""
    explained = explain(memory, rows, kw - memory["base"][rows])
    begun: BoolArray = (memory["minutes"][rows] > 0) & explained
    return begun


def close_hour(memory: Records, rows: IntArray, seen: NDArray[np.uint32]) -> None:
    """Forget an hour's share of everything; once in 1440 readings, all exports become known.

    Args:
        memory: (meters,) the memories, changed in place.
        rows: (full,) rows of the meters whose hour is full.
        seen: (full,) numbers of their readings.
    """
    memory["export"][rows] *= exports.FORGETS
    known = memory["known"][rows] * exports.FORGETS
    memory["known"][rows] = np.where(seen % DAY == 0, memory["export"][rows], known)
    memory["zeros"][rows] *= runs.FORGETS
    memory["small"][rows] *= runs.FORGETS
    times = memory["times"][rows]
    if times.any():
        hours = memory["hours"][rows] + (times > 0).astype(np.uint16)
        kept = hours <= loads.FORGOTTEN
        for name, values in (("load", memory["load"][rows]), ("times", times), ("hours", hours)):
            memory[name][rows] = np.where(kept, values, 0)


def _most(memory: Records, rows: IntArray) -> DoubleArray:
    """(rows,) power of the largest known load of each in kW; 0 if none is known."""
    known = memory["times"][rows] >= loads.OFTEN
    most: DoubleArray = np.where(known, memory["load"][rows], 0.0).max(axis=1)
    return most


def _remember(memory: Records, row: int) -> None:
    known = KnownLoads()
    columns = [memory[name][row] for name in ("load", "times", "hours")]
    known.slots = [list(slot) for slot in zip(*(each.tolist() for each in columns), strict=True)]
    known.remember(float(memory["low"][row] - memory["base"][row]))
    for column, values in zip(columns, zip(*known.slots, strict=True), strict=True):
        column[:] = values
