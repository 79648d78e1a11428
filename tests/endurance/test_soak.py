"""`streamer watch` of a broker that is restarted every hour: no known minute is lost.

In the long version, the meter also dies, says that it knows nothing, or the link flaps. A day is
simulated in some minutes by the times of the messages; one test runs for some minutes in real time.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.endurance import seed
from tests.endurance.process import Usage
from tests.endurance.watcher import Watcher, last_minute, rows_of
from tests.feeds.broker import MOSQUITTO, Broker, running

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at a process as on Linux"),
]

TOPIC = "house/power"
BEGIN_S = 1_774_396_800
"""2026-03-25 00:00 UTC, some days before summer time begins in Europe."""

HOUR_S, MINUTE_S = 3600, 60
_IN_FLIGHT = 20
_STALE_AFTER_S = 15
_GRACE_S = 5
_HALF_MILLIWATT_KW = 0.501e-6

_SETTLED = 4
"""Hours after which a watcher's memory should no longer grow."""

_GROWTH_MB = 5.0


class Meter:
    """A meter that publishes its power with the time.

    Attributes:
        times: times of the published values, in Unix seconds.
        watts: the published values.
    """

    def __init__(self, broker: Broker, rng: np.random.Generator) -> None:
        self.times: list[float] = []
        self.watts: list[float] = []
        self._broker = broker
        self._rng = rng
        self._client: Client | None = None
        self._waiting: deque[MQTTMessageInfo] = deque()
        self._value = 400.0

    def connect(self) -> None:
        """Connect, and drop messages in flight on the last connection."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.close()
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self._broker.port)
        client.loop_start()
        self._client = client
        self._waiting.clear()

    def publish(self, at_s: float) -> None:
        """Publish the next value; waits while too many messages are in flight."""
        self._value = float(np.clip(self._value + self._rng.normal(0.0, 30.0), -900.0, 4000.0))
        watts = round(self._value, 1)
        payload = json.dumps({"t": at_s, "w": watts})
        assert self._client is not None
        self._waiting.append(self._client.publish(TOPIC, payload, qos=1))
        if len(self._waiting) > _IN_FLIGHT:
            self._waiting.popleft().wait_for_publish(10.0)
        self.times.append(at_s)
        self.watts.append(watts)

    def publish_unknown(self, at_s: float) -> None:
        """Publish that the power is not known."""
        assert self._client is not None
        self._client.publish(TOPIC, json.dumps({"t": at_s, "w": None}), qos=1)

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None


@dataclass(frozen=True)
class Outage:
    """Time without a value, in Unix seconds by the meter's clock."""

    begin_s: int
    end_s: int


DIES, UNKNOWN, FLAPS = "dies", "unknown", "flaps"
TROUBLES = (DIES, UNKNOWN, FLAPS)
"""Troubles besides the outage of each period, in turn: the meter sends nothing; it sends that it
does not know; or the broker returns several times without a value."""

_FLAPS = 5


class Soak:
    """A broker, a meter and a watcher."""

    def __init__(self, folder: Path, broker: Broker, rng: np.random.Generator, *more: str) -> None:
        self.database = folder / "house.db"
        self.meter = Meter(broker, rng)
        self._broker = broker
        self._subscriptions = 0
        url = f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?path=w&time=t&unit=W&qos=1"
        self.watcher = Watcher(folder, url, "--record", self.database.name, "--retry", "0.2", *more)
        self._await_subscription()
        self.meter.connect()

    def reports(self, what: str) -> int:
        """Number of reports about the broker so far."""
        return len(
            re.findall(rf"^streamer: link.*: broker {what}", self.watcher.stderr, re.MULTILINE)
        )

    def catch_up(self, at_s: int) -> None:
        """Wait until the last minute is recorded whose allowed lateness has passed at a time."""
        last = (at_s - _GRACE_S) // MINUTE_S * MINUTE_S - MINUTE_S
        self.watcher.until(
            lambda: last_minute(self.database) == last, "what was published", look_s=0.02
        )

    def kill_broker(self) -> None:
        self._broker.kill()

    def flap(self) -> None:
        """Start the broker and kill it again, some times, while it is away."""
        for _ in range(_FLAPS):
            self._broker.start()
            self._await_subscription()
            self._broker.kill()

    def start_broker(self) -> None:
        self._broker.start()
        self._await_subscription()
        self.meter.connect()

    def close(self) -> None:
        self.meter.close()
        self.watcher.leave()

    def _await_subscription(self) -> None:
        """Wait until what is published from now on is received."""
        self._subscriptions += 1
        self.watcher.until(
            lambda: self._broker.subscriptions(TOPIC) == self._subscriptions,
            "a subscription",
            look_s=0.02,
        )


@contextmanager
def soaking(folder: Path, chosen: int, *more: str) -> Iterator[Soak]:
    # A slow machine must not lose messages because of a limit of the broker.
    with (
        running(folder, options=["max_queued_messages 0", "log_type subscribe"]) as broker,
        closing(Soak(folder, broker, np.random.default_rng(chosen), *more)) as soak,
    ):
        yield soak


