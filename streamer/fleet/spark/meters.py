"""The meters of a fleet, as its shards have them: how many, how good, and the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamer.fleet.spark.checkpoint import Fixed

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, Row, SparkSession

LEAST_SETTLED = 60
"""Minutes that a meter's scores are of, at least, for it to be among the worst."""

_SCORES = ("mse_kw2", "mae_kw", "persistence_mse_kw2", "frozen_mse_kw2", "skill", "coverage")
_ROWS = ", ".join(
    [
        "meter string, minute_us long, last_kw double, silent boolean, settled long",
        *(f"{name} double" for name in _SCORES),
    ]
)
_MINUTE_US = 60_000_000


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Of all settled minutes of all meters; None where there is none.

    Attributes:
        settled: how many they are.
        mse_kw2: of the forecasts.
        mae_kw: of the forecasts.
        persistence_mse_kw2: of "next = last", over the same minutes.
        frozen_mse_kw2: of the network by itself, over the same minutes.
        skill: 1 − MSE/MSE of persistence.
        frozen_skill: that of the network by itself.
        coverage: share of the readings that were inside the band.
    """

    settled: int
    mse_kw2: float | None
    mae_kw: float | None
    persistence_mse_kw2: float | None
    frozen_mse_kw2: float | None
    skill: float | None
    frozen_skill: float | None
    coverage: float | None


@dataclass(frozen=True, kw_only=True)
class MeterStatus:
    """One meter.

    Attributes:
        meter: its name.
        minute: its last one.
        last_kw: what it drew then.
        silent: whether it has been reported as silent, and not been heard since.
        settled: minutes that its scores are of.
        mse_kw2: of the forecasts, as are the other scores.
        mae_kw: see `Scores`.
        persistence_mse_kw2: see `Scores`.
        frozen_mse_kw2: see `Scores`.
        skill: see `Scores`.
        coverage: see `Scores`.
    """

    meter: str
    minute: datetime | None
    last_kw: float | None
    silent: bool
    settled: int
    mse_kw2: float | None
    mae_kw: float | None
    persistence_mse_kw2: float | None
    frozen_mse_kw2: float | None
    skill: float | None
    coverage: float | None


@dataclass(frozen=True, kw_only=True)
class MetersStatus:
    """All meters, as the last batch has left them.

    Attributes:
        meters: how many have been heard of.
        shards: how many there are meters in.
        newest: the newest minute that a shard has come to, which is not that of a meter alone
            whose clock is ahead.
        oldest: the last minute of the one that is the longest behind.
        late: readings dropped for being late, of all batches.
        doubled: for being double.
        invalid: for having no finite power.
        scores: of the fleet.
        silent: how many have been reported as silent, and not been heard since.
        soon_silent: how many else are as long behind the newest minute, to be reported when
            the time of their shard has come so far.
        longest_silent: of both, those longest behind.
        lowest_skill: the worst forecasts, beside persistence, of the meters with at least
            `LEAST_SETTLED` minutes.
        largest_mse: the worst forecasts in kW², of the same.
    """

    meters: int
    shards: int
    newest: datetime | None
    oldest: datetime | None
    late: int
    doubled: int
    invalid: int
    scores: Scores
    silent: int
    soon_silent: int
    longest_silent: tuple[MeterStatus, ...]
    lowest_skill: tuple[MeterStatus, ...]
    largest_mse: tuple[MeterStatus, ...]


def meters_status(
    session: SparkSession, checkpoint: str, fixed: Fixed, batch: int, worst: int
) -> MetersStatus:
    """All meters, as a batch has left them; each shard's state is read by an executor.

    Args:
        session: a session, which need not be the query's.
        checkpoint: the query's.
        fixed: what that was begun with.
        batch: the batch, which is done.
        worst: how many meters to name of each kind.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as fn

    from streamer.fleet.spark.processor import SHARD

    shards = (
        session.read.format("statestore")
        .option("stateVarName", SHARD)
        .option("batchId", batch)
        .load(checkpoint)
        .select("value.*")
    )
    seen = Observation()
    dropped = ("late", "doubled", "invalid")
    watched = shards.observe(
        seen,
        fn.count(fn.lit(1)).alias("shards"),
        fn.max("latest_us").alias("newest_us"),
        *(fn.sum(name).alias(name) for name in dropped),
    )
    with _kept(meter_rows(watched.select("state"), fixed)) as rows:
        total = _total(rows)
        counts = seen.get
        newest_us = counts["newest_us"]
        after = fixed.choices.silent_after
        behind = silent = fn.col("silent")
        if after and newest_us is not None:
            behind = silent | (fn.col("minute_us") <= newest_us - after * _MINUTE_US)
        scored = rows.where(fn.col("settled") >= LEAST_SETTLED)
        return MetersStatus(
            meters=total["meters"],
            shards=counts["shards"],
            newest=_minute(newest_us),
            oldest=_minute(total["oldest_us"]),
            **{name: counts[name] or 0 for name in dropped},
            scores=_scores(total),
            silent=total["silent"],
            soon_silent=rows.where(behind & ~silent).count(),
            longest_silent=_first(rows.where(behind), fn.asc("minute_us"), worst),
            lowest_skill=_first(scored.where(fn.col("skill").isNotNull()), fn.asc("skill"), worst),
            largest_mse=_first(scored, fn.desc("mse_kw2"), worst),
        )


