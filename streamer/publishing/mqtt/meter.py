"""Messages about the present state of one meter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from streamer.publishing import WatchedMeter
from streamer.publishing.mqtt.backlog import MAX_WAITING
from streamer.publishing.mqtt.discovery import Announcer
from streamer.publishing.mqtt.entities import (
    ENTITIES,
    LINK,
    OFF,
    ON,
    POWER,
    Entity,
    Features,
    entities_of,
    values_of,
)
from streamer.publishing.mqtt.topics import OFFLINE, ONLINE, Message, Topics
from streamer.publishing.record import (
    FRESH,
    alarm_record,
    link_record,
    power_record,
    state_record,
    status_of,
)
from streamer.publishing.state import MeterState
from streamer.readings import MINUTE, Alarm, Link, Sample, Step
from streamer.sinks import Item
from streamer.sinks.text import json_line
from streamer.sinks.watch import AlarmWatch

POWER_EVERY_S = 5.0
"""Least seconds between two messages with the present power."""

SETTLE = timedelta(seconds=5)
"""Home Assistant has taken an announcement in after this time, or given up what it was told to."""

MAX_AGE = MAX_WAITING * MINUTE
"""Minutes older than this are not published: as many are kept while the broker is away."""


class MeterMessages:
    """Makes the messages about a meter.

    Args:
        meter: the meter.
        topics: names of the topics.
        qos: quality of service of present values.
    """

    def __init__(self, meter: WatchedMeter, topics: Topics, qos: int) -> None:
        self.meter = meter
        self._topics = topics
        self._qos = qos
        self._state = MeterState(meter)
        self._alarms = AlarmWatch()
        self._features: Features | None = None
        self._entities: tuple[Entity, ...] = ()
        self._announced = False
        self._migrated_at: datetime | None = None
        self._due = True  # whether the state should be published
        self._power_due = False
        self._power_sent_at: datetime | None = None
        self._status = ""

    @property
    def entities(self) -> tuple[Entity, ...] | None:
        """The entities of the meter; None until they are known."""
        return None if self._features is None else self._entities

    def take(self, state: MeterState, item: Item | None, now: datetime) -> list[Message]:
        """Take the state after an item.

        Returns:
            The messages about the item that have to arrive.
        """
        self._state = state
        if isinstance(item, Sample):
            self._power_due = self._power_due or not item.channel
            return []
        self._due = True
        if not isinstance(item, Step):
            return []
        features = Features.of(item, self.meter.horizons)
        if features != self._features:
            self._features, self._announced = features, False
            self._entities = entities_of(features)
        raised, over = self._alarms.see(item)
        if item.reading.at.tzinfo is not None and now - item.reading.at > MAX_AGE:
            return []
        return [
            self._lasting("minute", json_line(item, self.meter.horizons)),
            *(self._alarm("raised", alarm, item) for alarm in raised),
            *(self._alarm("over", alarm, item) for alarm in over),
        ]

    def forget(self) -> None:
        """Announce and publish everything anew: nobody has what was published so far."""
        self._announced, self._due, self._migrated_at = False, True, None

    def refresh(self) -> None:
        """Publish the present state anew."""
        self._due = True

    def announcement(
        self, announcer: Announcer, found: Mapping[str, str], now: datetime
    ) -> list[Message]:
        """Messages that announce the meter, if that is due and its entities are known.

        Args:
            announcer: makes them.
            found: earlier announcements of this meter that the broker keeps.
            now: the time, with a zone.
        """
        if self._announced or self._features is None:
            return []
        if self._migrated_at is None and (migration := announcer.migration(found)):
            self._migrated_at = now
            return migration
        if self._migrated_at is not None and now < self._migrated_at + SETTLE:
            return []
        self._announced = True
        return announcer.announce(self.meter, self._entities, found)

    def due(self, now: datetime) -> list[Message]:
        """Messages about the present state, if there is anything new.

        Args:
            now: the time, with a zone.
        """
        if self._due or self._has_gone_stale(now):
            self._due = False
            return [*self._present(now), self._power(now)]
        if self._power_due and now >= self._power_from(now):
            return [self._power(now)]
        return []

    def next_due(self, now: datetime) -> datetime | None:
        """When `due` should be asked again, if nothing else happens; None for never.

        Args:
            now: the time, with a zone.
        """
        if self._due:
            return now
        times = [self._power_from(now)] if self._power_due else []
        if self._status == ONLINE and (stale_at := self._state.stale_at()) is not None:
            times.append(stale_at)
        return min(times, default=None)

    def farewell(self) -> Message:
        """The message that the meter is not available any more."""
        return Message(self._topics.of(self.meter.key, "status"), OFFLINE, qos=1)

    def _present(self, now: datetime) -> list[Message]:
        state, step = self._state, self._state.step
        fresh = status_of(state, now) == FRESH
        self._status = ONLINE if fresh else OFFLINE
        messages = [Message(self._topics.of(self.meter.key, "status"), self._status, qos=1)]
        if fresh and step is not None:
            messages.append(self._json(ENTITIES, values_of(self._entities, step)))
        messages.append(self._json(LINK, connection(state, now)))
        messages.append(self._json("state", state_record(state, now)))
        return messages

    def _power(self, now: datetime) -> Message:
        self._power_due, self._power_sent_at = False, now
        return self._json(POWER, power_record(self._state, now))

    def _power_from(self, now: datetime) -> datetime:
        sent_at = self._power_sent_at
        return now if sent_at is None else sent_at + timedelta(seconds=POWER_EVERY_S)

    def _has_gone_stale(self, now: datetime) -> bool:
        return self._status == ONLINE and not self._state.is_fresh(now)

    def _alarm(self, change: str, alarm: Alarm, step: Step) -> Message:
        found = {"change": change, "minute": step.reading.at.isoformat(), **alarm_record(alarm)}
        return self._lasting("alarm", json.dumps(found))

    def _lasting(self, leaf: str, payload: str) -> Message:
        return Message(self._topics.of(self.meter.key, leaf), payload, qos=1)

    def _json(self, leaf: str, document: Mapping[str, Any]) -> Message:
        return Message(self._topics.of(self.meter.key, leaf), json.dumps(document), self._qos)


def connection(state: MeterState, now: datetime) -> dict[str, Any]:
    """Whether a meter is connected and sends, as a JSON object with the reason as attributes.

    Args:
        state: the state of the meter.
        now: the time, with a zone.
    """
    link = state.link
    connected = state.is_fresh(now) if link is None else link.state == Link.UP
    up = connected and not state.ended
    about = {} if link is None else link_record(link)
    return {"connected": ON if up else OFF, "attributes": {"connected": about}}
