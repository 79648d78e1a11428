"""Tests of a shard as a stateful processor: its state and its silent meters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import ModelError, StateError
from streamer.fleet.columns import COLUMNS
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard
from streamer.fleet.spark import states
from streamer.fleet.spark.packing import pack
from streamer.fleet.spark.processor import (
    TICK_MS,
    ShardProcessor,
    ShardTask,
    restored_shard,
)
from streamer.fleet.spark.reports import ShardReport
from streamer.fleet.spark.states import compressed, decompressed
from streamer.models import load_model

MINUTE = np.timedelta64(1, "m")
BEGIN = np.datetime64("2010-03-19T17:00", "us")
MINUTE_MS = 60_000
STARTED_MS = 1_000 * MINUTE_MS


@dataclass
class FakeValue:
    value: Any = None

    def get(self) -> Any:
        return self.value

    def update(self, value: Any) -> None:
        self.value = value


@dataclass
class FakeSpark:
    """State variables and timers of one key."""

    values: dict[str, FakeValue] = field(default_factory=dict)
    timers: set[int] = field(default_factory=set)
    now_ms: int = STARTED_MS

    def getValueState(self, name: str, schema: str) -> FakeValue:
        return self.values.setdefault(name, FakeValue())

    def registerTimer(self, at_ms: int) -> None:
        assert at_ms > self.now_ms
        self.timers.add(at_ms)

    def deleteTimer(self, at_ms: int) -> None:
        self.timers.remove(at_ms)

    def getCurrentProcessingTimeInMs(self) -> int:
        return self.now_ms

    def processor(self, started_ms: int = STARTED_MS, silent_after: int = 15) -> ShardProcessor:
        settings = FleetSettings(silent_after=silent_after)
        made = ShardProcessor(ShardTask("sceaux", settings, started_ms))
        made.init(self)
        return made

    def push(self, processor: ShardProcessor, meters: str, minutes: Iterable[int]) -> Batch:
        """Push readings of 0.3 kW, one per meter and minute."""
        pairs = [(meter, minute) for minute in minutes for meter in meters]
        at = BEGIN + np.array([minute for _, minute in pairs]) * MINUTE
        batch = pa.RecordBatch.from_arrays(
            [
                pa.array([7] * len(pairs), pa.int32()),
                pa.array([meter for meter, _ in pairs]),
                pa.array(at.view(np.int64)),
                pa.array([0.3] * len(pairs)),
            ],
            ["key", "meter", "minute", "kw"],
        )
        chunks = iter([packed.to_pandas()[["readings"]] for packed in pack([batch])])
        done = Batch(list(processor.handleInputRows((7,), chunks, self)))
        assert len(self.timers) <= 1
        return done

    def wait(self, processor: ShardProcessor, minutes: float) -> list[str]:
        """Let time pass with an empty batch every ten seconds; return the silent meters."""
        silent = []
        end_ms = self.now_ms + int(minutes * MINUTE_MS)
        while self.now_ms < end_ms:
            self.now_ms = min(self.now_ms + 10_000, end_ms)
            for due_ms in [at for at in self.timers if at <= self.now_ms]:
                frames = list(processor.handleExpiredTimer((7,), self, None))
                self.timers.remove(due_ms)
                silent += Batch(frames).silent
            assert len(self.timers) <= 1
        return silent


class Batch:
    def __init__(self, frames: list[pd.DataFrame]) -> None:
        (frame,) = frames
        assert list(frame.columns) == [*COLUMNS, "report"]
        self.rows: pd.DataFrame = frame.iloc[:-1]
        last = frame.iloc[-1]
        assert self.rows["report"].isna().all()
        assert last["meter"] is None
        self.report = from_json(ShardReport, last["report"])
        assert self.report.key == 7
        assert self.report.counts["rows"] == len(self.rows)
        assert self.report.counts["alarms"] == self.rows["alarms"].notna().sum()
        newest = self.rows["minute"][self.rows["actual_kw"].notna()].max()
        assert self.report.newest_us == (None if pd.isna(newest) else newest)

    @property
    def silent(self) -> list[str]:
        silent = self.rows[self.rows["alarms"] == "silent"]
        assert silent["actual_kw"].isna().all()
        assert self.report.counts["silent"] == len(silent) == self.report.kinds.get("silent", 0)
        return silent["meter"].tolist()


def test_batches_continue_the_same_shard() -> None:
    spark, shard = FakeSpark(), Shard(load_model())
    for first in range(0, 60, 20):
        minutes = range(first, first + 20)
        batch = spark.push(spark.processor(), "ab", minutes)
        at = BEGIN + np.repeat(np.array(minutes), 2) * MINUTE
        expected = shard.push(list("ab") * 20, at, np.full(40, 0.3)).columns
        for name, column in expected.items():
            came = batch.rows[name].to_numpy()
            if COLUMNS[name] == "timestamp":
                came = pd.to_datetime(batch.rows[name], unit="us").to_numpy(column.dtype)
            if column.dtype == object:
                assert came.tolist() == column.tolist()
            else:
                np.testing.assert_array_equal(came, column)
    state, latest_us, *counts = spark.values["shard"].value
    assert decompressed(state) == shard.state()
    assert len(state) < len(shard.state())
    assert np.datetime64(latest_us, "us") == shard.latest
    assert counts == [0, 0, 0]
    assert batch.report.shard == shard.tally()


def test_dropped_readings_are_counted_in_their_batch() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "ab", [0, 1, 1, 2])
    batch = spark.push(processor, "ab", [0, 2, 3])
    assert batch.report.counts == {
        "readings": 6,
        "late": 2,
        "doubled": 2,
        "rows": 2,
        "silent": 0,
        "alarms": 0,
    }
    assert spark.values["shard"].value[2:] == (2, 4, 0)


def test_a_meter_is_silent_by_the_time_of_the_others_and_reported_once() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    assert spark.push(processor, "ab", range(5)).silent == []
    assert spark.push(processor, "a", range(5, 20)).silent == []
    batch = spark.push(processor, "a", [20])
    assert batch.silent == ["b"]
    assert batch.rows["minute"].iloc[-1] == (BEGIN + 5 * MINUTE).view(np.int64)
    assert spark.push(processor, "a", range(21, 60)).silent == []
    assert spark.push(processor, "b", [60]).silent == []
    assert spark.push(processor, "a", [74, 75]).silent == []
    assert spark.push(processor, "a", [76, 77]).silent == ["b"]


def test_a_silence_that_begins_and_ends_in_one_batch_is_reported() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "ab", range(5))
    minutes = [*range(5, 8), *range(30, 34)]
    batch = spark.push(processor, "b", minutes)
    assert batch.silent == ["b", "a"]
    assert batch.report.counts["readings"] == len(minutes)
    assert len(batch.rows) == len(minutes) + 2


def test_meters_of_a_shard_without_readings_are_silent_by_the_clock() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "ab", range(5))
    assert spark.wait(processor, 14.9) == []
    assert sorted(spark.wait(processor, 1.3)) == ["a", "b"]
    # No timer is left when all meters are silent.
    assert not spark.timers
    assert spark.wait(processor, 60) == []
    spark.push(processor, "a", [80])
    assert spark.timers
    assert spark.wait(processor, 20) == ["a"]


def test_no_meter_of_a_steady_stream_is_silent() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    for minute in range(0, 60, 2):
        assert spark.push(processor, "ab", [minute, minute + 1]).silent == []
        assert spark.wait(processor, 2) == []


def test_time_while_the_query_was_not_running_does_not_count() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "ab", range(5))
    assert spark.wait(processor, 10) == []
    spark.now_ms += 24 * 60 * MINUTE_MS
    processor = spark.processor(started_ms=spark.now_ms)
    assert spark.wait(processor, 14) == []
    assert sorted(spark.wait(processor, 3)) == ["a", "b"]


def test_a_timer_without_silent_meters_leaves_the_state_unchanged() -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "a", [0])
    before = spark.values["shard"].value
    spark.wait(processor, 5)
    assert spark.values["shard"].value is before
    assert spark.timers == {spark.values["head"].value[2]}
    assert min(spark.timers) <= spark.now_ms + TICK_MS


def test_no_meter_is_silent_after_0_minutes() -> None:
    spark = FakeSpark()
    processor = spark.processor(silent_after=0)
    spark.push(processor, "ab", range(5))
    assert spark.push(processor, "a", range(5, 300)).silent == []
    assert not spark.timers


@pytest.mark.parametrize("minutes", [[], [0]])
def test_late_readings_leave_a_meter_silent(minutes: list[int]) -> None:
    spark = FakeSpark()
    processor = spark.processor()
    spark.push(processor, "ab", range(5))
    assert spark.push(processor, "a", range(5, 25)).silent == ["b"]
    assert spark.push(processor, "b", [3, *minutes]).silent == []
    assert spark.push(processor, "a", range(25, 60)).silent == []


@pytest.mark.parametrize("kind", ["failed", "other worker", "former version"])
def test_a_batch_continues_what_was_stored(kind: str) -> None:
    """And not what a worker remembers of a batch that Spark has discarded."""
    spark, expected = FakeSpark(), FakeSpark()
    for each in (spark, expected):
        each.push(each.processor(), "ab", range(60))
    if kind == "failed":
        before = {name: value.value for name, value in spark.values.items()}
        timers = set(spark.timers)
        spark.push(spark.processor(), "ab", range(60, 65))
        for name, value in before.items():
            spark.values[name].value = value
        spark.timers = timers
    elif kind == "other worker":
        states._remembered.clear()
    else:
        state, *rest = spark.values["shard"].value
        spark.values["shard"].value = (decompressed(state), *rest)
        spark.values["timer"].value = spark.values["head"].value[1:]
        spark.values["head"].value = None
    ours, theirs = (each.push(each.processor(), "ab", range(60, 70)) for each in (spark, expected))
    pd.testing.assert_frame_equal(ours.rows, theirs.rows)
    assert ours.report == theirs.report
    assert spark.values["shard"].value == expected.values["shard"].value
    assert spark.timers == expected.timers


def test_shards_of_a_former_version_are_not_mistaken_for_each_other() -> None:
    """A timer without silent meters is the first to use the state of the first of two keys."""
    first, second, expected = FakeSpark(), FakeSpark(), FakeSpark()
    for each, meters in ((first, "ab"), (second, "cd"), (expected, "cd")):
        each.push(each.processor(), meters, range(60))
    for each in (first, second):
        state, *rest = each.values["shard"].value
        each.values["shard"].value = (decompressed(state), *rest)
        each.values["timer"].value = each.values["head"].value[1:]
        each.values["head"].value = None
    assert first.wait(first.processor(), 5) == []
    second.now_ms = expected.now_ms
    ours, theirs = (each.push(each.processor(), "cd", [60]) for each in (second, expected))
    pd.testing.assert_frame_equal(ours.rows, theirs.rows)


@pytest.mark.parametrize("spoil", [lambda it: it[:100], lambda it: it[:50] + b"x" * 9 + it[59:]])
def test_a_damaged_state_is_reported_in_a_line(spoil: Callable[[bytes], bytes]) -> None:
    spark = FakeSpark()
    spark.push(spark.processor(), "ab", range(60))
    state, *rest = spark.values["shard"].value
    spark.values["shard"].value = (spoil(state), *rest)
    states._remembered.clear()
    with pytest.raises(StateError, match="state of a shard is damaged") as raised:
        spark.push(spark.processor(), "ab", [60])
    assert "\n" not in str(raised.value)


@given(data=st.binary(max_size=2000), cut=st.integers(0, 50))
def test_any_bytes_are_compressed(data: bytes, cut: int) -> None:
    whole = compressed(data)
    assert decompressed(whole) == data
    for damaged in (whole[: len(whole) - 1 - cut], data[cut:]):
        with contextlib.suppress(StateError):
            decompressed(damaged)


def test_a_stored_meter_takes_less_than_a_kilobyte_and_a_half(sample_kw: np.ndarray) -> None:
    """Of meters that have forecasts waiting for all horizons, and readings of three decimals."""
    meters, minutes = 40, 150
    starts = 23 * np.arange(meters)
    kw = np.round(sample_kw[starts[:, None] + np.arange(minutes)], 3)
    shard = Shard(load_model("homes", threads=1))
    names = np.repeat([f"m{number:06d}" for number in range(meters)], minutes)
    shard.push(names, np.tile(BEGIN + np.arange(minutes) * MINUTE, meters), kw.ravel())
    assert shard.summary().columns["settled"].min() > 90
    assert len(compressed(shard.state())) < 1536 * meters


def test_meters_from_other_shards_are_taken_over_in_parts() -> None:
    other, spark = FakeSpark(), FakeSpark(now_ms=STARTED_MS + 1)
    other.push(other.processor(), "abc", range(60))
    shard = Shard(load_model("sceaux"))
    shard.restore(decompressed(other.values["shard"].value[0]))
    meters = pd.DataFrame({"meter": shard.meters, "record": shard.records()})
    meters = meters.assign(late=[3, 0, 1], doubled=0, invalid=[0, 2, 0])
    for part in (meters[:1], meters[1:]):
        processor = spark.processor()
        processor.handleInitialState((7,), part, spark)
    assert spark.timers == {STARTED_MS + 1 + TICK_MS}
    assert spark.values["shard"].value[2:] == (4, 0, 2)
    ours, theirs = (each.push(each.processor(), "abc", [60]) for each in (spark, other))
    pd.testing.assert_frame_equal(ours.rows, theirs.rows)


def test_a_model_that_another_machine_has_under_the_same_name_is_rejected() -> None:
    with pytest.raises(ModelError, match=r"model 'sceaux' on .* is another one"):
        restored_shard(ShardTask("sceaux", FleetSettings(), STARTED_MS, weights="ab12"), None)