@contextmanager
def _kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Let the executors keep rows that are gone through more than once."""
    rows.persist()
    try:
        yield rows
    finally:
        rows.unpersist()


def _total(rows: DataFrame) -> Row:
    from pyspark.sql import functions as fn

    means = [
        fn.try_divide(fn.sum(fn.col(name) * fn.col("settled")), fn.sum("settled")).alias(name)
        for name in _SCORES
        if name != "skill"
    ]
    return rows.agg(
        fn.count(fn.lit(1)).alias("meters"),
        fn.min("minute_us").alias("oldest_us"),
        fn.coalesce(fn.sum("settled"), fn.lit(0)).alias("settled"),
        fn.count_if("silent").alias("silent"),
        *means,
    ).collect()[0]


def _scores(total: Row) -> Scores:
    means = {name: total[name] for name in _SCORES if name != "skill"}
    reference = means["persistence_mse_kw2"]
    return Scores(
        settled=total["settled"],
        **means,
        skill=_skill(means["mse_kw2"], reference),
        frozen_skill=_skill(means["frozen_mse_kw2"], reference),
    )


def _skill(mse: float | None, reference: float | None) -> float | None:
    return 1.0 - mse / reference if mse is not None and reference else None


def _first(rows: DataFrame, order: Column, most: int) -> tuple[MeterStatus, ...]:
    found = rows.orderBy(order, "meter").limit(most).collect()
    return tuple(
        MeterStatus(
            meter=row["meter"],
            minute=_minute(row["minute_us"]),
            last_kw=row["last_kw"],
            silent=row["silent"],
            settled=row["settled"],
            **{name: row[name] for name in _SCORES},
        )
        for row in found
    )


def meter_rows(states: DataFrame, fixed: Fixed) -> DataFrame:
    """A row for each meter, of the shards' states.

    Args:
        states: a column of them.
        fixed: what the checkpoint was begun with.
    """
    choices = fixed.choices
    model, settings = choices.model, choices.fleet

    def summaries(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from streamer.fleet.shard import Shard
        from streamer.models import load_model

        forecaster = load_model(model, threads=1)
        for batch in batches:
            for state in batch.column(0):
                shard = Shard(forecaster, settings)
                shard.restore(state.as_py())
                yield _summary(shard.summary().columns)

    return states.mapInArrow(summaries, _ROWS)


def _summary(columns: dict[str, Any]) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    minute = columns["minute"]
    made = {
        "meter": pa.array(columns["meter"], pa.string()),
        "minute_us": pa.array(minute.astype(np.int64), pa.int64(), mask=np.isnat(minute)),
        "last_kw": pa.array(columns["actual_kw"], pa.float64(), mask=np.isnat(minute)),
        "silent": pa.array(columns["alarms"] != np.array(None), pa.bool_()),
        "settled": pa.array(columns["settled"], pa.int64()),
    }
    for name in _SCORES:
        made[name] = pa.array(columns[name], pa.float64(), mask=np.isnan(columns[name]))
    return pa.RecordBatch.from_pydict(made)


def _minute(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC)
