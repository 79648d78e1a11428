"""Redistribution of the meters of a stopped checkpoint over another number of shards.

The state after the last batch is written anew by a query of its own, in which each shard adopts
its meters; its folder then takes the place of the checkpoint's. So Spark itself writes its format.
The source's progress, the numbers of the batches and the sink remain as they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from streamer.display.numbers import plural
from streamer.errors import StateError, UsageError
from streamer.fleet.spark.checkpoint import NAME, CheckpointConfig, read_config
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.keys import shard_key
from streamer.fleet.spark.progress import FOLDER, read_progress
from streamer.fleet.spark.reports import RUNNING
from streamer.fleet.spark.storage import Opener, Storage, last_batch

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

MOVED = "meter string, record binary, late long, doubled long, invalid long"
"""Schema of the meters on their way to another shard; the counts are those of one shard, once."""

BUILT, FORMER = "streamer-reshard", "state.before-reshard"
"""Folders of the checkpoint during the work: that of the new state, and the old state."""

_PARTITIONS = "spark.sql.shuffle.partitions"


def reshard(
    session: SparkSession,
    checkpoint: str,
    *,
    shards: int,
    partitions: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> CheckpointConfig:
    """Distribute the meters of a stopped checkpoint over another number of shards.

    The forecasts continue as if there had always been as many shards. Until the work is complete,
    the checkpoint is as before: what an interruption has left is undone by the next command.

    Args:
        session: the Spark session.
        checkpoint: folder of the query's state.
        shards: the new number of shards.
        partitions: the new number of partitions; None for that of the session's cores, at most
            that of the shards.
        note: called with a line about the result.

    Returns:
        The configuration of the checkpoint after it.

    Raises:
        UsageError: there is no checkpoint, its query is running, or its last batch is incomplete.
        StateError: it is damaged, or not one of `streamer fleet`.
        SparkError: Spark failed.
    """
    open_folder = partial(Storage, session)
    storage = open_folder(checkpoint)
    config, batch = stopped(open_folder, checkpoint)
    config = undone(storage, config)
    partitions = min(shards, partitions or session.sparkContext.defaultParallelism)
    wanted = replace(config, choices=replace(config.choices, shards=shards), partitions=partitions)
    if wanted == config:
        note(f"{checkpoint} has {_size(config)} already")
        return config
    if batch is not None:
        _build(session, checkpoint, wanted, batch)
        if stopped(open_folder, checkpoint) != (config, batch):
            raise UsageError(f"{checkpoint} has been used in the meantime: nothing was changed")
        replace_state(storage, config, wanted)
    else:
        storage.write(NAME, wanted.to_text())
    note(f"{checkpoint}: {_size(config)} before, {_size(wanted)} now")
    return wanted


def stopped(open_folder: Opener, checkpoint: str) -> tuple[CheckpointConfig, int | None]:
    """The configuration of a stopped checkpoint, and the number of its last batch, if any.

    Args:
        open_folder: opens a folder.
        checkpoint: folder of the query's state.

    Raises:
        UsageError: there is no checkpoint, its query is running, or its last batch is incomplete.
        StateError: it is damaged, or not one of `streamer fleet`.
    """
    config = read_config(open_folder(checkpoint), checkpoint)
    if config is None:
        raise UsageError(f"{checkpoint} has no fleet: give the checkpoint folder of a run")
    known = read_progress(open_folder(f"{checkpoint}/{FOLDER}"))
    if known is not None and known.run.state_at(time.time()) == RUNNING:
        run = known.run
        raise UsageError(
            f"{checkpoint} is in use by process {run.pid} on {run.host}: stop it first"
        )
    begun, done = (last_batch(open_folder(f"{checkpoint}/{it}")) for it in ("offsets", "commits"))
    if begun != done:
        raise UsageError(
            f"batch {begun} of {checkpoint} is incomplete: complete it with `streamer fleet run` "
            "and --once, then give this command again"
        )
    return config, done


def replace_state(storage: Storage, config: CheckpointConfig, wanted: CheckpointConfig) -> None:
    """Put the state in the folder `BUILT` in the place of that of the checkpoint.

    Interrupted anywhere, it is done, or undone by `undone`.

    Args:
        storage: folder of the checkpoint.
        config: its configuration.
        wanted: the configuration with the new state.
    """
    storage.remove(FORMER, with_content=True)  # one that an interruption at the end has left
    storage.write(NAME, replace(config, resharding=True).to_text())
    storage.move("state", FORMER)
    storage.move(f"{BUILT}/state", "state")
    _set_partitions(storage, wanted.partitions)
    storage.write(NAME, wanted.to_text())
    for folder in (FORMER, BUILT):
        storage.remove(folder, with_content=True)


def undone(storage: Storage, config: CheckpointConfig) -> CheckpointConfig:
    """Undo what an interrupted `reshard` has left.

    Args:
        storage: folder of the checkpoint.
        config: its configuration.
    """
    if not config.resharding:
        return config
    if storage.exists(FORMER):
        storage.remove("state", with_content=True)
        storage.move(FORMER, "state")
    _set_partitions(storage, config.partitions)
    config = replace(config, resharding=False)
    storage.write(NAME, config.to_text())
    return config


def _size(config: CheckpointConfig) -> str:
    return f"{plural(config.choices.shards, 'shard')} in {plural(config.partitions, 'partition')}"


def _build(session: SparkSession, checkpoint: str, wanted: CheckpointConfig, batch: int) -> None:
    """Write the new state to the folder `BUILT`, as that of the same batch."""
    from streamer.fleet.spark.packing import PACKED
    from streamer.fleet.spark.processor import OUTPUT, ShardProcessor, task_of

    storage = Storage(session, checkpoint)
    storage.remove(BUILT, with_content=True)
    folder = f"{storage.url}/{BUILT}"
    storage.write(f"{BUILT}/in/tick", "\n")
    choices = wanted.choices
    with explained(f"{checkpoint} cannot be resharded"):
        session.conf.set(_PARTITIONS, wanted.partitions)
        session.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", False)
        meters = moved_meters(session, checkpoint, wanted, batch)
        key = shard_key(meters["meter"], choices.shards, wanted.partitions)
        ticks = session.readStream.text(f"{folder}/in").mapInArrow(_nothing, PACKED)
        rows = ticks.groupBy("key").transformWithStateInPandas(
            ShardProcessor(task_of(wanted)),
            OUTPUT,
            "Append",
            "ProcessingTime",
            meters.withColumn("key", key).groupBy("key"),
        )
        query = (
            rows.writeStream.format("noop")
            .option("checkpointLocation", folder)
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
    _renumber(storage, batch, wanted.partitions)


def moved_meters(
    session: SparkSession, checkpoint: str, config: CheckpointConfig, batch: int
) -> DataFrame:
    """All meters after a batch, with the columns of `MOVED`."""
    from streamer.fleet.spark.processor import restored_shard, task_of
    from streamer.fleet.spark.states import SHARD, decompressed

    task = task_of(config)

    def apart(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for rows in batches:
            for value in rows.to_pylist():
                shard = restored_shard(task, decompressed(value["state"]))
                meters = shard.meters
                none = [0] * (len(meters) - 1)
                yield pa.RecordBatch.from_pydict(
                    {
                        "meter": pa.array(meters, pa.string()),
                        "record": pa.array(shard.records(), pa.binary()),
                        "late": [shard.late, *none],
                        "doubled": [shard.doubled, *none],
                        "invalid": [shard.invalid, *none],
                    }
                )

    reader = session.read.format("statestore").option("stateVarName", SHARD)
    states = reader.option("batchId", batch).load(checkpoint)
    return states.select("value.*").mapInArrow(apart, MOVED)


def _nothing(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """No rows, whatever the source has."""
    for _ in batches:
        yield from ()


def _renumber(storage: Storage, batch: int, partitions: int) -> None:
    """Make the state of the only batch in `BUILT` that of another batch, in its final place.

    A version of the state has the number of its batch plus one, in the names of its files alone.
    """
    state = f"{BUILT}/state/0"
    for partition in range(partitions):
        # A snapshot, which the first version always has; the list of its changes is not needed.
        storage.remove(f"{state}/{partition}/1.changelog")
        if batch:
            storage.move(f"{state}/{partition}/1.zip", f"{state}/{partition}/{batch + 1}.zip")
    metadata = f"{state}/_metadata/v2/0"
    text = storage.read(metadata)
    storage.write(metadata, text.replace(f"{storage.url}/{BUILT}/", f"{storage.url}/"))


def _set_partitions(storage: Storage, partitions: int) -> None:
    """Set the number of partitions with which Spark continues after the last batch."""
    log = storage.below("offsets")
    batch = last_batch(log)
    version, metadata, *offsets = log.read(f"{batch}").split("\n")
    known = json.loads(metadata)
    if _PARTITIONS not in known.get("conf", {}):
        raise StateError(f"{log.url}/{batch} is damaged: it has no {_PARTITIONS}")
    known["conf"][_PARTITIONS] = str(partitions)
    text = json.dumps(known, separators=(",", ":"))
    log.write(f"{batch}", "\n".join([version, text, *offsets]))
