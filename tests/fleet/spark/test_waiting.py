"""Lines on batches, and a query that is waited for."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import Any

import pytest

from streamer.fleet.spark.signals import heard
from streamer.fleet.spark.waiting import describe, wait_for

LATEST_US = 1_767_225_600_000_000


def report(batch: int, **written: Any) -> dict[str, Any]:
    return {
        "batchId": batch,
        "durationMs": {"addBatch": 400, "triggerExecution": 500},
        "observedMetrics": {"read": {"rows": 3, "unusable": 0}, "written": written},
    }


def test_a_batch_in_which_nothing_has_happened() -> None:
    assert describe(report(1, readings=0, late=0, silent=0, latest_us=None)) is None
    assert describe({**report(1), "observedMetrics": {}}) is None


def test_a_live_batch_says_how_old_its_newest_minute_is() -> None:
    line = describe(report(3, readings=1, latest_us=LATEST_US), now=LATEST_US / 1e6 + 90)
    assert line == "batch 3: 1 reading to 2026-01-01 00:00 (1.5 min ago) in 0.5 s, 2/s"


def test_silent_meters_are_told_where_no_reading_comes() -> None:
    line = describe(report(4, readings=0, silent=2, alarms=2, latest_us=None))
    assert line == "batch 4: 0 readings in 0.5 s; 2 silent, 2 with an alarm"


def test_where_nothing_can_be_used_it_is_said_what_could_be() -> None:
    spoilt = {**report(5, readings=0)}
    spoilt["observedMetrics"]["read"] = {"rows": 7, "unusable": 7}
    line = describe(spoilt)
    assert line is not None
    assert "7 unusable, usable is what has a meter, a power, and a time until tomorrow" in line


@dataclass
class FakeQuery:
    """Reports a batch each time that it is waited for."""

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


def test_each_batch_is_shown_once_and_the_end_is_no_signal() -> None:
    query, shown = FakeQuery(batches=3), []
    wait_for(query, lambda it: shown.append(it["batchId"]))
    assert query.stopped
    assert shown == [0, 1, 2]


def test_a_batch_that_was_waited_for_under_its_number_is_shown() -> None:
    idle = {**report(1), "durationMs": {"triggerExecution": 2}}
    query, shown = FakeQuery(batches=3, recentProgress=[idle]), []
    wait_for(query, shown.append)
    assert shown == [report(1), report(2)]


def test_somebody_hears_that_it_goes_on() -> None:
    beats: list[int] = []
    query = FakeQuery(batches=3)
    wait_for(query, lambda _: None, beat=lambda: beats.append(len(query.recentProgress)))
    assert beats == [1, 2, 3, 3]


def test_a_signal_stops_the_query_and_then_means_what_it_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    query = FakeQuery(batches=99, signal_at=2)
    with heard() as signals:
        wait_for(query, lambda _: None, signals=signals)
        assert signals == [signal.SIGTERM]
        with pytest.raises(SystemExit) as end:
            os.kill(os.getpid(), signal.SIGTERM)
        assert end.value.code == 128 + signal.SIGTERM
    assert query.stopped
    assert signal.getsignal(signal.SIGTERM) is before
