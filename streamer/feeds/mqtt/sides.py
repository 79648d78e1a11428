"""Places of the channels beside the grid power in MQTT: topics, and places in their messages."""

from __future__ import annotations

from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.presets import PRESETS
from streamer.feeds.mqtt.topics import Topics, relative, why_no_topic
from streamer.feeds.pace import pace_of
from streamer.feeds.values import (
    JsonLayout,
    JsonPath,
    PathSum,
    channel_options,
    channel_quantity,
    chosen_channels,
    further_options,
    further_path,
    further_places,
    further_quantity,
    measure_of,
    no_place,
)

SIDE_OPTIONS = {
    **channel_options(
        "topics of {}, separated by commas, whose values are added",
        {
            "path": "places of {} in JSON; without a topic, in the messages of the grid power",
            "time": "place of the time in the JSON of a topic of {}",
        },
        pace=True,
    ),
    **further_options(
        "path in the JSON of the grid power, path@topic in that of another topic, or @topic of "
        "plain numbers",
        is_known="a name alone if the preset knows it",
    ),
}
"""The options that `side_layouts` reads."""


def side_layouts(address: Address, grid: MessageLayout) -> list[MessageLayout]:
    """Read the places of the other channels, as far as an address gives them.

    Args:
        address: the address.
        grid: places of the grid power.

    Raises:
        UsageError: an option is missing or wrong, or two contradict each other.
    """
    sides = [_side(address, name, grid) for name in chosen_channels(address, "_path")]
    further = further_places(address)
    return [*sides, *(_further(address, name, further[name], grid) for name in further)]


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


def _further(
    address: Address, name: str, places: tuple[str, ...], grid: MessageLayout
) -> MessageLayout:
    preset = PRESETS.get(address.options.get("preset", ""))
    known = {} if preset is None else preset.channels
    unit = None if places or name not in known else measure_of(name).known
    split = [_split(place, grid) for place in places]
    if not places:
        if name not in known:
            raise no_place(address, name, known)
        split = [_resolved(place, grid) for place in known[name]]
    by_topic: dict[str, list[str]] = {}
    for path, topic in split:
        by_topic.setdefault(topic, []).append(path)
    topics, (paths, *others) = tuple(by_topic), by_topic.values()
    if any(each != paths for each in others):
        raise address.wrong("channels", f"give the same path in each of the topics of {name}")
    for topic in topics:
        if why := why_no_topic(topic, wildcard=False):
            raise address.wrong("channels", f"the topic {topic!r} of {name} {why}")
    is_shared, is_json = topics == (grid.topic,), any(paths)
    time = grid.json.time if is_shared and is_json and grid.json is not None else None
    if "session" in address.options and time is None:
        raise address.wrong("session", f"kept messages of {name} have no time and count as new")
    quantity = further_quantity(address, name, unit=unit)
    return MessageLayout(
        topics=Topics(plus=topics, parts=len(topics)),
        quantity=quantity,
        json=JsonLayout(quantity, further_path(address, paths), time=time) if is_json else None,
        partial=grid.partial and is_shared and is_json,
        pace=grid.pace if is_shared or unit is not None or preset is None else Pace(),
    )


def _split(place: str, grid: MessageLayout) -> tuple[str, str]:
    """Path and topic of a place; an empty path is that of a plain number."""
    path, at, topic = place.rpartition("@")
    if at and "]" not in topic:
        return path, topic
    return ("", place) if grid.json is None else (place, grid.topic)


def _resolved(place: str, grid: MessageLayout) -> tuple[str, str]:
    """Path and topic of a place of a preset, whose topic is relative to that of the grid power."""
    path, at, topic = place.rpartition("@")
    return (path, relative(grid.topic, topic)) if at else (place, grid.topic)