@dataclass
class Day:
    """Results of a simulation.

    Attributes:
        times: times of the published values, in Unix seconds.
        watts: the published values.
        outages: outages of the broker.
        troubles: other times without a value.
        usages: resources of the watcher, before the first and after each period.
        minutes: recorded minutes: times, and means in kW.
        stderr: standard error of the watcher.
        reports: number of reports of a lost and of a restored connection.
    """

    times: np.ndarray
    watts: np.ndarray
    outages: list[Outage]
    troubles: list[Outage]
    usages: list[Usage]
    minutes: dict[int, float]
    stderr: str
    reports: tuple[int, int]


def simulate(
    folder: Path,
    chosen: int,
    *,
    period_s: int,
    periods: int,
    pace: float,
    troubles: Sequence[str] = ("",),
) -> Day:
    """Simulate some periods, in each of which the broker is away for some minutes.

    Args:
        folder: for all files.
        chosen: the random seed.
        period_s: simulated seconds from one outage to the next.
        periods: number of periods.
        pace: simulated seconds per second.
        troubles: trouble of each period besides the outage, in turn.
    """
    rng = np.random.default_rng(chosen + 1)
    options = ("--clock", "feed", "--stale-after", str(_STALE_AFTER_S))
    with soaking(folder, chosen, *options) as soak:
        outages: list[Outage] = []
        others: list[Outage] = []
        usages = [Usage.of(soak.watcher.process.pid)]
        for period in range(periods):
            begin_s = BEGIN_S + period * period_s
            end_s = begin_s + period_s
            trouble = troubles[period % len(troubles)]
            middle_s = begin_s + period_s // 2 if trouble in (DIES, UNKNOWN) else end_s
            outage = _outage(rng, begin_s, middle_s)
            outages.append(outage)
            _publish(soak.meter, range(begin_s, outage.begin_s - _IN_FLIGHT), pace)
            soak.catch_up(outage.begin_s - _IN_FLIGHT)
            _publish(soak.meter, range(outage.begin_s - _IN_FLIGHT, outage.begin_s), pace)
            soak.kill_broker()
            if trouble == FLAPS:
                soak.flap()
            soak.start_broker()
            _publish(soak.meter, range(outage.end_s, middle_s), pace)
            if trouble in (DIES, UNKNOWN):
                other = _outage(rng, middle_s, end_s)
                others.append(other)
                _publish(soak.meter, range(middle_s, other.begin_s), pace)
                if trouble == UNKNOWN:
                    _publish_unknown(soak.meter, range(other.begin_s, other.end_s), pace)
                _publish(soak.meter, range(other.end_s, end_s), pace)
            usages.append(Usage.of(soak.watcher.process.pid))
        soak.catch_up(end_s - 1)
        soak.watcher.stop()
        return Day(
            np.array(soak.meter.times),
            np.array(soak.meter.watts),
            outages,
            others,
            usages,
            dict(rows_of(soak.database, "SELECT at, actual_kw FROM steps ORDER BY at")),
            soak.watcher.stderr,
            (soak.reports("away"), soak.reports("back")),
        )


