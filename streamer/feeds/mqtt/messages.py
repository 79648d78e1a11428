"""Samples from MQTT messages: plain numbers or JSON, as options or a preset define.

No I/O, no clock: bytes in, samples out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.parts import Parts
from streamer.feeds.mqtt.presets import PRESETS, Preset
from streamer.feeds.mqtt.topics import TOPIC_OPTIONS, Topics
from streamer.feeds.polling import PACE_OPTION, pace_of
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    QUANTITY_OPTIONS,
    JsonLayout,
    JsonPath,
    MalformedError,
    MissingError,
    PathSum,
    Quantity,
    parse_json,
)
from streamer.feeds.values.direction import Direction
from streamer.feeds.values.paths import with_contents
from streamer.feeds.values.quantity import added
from streamer.readings import CounterSample, Sample

_MAX_BYTES = 1 << 20

_GENERIC = Preset("", "{}", unit=None, partial=False)

_STATE, _COUNT = JsonPath.parse("state"), JsonPath.parse("value")

_ONLINE = ("online", "true", "1", "on", "connected", "available")
_OFFLINE = ("offline", "false", "0", "off", "disconnected", "unavailable", "lost")

MESSAGE_OPTIONS = {
    **QUANTITY_OPTIONS,
    "path": "places of the power in the JSON, like ENERGY.Power, phases[*].w or a,b,c (added); "
    "if not given, the message is a plain number",
    **LAYOUT_OPTIONS,
    "time": "place of the time in the JSON; if not given, the time of arrival counts",
    "partial": "yes: messages without the power are about something else, and are skipped",
    **TOPIC_OPTIONS,
    **PACE_OPTION,
}
"""The options that `MessageLayout.of` reads, beside ``preset``."""


@dataclass(frozen=True)
class MessageLayout:
    """Places of the values: in which topics, and where in their messages.

    Attributes:
        topics: the topics.
        quantity: the measured quantity.
        json: places in the JSON; None if the payload is a plain number.
        partial: whether JSON without a value is skipped in silence.
        pace: how often the values are sent.
        heartbeat_s: seconds after which unchanged values are sent again; None for never.
        keepalive: topic to publish to at each heartbeat; empty for none.
        hint: why nothing may arrive for long, for messages.
    """

    topics: Topics
    quantity: Quantity
    json: JsonLayout | None = None
    partial: bool = False
    pace: Pace = Pace()  # noqa: RUF009 - immutable
    heartbeat_s: float | None = None
    keepalive: str = ""
    hint: str = ""

    @classmethod
    def of(cls, address: Address) -> MessageLayout:
        """Read the options of an address; they override those of the preset it names.

        Raises:
            UsageError: an option is missing or wrong, or two contradict each other.
        """
        chosen = address.choice("preset", PRESETS)
        preset = _GENERIC if chosen is None else PRESETS[chosen]
        topics = Topics.of(address, preset)
        quantity = Quantity.of(address, unit=preset.unit)
        json = _json_layout(address, preset, quantity)
        if json is not None and json.time is not None and topics.parts + len(topics.minus) > 1:
            raise address.wrong("time", "it cannot be combined with several topics")
        partial = address.choice("partial", ("yes", "no"), "yes" if preset.partial else "no")
        levels = topics.plus[0].split("/")
        return cls(
            topics=topics,
            quantity=quantity,
            json=json,
            partial=partial == "yes" and json is not None,
            pace=pace_of(address, preset.pace),
            heartbeat_s=preset.heartbeat_s,
            keepalive=preset.keepalive.format(levels[1] if len(levels) > 1 else ""),
            hint=preset.hint,
        )

    @property
    def topic(self) -> str:
        """The first topic."""
        return self.topics.plus[0]

    @property
    def is_dated(self) -> bool:
        """Whether the messages contain their time."""
        return self.json is not None and self.json.time is not None


def _json_layout(address: Address, preset: Preset, quantity: Quantity) -> JsonLayout | None:
    path = PathSum.of(address, "path", preset.path)
    if path is None:
        for option in ("minus", "time", "sign_path", "export_if", "partial"):
            if option in address.options:
                raise address.wrong(option, "it is a place in JSON, so path must be given too")
        return None
    is_own = "path" in address.options
    return JsonLayout(
        quantity=quantity,
        path=path,
        minus=PathSum.of(address, "minus", None if is_own else preset.minus),
        time=JsonPath.of(address, "time", preset.time),
        direction=Direction.of(address),
        apart=preset.apart,
    )


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
        topics = self._layout.topics
        if self._counted() is not None:
            return ()
        return tuple(topic for topic in topics.values if topic not in self._parts)

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
        counted = self._counted()
        if not self._known or counted is None or not self._parts.stale(counted, now_s):
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
        total = added(*map(self._parts.value, counted)) if not self.stale else math.nan
        self._known = not math.isnan(total)
        return self._layout.quantity.item(total, at)

    def _counted(self) -> list[str] | None:
        """Return the topics of the sum; None if some have not sent yet."""
        topics = self._layout.topics
        found = [topic for topic in self._parts.names() if topics.sign(topic) > 0]
        wanted = topics.parts
        if self._count is not None:
            found = [topic for topic in topics.plus[: self._count] if topic in self._parts]
            wanted = min(self._count, wanted)
        minus = [topic for topic in topics.minus if topic in self._parts]
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
        if len(payload) > _MAX_BYTES:
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
