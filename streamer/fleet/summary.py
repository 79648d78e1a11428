"""Summary of a shard: totals of its meters, sums of their scores, candidates for rankings.

The status of a fleet is made out of the last summary of each shard. NumPy is imported where a
summary is made, because the status reads summaries without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from streamer.readings.scores import skill

if TYPE_CHECKING:
    from streamer.readings.arrays import DoubleArray, IntArray, Records

MIN_SETTLED = 60
"""Fewest settled minutes of a meter in the rankings of the worst."""

MAX_WORST = 10
"""Meters of a shard in each ranking: the largest number that a status can rank exactly."""

_MAX_NAME = 200


class Scores(NamedTuple):
    """Scores of some forecasts that are settled: sums over them, or their means.

    Attributes:
        settled: number of the forecasts.
        mse_kw2: squared errors in kW².
        mae_kw: absolute errors in kW; None if they are not kept, as are the next two.
        persistence_mse_kw2: squared errors of persistence.
        frozen_mse_kw2: squared errors of the frozen network.
        coverage: readings inside the band: their number, or their share.
    """

    settled: int = 0
    mse_kw2: float | None = 0.0
    mae_kw: float | None = 0.0
    persistence_mse_kw2: float | None = 0.0
    frozen_mse_kw2: float | None = 0.0
    coverage: float | None = 0.0

    @classmethod
    def total(cls, parts: Iterable[Scores]) -> Scores:
        """The sums over several parts."""
        columns = list(zip(*parts, strict=True))
        totals = [None if None in column else sum(column) for column in columns]
        return cls._make(totals) if totals else cls()

    def means(self) -> Scores:
        """The means of sums; None without any forecast."""
        settled, *sums = self
        means = (None if it is None or not settled else it / settled for it in sums)
        return Scores(settled, *means)

    @property
    def skill(self) -> float | None:
        """1 − MSE / MSE of persistence; None if that is 0 or unknown."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)

    @property
    def frozen_skill(self) -> float | None:
        """The same of the frozen network."""
        return skill(self.frozen_mse_kw2, self.persistence_mse_kw2)


class MeterSummary(NamedTuple):
    """A meter that is among the worst or the longest silent ones of its shard.

    Attributes:
        meter: its name, cut at 200 characters.
        minute_us: minute of its last reading, in microseconds since 1970.
        last_kw: its last reading in kW.
        silent: whether it is reported as silent.
        settled: number of its settled minutes.
        mse_kw2: mean over them, as the next four; None without any.
        mae_kw: see `Scores`.
        persistence_mse_kw2: see `Scores`.
        frozen_mse_kw2: see `Scores`.
        coverage: see `Scores`.
    """

    meter: str
    minute_us: int
    last_kw: float
    silent: bool
    settled: int
    mse_kw2: float | None
    mae_kw: float | None
    persistence_mse_kw2: float | None
    frozen_mse_kw2: float | None
    coverage: float | None

    @property
    def minute(self) -> datetime:
        """Minute of its last reading."""
        return time_of(self.minute_us / 1e6)

    @property
    def skill(self) -> float | None:
        """1 − MSE / MSE of persistence; None if that is 0 or unknown."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)


@dataclass(frozen=True, kw_only=True)
class ShardSummary:
    """Summary of a shard.

    Attributes:
        meters: number of meters so far.
        late: readings dropped so far because they were late.
        doubled: readings dropped because they were duplicates.
        invalid: readings dropped because their power was not finite.
        silent: meters that were reported as silent and have sent no reading since.
        latest_us: minute that the shard has reached, in microseconds since 1970; None before
            the first reading.
        oldest_us: last minute of the meter that is furthest behind.
        scores: sums over all settled forecasts, by the number of minutes ahead.
        worst: up to `MAX_WORST` meters in each ranking: longest without a reading, lowest
            skill, largest MSE; each meter once.
    """

    meters: int
    late: int
    doubled: int
    invalid: int
    silent: int
    latest_us: int | None
    oldest_us: int | None
    scores: Mapping[str, Scores]
    worst: tuple[MeterSummary, ...]

    __pydantic_config__: ClassVar = {"allow_inf_nan": False}


def time_of(seconds: float) -> datetime:
    """A time in seconds since 1970 as one in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def summarise(
    names: Sequence[str],
    records: Records,
    scores: Mapping[str, Mapping[str, DoubleArray | IntArray]],
    **counts: Any,
) -> ShardSummary:
    """Summarise the meters of a shard.

    Args:
        names: (meters,) their names.
        records: (meters,) their records, with `last_at`, `last_kw` and `silent`.
        scores: (meters,) their running scores by name, NaN without any, by the number of
            minutes ahead; those of "1" make the rankings, others may have fewer.
        counts: the further attributes of the summary.
    """
    import numpy as np

    from streamer.fleet.arranged import NEVER

    at = np.where(records["last_at"] == NEVER, np.nan, records["last_at"].astype(float))
    one = scores["1"]
    ranked = one["settled"] >= MIN_SETTLED
    lowest = np.where(ranked & (one["persistence_mse_kw2"] > 0.0), one["skill"], np.nan)
    largest = np.where(ranked, -one["mse_kw2"], np.nan)
    rows = {row for values in (at, lowest, largest) for row in _first(values, names)}
    sums = {}
    for minutes, of in scores.items():
        settled = of["settled"].astype(float)
        totals = (
            float(np.where(settled > 0, of[name], 0.0) @ settled) if name in of else None
            for name in Scores._fields[1:]
        )
        sums[minutes] = Scores(int(settled.sum()), *totals)
    heard = at[~np.isnan(at)]
    return ShardSummary(
        meters=len(names),
        silent=int(records["silent"].sum()),
        oldest_us=int(heard.min()) if len(heard) else None,
        scores=sums,
        worst=tuple(_meter(names[row], records[row], one, row) for row in sorted(rows)),
        **counts,
    )


def _first(values: DoubleArray, names: Sequence[str]) -> list[int]:
    """Rows with the smallest values, apart from NaN; of equal ones by name."""
    import numpy as np

    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) > MAX_WORST:
        bound = np.partition(values[rows], MAX_WORST - 1)[MAX_WORST - 1]
        rows = rows[values[rows] <= bound]
    return nsmallest(MAX_WORST, rows.tolist(), key=lambda row: (values[row], names[row]))


def _meter(name: str, record: Any, scores: Mapping[str, Any], row: int) -> MeterSummary:
    settled = int(scores["settled"][row])
    means = [_rounded(scores[name][row]) if settled else None for name in Scores._fields[1:]]
    return MeterSummary(
        name[:_MAX_NAME],
        int(record["last_at"]),
        _rounded(record["last_kw"]),
        bool(record["silent"]),
        settled,
        *means,
    )


def _rounded(value: float) -> float:
    """A value with seven significant digits, which are enough to show, and short to store."""
    return float(f"{value:.7g}")
