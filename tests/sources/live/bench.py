"""A sample processor with simulated time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streamer.feeds import FeedItem
from streamer.readings import Notice, Reading
from streamer.sources.live.processor import LiveItem, SampleProcessor
from streamer.sources.live.rules import LiveRules

DATE = 1_774_745_940.0
"""A full minute, in seconds since 1970."""


def at(second: float) -> datetime:
    """A time after `DATE`."""
    return datetime.fromtimestamp(DATE + second, UTC)


class Bench:
    """A processor with simulated time, and all the items that it has returned."""

    def __init__(self, *, begin_s: float = 0.0, **rules: Any) -> None:
        self.now = 0.0
        self.date = DATE + begin_s
        self.asleep: float | None = 0.0
        self.processor = SampleProcessor("house", LiveRules(**rules), 0.0, self.date)
        self.given: list[LiveItem] = []

    def pass_on(self, seconds: float) -> None:
        """Let time pass, and update whenever something is due."""
        until = self.now + seconds
        while self.now < until:
            wait = self.processor.wait_s(self.now)
            step = until - self.now if wait is None else min(max(wait, 0.01), until - self.now)
            self.now += step
            self.date += step
            self.take()

    def stop(self, seconds: float) -> None:
        """Let time pass while the process is stopped."""
        self.now += seconds
        self.date += seconds
        self.processor.set_time(self.now, self.date, asleep_s=self.asleep)
        self.processor.absent(seconds)
        self.take()

    def set(self, seconds: float) -> None:
        """Set the clock ahead, or back."""
        self.date += seconds
        self.take()

    def sleep(self, seconds: float) -> None:
        """Let time pass while the machine is asleep."""
        self.date += seconds
        if self.asleep is not None:
            self.asleep += seconds
        self.take()

    def take(self, *items: FeedItem) -> None:
        self.processor.set_time(self.now, self.date, asleep_s=self.asleep)
        self.processor.take(items, self.now)
        self.processor.update()
        self.given += self.processor.take_output()

    def of(self, kind: type, *, but: str = "") -> list:
        found = [item for item in self.given if isinstance(item, kind)]
        return [item for item in found if getattr(item, "kind", None) != but]

    def readings(self) -> list[Reading]:
        return self.of(Reading)

    def minutes(self) -> list[tuple[float, float]]:
        return [((each.at.timestamp() - DATE) / 60, each.kw) for each in self.of(Reading)]

    def texts(self, kind: str) -> list[tuple[str, int]]:
        return [(each.text, each.count) for each in self.of(Notice) if each.kind == kind]
