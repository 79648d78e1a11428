"""Tests of the recorded progress of a run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import SparkError
from streamer.fleet.spark.progress import (
    ProgressLog,
    RunProgress,
    read_progress,
)
from streamer.fleet.spark.reports import (
    DIED,
    DONE,
    FAILED,
    OVERDUE,
    RUNNING,
    STOPPED,
    Batch,
    Run,
)
from streamer.fleet.summary import MeterSummary, Scores, ShardSummary

BEGAN = 1_800_000_000.0
NEWEST_US = 1_767_225_600_000_000
RUN = Run(began=BEGAN, source="in", sink="out", every_s=60.0)


class FakeFolder:
    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.is_broken = False

    def names(self) -> list[str]:
        self._check()
        return sorted(self.files)

    def read(self, name: str) -> str:
        self._check()
        if name not in self.files:
            raise SparkError(f"{name} is not there")
        return self.files[name]

    def write(self, name: str, text: str) -> None:
        self._check()
        assert name not in self.files
        self.files[name] = text

    def remove(self, name: str) -> None:
        self._check()
        self.files.pop(name, None)

    def _check(self) -> None:
        if self.is_broken:
            raise SparkError("no room")


def fail(what: object) -> Any:
    raise AssertionError(what)


def log(folder: FakeFolder, run: Run = RUN) -> ProgressLog:
    return ProgressLog(folder, run, fail, now=lambda: BEGAN + 5.0)


def shard(meters: int) -> ShardSummary:
    meter = MeterSummary("attic", NEWEST_US, 0.3, False, 1, 0.1, 0.1, 0.1, 0.1, 1.0)
    return ShardSummary(
        meters=meters,
        late=0,
        doubled=0,
        invalid=0,
        silent=1,
        latest_us=NEWEST_US,
        oldest_us=None,
        scores={"1": Scores(2, 0.5, 0.5, 0.5, 0.5, 1.0)},
        worst=(meter,),
    )


def shard_report(key: int, meters: int, counts: dict[str, int], **kinds: int) -> str:
    known = {"newest_us": NEWEST_US, "shard": vars(shard(meters))}
    return json.dumps({"key": key, "counts": counts, "kinds": kinds, **known})


def report(number: int, **sources: Any) -> dict[str, Any]:
    some = {"readings": 40, "late": 3, "rows": 37, "silent": 1, "alarms": 2}
    more = {"readings": 60, "doubled": 2, "invalid": 1, "rows": 58, "alarms": 2}
    shards = [shard_report(7, 9, some, silent=1, anomaly=1), shard_report(7, 10, more, anomaly=2)]
    return {
        "batchId": number,
        "timestamp": "2027-01-15T08:00:00.500Z",
        "durationMs": {"triggerExecution": 2_000, "addBatch": 1_500, "walCommit": 20},
        "observedMetrics": {"read": {"read": 101, "unusable": 1}, "shards": {"reports": shards}},
        "stateOperators": [{"customMetrics": {"rocksdbSstFileSize": 3900}}],
        "sources": [{"latestOffset": None, "endOffset": {"logOffset": 3}, **sources}],
    }


def test_a_batch_has_the_relevant_part_of_a_report() -> None:
    batch = Batch.of(report(7))
    assert asdict(batch) == {
        "number": 7,
        "began": BEGAN + 0.5,
        "seconds": 2.0,
        "parts_s": {"addBatch": 1.5, "walCommit": 0.02},
        "read": 101,
        "unusable": 1,
        "readings": 100,
        "late": 3,
        "doubled": 2,
        "invalid": 1,
        "rows": 95,
        "silent": 1,
        "alarms": 4,
        "behind": None,
        "newest": NEWEST_US / 1e6,
        "kinds": {"silent": 1, "anomaly": 3},
        "state_bytes": 3900,
    }
    assert batch.ended == BEGAN + 2.5


def test_a_batch_without_metrics_has_zero_counts() -> None:
    nothing = {**report(7), "observedMetrics": {"read": None}}
    assert (Batch.of(nothing).late, Batch.of(nothing).read) == (0, 0)


@pytest.mark.parametrize(
    ("latest", "end", "behind"),
    [
        ({"readings": {"0": 90, "1": 7}}, {"readings": {"0": 40, "1": 7}}, 50),
        ({"readings": {"0": 5, "1": 7}}, {"readings": {"0": 5}}, 7),
        ({"readings": {"0": 3}}, {"readings": {"0": 5}}, 0),
        ({"logOffset": 4}, {"logOffset": 3}, None),
        (None, {"logOffset": 3}, None),
        (None, None, None),
        (7, 5, None),
    ],
)
def test_waiting_records_are_the_difference_of_offsets(
    latest: Any, end: Any, behind: int | None
) -> None:
    assert Batch.of(report(0, latestOffset=latest, endOffset=end)).behind == behind


def test_the_progress_of_a_completed_run_is_read() -> None:
    folder = FakeFolder()
    with log(folder) as kept:
        started = read_progress(folder)
        kept.add(report(0))
        kept.add(report(1))
        running = read_progress(folder)
        kept.end(DONE)
    assert started.batches == ()
    assert started.run == replace(RUN, said=BEGAN + 5.0, host=platform.node(), pid=os.getpid())
    batches = (Batch.of(report(0)), Batch.of(report(1)))
    assert running == replace(started, batches=batches, shards={7: shard(10)}, after=None)
    done = read_progress(folder)
    assert done.batches == running.batches
    assert (done.run.state, done.run.cause) == (DONE, None)
    assert len(folder.files) == 2


def test_the_summaries_are_read_out_of_the_states_only_if_they_are_not_recorded() -> None:
    folder = FakeFolder()

    def scanned(batch: int) -> dict[int, ShardSummary]:
        assert batch == 4
        return {3: shard(5)}

    new = log(folder)
    new.fill(None, "2 shards", fail)
    with new:
        new.add(report(0))
        assert (new.progress.shards, new.progress.after) == ({7: shard(10)}, 0)
    again = log(folder)
    again.fill(0, "2 shards", fail)
    assert (again.progress.shards, again.progress.after) == ({7: shard(10)}, 0)
    other = log(folder)
    other.fill(0, "3 shards", lambda batch: {9: shard(10 + batch)})
    assert (other.progress.shards, other.progress.after) == ({9: shard(10)}, 0)
    missing = log(folder)
    missing.fill(4, "2 shards", scanned)
    with missing:
        missing.add(report(5))
        found = read_progress(folder)
        assert (found.shards, found.after) == ({3: shard(5), 7: shard(10)}, 5)
        missing.add(report(7))
    assert read_progress(folder).after is None


def test_states_that_cannot_be_read_are_reported() -> None:
    def broken(batch: int) -> dict[int, ShardSummary]:
        raise SparkError(f"batch {batch} is damaged")

    messages: list[str] = []
    with ProgressLog(FakeFolder(), RUN, messages.append) as kept:
        kept.fill(4, "2 shards", broken)
        kept.add(report(5))
    assert kept.progress.after is None
    assert messages == [
        "`streamer fleet status` has no meters without new readings: batch 4 is damaged"
    ]


def test_the_line_of_a_batch_has_the_age_of_its_newest_minute() -> None:
    batch = Batch(number=3, began=0.0, seconds=0.5, readings=1, newest=NEWEST_US / 1e6)
    line = batch.line(now=NEWEST_US / 1e6 + 90)
    assert line == "batch 3: 1 reading to 2026-01-01 00:00 (1.5 min ago) in 0.5 s, 2/s"


def test_the_line_of_a_batch_has_its_counts() -> None:
    batch = Batch(
        number=7, began=0.0, seconds=4.0, readings=20_000, late=3, doubled=1, alarms=9, newest=60.0
    )
    text = "batch 7: 20,000 readings to 1970-01-01 00:01 in 4.0 s, 5,000/s; 3 late, 1 duplicate"
    assert batch.line() == f"{text}, 9 with an alarm"


def test_the_line_of_a_batch_without_readings_has_its_silent_meters() -> None:
    batch = Batch(number=4, began=0.0, seconds=0.5)
    assert batch.line() is None
    line = replace(batch, silent=2, alarms=2).line()
    assert line == "batch 4: 0 readings in 0.5 s; 2 silent, 2 with an alarm"


def test_the_line_of_a_batch_without_usable_rows_explains_what_is_usable() -> None:
    line = Batch(number=5, began=0.0, seconds=0.5, read=7, unusable=7).line()
    assert line is not None
    assert (
        "7 unusable, usable rows have a meter, a power, and a time no later than tomorrow" in line
    )


def test_a_failed_run_records_its_cause() -> None:
    folder = FakeFolder()
    with pytest.raises(SparkError), log(folder):
        raise SparkError("the query has failed: no room")
    run = read_progress(folder).run
    assert (run.state, run.cause) == (FAILED, "the query has failed: no room")


def test_the_next_run_continues_the_log_within_its_limits() -> None:
    folder = FakeFolder()
    with log(folder) as kept:
        for number in range(300):
            kept.add(report(number))
        kept.end(STOPPED)
    with log(folder) as kept:
        for number in range(300, 500):
            kept.add(report(number))
            assert len(folder.files) == 2
    found = read_progress(folder)
    assert [batch.number for batch in found.batches] == list(range(100, 500))
    assert max(map(len, folder.files.values())) < 200_000


def test_the_file_before_is_read_if_the_last_one_is_truncated() -> None:
    folder = FakeFolder()
    with log(folder) as kept:
        kept.add(report(0))
        kept.add(report(1))
    newest = max(folder.files)
    folder.files[newest] = folder.files[newest][:40]
    assert [batch.number for batch in read_progress(folder).batches] == [0]
    with log(folder) as kept:
        kept.add(report(2))
    assert [batch.number for batch in read_progress(folder).batches] == [0, 2]


def test_foreign_files_are_ignored() -> None:
    folder = FakeFolder()
    folder.files = {"notes.txt": "mine", ".000000000003.jsonl.new": "half"}
    with log(folder) as kept:
        for number in range(5):
            kept.add(report(number))
    assert folder.files["notes.txt"] == "mine"
    assert len(folder.files) == 4


def test_a_file_that_is_removed_while_reading_is_skipped() -> None:
    folder = FakeFolder()
    folder.files["000000000007.jsonl"] = _text()
    listings = iter([["000000000004.jsonl", "000000000005.jsonl"], folder.names()])
    folder.names = lambda: next(listings)  # type: ignore[method-assign]
    assert [batch.number for batch in read_progress(folder).batches] == [9]


def _text() -> str:
    folder = FakeFolder()
    with log(folder) as kept:
        kept.add(report(9))
    return folder.files[max(folder.files)]


def test_a_failure_to_write_is_reported_once_and_the_query_continues() -> None:
    folder = FakeFolder()
    folder.is_broken = True
    messages: list[str] = []
    with ProgressLog(folder, RUN, messages.append) as kept:
        kept.add(report(0))
        folder.is_broken = False
        kept.add(report(1))
        kept.end(DONE)
    assert messages == ["progress for `streamer fleet status` cannot be written: no room"]
    assert [batch.number for batch in read_progress(folder).batches] == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_do_not_prevent_reading_and_writing(data: st.DataObject) -> None:
    text = _text()
    at = data.draw(st.integers(0, len(text)))
    folder = FakeFolder()
    folder.files = {"000000000007.jsonl": text[:at] + data.draw(st.text(max_size=20)) + text[at:]}
    found = read_progress(folder)
    assert found is None or len(found.batches) <= 1
    with log(folder) as kept:
        kept.add(report(10))
    assert read_progress(folder).batches[-1].number == 10


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"began": "yesterday"},
        {"began": True},
        {"began": float("nan")},
        {"began": 1e300},
        {"source": None},
        {"shards": 5},
        {"shards": True},
        {"after": "1"},
    ],
)
def test_an_edited_head_is_rejected(change: dict[str, Any]) -> None:
    head, *rest = _text().split("\n")
    with pytest.raises(ValueError, match=r"version|range|is|unexpected"):
        RunProgress.parse("\n".join([json.dumps(json.loads(head) | change), *rest]))


def test_members_of_a_later_version_are_ignored() -> None:
    text = _text()
    later = text.replace("}\n", ',"more":{}}\n')
    assert later.count("more") == 3
    assert RunProgress.parse(later) == RunProgress.parse(text)


@pytest.mark.parametrize("change", [{"key": None}, {"meters": 1.5}, {"scores": {"1": [[]]}}])
def test_a_file_with_a_damaged_shard_is_rejected(change: dict[str, Any]) -> None:
    head, summary, *rest = _text().split("\n")
    with pytest.raises(ValueError, match=r"is|not"):
        RunProgress.parse("\n".join([head, json.dumps(json.loads(summary) | change), *rest]))


@pytest.mark.parametrize(
    "change",
    [{"number": 1.5}, {"parts_s": {"a": "b"}}, {"parts_s": []}, {"began": -1}, {"rows": 1 << 60}],
)
def test_an_edited_batch_is_left_out(change: dict[str, Any]) -> None:
    head, summary, line, *_ = _text().split("\n")
    edited = json.dumps(json.loads(line) | change)
    found = RunProgress.parse(f"{head}\n{summary}\n{edited}\n[]\n{line}\n")
    assert found.shards == {7: shard(10)}
    assert [batch.number for batch in found.batches] == [9]


def test_over_returns_the_batches_of_the_last_seconds() -> None:
    batches = tuple(
        Batch(number=number, began=BEGAN + 600.0 * number, seconds=60.0) for number in range(10)
    )
    assert [batch.number for batch in RunProgress(RUN, batches).over(3600.0)] == [4, 5, 6, 7, 8, 9]
    assert RunProgress(RUN).over(3600.0) == ()


@pytest.mark.parametrize(
    ("age_s", "state"), [(10, RUNNING), (179, RUNNING), (181, OVERDUE), (900, OVERDUE)]
)
def test_a_run_on_another_machine_is_judged_by_its_last_record(age_s: int, state: str) -> None:
    run = replace(RUN, said=BEGAN, host="elsewhere", pid=1)
    assert run.state_at(BEGAN + age_s) == state
    assert replace(run, state=DONE).state_at(BEGAN + 1e6) == DONE


def test_a_run_on_this_machine_is_judged_by_its_process(dead_process: int) -> None:
    here = replace(RUN, said=BEGAN, host=platform.node())
    assert replace(here, pid=os.getpid()).state_at(BEGAN + 1.0) == RUNNING
    assert replace(here, pid=dead_process).state_at(BEGAN + 1.0) == DIED


@pytest.fixture
def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert child.wait(60) == 0
    return child.pid
