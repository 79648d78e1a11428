"""A shard as a stateful processor of Spark, with the arithmetic of `streamer.fleet`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

from streamer.fleet.columns import COLUMNS, SILENT, Outcome
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard
from streamer.fleet.spark.packing import unpack

if TYPE_CHECKING:
    from pyspark.sql.streaming.stateful_processor import ExpiredTimerInfo, TimerValues

    from streamer.models.forecaster import NetworkForecaster

SHARD = "shard"
SHARD_SCHEMA = "state binary, latest_us long, late long, doubled long, invalid long"
"""State variable: a shard as bytes, and figures of it that can be read without decoding them."""

TIMER = "timer"
TIMER_SCHEMA = "advanced_ms long, due_ms long"
"""State variable: processing time at which the newest minute arrived, and at which the timer is
due, or 0."""

TALLY = ("readings", "late", "doubled", "invalid", "meters", "silent")
"""Counts in a tally: those of its batch, except for `meters`, which counts all of the shard."""

OUTPUT = ", ".join(
    [
        *(f"{name} {'long' if kind == 'timestamp' else kind}" for name, kind in COLUMNS.items()),
        "tally array<long>",
    ]
)
"""Schema of a shard's output: minutes in microseconds, and rows with only a tally."""

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
        started_ms: start of the query, in milliseconds since 1970.
    """

    model: str
    settings: FleetSettings
    started_ms: int


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
        self._shard = handle.getValueState(SHARD, SHARD_SCHEMA)
        self._timer = handle.getValueState(TIMER, TIMER_SCHEMA)

    def handleInputRows(
        self,
        key: Any,  # noqa: ARG002
        rows: Iterator[pd.DataFrame],
        timerValues: TimerValues,
    ) -> Iterator[pd.DataFrame]:
        """Process a batch's readings of one shard."""
        meter, minute, kw = unpack(value for chunk in rows for value in chunk["readings"])
        shard = self._restore()
        before = _counts(shard)
        latest = shard.latest
        outcome = shard.push(meter, minute, kw)
        silent = Outcome() if shard.latest is None else shard.silent(shard.latest)
        self._keep(shard)
        if self._task.settings.silent_after and shard.latest is not None:
            now_ms = timerValues.getCurrentProcessingTimeInMs()
            advanced_ms, due_ms = self._timer.get() or (now_ms, 0)
            if shard.latest != latest:
                advanced_ms = now_ms
            self._tick(advanced_ms, due_ms, now_ms + TICK_MS)
        yield from _frames(outcome, silent, len(meter), before, shard)

    def handleExpiredTimer(
        self,
        key: Any,  # noqa: ARG002
        timerValues: TimerValues,
        expiredTimerInfo: ExpiredTimerInfo,  # noqa: ARG002
    ) -> Iterator[pd.DataFrame]:
        """Report the meters of a shard that have become silent."""
        shard = self._restore()
        if shard.latest is None:
            return
        now_ms = timerValues.getCurrentProcessingTimeInMs()
        advanced_ms, _ = self._timer.get()
        gone_ms = max(now_ms - max(advanced_ms, self._task.started_ms), 0)
        before = _counts(shard)
        silent = shard.silent(shard.latest + np.timedelta64(gone_ms, "ms"))
        if len(silent):
            self._keep(shard)
        # No timer is needed once all meters must be silent.
        longest_ms = self._task.settings.silent_after * 60_000 + _AHEAD_MS
        is_over = shard.is_silent or gone_ms >= longest_ms
        self._tick(advanced_ms, 0, 0 if is_over else now_ms + TICK_MS)
        yield from _frames(Outcome(), silent, 0, before, shard)

    def _restore(self) -> Shard:
        shard = Shard(_forecaster(self._task.model), self._task.settings)
        kept = self._shard.get()
        if kept is not None:
            shard.restore(bytes(kept[0]))
        return shard

    def _keep(self, shard: Shard) -> None:
        latest = shard.latest
        latest_us = None if latest is None else int(latest.astype("datetime64[us]").astype(int))
        self._shard.update((shard.state(), latest_us, shard.late, shard.doubled, shard.invalid))

    def _tick(self, advanced_ms: int, due_ms: int, next_ms: int) -> None:
        """Replace the timer; Spark itself removes one that has expired."""
        if due_ms:
            self._handle.deleteTimer(due_ms)
        if next_ms:
            self._handle.registerTimer(next_ms)
        self._timer.update((advanced_ms, next_ms))


@lru_cache(maxsize=2)
def _forecaster(model: str) -> NetworkForecaster:
    """The model, loaded once for all shards of this process."""
    from streamer.models import load_model

    # One thread, because there are as many workers as cores.
    return load_model(model, threads=1)


def _counts(shard: Shard) -> tuple[int, int, int, int]:
    return len(shard.meters), shard.late, shard.doubled, shard.invalid


def _frames(
    outcome: Outcome, silent: Outcome, readings: int, before: Iterable[int], shard: Shard
) -> Iterator[pd.DataFrame]:
    """Output rows as one data frame, the last of which has only the tally.

    Converting a frame takes some time for each of its columns, however few rows it has.
    """
    meters, *dropped = (
        now - was if at else now
        for at, (now, was) in enumerate(zip(_counts(shard), before, strict=True))
    )
    ended = int(np.count_nonzero(outcome.columns["alarms"] == SILENT))
    tally = [readings, *dropped, meters, ended + len(silent)]
    columns = Outcome.joined([outcome, silent, Outcome.of(1, {})]).columns
    columns["minute"] = columns["minute"].astype("datetime64[us]").view(np.int64)
    frame = pd.DataFrame(columns, copy=False)
    frame["tally"] = pd.Series([*[None] * (len(frame) - 1), tally], dtype=object)
    yield frame
