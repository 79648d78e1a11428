"""Tests of absences of the process or the machine: what waited counts, the rest is a gap."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.feeds import Pace
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.sources.live.absence import Jump, jump_of
from tests.children import ending
from tests.sources.live.bench import Bench, at

AWAY_S = 300.0
ON_CHANGE = Pace(on_change=True)


def _watch(bench: Bench, seconds: int, kw: float, *, every_s: int = 1) -> None:
    """A meter that sends a value without a time now and then."""
    for second in range(0, seconds, every_s):
        bench.take(Sample(kw))
        bench.pass_on(min(every_s, seconds - second))


@pytest.mark.parametrize("way", ["stop", "sleep"])
@pytest.mark.parametrize("pace", [Pace(), ON_CHANGE], ids=["regular", "on change"])
def test_an_absence_is_a_gap_without_values_that_waited(way: str, pace: Pace) -> None:
    bench = Bench(pace=pace)
    _watch(bench, 160, 1.0)
    getattr(bench, way)(AWAY_S)
    bench.take(*[Sample(9.0)] * 50)
    bench.pass_on(2.0)
    _watch(bench, 200, 2.0)
    # The third minute is known for 40 s; the absence ends 40 s into the eighth.
    assert bench.minutes() == [(0, 1.0), (1, 1.0), (2, 1.0), (8, 2.0), (9, 2.0)]
    away, partial = bench.texts(Notice.WARNING)
    what = "this process was stopped" if way == "stop" else "this machine was asleep"
    assert away[0].startswith(f"house: {what} for 5 min; that time is a gap")
    assert partial[0].endswith(": only 40 s of it are known: watching paused in it")
    assert sum(count for _, count in bench.texts(Notice.ORDER)) == 50
    assert [link.state for link in bench.of(Link)] == [Link.UP]


def test_values_that_waited_with_a_time_fill_the_absence() -> None:
    """The readings are those of a process that was never stopped."""
    bench, other = Bench(), Bench()
    for second in range(0, 600, 5):
        sample = Sample(second / 100, at(second))
        other.take(sample)
        other.pass_on(5.0)
        if second < 160:
            bench.take(sample)
            bench.pass_on(5.0)
    bench.stop(AWAY_S)
    bench.take(*(Sample(second / 100, at(second)) for second in range(160, 460, 5)))
    for second in range(460, 600, 5):
        bench.take(Sample(second / 100, at(second)))
        bench.pass_on(5.0)
    assert bench.minutes() == other.minutes()
    assert [round(minute) for minute, _ in bench.minutes()] == list(range(9))
    assert not bench.texts(Notice.ORDER)
    ((text, _),) = bench.texts(Notice.WARNING)
    assert "this process was stopped for 5 min" in text


def test_a_feed_with_times_from_which_nothing_waited_leaves_a_gap() -> None:
    bench = Bench(pace=ON_CHANGE)
    bench.take(Sample(1.0, at(0)))
    bench.pass_on(170.0)
    bench.stop(AWAY_S)
    bench.pass_on(200.0)
    assert bench.minutes() == [(0, 1.0), (1, 1.0), (2, 1.0)]


def test_the_last_change_that_waited_is_the_present_value() -> None:
    bench = Bench(pace=ON_CHANGE)
    bench.take(Sample(1.0))
    bench.pass_on(165.0)
    bench.stop(AWAY_S)
    bench.take(Sample(7.0), Sample(8.0))
    bench.pass_on(200.0)
    assert bench.minutes() == [(0, 1.0), (1, 1.0), (2, 1.0), (8, 8.0), (9, 8.0), (10, 8.0)]
    assert bench.of(Sample)[-1].kw == 8.0


@pytest.mark.parametrize("pace", [Pace(), ON_CHANGE], ids=["regular", "on change"])
def test_an_energy_register_is_not_spread_over_an_absence(pace: Pace) -> None:
    bench = Bench(pace=pace)
    kwh = 1000.0
    for second in range(0, 900, 10):
        bench.take(CounterSample(kwh))
        if second == 160:
            bench.stop(AWAY_S)
            kwh += 5.0
            bench.take(CounterSample(kwh - 1.0))
        bench.pass_on(10.0)
        kwh += 0.002
    minutes = dict(bench.minutes())
    assert set(minutes) <= {0, 1, 2, *range(7, 21)}
    assert all(kw == pytest.approx(0.72) for kw in minutes.values())


def test_a_second_absence_may_follow_at_once() -> None:
    bench = Bench()
    _watch(bench, 60, 1.0)
    for _ in range(3):
        bench.stop(30.0)
        bench.take(Sample(9.0))
        bench.pass_on(1.0)
    bench.pass_on(2.0)
    _watch(bench, 200, 2.0)
    minutes = bench.minutes()
    assert minutes[0] == (0, 1.0)
    assert all(kw == 2.0 for _, kw in minutes[1:])


def test_by_feed_an_absence_does_not_matter() -> None:
    bench = Bench(by_feed=True)
    for second in range(0, 400, 5):
        bench.take(Sample(1.0, at(second)))
        bench.pass_on(5.0)
        if second == 200:
            bench.stop(AWAY_S)
    assert [round(minute) for minute, _ in bench.minutes()] == list(range(6))
    assert not bench.texts(Notice.WARNING)


@pytest.mark.parametrize(
    ("delta_s", "asleep_s", "expected"),
    [
        (3600.0, 0.0, Jump(0.0, 3600.0)),
        (-3600.0, 0.0, Jump(0.0, -3600.0)),
        (-3600.0, None, Jump(0.0, -3600.0)),
        (300.0, 299.0, Jump(300.0, 0.0, "this machine was asleep for 5 min")),
        (3900.0, 300.0, Jump(300.0, 3600.0, "this machine was asleep for 5 min")),
        (100.0, 300.0, Jump(100.0, 0.0, "this machine was asleep for 1 min 40 s")),
        (-100.0, 300.0, Jump(0.0, -100.0)),
    ],
)
def test_a_jump_is_sleep_or_a_clock_that_was_set(
    delta_s: float, asleep_s: float | None, expected: Jump
) -> None:
    assert jump_of(delta_s, asleep_s) == expected


def test_a_jump_of_unknown_cause_may_be_sleep() -> None:
    bench = Bench(pace=ON_CHANGE)
    bench.asleep = None
    bench.take(Sample(1.0))
    bench.pass_on(100.0)
    bench.sleep(AWAY_S)
    bench.pass_on(200.0)
    assert bench.minutes() == [(0, 1.0), (1, 1.0)]
    ((text, _), _) = bench.texts(Notice.WARNING)
    assert "jumped ahead by 5 min (it was set, or the machine was asleep)" in text


_HAPPENINGS = st.one_of(
    st.tuples(st.just("watch"), st.integers(1, 200)),
    st.tuples(st.sampled_from(["stop", "sleep"]), st.floats(10.0, 2000.0)),
    st.tuples(st.just("set"), st.floats(-4000.0, 4000.0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_HAPPENINGS, max_size=12), st.sampled_from([Pace(), Pace(1.0), ON_CHANGE]))
def test_no_minute_of_an_absence_is_made_up(happenings: list, pace: Pace) -> None:
    """Each reading is of a minute that was watched for half of it, at least, as dates went."""
    bench = Bench(pace=pace)
    watched: dict[float, int] = {}

    def watch(seconds: int) -> None:
        for _ in range(seconds):
            bench.take(Sample(1.0))
            for tenth in range(10):
                # The date may have been here before.
                minute = math.floor((bench.date + tenth / 10) / 60)
                watched[minute] = watched.get(minute, 0) + 1
            bench.pass_on(1.0)

    for what, amount in happenings:
        if what == "watch":
            watch(amount)
        else:
            getattr(bench, what)(amount)
            bench.take(Sample(9.0))
            if what == "set":
                bench.take(Sample(1.0))
    watch(130)
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    found = [(reading.at.timestamp() / 60, reading.kw) for reading in bench.readings()]
    minutes = [minute for minute, _ in found]
    assert minutes == sorted(set(minutes))
    for minute, kw in found:
        assert watched.get(minute, 0) >= 290 - 20
        assert kw == pytest.approx(1.0, abs=1e-5)


_CHILD = """
import sys, time
from streamer.clock import SystemClock
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.readings import Notice, Sample
from streamer.sources.live import LiveSource
from streamer.sources.live import source
source._BEAT_S = 0.05
feed = open_feed(Address.parse("stdin:?unit=W"))
live = LiveSource(feed, stale_after_s=600.0, clock=SystemClock(stop_s=0.4))
while items := live.read():
    for item in items:
        if isinstance(item, Sample):
            print("sample", item.kw, flush=True)
        elif isinstance(item, Notice):
            print(item.kind, item.text, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_process_that_is_stopped_notices_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with ending(child, within_s=60.0):
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("500\n")
        assert child.stdout.readline() == "sample 0.5\n"
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        child.stdin.write("9000\n")
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.8)
        child.send_signal(signal.SIGCONT)
        told = [child.stdout.readline(), child.stdout.readline()]
        child.stdin.close()
        rest = child.stdout.read()
    assert any("this process was stopped for" in line for line in told)
    assert any("waited for this process" in line for line in told)
    assert "sample 9.0" not in rest
