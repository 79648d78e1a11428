"""A shard as a stateful processor of Spark, with the arithmetic of `streamer.fleet`."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

from streamer.errors import ModelError
from streamer.fleet.columns import COLUMNS, SILENT, Outcome
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard
from streamer.fleet.spark.checkpoint import CheckpointConfig
from streamer.fleet.spark.packing import unpack
from streamer.fleet.spark.states import KeptShard, ShardStates

if TYPE_CHECKING:
    from pyspark.sql.streaming.stateful_processor import ExpiredTimerInfo, TimerValues

    from streamer.models.forecaster import NetworkForecaster

DROPPED = ("late", "doubled", "invalid")
"""Counts of dropped readings that a shard keeps."""

OUTPUT = ", ".join(
    [
        *(f"{name} {'long' if kind == 'timestamp' else kind}" for name, kind in COLUMNS.items()),
        "report string",
    ]
)
"""Schema of a shard's output: times in microseconds, and rows with only a report on the shard in a
batch, a `streamer.fleet.spark.reports.ShardReport` as JSON."""

TICK_MS = 60_000
"""Interval at which a shard without readings is checked for silent meters."""

_AHEAD_MS = 3_600_000
"""Largest lead of a meter over its shard with which it is still found to be silent."""


@dataclass(frozen=True)
class ShardTask:
    """Parameters of the processor on each worker.

    Attributes:
        model: name or path of the model, which must exist on every machine.
        settings: settings of all meters.
        started_ms: start of the run, in milliseconds since 1970.
        unnamed: SHA-256 of the model of states that do not name it.
        weights: SHA-256 of the model; None for any.
    """

    model: str
    settings: FleetSettings
    started_ms: int
    unnamed: str | None = None
    weights: str | None = None


class ShardProcessor(StatefulProcessor):  # type: ignore[misc]
    """Keeps a shard for each grouping key, and reports its silent meters.

    Silence is measured in event time: up to the meter's next reading, or the newest minute of the
    shard, plus the processing time since that arrived. So the shard's other meters reveal a
    silent one at once, in a backfill too, however the readings fall into batches, and a timer is
    needed only for a shard without any readings. Time during which the query
    was not running does not count.
    """

    def __init__(self, task: ShardTask) -> None:
        self._task = task

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Declare the state variables; called by Spark before anything else."""
        self._handle = handle
        self._states = ShardStates(handle, self._task, partial(restored_shard, self._task))

    def handleInputRows(
        self,
        key: Any,
        rows: Iterator[pd.DataFrame],
        timerValues: TimerValues,
    ) -> Iterator[pd.DataFrame]:
        """Process a batch's readings of one shard."""
        meter, minute, kw = unpack(value for chunk in rows for value in chunk["readings"])
        kept = self._states.load()
        shard = kept.shard
        before = _dropped(shard)
        latest = shard.latest
        outcome = shard.push(meter, minute, kw)
        silent = Outcome() if shard.latest is None else shard.silent(shard.latest)
        if self._task.settings.silent_after and shard.latest is not None:
            now_ms = timerValues.getCurrentProcessingTimeInMs()
            if shard.latest != latest:
                kept.advanced_ms = now_ms
            self._tick(kept, now_ms + TICK_MS)
        self._states.save(kept)
        counts = {"readings": len(meter), **(_dropped(shard) - before)}
        yield _output(key[0], shard, [outcome, silent], counts)

    def handleExpiredTimer(
        self,
        key: Any,
        timerValues: TimerValues,
        expiredTimerInfo: ExpiredTimerInfo,  # noqa: ARG002
    ) -> Iterator[pd.DataFrame]:
        """Report the meters of a shard that have become silent."""
        kept = self._states.load()
        shard = kept.shard
        if shard.latest is None:
            return
        now_ms = timerValues.getCurrentProcessingTimeInMs()
        gone_ms = max(now_ms - max(kept.advanced_ms, self._task.started_ms), 0)
        silent = shard.silent(shard.latest + np.timedelta64(gone_ms, "ms"))
        # No timer is needed once all meters must be silent.
        longest_ms = self._task.settings.silent_after * 60_000 + _AHEAD_MS
        is_over = shard.is_silent or gone_ms >= longest_ms
        kept.due_ms = 0
        self._tick(kept, 0 if is_over else now_ms + TICK_MS)
        self._states.save(kept, changed=len(silent) > 0)
        yield _output(key[0], shard, [silent], {})

    def handleInitialState(
        self,
        key: Any,  # noqa: ARG002
        initialState: pd.DataFrame,
        timerValues: TimerValues,
    ) -> None:
        """Take over meters in the rows of `streamer.fleet.spark.reshard.MOVED`."""
        kept = self._states.load()
        shard = kept.shard
        shard.adopt(initialState["meter"].tolist(), initialState["record"].tolist())
        for name in DROPPED:
            setattr(shard, name, getattr(shard, name) + int(initialState[name].sum()))
        if self._task.settings.silent_after and not shard.is_silent:
            self._tick(kept, timerValues.getCurrentProcessingTimeInMs() + TICK_MS)
        self._states.save(kept)

    def _tick(self, kept: KeptShard, next_ms: int) -> None:
        """Replace the timer; Spark itself removes one that has expired."""
        if kept.due_ms:
            self._handle.deleteTimer(kept.due_ms)
        if next_ms:
            self._handle.registerTimer(next_ms)
        kept.due_ms = next_ms


