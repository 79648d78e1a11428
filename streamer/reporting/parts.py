"""Figures of a report by hour or day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.reporting.data import DAY, Minutes, Recorded
from streamer.reporting.energy import Energy, energy
from streamer.reporting.tally import HOUR_S, W_PER_KW, banded, inside, mean_by, meaningful_skill


@dataclass(frozen=True, eq=False)
class Parts:
    """The period cut into hours or days of the house's clock; NaN for parts without data.

    Attributes:
        edges: (parts + 1,) Unix seconds; the outer ones are those of the period.
        minutes: (parts,) number of recorded minutes.
        energy: energy of the parts.
        mean_kw: (parts,) mean power.
        peak_kw: (parts,) power of the highest minute.
        settled: (parts,) number of settled forecasts.
        mae_w: (parts,) mean absolute error of the point forecasts.
        persistence_mae_w: (parts,) the same of persistence.
        skill: (parts,) skill of the mean forecasts; NaN for parts in which little was settled or
            changed.
        coverage: (parts,) share of the readings in their band, 0 to 1.
    """

    edges: IntArray
    minutes: IntArray
    energy: Energy
    mean_kw: DoubleArray
    peak_kw: DoubleArray
    settled: IntArray
    mae_w: DoubleArray
    persistence_mae_w: DoubleArray
    skill: DoubleArray
    coverage: DoubleArray


def by_hour_or_day(recorded: Recorded) -> Parts:
    """The period cut into hours if it is a day, otherwise into days."""
    start, end, clock = recorded.start, recorded.end, recorded.clock
    if recorded.period == DAY:
        first = start - (start + clock.offset(start)) % HOUR_S + HOUR_S
        inner = list(range(first, end, HOUR_S))
    else:
        inner = clock.midnights(start + 1, end)
    edges = np.array([start, *inner, end], dtype=np.int64)
    return _cut(recorded.minutes, edges)


def _cut(minutes: Minutes, edges: IntArray) -> Parts:
    parts = len(edges) - 1
    part = np.searchsorted(edges, minutes.at, side="right") - 1
    peak = np.full(parts, -np.inf)
    np.maximum.at(peak, part, minutes.kw)
    peak[np.isinf(peak)] = np.nan
    count = np.bincount(part, minlength=parts)
    mean = mean_by(part, minutes.kw, parts)
    point, own, reference = (
        minutes.kw - kw for kw in (minutes.point_kw, minutes.mean_kw, minutes.last_kw)
    )
    own[np.isnan(reference)] = point[np.isnan(reference)] = np.nan
    settled = np.bincount(part[np.isfinite(own)], minlength=parts)
    mse, reference_mse = (mean_by(part, np.square(e), parts) for e in (own, reference))
    errors = zip(mse.tolist(), reference_mse.tolist(), settled.tolist(), strict=True)
    found = [meaningful_skill(*each) for each in errors]
    covered = np.where(banded(minutes), inside(minutes), np.nan)
    return Parts(
        edges,
        count,
        energy(minutes, edges),
        mean,
        peak,
        settled,
        W_PER_KW * mean_by(part, np.abs(point), parts),
        W_PER_KW * mean_by(part, np.abs(reference), parts),
        np.array([np.nan if value is None else value for value in found]),
        mean_by(part, covered, parts),
    )
