"""Places of a meter's values in MQTT: topics, and places in their messages."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.presets import PRESETS, Preset
from streamer.feeds.mqtt.topics import TOPIC_OPTIONS, Topics
from streamer.feeds.pace import PACE_OPTION, pace_of
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    QUANTITY_OPTIONS,
    JsonLayout,
    JsonPath,
    PathSum,
    Quantity,
)
from streamer.feeds.values.direction import Direction

_GENERIC = Preset("", "{}", unit=None, partial=False)

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
