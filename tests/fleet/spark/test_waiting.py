"""Tests of waiting for a query."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field
from typing import Any

import pytest

from streamer.fleet.spark.signals import noted_signals
from streamer.fleet.spark.waiting import wait_for


def report(batch: int) -> dict[str, Any]:
    return {"batchId": batch, "durationMs": {"addBatch": 400, "triggerExecution": 500}}


@dataclass
class FakeReport:
    """A report in the JVM."""

    values: dict[str, Any]

    def batchId(self) -> int:
        return int(self.values["batchId"])

    def json(self) -> str:
        return json.dumps(self.values)


@dataclass
class FakeQuery:
    """A query that reports a batch each time it is waited for, and its last when it is stopped."""

    batches: int
    signal_at: int = -1
    reports: list[FakeReport] = field(default_factory=list)
    stopped: bool = False

    @property
    def _jsq(self) -> FakeQuery:
        return self

    def awaitTermination(self, seconds: float) -> bool:
        number = len(self.reports)
        if number == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if number == self.batches:
            return True
        self.reports.append(FakeReport(report(number)))
        return False

    def lastProgress(self) -> FakeReport | None:
        return self.reports[-1] if self.reports else None

    def recentProgress(self) -> list[FakeReport]:
        return self.reports

    def stop(self) -> None:
        self.reports.append(FakeReport(report(len(self.reports))))
        self.stopped = True


def test_each_batch_is_shown_once_until_the_query_ends() -> None:
    query, shown = FakeQuery(batches=3), []
    wait_for([query], lambda it: shown.append(it["batchId"]))
    assert query.stopped
    assert shown == [0, 1, 2, 3]


def test_a_batch_is_shown_after_an_idle_report_with_its_number() -> None:
    idle = {**report(1), "durationMs": {"triggerExecution": 2}}
    query, shown = FakeQuery(batches=3, reports=[FakeReport(idle)]), []
    wait_for([query], shown.append)
    assert shown == [report(1), report(2), report(3)]


def test_after_a_number_of_batches_the_query_is_stopped_unless_it_has_ended() -> None:
    query, shown = FakeQuery(batches=9), []
    assert wait_for([query], lambda it: shown.append(it["batchId"]), batches=4)
    assert query.stopped
    assert shown == [0, 1, 2, 3, 4]
    assert not wait_for([FakeQuery(batches=3)], batches=4)


def test_the_heartbeat_is_called_while_the_query_runs() -> None:
    beats: list[int] = []
    query = FakeQuery(batches=3)
    wait_for([query], lambda _: None, heartbeat=lambda: beats.append(len(query.reports)))
    assert beats == [1, 2, 3, 3]


def test_a_signal_stops_the_query_and_its_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    query = FakeQuery(batches=99, signal_at=2)
    with noted_signals() as signals:
        wait_for([query], lambda _: None, signals=signals)
        assert signals == [signal.SIGTERM]
        with pytest.raises(SystemExit) as end:
            os.kill(os.getpid(), signal.SIGTERM)
        assert end.value.code == 128 + signal.SIGTERM
    assert query.stopped
    assert signal.getsignal(signal.SIGTERM) is before
