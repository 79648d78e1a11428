"""Messages about all meters, and what is heard from Home Assistant and of earlier runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from streamer.publishing.mqtt.backlog import Backlog
from streamer.publishing.mqtt.discovery import Announcer, removals
from streamer.publishing.mqtt.meter import SETTLE, MeterMessages
from streamer.publishing.mqtt.settings import DISCOVERY, MqttSettings
from streamer.publishing.mqtt.topics import OFFLINE, ONLINE, Message
from streamer.publishing.state import MeterState
from streamer.sinks import Item

GONE = timedelta(minutes=3)
"""A meter that is not watched this long after the start is gone."""

BIRTH_S = (1.0, 4.0)
"""Bounds of the random wait after a start of Home Assistant, which all devices hear at once."""


class Desk:
    """Decides what is published when; it neither connects nor reads a clock.

    Args:
        settings: how to publish.
        pause: draws a number of seconds between two bounds.

    Attributes:
        backlog: messages that have to arrive.
        echoed: whether the broker has returned what was published in this session.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        pause: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.backlog = Backlog()
        self.echoed = False
        self._settings = settings
        self._topics = settings.topics
        self._pause = pause
        self._announcer: Announcer | None = None
        if settings.discovery is not None:
            self._announcer = Announcer(settings, settings.discovery)
        self._meters: dict[str, MeterMessages] = {}
        self._found: dict[str, str] = {}  # announcements that the broker keeps, by topic
        self._first_at: datetime | None = None
        self._online = False
        self._birth_at: datetime | None = None
        self._refresh_at: datetime | None = None

    @property
    def subscriptions(self) -> list[str]:
        """The topics to subscribe to."""
        if self._announcer is None:
            return [self._topics.status]
        # Home Assistant's topic does not change with the beginning of the discovery topics.
        births = dict.fromkeys([f"{self._settings.discovery}/status", f"{DISCOVERY}/status"])
        return [self._topics.status, *births, *self._announcer.subscriptions]

    def take(self, state: MeterState, item: Item | None, now: datetime) -> None:
        """Take the state of a meter after an item of its stream.

        Args:
            state: the state.
            item: the item; None for the end of the stream.
            now: the time, with a zone.
        """
        meter, key = state.meter, state.meter.key
        self._first_at = self._first_at or now
        if key not in self._meters:
            self._meters[key] = MeterMessages(meter, self._topics, self._settings.broker.qos)
        for message in self._meters[key].take(state, item, now):
            self.backlog.put(key, message)

    def connected(self) -> None:
        """Begin a session: nothing has been published in it yet."""
        self._online = self.echoed = False
        self._birth_at = self._refresh_at = None
        self._found.clear()
        for meter in self._meters.values():
            meter.forget()

    def heard(self, topic: str, payload: str, *, retained: bool, now: datetime) -> None:
        """Take a message from one of the subscriptions.

        Args:
            topic: its topic.
            payload: its text.
            retained: whether the broker has kept it.
            now: the time, with a zone.
        """
        if topic == self._topics.status:
            if payload == ONLINE:
                self.echoed = True
            elif self._online:
                # The last will of an earlier connection, which the broker has given up only now.
                self._online = False
        elif topic.endswith("/config"):
            if not payload:
                self._found.pop(topic, None)
            elif retained and self._announcer and self._announcer.owner(topic, payload):
                self._found[topic] = payload
        elif payload == ONLINE and not retained:
            self._birth_at = now + timedelta(seconds=self._pause(*BIRTH_S))

    def messages(self, now: datetime) -> list[Message]:
        """The messages about the present that are due, in order.

        Args:
            now: the time, with a zone.
        """
        if not self._meters:
            return []
        meters = self._meters.values()
        if self._birth_at is not None and now >= self._birth_at:
            self._birth_at = None
            for meter in meters:
                meter.forget()
        if self._refresh_at is not None and now >= self._refresh_at:
            self._refresh_at = None
            for meter in meters:
                meter.refresh()
        announced = self._announcements(now)
        if announced:
            self._refresh_at = now + SETTLE
        present = [message for meter in meters for message in meter.due(now)]
        if not self._online:
            # After the states of the meters, so that nothing of an earlier run counts as present.
            self._online = True
            present.append(Message(self._topics.status, ONLINE, qos=1, retain=True))
        return [*announced, *present]

    def next_due(self, now: datetime) -> datetime | None:
        """When to ask for messages again, if nothing else happens; None for never.

        Args:
            now: the time, with a zone.
        """
        times = [meter.next_due(now) for meter in self._meters.values()]
        times += [self._birth_at, self._refresh_at]
        if self._first_at is not None and now < self._first_at + GONE:
            times.append(self._first_at + GONE)
        return min((at for at in times if at is not None), default=None)

    def farewell(self) -> list[Message]:
        """The messages at the end of the program."""
        if not self._online:
            return []
        gone = Message(self._topics.status, OFFLINE, qos=1, retain=True)
        return [gone, *(meter.farewell() for meter in self._meters.values())]

    def _announcements(self, now: datetime) -> list[Message]:
        announcer = self._announcer
        if announcer is None:
            return []
        owners = {at: announcer.owner(at, text) for at, text in self._found.items()}
        messages: list[Message] = []
        for key, meter in self._meters.items():
            found = {at: text for at, text in self._found.items() if owners[at] == key}
            messages += meter.announcement(announcer, found, now)
        if self._first_at is not None and now >= self._first_at + GONE:
            messages += removals(at for at, owner in owners.items() if owner not in self._meters)
        for message in messages:
            if message.retain and message.payload:
                self._found[message.topic] = message.payload
            elif message.retain:
                self._found.pop(message.topic, None)
        return messages
