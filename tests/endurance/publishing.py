"""Simulated days of publications: broker, live page and Prometheus attached, and an outage.

::

    python -m tests.endurance.publishing [MINUTES]

Every minute must be published over MQTT once, those of the outage when the broker is back; the
page must show each; Prometheus must have the last one; and the memory must not grow.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from tests.endurance.listeners import LivePage, Prometheus, Subscriber, scraping, until
from tests.endurance.process import Usage
from tests.feeds.broker import Broker, free_port, running

DAY = 1440
"""Minutes of a day."""

BEGIN_S = 1_774_396_800
"""2026-03-25 00:00 UTC."""

_AWAY = (0.45, 0.5)
"""Shares of the time between which the broker is away."""

_SAMPLES = 20
"""Number of times that the memory is measured."""

_SETTLED = 0.5
"""Share of the time after which the memory should no longer grow: what is kept is of a day."""

_LATEST = re.compile(r'class="more">(\d\d:\d\d): ')


@dataclass
class Figures:
    """What the time has shown.

    Attributes:
        minutes: number of minutes that the meter has sent.
        published: number of minutes that arrived over MQTT.
        repeated: number of messages about a minute that had arrived before.
        replayed: number of minutes that arrived after the outage in which they were.
        in_order: whether they arrived in order.
        wrong: number of minutes whose power is not that of the meter.
        shown: number of minutes that the page has shown.
        last_watts: power of the last minute.
        scraped_watts: the same as Prometheus has it; None without Prometheus.
        scraped_readings: number of readings as Prometheus has it; None without Prometheus.
        rss_mb: memory at equal times, in MB.
        cpu_s: processor time of the process in seconds.
        took_s: time of all in seconds.
    """

    minutes: int
    published: int = 0
    repeated: int = 0
    replayed: int = 0
    in_order: bool = False
    wrong: int = 0
    shown: int = 0
    last_watts: float = 0.0
    scraped_watts: float | None = None
    scraped_readings: float | None = None
    rss_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    took_s: float = 0.0

    @property
    def growth_mb(self) -> float:
        """Growth of the memory per day in MB, by a line through what is settled."""
        settled = self.rss_mb[round(_SETTLED * len(self.rss_mb)) :]
        slope: float = np.polyfit(np.arange(len(settled)), settled, 1)[0]
        return slope * len(self.rss_mb) * DAY / self.minutes

    def lines(self) -> Sequence[str]:
        """The figures as lines for a person."""
        rss = " ".join(f"{each:.1f}" for each in self.rss_mb)
        return [
            f"minutes sent by the meter       {self.minutes}",
            f"published over MQTT             {self.published}, in order: {self.in_order}",
            f"  again                         {self.repeated}",
            f"  after the broker's outage     {self.replayed}",
            f"  with another power            {self.wrong}",
            f"shown on the live page          {self.shown}",
            f"last power: meter, Prometheus   {self.last_watts:.1f} W, {self.scraped_watts} W",
            f"readings by Prometheus          {self.scraped_readings}",
            f"memory in the course            {rss} MB",
            f"growth of the memory            {self.growth_mb:+.2f} MB a day",
            f"processor time                  {self.cpu_s:.1f} s of {self.took_s:.1f} s",
        ]


class House:
    """The process that publishes, and its meter.

    Args:
        folder: folder for its recording.
        broker: the broker.
        port: port of its HTTP server.
    """

    def __init__(self, folder: Path, broker: Broker, port: int) -> None:
        url = f"mqtt://127.0.0.1:{broker.port}/streamer"
        program = [sys.executable, "-m", "tests.endurance.publishinghouse"]
        self.process = subprocess.Popen(
            [*program, url, str(port), str(folder / "house.db")],
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, "TZ": "UTC"},
        )

    def send(self, minute: int, watts: float) -> None:
        """Send two values of a minute."""
        assert self.process.stdin is not None
        for second in (0, 30):
            self.process.stdin.write(f"{BEGIN_S + 60 * minute + second} {watts:.1f}\n")
        self.process.stdin.flush()

    def finish(self) -> None:
        """End the meter, and wait for the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30.0) == 0

    def leave(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def days(minutes: int) -> Figures:
    """Let minutes pass, each as soon as the page has shown the one before, and measure."""
    watts = _watts(minutes)
    figures = Figures(minutes, last_watts=float(watts[-1]))
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as broker:
        port = free_port()
        subscriber = Subscriber(broker.port, "streamer/house/minute")
        house = House(Path(name), broker, port)
        try:
            page = LivePage(port, "/events", "now", _LATEST)
            with scraping(Path(name), port) as prometheus:
                _pass(figures, watts, house, broker, subscriber, page)
                if prometheus is not None:
                    _scrape(figures, prometheus)
                figures.cpu_s = Usage.of(house.process.pid).cpu_s
                house.finish()
            page.close()
        finally:
            house.leave()
            subscriber.close()
    _count(figures, watts, subscriber, page)
    figures.took_s = time.monotonic() - began_s
    return figures


def _pass(
    figures: Figures,
    watts: NDArray[np.float64],
    house: House,
    broker: Broker,
    subscriber: Subscriber,
    page: LivePage,
) -> None:
    """Let the minutes pass; the broker is away for some of them."""
    minutes = len(watts)
    away, back = (round(share * minutes) for share in _AWAY)
    for minute in range(minutes + 1):
        # A minute is over when the next one has begun.
        house.send(minute, watts[min(minute, minutes - 1)])
        if minute > 0:
            shown = _clock(minute - 1)
            until(lambda: page.minutes[-1:] == [shown], f"{shown} on the page")  # noqa: B023
        if minute == away:
            until(lambda: len(subscriber.minutes) == away, "the minutes before the outage")
            broker.kill()
        elif minute == back:
            broker.start()
            until(lambda: subscriber.sessions == 2, "the subscriber's return")
        if minute * _SAMPLES % minutes < _SAMPLES:
            figures.rss_mb.append(Usage.of(house.process.pid).rss_mb)
    until(lambda: len(subscriber.minutes) >= minutes, "all minutes over MQTT")


def _scrape(figures: Figures, prometheus: Prometheus) -> None:
    """Ask Prometheus for the last minute."""

    def latest() -> bool:
        figures.scraped_readings = prometheus.value("streamer_readings_total")
        figures.scraped_watts = prometheus.value("streamer_power_watts")
        return figures.scraped_readings == figures.minutes

    until(latest, "the last reading in Prometheus")


def _count(
    figures: Figures, watts: NDArray[np.float64], subscriber: Subscriber, page: LivePage
) -> None:
    """Compare what arrived with what the meter has sent."""
    expected = [_at(minute) for minute in range(len(watts))]
    arrived = {at: subscriber.powers[at] for at in expected if at in subscriber.powers}
    away, back = (round(share * len(watts)) for share in _AWAY)
    figures.published = len(arrived)
    figures.repeated = subscriber.minutes.total() - len(subscriber.minutes)
    figures.replayed = sum(at in arrived for at in expected[away:back])
    figures.in_order = subscriber.order == expected
    figures.wrong = sum(
        abs(1000.0 * arrived[at] - sent) > 0.1
        for at, sent in zip(expected, watts, strict=True)
        if at in arrived
    )
    shown = page.minutes[page.minutes.index(_clock(0)) :]
    figures.shown = sum(clock == _clock(minute) for minute, clock in enumerate(shown[: len(watts)]))


def _watts(minutes: int) -> NDArray[np.float64]:
    """Powers of the bundled sample in W, repeated."""
    source = open_replay(sample_path())
    try:
        kw = [item.kw for item in source.read() if isinstance(item, Reading)]
    finally:
        source.close()
    return np.resize(np.round(1000.0 * np.array(kw), 1), minutes)


def _at(minute: int) -> str:
    return datetime.fromtimestamp(BEGIN_S + 60 * minute, UTC).isoformat()


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def main() -> None:
    """Print the figures of two days, or of so many minutes."""
    found = days(int(sys.argv[1]) if len(sys.argv) > 1 else 2 * DAY)
    print("\n".join(found.lines()))


if __name__ == "__main__":
    main()
