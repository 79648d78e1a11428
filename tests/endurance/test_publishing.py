"""Simulated days of publications, and a few minutes at the pace of real ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.children import ending
from tests.endurance.listeners import PROMETHEUS, Subscriber
from tests.endurance.publishing import DAY, Figures, days
from tests.feeds.broker import MOSQUITTO, free_port, running

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at a process as on Linux"),
]

_GROWTH_MB = 3.0
"""Most that the memory may grow in a day, once what is kept for a day is there."""

_REAL_S, _APART_S = 240, 2
"""Length of the test in real time, and of the pause between two values, in seconds."""


def _check(figures: Figures) -> None:
    print("\n".join(figures.lines()))
    assert figures.published == figures.shown == figures.minutes
    assert (figures.repeated, figures.wrong, figures.in_order) == (0, 0, True)
    assert figures.replayed >= 1
    if PROMETHEUS is not None:
        assert figures.scraped_watts == figures.last_watts


@pytest.mark.slow
def test_no_minute_is_lost_or_repeated() -> None:
    _check(days(40))


@pytest.mark.endurance
def test_for_two_days_no_minute_is_lost_and_the_memory_does_not_grow() -> None:
    figures = days(2 * DAY)
    _check(figures)
    assert figures.growth_mb < _GROWTH_MB


@pytest.mark.endurance
def test_at_the_pace_of_real_minutes(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        port = free_port()
        subscriber = Subscriber(broker.port, "streamer/house/minute")
        watch = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamer", "watch", "stdin:?unit=W", "--quiet"),
                *("--record", str(tmp_path / "house.db"), "--serve", f"127.0.0.1:{port}"),
                *("--publish", f"mqtt://127.0.0.1:{broker.port}/streamer"),
            ],
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
        )
        with ending(watch, within_s=400.0):
            assert watch.stdin is not None
            for second in range(0, _REAL_S, _APART_S):
                watch.stdin.write(f"{250 + second}\n")
                watch.stdin.flush()
                if second == _REAL_S // 2:
                    broker.kill()
                elif second == _REAL_S // 2 + 10 * _APART_S:
                    broker.start()
                time.sleep(_APART_S)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as response:
                assert (response.status, response.read()) == (200, b"house: fresh\n")
            watch.terminate()
            assert watch.wait() == 143
        subscriber.close()
    minutes = list(map(datetime.fromisoformat, subscriber.order))
    assert len(minutes) >= _REAL_S // 60 - 1
    assert {b - a for a, b in pairwise(minutes)} == {timedelta(minutes=1)}
    assert set(subscriber.minutes.values()) == {1}
