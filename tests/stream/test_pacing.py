"""Tests of the pacer on a manual clock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from streamer.stream.pacing import MAX, SPEEDS, Pacer
from streamer.testing import ManualClock

START = datetime(2010, 3, 19)


def _minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def _run(pacer: Pacer, minutes: range) -> None:
    for number in minutes:
        assert pacer.hold(_minute(number))


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 60.0), (60.0, 1.0), (600.0, 0.1)])
def test_each_reading_is_delayed_to_its_minute(speed: float, seconds: float) -> None:
    clock = ManualClock()
    _run(Pacer(speed, clock=clock), range(11))
    assert clock.now() == pytest.approx(10 * seconds)


def test_unlimited_speed_never_waits() -> None:
    clock = ManualClock()
    pacer = Pacer(MAX, clock=clock)
    _run(pacer, range(100))
    assert pacer.free_running
    assert clock.waits == []


def test_gap_is_skipped() -> None:
    clock = ManualClock()
    pacer = Pacer(60.0, clock=clock)
    pacer.hold(_minute(0))
    pacer.hold(_minute(2000))
    assert clock.now() == pytest.approx(1.0)


def test_readings_closer_than_a_minute_wait_less() -> None:
    clock = ManualClock()
    pacer = Pacer(1.0, clock=clock)
    pacer.hold(START)
    pacer.hold(START + timedelta(seconds=10))
    assert clock.now() == pytest.approx(10.0)


def test_first_window_runs_faster() -> None:
    clock = ManualClock()
    pacer = Pacer(1.0, warm_up=50, clock=clock)
    _run(pacer, range(50))
    assert clock.now() < 1.0
    pacer.hold(_minute(50))
    assert clock.now() > 60.0


def test_short_delays_are_caught_up_but_long_stalls_are_not() -> None:
    clock = ManualClock()
    pacer = Pacer(600.0, clock=clock)
    for number in range(101):
        pacer.hold(_minute(number))
        clock.advance(0.05)
    assert clock.now() == pytest.approx(10.05)
    clock.advance(100.0)
    stalled = clock.now()
    _run(pacer, range(101, 111))
    assert clock.now() - stalled > 0.6


def test_faster_and_slower_step_through_the_speeds() -> None:
    pacer = Pacer(SPEEDS[0])
    seen = [pacer.speed]
    for _ in SPEEDS:
        pacer.faster()
        seen.append(pacer.speed)
    assert seen == [*SPEEDS, MAX]
    for _ in SPEEDS:
        pacer.slower()
    assert pacer.speed == SPEEDS[0]
    odd = Pacer(100.0)
    odd.slower()
    assert odd.speed == 60.0


def test_step_lets_one_reading_pass_while_paused() -> None:
    pacer = Pacer(MAX)
    passed: list[int] = []
    progress = threading.Condition()

    def stream() -> None:
        for number in range(100):
            if not pacer.hold(_minute(number)):
                return
            with progress:
                passed.append(number)
                progress.notify_all()

    pacer.toggle_pause()
    assert pacer.paused
    assert not pacer.free_running
    thread = threading.Thread(target=stream)
    thread.start()
    for wanted in (1, 2, 3):
        pacer.step()
        with progress:
            assert progress.wait_for(lambda wanted=wanted: len(passed) == wanted, timeout=10)
    pacer.toggle_pause()
    thread.join(timeout=10)
    assert passed == list(range(100))


def test_stop_ends_a_wait() -> None:
    pacer = Pacer(1e-6)
    assert pacer.hold(_minute(0))
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(pacer.hold(_minute(1))))
    thread.start()
    pacer.stop()
    thread.join(timeout=10)
    assert answers == [False]
    assert pacer.stopped


def test_single_steps_do_not_delay_later_readings() -> None:
    clock = ManualClock()
    pacer = Pacer(1.0, clock=clock)
    pacer.hold(_minute(0))
    pacer.toggle_pause()
    for number in range(1, 11):
        pacer.step()
        assert pacer.hold(_minute(number))
    pacer.toggle_pause()
    pacer.hold(_minute(11))
    assert clock.now() == pytest.approx(60.0)


def test_step_while_running_has_no_effect() -> None:
    pacer = Pacer(MAX)
    pacer.step()
    pacer.toggle_pause()
    assert pacer._single_steps == 0
