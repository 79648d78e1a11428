"""Readings of many meters, in order and in rounds of one per meter, without late ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import BoolArray, DoubleArray, IndexArray, IntArray
from streamer.readings.gaps import GapRule

NEVER = np.iinfo(np.int64).min
"""Time of the last reading of a meter without readings."""

MINUTE_US = 60_000_000

_MAX_CELLS = 16_384
"""Readings and empty cells in a block of rounds; a single round may have more."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Readings in order, by meter and then by time.

    Attributes:
        row: (readings,) index of the meter of each, non-decreasing.
        at: (readings,) time in µs, increasing for each meter.
        kw: (readings,) value in kW.
        late: number of rejected readings older than the last one of their meter.
        doubled: number of rejected duplicates, with the same meter and time as another.
        invalid: number of rejected readings that are not finite.
    """

    row: IndexArray
    at: IntArray
    kw: DoubleArray
    late: int
    doubled: int
    invalid: int


@dataclass(frozen=True, slots=True)
class RoundBlock:
    """Some rounds, each with at most one reading per meter, in order of time.

    Attributes:
        rows: (meters,) indices of the meters with readings in it, increasing.
        counts: (meters,) number of readings of each, which are in the first rounds.
        at: (rounds, meters) times in µs, 0 without a reading.
        kw: (rounds, meters) values in kW, 0 without a reading.
    """

    rows: IndexArray
    counts: IndexArray
    at: IntArray
    kw: DoubleArray


def accept(row: IndexArray, at: IntArray, kw: DoubleArray, last_at: IntArray) -> Accepted:
    """Put readings in order, and reject those that are late, duplicate or not finite.

    Of several readings with the same meter and time, the first is kept.

    Args:
        row: (readings,) index of the meter of each.
        at: (readings,) times in µs.
        kw: (readings,) values in kW.
        last_at: (meters,) time of the last reading of each meter before these.
    """
    valid = np.isfinite(kw)
    invalid = len(kw) - int(np.count_nonzero(valid))
    if invalid:
        row, at, kw = row[valid], at[valid], kw[valid]
    order = np.lexsort((at, row))
    row, at, kw = row[order], at[order], kw[order]
    before = last_at[row]
    again = at == before
    again[1:] |= (row[1:] == row[:-1]) & (at[1:] == at[:-1]) & (at[1:] > before[1:])
    late = at < before
    kept = ~(again | late)
    return Accepted(
        row[kept],
        at[kept],
        kw[kept],
        int(np.count_nonzero(late)),
        int(np.count_nonzero(again)),
        invalid,
    )


def round_blocks(readings: Accepted) -> Iterator[RoundBlock]:
    """Arrange readings in rounds, in blocks that fit in the cache of a processor."""
    rows, starts, counts = np.unique(readings.row, return_index=True, return_counts=True)
    done = 0
    while len(rows):
        rounds = min(max(1, _MAX_CELLS // len(rows)), int(counts.max()) - done)
        now = np.minimum(counts - done, rounds)
        step = np.arange(rounds)[:, None]
        there = step < now
        source = np.where(there, starts + done + step, 0)
        yield RoundBlock(
            rows,
            now,
            np.where(there, readings.at[source], 0),
            np.where(there, readings.kw[source], 0.0),
        )
        done += rounds
        more = counts > done
        rows, starts, counts = rows[more], starts[more], counts[more]


class RoundPlan(NamedTuple):
    """Gaps and windows of a block, which depend on its times only.

    Arrays are (rounds, meters), or (meters,) for a single round.

    Attributes:
        present: whether there is a reading.
        missing: number of minutes missing just before it.
        reset: whether a gap empties the window.
        held: number of readings in the window, this one included.
        full: whether there is a reading and the window is full.
    """

    present: BoolArray
    missing: IntArray
    reset: BoolArray
    held: IntArray
    full: BoolArray

    def of(self, number: int, part: slice | BoolArray) -> RoundPlan:
        """The plan of one round, for some of the meters."""
        return RoundPlan._make(each[number, part] for each in self)


def plan(
    block: RoundBlock, *, last_at: IntArray, held: NDArray[np.integer], window: int, gaps: GapRule
) -> RoundPlan:
    """Find the gaps of a block, and the readings with a full window.

    Args:
        block: the readings.
        last_at: (meters,) time in µs of the last reading of each meter before these.
        held: (meters,) number of readings in its window then.
        window: size of the window in readings.
        gaps: effect of a gap on the window.
    """
    rounds = len(block.at)
    present = np.arange(rounds)[:, None] < block.counts
    before = np.concatenate([last_at[None], block.at[:-1]])
    known = present & (before != NEVER)
    apart = np.where(known, block.at - np.where(known, before, 0), MINUTE_US)
    missing = np.maximum(np.rint(apart / MINUTE_US).astype(np.int64) - 1, 0)
    reset = (missing > gaps.max_gap) & (gaps.policy == "reset")
    holds = np.empty(present.shape, np.int64)
    latest = held.astype(np.int64)
    for number in range(rounds):
        holds[number] = latest = np.minimum(np.where(reset[number], 0, latest) + 1, window)
    return RoundPlan(present, missing, reset, holds, present & (holds == window))