def task_of(config: CheckpointConfig) -> ShardTask:
    """The task of a run that starts now."""
    choices = config.choices
    now_ms = int(time.time() * 1000)
    return ShardTask(choices.model, choices.fleet, now_ms, config.first_weights, config.weights)


def restored_shard(task: ShardTask, state: bytes | None) -> Shard:
    """A shard with its saved state; a new one without."""
    shard = Shard(_forecaster(task.model, task.weights), task.settings)
    if state is not None:
        shard.restore(state, unnamed=task.unnamed)
    return shard


@lru_cache(maxsize=2)
def _forecaster(model: str, weights: str | None) -> NetworkForecaster:
    """The model, loaded once for all shards of this process.

    Raises:
        ModelError: it has other weights on this machine.
    """
    from streamer.models import load_model

    # One thread, because there are as many workers as cores.
    forecaster = load_model(model, threads=1)
    if weights not in (None, forecaster.card.sha256):
        raise ModelError(f"model {model!r} on {platform.node()} is another one: copy it there")
    return forecaster


def _dropped(shard: Shard) -> Counter[str]:
    return Counter({name: getattr(shard, name) for name in DROPPED})


def _output(
    key: int, shard: Shard, outcomes: Sequence[Outcome], counts: Mapping[str, int]
) -> pd.DataFrame:
    """Output rows as one data frame, the last of which has only the report.

    Converting a frame takes some time for each of its columns, however few rows it has.
    """
    columns: dict[str, Any] = Outcome.joined([*outcomes, Outcome.of(1, {})]).columns
    raised = [kinds.split(",") for kinds in columns["alarms"] if kinds is not None]
    alarms = Counter(kind for kinds in raised for kind in kinds)
    at = columns["minute"][~np.isnan(columns["actual_kw"])].astype("datetime64[us]")
    report = {
        "key": key,
        "counts": {
            **counts,
            "rows": sum(map(len, outcomes)),
            "silent": alarms[SILENT],
            "alarms": len(raised),
        },
        "kinds": alarms,
        "newest_us": int(at.max().view(np.int64)) if len(at) else None,
        "shard": vars(shard.tally()),
    }
    for name, kind in COLUMNS.items():
        if kind == "timestamp":
            at = columns[name].astype("datetime64[us]")
            columns[name] = pd.arrays.IntegerArray(at.view(np.int64), np.isnat(at))
    frame = pd.DataFrame(columns, copy=False)
    texts = [*[None] * (len(frame) - 1), json.dumps(report)]
    frame["report"] = pd.Series(texts, dtype=object)
    return frame
