"""Status of a fleet's meters from the state of its shards: counts, scores, worst meters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamer.fleet.spark.checkpoint import CheckpointConfig

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, Row, SparkSession

MIN_SETTLED = 60
"""Fewest settled minutes of a meter in the rankings of the worst."""

_SCORES = ("mse_kw2", "mae_kw", "persistence_mse_kw2", "frozen_mse_kw2", "skill", "coverage")
_ROWS = ", ".join(
    [
        "meter string, minute_us long, last_kw double, silent boolean, settled long",
        *(f"{name} double" for name in _SCORES),
    ]
)
_MINUTE_US = 60_000_000


@dataclass(frozen=True, kw_only=True)
class FleetScores:
    """Scores over all settled minutes of all meters; None without any.

    Attributes:
        settled: number of settled minutes.
        mse_kw2: mean squared error of the forecasts in kW².
        mae_kw: mean absolute error of the forecasts in kW.
        persistence_mse_kw2: mean squared error of persistence over the same minutes.
        frozen_mse_kw2: mean squared error of the frozen network over the same minutes.
        skill: 1 − MSE / MSE of persistence.
        frozen_skill: skill of the frozen network.
        coverage: share of the readings inside the band, 0 to 1.
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
    """Status of one meter.

    Attributes:
        meter: name of the meter.
        minute: minute of its last reading.
        last_kw: its last reading in kW.
        silent: whether it was reported as silent and has sent no reading since.
        settled: number of settled minutes.
        mse_kw2: see `FleetScores`; here and below for this meter only.
        mae_kw: see `FleetScores`.
        persistence_mse_kw2: see `FleetScores`.
        frozen_mse_kw2: see `FleetScores`.
        skill: see `FleetScores`.
        coverage: see `FleetScores`.
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
    """Status of all meters after the last batch.

    Attributes:
        meters: number of meters so far.
        shards: number of shards with meters.
        newest: the newest minute that a shard has reached, ignoring single meters whose clocks
            are ahead.
        oldest: the last minute of the meter that is furthest behind.
        late: readings dropped in all batches because they were late.
        doubled: readings dropped because they were duplicates.
        invalid: readings dropped because their power was not finite.
        scores: scores of the fleet.
        silent: number of meters that were reported as silent and have sent no reading since.
        soon_silent: number of other meters that are as far behind the newest minute, and will
            be reported when their shard reaches it.
        longest_silent: the meters of both kinds that are furthest behind.
        lowest_skill: the meters with the lowest skill, of those with at least `MIN_SETTLED`
            settled minutes.
        largest_mse: the meters with the largest MSE, of the same.
    """

    meters: int
    shards: int
    newest: datetime | None
    oldest: datetime | None
    late: int
    doubled: int
    invalid: int
    scores: FleetScores
    silent: int
    soon_silent: int
    longest_silent: tuple[MeterStatus, ...]
    lowest_skill: tuple[MeterStatus, ...]
    largest_mse: tuple[MeterStatus, ...]


def meters_status(
    session: SparkSession, checkpoint: str, config: CheckpointConfig, batch: int, worst: int
) -> MetersStatus:
    """Status of all meters after a batch; the executors read the states of the shards.

    Args:
        session: a Spark session; need not be that of the query.
        checkpoint: the query's checkpoint.
        config: configuration of the checkpoint.
        batch: number of a completed batch.
        worst: number of meters in each ranking.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as fn

    from streamer.fleet.spark.states import SHARD

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
    with _kept(meter_rows(watched.select("state"), config)) as rows:
        total = _total(rows)
        counts = seen.get
        newest_us = counts["newest_us"]
        after = config.choices.silent_after
        behind = silent = fn.col("silent")
        if after and newest_us is not None:
            behind = silent | (fn.col("minute_us") < newest_us - after * _MINUTE_US)
        scored = rows.where(fn.col("settled") >= MIN_SETTLED)
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
    """Cache rows on the executors that are used more than once."""
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


def _scores(total: Row) -> FleetScores:
    means = {name: total[name] for name in _SCORES if name != "skill"}
    reference = means["persistence_mse_kw2"]
    return FleetScores(
        settled=total["settled"],
        **means,
        skill=_skill(means["mse_kw2"], reference),
        frozen_skill=_skill(means["frozen_mse_kw2"], reference),
    )


def _skill(mse: float | None, reference: float | None) -> float | None:
    return 1.0 - mse / reference if mse is not None and reference else None


def _first(rows: DataFrame, order: Column, count: int) -> tuple[MeterStatus, ...]:
    found = rows.orderBy(order, "meter").limit(count).collect()
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


def meter_rows(states: DataFrame, config: CheckpointConfig) -> DataFrame:
    """One row per meter, from the states of the shards.

    Args:
        states: one column with the states.
        config: configuration of the checkpoint.
    """
    choices = config.choices
    model, settings = choices.model, choices.fleet

    def summaries(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from streamer.fleet.shard import Shard
        from streamer.fleet.spark.states import decompressed
        from streamer.models import load_model

        forecaster = load_model(model, threads=1)
        for batch in batches:
            for state in batch.column(0):
                shard = Shard(forecaster, settings)
                shard.restore(decompressed(state.as_py()))
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
