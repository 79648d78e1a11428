"""Places of solar and battery power in MQTT: topics, and places in their messages."""

from __future__ import annotations

from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.topics import Topics, why_no_topic
from streamer.feeds.pace import pace_of
from streamer.feeds.values import (
    JsonLayout,
    JsonPath,
    PathSum,
    channel_options,
    channel_quantity,
    chosen_channels,
)

SIDE_OPTIONS = channel_options(
    "topics of {}, separated by commas, whose values are added",
    {
        "path": "places of {} in JSON; without a topic, in the messages of the grid power",
        "time": "place of the time in the JSON of a topic of {}",
    },
    pace=True,
)
"""The options that `side_layouts` reads."""


def side_layouts(address: Address, grid: MessageLayout) -> list[MessageLayout]:
    """Read the places of solar and battery power, as far as an address gives them.

    Args:
        address: the address.
        grid: places of the grid power.

    Raises:
        UsageError: an option is missing or wrong, or two contradict each other.
    """
    return [_side(address, name, grid) for name in chosen_channels(address, "_path")]


def _side(address: Address, name: str, grid: MessageLayout) -> MessageLayout:
    text = address.text(name)
    topics = (grid.topic,) if text is None else tuple(text.split(","))
    if text is None and "+" in grid.topic.split("/"):
        raise address.wrong(f"{name}_path", f"give {name}= too: one of the topics with its power")
    for topic in topics:
        if why := why_no_topic(topic, wildcard=False):
            raise address.wrong(name, f"the topic {topic!r} {why}")
    is_shared = topics == (grid.topic,)
    quantity = channel_quantity(address, name)
    path = PathSum.of(address, f"{name}_path")
    time = JsonPath.of(address, f"{name}_time")
    if time is None and is_shared and grid.json is not None:
        time = grid.json.time
    if time is not None and (path is None or len(topics) > 1):
        option = f"{name}_time" if f"{name}_time" in address.options else name
        raise address.wrong(option, f"a time is in the JSON of one topic; give {name}_path")
    if "session" in address.options and time is None:
        raise address.wrong("session", f"give {name}_time too, or kept messages count as new")
    usual = Pace() if "preset" in address.options and not is_shared else grid.pace
    return MessageLayout(
        topics=Topics(plus=topics, parts=len(topics)),
        quantity=quantity,
        json=None if path is None else JsonLayout(quantity, path, time=time),
        partial=grid.partial and path is not None,
        pace=pace_of(address, usual, option=f"{name}_every"),
    )
