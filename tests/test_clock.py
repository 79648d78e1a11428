"""Tests of the clocks of the system."""

from __future__ import annotations

import sys
import time

import pytest

from streamer.clock import SystemClock


class _Stepped(SystemClock):
    """A system clock whose monotonic time is set by the test."""

    def __init__(self) -> None:
        super().__init__(stop_s=10.0)
        self.at_s = 100.0

    def now(self) -> float:
        return self.at_s


def test_long_times_between_two_calls_are_absences() -> None:
    clock = _Stepped()
    found = []
    for step_s in (0.0, 1.0, 9.0, 10.0, 300.0, 1.0, 20.0, 5.0):
        clock.at_s += step_s
        found.append(clock.stopped())
    assert found == [0.0, 0.0, 0.0, 0.0, 300.0, 300.0, 320.0, 320.0]


@pytest.mark.skipif(sys.platform != "linux", reason="counted by Linux")
def test_the_time_asleep_does_not_grow_while_awake() -> None:
    clock = SystemClock()
    before_s, at_s = clock.asleep(), time.monotonic()
    assert before_s is not None
    assert before_s >= -1.0
    after_s = clock.asleep()
    assert after_s is not None
    assert abs(after_s - before_s) <= time.monotonic() - at_s + 1e-3
