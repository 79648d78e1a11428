"""Samples from MQTT messages: plain numbers or JSON, as options or a preset define.

No I/O, no clock: bytes in, samples out.
"""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from streamer.feeds.mqtt.bounds import MAX_MESSAGE_BYTES
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.parts import Parts
from streamer.feeds.values import JsonPath, MalformedError, MissingError, parse_json, words_for
from streamer.feeds.values.paths import with_contents
from streamer.readings import CounterSample, Sample

_STATE, _COUNT = JsonPath.parse("state"), JsonPath.parse("value")

_ONLINE = ("online", "true", "1", "on", "connected", "available")
_OFFLINE = ("offline", "false", "0", "off", "disconnected", "unavailable", "lost")


def _state(payload: bytes) -> str:
    """Return the word of an availability message, which may be JSON as in Zigbee2MQTT."""
    text = payload[:200].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            text = str(_STATE.find(parse_json(text)))
        except MalformedError:
            return ""
    return text.lower()


class _Value(NamedTuple):
    number: float
    at: datetime | None


class MessageReader:
    """Conversion of MQTT messages to samples.

    A retained message is of unknown age: its value is kept for a sum with other topics, but
    does not make a sample itself.

    Args:
        layout: places of the values.

    >>> from streamer.feeds.address import Address
    >>> address = Address.parse("mqtt://host/plug?preset=zigbee2mqtt")
    >>> reader = MessageReader(MessageLayout.of(address))
    >>> reader.take("zigbee2mqtt/plug", b'{"power": 250}').kw
    0.25
    >>> reader.take("zigbee2mqtt/plug", b'{"linkquality": 90}') is None
    True
    >>> reader.take("zigbee2mqtt/plug/availability", b'{"state": "offline"}').kw
    nan
    """

    def __init__(self, layout: MessageLayout) -> None:
        self._layout = layout
        channel = layout.quantity.channel
        self.label = f"{words_for(channel)}: " if channel else ""
        """Beginning of texts about the values; empty for the grid power."""
        self._parts = Parts(layout.pace, layout.heartbeat_s)
        self._count: int | None = None
        self._known = False
        self._last: _Value | None = None
        self.lacking = ""
        """Description of the last message that was skipped for lack of a value."""
        self.offline = ""
        """Topic that reported last that the device is offline; empty if it is online."""
        self.stale = ""
        """Topic whose value has become too old for the sum; empty if none has."""

    @property
    def awaited(self) -> tuple[str, ...]:
        """Topics that have not delivered a value yet."""
        with suppress(MalformedError):
            if self._counted() is None:
                topics = self._layout.topics.values
                return tuple(topic for topic in topics if topic not in self._parts)
        return ()

    def take(
        self, topic: str, payload: bytes, *, retained: bool = False, now_s: float = 0.0
    ) -> Sample | CounterSample | None:
        """Read one message.

        Args:
            topic: its topic.
            payload: its contents.
            retained: whether the broker kept it from before.
            now_s: seconds on a steady clock.

        Returns:
            The sample; None if the message is in order, but does not make one.

        Raises:
            MalformedError: the message cannot be read; the value is not known any more.
        """
        layout, topics = self._layout, self._layout.topics
        if topic in topics.availability:
            return self._take_availability(topic, payload)
        if topics.count and topic == topics.count:
            self._take_count(payload)
            return None
        # A session kept by the broker may hold subscriptions of an earlier run.
        sign = topics.sign(topic)
        if not sign:
            return None
        try:
            found = self._read(payload)
        except MalformedError as error:
            self._parts.put(topic, math.nan, now_s, retained=retained)
            if len(topics.values) == 1:
                raise
            raise MalformedError(f"{topic}: {error}") from None
        if found is None:
            return None
        self._parts.put(topic, sign * found.number, now_s, retained=retained)
        if retained:
            return None
        if layout.is_dated and found == self._last:
            return None
        self._last = found
        return self._sum(now_s, found.at)

    def check(self, now_s: float) -> Sample | CounterSample | None:
        """Return an unknown value if one of the topics has been silent for too long."""
        if not self._known:  # so that none of the topics is missing, or one too many
            return None
        counted = self._counted()
        if counted is None or not self._parts.stale(counted, now_s):
            return None
        return self._sum(now_s, None)

    def unknown(self) -> Sample | CounterSample:
        """Return the sample for a value that is not known any more."""
        self._known = False
        return self._layout.quantity.unknown()

    def _sum(self, now_s: float, at: datetime | None) -> Sample | CounterSample | None:
        counted = self._counted()
        if counted is None:
            return None
        self.stale = ""
        if len(counted) > 1 or self._layout.heartbeat_s is not None:
            self.stale = self._parts.stale(counted, now_s) or ""
        values = map(self._parts.value, counted)
        total = math.nan if self.stale else self._layout.quantity.together(*values)
        self._known = not math.isnan(total)
        return self._layout.quantity.item(total, at)

    def _counted(self) -> list[str] | None:
        """Return the topics of the sum; None if some have not sent yet.

        Raises:
            MalformedError: more topics match than the address gives.
        """
        topics = self._layout.topics
        found = [topic for topic in self._parts.names() if topics.sign(topic) > 0]
        wanted = topics.parts
        if self._count is not None:
            found = [topic for topic in topics.plus[: self._count] if topic in self._parts]
            wanted = min(self._count, wanted)
        minus = [topic for topic in topics.minus if topic in self._parts]
        if len(found) > wanted:
            raise MalformedError(f"{len(found)} topics match, but parts={wanted} is given")
        if len(found) < wanted or len(minus) < len(topics.minus):
            return None
        return found + minus

    def _take_availability(self, topic: str, payload: bytes) -> Sample | CounterSample | None:
        word = _state(payload)
        if word in _ONLINE:
            if self.offline == topic:
                self.offline = ""
            return None
        if word not in _OFFLINE:
            return None
        self.offline = topic
        self._parts.forget()
        self._last = None
        return self.unknown()

    def _take_count(self, payload: bytes) -> None:
        try:
            number = _COUNT.find(parse_json(payload))
        except MalformedError:
            return
        if number in range(1, len(self._layout.topics.plus) + 1):
            self._count = int(number)

    def _read(self, payload: bytes) -> _Value | None:
        layout = self._layout
        if len(payload) > MAX_MESSAGE_BYTES:
            raise MalformedError(f"a message of {len(payload)} bytes")
        # Victron's empty message means that the device has disappeared.
        if layout.json is None or not payload:
            return _Value(layout.quantity.number(payload.decode("utf-8", "replace")), None)
        document = parse_json(payload)
        try:
            return _Value(layout.json.number(document), layout.json.moment(document))
        except MissingError as error:
            lacking = with_contents(error, document)
            if not (layout.partial and isinstance(document, dict)):
                raise MalformedError(lacking) from None
            self.lacking = lacking
            return None
