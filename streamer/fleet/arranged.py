"""Readings of many meters, put in order: late ones out, the others in rounds of one a meter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import BoolArray, DoubleArray, IndexArray, IntArray
from streamer.readings.gaps import GapRule

NEVER = np.iinfo(np.int64).min
"""The time of the last reading of a meter that has had none."""

MINUTE_US = 60_000_000

_MOST_AT_ONCE = 16_384
"""Readings, with the gaps between them, that one stretch holds at most, if it has two rounds."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Readings in order: by meter, and for each by time.

    Attributes:
        row: (readings,) which meter each is of, rising.
        at: (readings,) its time in µs; rising for each meter.
        kw: (readings,) its value.
        late: how many were left out since a later one of their meter had come before.
        doubled: how many were left out since another of the same time had come before.
        invalid: how many were left out since they are no finite number.
    """

    row: IndexArray
    at: IntArray
    kw: DoubleArray
    late: int
    doubled: int
    invalid: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rounds: in each, at most one reading a meter, in order of time.

    Attributes:
        rows: (meters,) the meters that have a reading in it, rising.
        counts: (meters,) how many each has: those of the first so many rounds.
        at: (rounds, meters) their times in µs, 0 where there is none.
        kw: (rounds, meters) their values, 0 where there is none.
    """

    rows: IndexArray
    counts: IndexArray
    at: IntArray
    kw: DoubleArray


def accept(row: IndexArray, at: IntArray, kw: DoubleArray, last_at: IntArray) -> Accepted:
    """Put readings in order, and leave out those that are late, double or no number.

    Of several with one time, the first that came counts.

    Args:
        row: (readings,) which meter each is of.
        at: (readings,) times in µs.
        kw: (readings,) values in kW.
        last_at: (meters,) the last time that each meter has had before.
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


def stretches(readings: Accepted) -> Iterator[Stretch]:
    """Lay readings out in rounds, so many at a time as fit in the cache of a machine."""
    rows, starts, counts = np.unique(readings.row, return_index=True, return_counts=True)
    done = 0
    while len(rows):
        rounds = min(max(1, _MOST_AT_ONCE // len(rows)), int(counts.max()) - done)
        now = np.minimum(counts - done, rounds)
        step = np.arange(rounds)[:, None]
        there = step < now
        source = np.where(there, starts + done + step, 0)
        yield Stretch(
            rows,
            now,
            np.where(there, readings.at[source], 0),
            np.where(there, readings.kw[source], 0.0),
        )
        done += rounds
        more = counts > done
        rows, starts, counts = rows[more], starts[more], counts[more]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What follows from the times of a stretch alone; arrays (rounds, meters), or (meters,) of one.

    Attributes:
        present: where there is a reading.
        missing: minutes missing just before it.
        reset: where a gap empties the window.
        held: how many readings the window holds with this one.
        full: where these are a window.
    """

    present: BoolArray
    missing: IntArray
    reset: BoolArray
    held: IntArray
    full: BoolArray

    def of(self, number: int, part: slice | BoolArray) -> Rounds:
        """One round, of some meters."""
        return Rounds(
            self.present[number, part],
            self.missing[number, part],
            self.reset[number, part],
            self.held[number, part],
            self.full[number, part],
        )


def plan(
    stretch: Stretch, *, last_at: IntArray, held: NDArray[np.integer], window: int, gaps: GapRule
) -> Rounds:
    """Find the gaps of a stretch, and where windows are full.

    Args:
        stretch: the readings.
        last_at: (meters,) the last time that each meter has had before.
        held: (meters,) how many readings its window held then.
        window: how many it holds at most.
        gaps: what a gap does to it.
    """
    rounds = len(stretch.at)
    present = np.arange(rounds)[:, None] < stretch.counts
    before = np.concatenate([last_at[None], stretch.at[:-1]])
    known = present & (before != NEVER)
    apart = np.where(known, stretch.at - np.where(known, before, 0), MINUTE_US)
    missing = np.maximum(np.rint(apart / MINUTE_US).astype(np.int64) - 1, 0)
    reset = (missing > gaps.max_gap) & (gaps.policy == "reset")
    holds = np.empty(present.shape, np.int64)
    latest = held.astype(np.int64)
    for number in range(rounds):
        holds[number] = latest = np.minimum(np.where(reset[number], 0, latest) + 1, window)
    return Rounds(present, missing, reset, holds, present & (holds == window))
