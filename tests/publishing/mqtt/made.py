"""States of a meter, made for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from streamer.demand.settings import DemandRule
from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.mqtt.desk import Desk
from streamer.publishing.mqtt.settings import read_settings
from streamer.publishing.mqtt.topics import Message
from streamer.publishing.state import MeterState, next_state
from streamer.readings import Step
from streamer.sinks import Item
from streamer.testing import FixedForecaster, readings

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUSE = WatchedMeter("House", "house", late_s=30.0, horizons=(5, 15))
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@lru_cache
def steps(count: int, *, solar: bool = False, demand: bool = True) -> tuple[Step, ...]:
    """Steps of a stream, the first at `START`: 0.3 kW, but for a drop to 0.1 in every tenth."""
    kw = [0.1 if minute % 10 == 9 else 0.3 for minute in range(count)]
    made = readings(kw, start=START)
    if solar:
        made = [replace(reading, solar_kw=1.0) for reading in made]
    forecaster = FixedForecaster(kw=0.25, spread_kw=0.1, horizons=(5, 15, 60))
    pipeline = Pipeline(forecaster, demand=DemandRule() if demand else None)
    return tuple(pipeline.push_many(made))


@lru_cache
def stuck_steps() -> tuple[Step, ...]:
    """Steps of a meter that repeats a value, until an alarm about that is over."""
    return tuple(Pipeline(FixedForecaster()).push_many(readings([0.3] * 15 + [0.4], start=START)))


def heard_at(step: Step) -> datetime:
    """When a step of a punctual meter is here: five seconds after the end of its minute."""
    return step.reading.at + MINUTE + 5 * SECOND


class Publication:
    """A desk with an injected clock, and what it has published."""

    def __init__(
        self, url: str = "mqtt://broker", meter: WatchedMeter = HOUSE, *, now: datetime = START
    ) -> None:
        self.desk = Desk(read_settings(url, where="--publish"), pause=lambda low, high: low)
        self.now = now
        self.meter = meter
        self.state = MeterState(meter)
        self.desk.connected()

    def take(self, *items: Item | None) -> None:
        """Take items of the stream; a step moves the clock to when it is heard."""
        for item in items:
            if isinstance(item, Step):
                self.now = heard_at(item)
            self.state = next_state(self.state, item, self.now)
            self.desk.take(self.state, item, self.now)

    def published(self) -> list[Message]:
        """The messages that are due now."""
        return self.desk.messages(self.now)

    def after(self, seconds: float) -> list[Message]:
        """The messages that are due some seconds later."""
        self.now += seconds * SECOND
        return self.published()


def payloads(messages: Iterable[Message]) -> dict[str, str]:
    """The last payload of each topic."""
    return {message.topic: message.payload for message in messages}
