"""Power from MQTT messages: plain numbers or JSON, as options or a preset define.

No I/O: bytes in, samples out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.mqtt.presets import PRESETS, Preset
from streamer.feeds.values import (
    JsonPath,
    MalformedError,
    Power,
    parse_json,
    to_moment,
    to_number,
)
from streamer.readings import Sample

_UNKNOWN = ("unavailable", "unknown")
_MAX_BYTES = 1 << 20
_MAX_NAMES = 6

_GENERIC = Preset("", "{}", unit=None, partial=False)


@dataclass(frozen=True)
class MessageLayout:
    """Places of the power: in which topics, and where in their messages.

    Attributes:
        topic: the topic.
        power: unit and sign.
        minus_topic: another topic, whose value is subtracted.
        path: place in the JSON; None if the payload is a plain number.
        minus: place in the JSON of a power to subtract.
        time: place of the time in the JSON; None for the time of arrival.
        partial: whether JSON without a power is skipped in silence.
        adds_up: whether the numbers of a list are added.
        pace: why nothing may arrive for long, for messages.
    """

    topic: str
    power: Power
    minus_topic: str | None = None
    path: JsonPath | None = None
    minus: JsonPath | None = None
    time: JsonPath | None = None
    partial: bool = False
    adds_up: bool = False
    pace: str = ""

    @classmethod
    def of(cls, address: Address) -> MessageLayout:
        """Read the options of an address; they override those of the preset it names.

        Raises:
            UsageError: an option is missing or wrong, or two contradict each other.
        """
        chosen = address.choice("preset", PRESETS)
        preset = _GENERIC if chosen is None else PRESETS[chosen]
        name = address.path.removeprefix("/") or preset.name
        topic = preset.topic.format(name) if name and "/" not in name else name
        minus_topic = address.text("minus_topic")
        if minus_topic is None and preset.minus_leaf:
            minus_topic = f"{topic.rpartition('/')[0]}/{preset.minus_leaf}"
        path = JsonPath.of(address, "path", preset.path)
        layout = cls(
            topic=topic,
            power=Power.of(address, unit=preset.unit),
            minus_topic=minus_topic,
            path=path,
            minus=JsonPath.of(address, "minus", preset.minus),
            time=JsonPath.of(address, "time", preset.time),
            partial=preset.partial and path is not None,
            adds_up=preset.adds_up,
            pace=preset.pace,
        )
        layout._check(address)
        return layout

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return (self.topic,) if self.minus_topic is None else (self.topic, self.minus_topic)

    def _check(self, address: Address) -> None:
        if not self.topic:
            raise UsageError(
                f"{address.shown}: the topic is missing; write it like mqtt://host/home/power"
            )
        for topic in self.topics:
            if why := _why_no_topic(topic):
                raise UsageError(f"{address.shown}: the topic {topic!r} {why}")
        if self.minus_topic == self.topic:
            raise address.wrong("minus_topic", "give a topic other than the first")
        for option in ("minus", "time"):
            if getattr(self, option) is None:
                continue
            if self.path is None:
                raise address.wrong(option, "it is a place in JSON, so path must be given too")
            if self.minus_topic is not None:
                raise address.wrong(option, "it cannot be combined with minus_topic")


class MessageReader:
    """Conversion of MQTT messages to samples.

    A retained message is of unknown age: its value is kept for a subtraction with the other
    topic, but does not make a sample itself.

    Args:
        layout: places of the power.

    >>> address = Address.parse("mqtt://host/plug?preset=zigbee2mqtt")
    >>> reader = MessageReader(MessageLayout.of(address))
    >>> reader.take("zigbee2mqtt/plug", b'{"power": 250}').kw
    0.25
    >>> reader.take("zigbee2mqtt/plug", b'{"linkquality": 90}') is None
    True
    """

    def __init__(self, layout: MessageLayout) -> None:
        self._layout = layout
        self._values: dict[str, float] = {}
        self.lacking = ""
        """Description of the last message that was skipped for lack of a power."""

    @property
    def awaited(self) -> tuple[str, ...]:
        """Topics that have not delivered a power yet."""
        return tuple(topic for topic in self._layout.topics if topic not in self._values)

    def take(self, topic: str, payload: bytes, *, retained: bool = False) -> Sample | None:
        """Read one message.

        Returns:
            The sample; None if the message is in order, but does not make one.

        Raises:
            MalformedError: the message cannot be read.
        """
        layout = self._layout
        # A session kept by the broker may hold subscriptions of an earlier run.
        if topic not in layout.topics:
            return None
        try:
            found = self._read(payload)
        except MalformedError as error:
            if layout.minus_topic is None:
                raise
            raise MalformedError(f"{topic}: {error}") from None
        if found is None:
            return None
        self._values[topic], at = found
        if retained or len(self._values) < len(layout.topics):
            return None
        value = self._values[layout.topic]
        if layout.minus_topic is not None:
            value -= self._values[layout.minus_topic]
        kw = layout.power.kw(value)
        if math.isinf(kw):
            raise MalformedError("the power is infinite")
        return Sample(kw, at)

    def _read(self, payload: bytes) -> tuple[float, datetime | None] | None:
        layout = self._layout
        if len(payload) > _MAX_BYTES:
            raise MalformedError(f"a message of {len(payload)} bytes")
        if layout.path is None:
            return _number(payload.decode("utf-8", "replace")), None
        document = parse_json(payload)
        try:
            value = layout.path.find(document)
            minus = 0 if layout.minus is None else layout.minus.find(document)
        except MalformedError as error:
            names = ", ".join(islice(_numbers(document), _MAX_NAMES))
            lacking = f"{error}; it contains {names}" if names else str(error)
            if not (layout.partial and isinstance(document, dict)):
                raise MalformedError(lacking) from None
            self.lacking = lacking
            return None
        at = None if layout.time is None else to_moment(layout.time.find(document))
        if layout.adds_up and isinstance(value, list) and value:
            return sum(map(_number, value)) - _number(minus), at
        return _number(value) - _number(minus), at


def _number(value: object) -> float:
    if value is None or (isinstance(value, str) and value.strip().lower() in _UNKNOWN):
        return math.nan
    return to_number(value)


def _numbers(document: Any, prefix: str = "", depth: int = 3) -> Iterator[str]:
    """Paths of the numbers in a document, if they are fit for display."""
    if not isinstance(document, dict) or not depth:
        return
    for key, value in document.items():
        if not (key.isprintable() and len(key) <= 40):
            continue
        step = f'["{key}"]' if set(key) & set(".[]") else f".{key}" if prefix else key
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield prefix + step
        else:
            yield from _numbers(value, prefix + step, depth - 1)


def _why_no_topic(topic: str) -> str:
    if "+" in topic or "#" in topic:
        return "has a wildcard; give the topic of one meter"
    if not topic or "\0" in topic or len(topic.encode()) > 65535:
        return "is not valid: it is empty, too long or contains a null character"
    return ""