def _outage(rng: np.random.Generator, begin_s: int, end_s: int) -> Outage:
    """Choose an outage of some minutes between two times.

    Messages in flight when the broker is killed are lost; they belong to the minute cut short.
    """
    length_s = int(rng.integers(120, 300))
    first = begin_s // MINUTE_S + 3
    minute = int(rng.integers(first, (end_s - length_s) // MINUTE_S - 3))
    away_s = minute * MINUTE_S + int(rng.integers(_IN_FLIGHT + 10, MINUTE_S))
    return Outage(away_s, away_s + length_s)


def _publish(meter: Meter, seconds: range, pace: float) -> None:
    _paced(meter.publish, seconds, pace)


def _publish_unknown(meter: Meter, seconds: range, pace: float) -> None:
    _paced(meter.publish_unknown, seconds, pace)


def _paced(publish: Callable[[float], None], seconds: range, pace: float) -> None:
    began = time.monotonic()
    for number, second in enumerate(seconds):
        publish(second)
        ahead_s = began + number / pace - time.monotonic()
        if ahead_s > 0.0:
            time.sleep(ahead_s)


def check(day: Day) -> None:
    """Check that exactly the published values were recorded."""
    minute = (day.times // MINUTE_S * MINUTE_S).astype(np.int64)
    begins, first, count = np.unique(minute, return_index=True, return_counts=True)
    whole = begins[count == MINUTE_S][:-1]
    means = np.array([day.watts[start : start + MINUTE_S].mean() for start in first]) / 1000
    expected = dict(zip(begins.tolist(), means.tolist(), strict=True))
    missing = [at for at in whole.tolist() if at not in day.minutes]
    assert not missing, f"{len(missing)} minutes are missing, the first {missing[0]}"
    wrong = [
        at for at in whole.tolist() if abs(day.minutes[at] - expected[at]) > _HALF_MILLIWATT_KW
    ]
    assert not wrong, f"{len(wrong)} means are wrong, that of {wrong[0]} first"
    assert day.minutes.keys() <= set(begins.tolist()), "minutes without any value"
    recorded = np.array(sorted(day.minutes))
    gaps = np.flatnonzero(np.diff(recorded) > MINUTE_S)
    silences = [*day.outages, *day.troubles]
    assert len(gaps) <= len(silences)
    for gap in gaps:
        (outage,) = (
            outage for outage in silences if recorded[gap] <= outage.begin_s < recorded[gap + 1]
        )
        length_s = recorded[gap + 1] - recorded[gap] - MINUTE_S
        # The minutes cut short, at both ends, may be gaps as well.
        assert length_s < outage.end_s - outage.begin_s + 2 * MINUTE_S
    # Losses in quick succession are reported together, and the simulated hours are quick.
    away, back = day.reports
    assert 1 <= away <= len(day.outages)
    assert back in (away, away - 1)
    lines = [line for line in day.stderr.splitlines() if "reports no value" not in line]
    for kind in ("Traceback", "order:", "malformed:", "absurd:", "warning:"):
        assert not [line for line in lines if kind in line], day.stderr


def test_no_value_is_lost_when_the_broker_is_restarted(tmp_path: Path) -> None:
    chosen = seed()
    print(f"STREAMER_TEST_SEED={chosen}")
    check(simulate(tmp_path, chosen, period_s=15 * MINUTE_S, periods=2, pace=1000.0))


@pytest.mark.endurance
def test_no_value_is_lost_in_a_day_with_hourly_restarts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = seed()
    with capsys.disabled():
        print(f"\nSTREAMER_TEST_SEED={chosen}")
    began = time.monotonic()
    day = simulate(tmp_path, chosen, period_s=HOUR_S, periods=24, pace=400.0, troubles=TROUBLES)
    with capsys.disabled():
        print("MB:", *(f"{usage.rss_mb:.1f}" for usage in day.usages))
        print("threads:", *(usage.threads for usage in day.usages))
        print("files:", *(usage.files for usage in day.usages))
        print(
            f"{day.usages[-1].cpu_s - day.usages[0].cpu_s:.1f} s of a processor, "
            f"{time.monotonic() - began:.0f} s in all; {len(day.times):,} values published, "
            f"{len(day.minutes):,} minutes recorded"
        )
        print(*day.stderr.splitlines()[-12:], sep="\n")
    check(day)
    settled = day.usages[_SETTLED:]
    assert settled[-1].rss_mb - settled[0].rss_mb < _GROWTH_MB
    assert max(usage.threads for usage in settled) <= settled[0].threads
    assert max(usage.files for usage in settled) <= settled[0].files


@pytest.mark.endurance
def test_minutes_by_the_wall_clock_are_recorded_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = seed()
    with soaking(tmp_path, chosen, "--clock", "wall") as soak:
        # From the middle of a minute: three whole minutes, and the allowed lateness.
        begin_s = time.time()
        end_s = (begin_s + 29) // MINUTE_S * MINUTE_S + 4 * MINUTE_S + 8
        restart_s = end_s - 100
        waits: dict[int, float] = {}
        next_s = begin_s
        while next_s < end_s:
            if next_s > restart_s > 0:
                restart_s = 0
                soak.kill_broker()
                time.sleep(5.0)
                soak.start_broker()
            soak.meter.publish(time.time())
            next_s = max(next_s + 1.0, time.time())
            while time.time() < next_s:
                last = last_minute(soak.database)
                if last and last not in waits:
                    waits[last] = time.time() - last - MINUTE_S
                time.sleep(0.05)
        soak.watcher.stop()
        minutes: dict[int, float] = dict(
            rows_of(soak.database, "SELECT at, actual_kw FROM steps ORDER BY at")
        )
        reports = soak.reports("away"), soak.reports("back")
    with capsys.disabled():
        print("\nrecorded after the end of its minute:", *(f"{s:.2f} s" for s in waits.values()))
    assert reports == (1, 1)
    assert len(minutes) >= 3
    recorded = list(minutes)
    assert recorded == list(range(recorded[0], recorded[-1] + 1, MINUTE_S))
    assert max(waits.values()) < 7.0
    for at in recorded[1:]:
        assert minutes[at] == pytest.approx(_mean_kw(soak.meter, at), abs=2e-6)


def _mean_kw(meter: Meter, at_s: float) -> float:
    """Mean of a minute, each value weighted by the time until the next one."""
    times = np.array(meter.times)
    edges = np.clip(np.append(times, np.inf), at_s, at_s + MINUTE_S)
    return float(np.diff(edges) @ np.array(meter.watts)) / MINUTE_S / 1000
