"""Tests of the system clock."""

from __future__ import annotations

import threading

from streamer.clock import MAX_WAIT_S, SystemClock


class _Condition(threading.Condition):
    """A condition that takes note of the time limits it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.limits.append(timeout)
        return False


def test_no_wait_is_so_long_that_a_signal_would_be_missed() -> None:
    condition, clock = _Condition(), SystemClock()
    for seconds in (None, 3600.0, 0.25):
        clock.wait(condition, seconds)
    assert condition.limits == [MAX_WAIT_S, MAX_WAIT_S, 0.25]
