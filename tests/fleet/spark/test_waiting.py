"""Tests of the lines about batches, and of waiting for a query."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import Any

import pytest

from streamer.fleet.spark.signals import noted_signals
from streamer.fleet.spark.waiting import describe, wait_for

LATEST_US = 1_767_225_600_000_000


def report(batch: int, **written: Any) -> dict[str, Any]:
    return {
        "batchId": batch,
        "durationMs": {"addBatch": 400, "triggerExecution": 500},
        "observedMetrics": {"read": {"rows": 3, "unusable": 0}, "written": written},
    }


def test_an_empty_batch_has_no_line() -> None:
    assert describe(report(1, readings=0, late=0, silent=0, latest_us=None)) is None
    assert describe({**report(1), "observedMetrics": {}}) is None


def test_the_line_of_a_live_batch_has_the_age_of_its_newest_minute() -> None:
    line = describe(report(3, readings=1, latest_us=LATEST_US), now=LATEST_US / 1e6 + 90)
    assert line == "batch 3: 1 reading to 2026-01-01 00:00 (1.5 min ago) in 0.5 s, 2/s"


def test_the_line_of_a_batch_without_readings_has_its_silent_meters() -> None:
    line = describe(report(4, readings=0, silent=2, alarms=2, latest_us=None))
    assert line == "batch 4: 0 readings in 0.5 s; 2 silent, 2 with an alarm"


def test_a_batch_without_usable_rows_explains_what_is_usable() -> None:
    unusable = {**report(5, readings=0)}
    unusable["observedMetrics"]["read"] = {"rows": 7, "unusable": 7}
    line = describe(unusable)
    assert line is not None
    assert (
        "7 unusable, usable rows have a meter, a power, and a time no later than tomorrow" in line
    )


@dataclass
class FakeQuery:
    """A query that reports a batch each time it is waited for."""

    batches: int
    signal_at: int = -1
    recentProgress: list[dict[str, Any]] = field(default_factory=list)  # noqa: N815
    stopped: bool = False

    def awaitTermination(self, seconds: float) -> bool:
        number = len(self.recentProgress)
        if number == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if number == self.batches:
            return True
        self.recentProgress.append(report(number))
        return False

    @property
    def lastProgress(self) -> dict[str, Any] | None:
        return self.recentProgress[-1] if self.recentProgress else None

    def stop(self) -> None:
        self.stopped = True


def test_each_batch_is_shown_once_until_the_query_ends() -> None:
    query, shown = FakeQuery(batches=3), []
    wait_for([query], lambda it: shown.append(it["batchId"]))
    assert query.stopped
    assert shown == [0, 1, 2]


def test_a_batch_is_shown_after_an_idle_report_with_its_number() -> None:
    idle = {**report(1), "durationMs": {"triggerExecution": 2}}
    query, shown = FakeQuery(batches=3, recentProgress=[idle]), []
    wait_for([query], shown.append)
    assert shown == [report(1), report(2)]


def test_the_heartbeat_is_called_while_the_query_runs() -> None:
    beats: list[int] = []
    query = FakeQuery(batches=3)
    wait_for([query], lambda _: None, heartbeat=lambda: beats.append(len(query.recentProgress)))
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
