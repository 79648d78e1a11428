"""Fixtures: times, steps with alarms, and a receiver that may be dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from streamer.feeds.address import Secret
from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.notify.settings import NotifySettings
from streamer.readings import MINUTE, Alarm, DemandForecast, Reading, Step
from streamer.recording.notifications import Notification
from streamer.testing import FixedForecaster

HOUSE_TIME = timezone(timedelta(hours=1))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=HOUSE_TIME)
HOUSE = WatchedMeter("House", "house", late_s=60.0)

_STEP = Pipeline(FixedForecaster()).push(Reading(datetime(2026, 1, 1, tzinfo=UTC), 0.5))


def settings(**options: Any) -> NotifySettings:
    """Settings with one receiver, and without a summary unless asked for."""
    return NotifySettings(
        **{
            "addresses": (Secret("json://127.0.0.1"),),
            "origins": ("urls",),
            "summary": None,
            **options,
        }
    )


def step(at: datetime, *alarms: Alarm, kw: float = 0.5, end: datetime | None = None) -> Step:
    """A step of a minute, with alarms, and in a demand interval that ends at a time."""
    demand = None
    if end is not None:
        demand = DemandForecast(end - 15 * MINUTE, end, 5, 0, 1.0)
    return replace(_STEP, reading=Reading(at, kw), alarms=alarms, demand=demand)


def anomaly(at: datetime, size: float = 2.0) -> Alarm:
    return Alarm(Alarm.ANOMALY, at, f"2.5 kW where 0.2 to 0.6 was expected: {size:g} times", size)


class FakeReceiver:
    """A receiver that keeps what it takes, and takes nothing while it is dead.

    Attributes:
        id: digest of its address.
        name: its name.
        dead: whether it takes nothing.
        taken: keys of what it has taken.
        asked: number of attempts.
    """

    def __init__(self, name: str = "fake", *, before: Callable[[Notification], None] | None = None):
        self.id = self.name = name
        self.dead = False
        self.taken: list[str] = []
        self.asked = 0
        self._before = before
        self._changed = threading.Condition()

    def send(self, notification: Notification) -> str | None:
        if self._before is not None:
            self._before(notification)
        with self._changed:
            self.asked += 1
            if not self.dead:
                self.taken.append(notification.key)
            self._changed.notify_all()
        return "it does not answer, or refuses" if self.dead else None

    def wait(self, *, taken: int = 0, asked: int = 0) -> None:
        """Wait until it has taken so many, and was asked so many times."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.taken) >= taken and self.asked >= asked, timeout=20
            )


def keys(notifications: Iterable[Notification]) -> list[str]:
    return [each.key for each in notifications]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "house.db"
