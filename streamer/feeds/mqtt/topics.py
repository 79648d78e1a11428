"""Topics whose messages make one reading: added, subtracted, or about availability."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.mqtt.presets import Preset

_MAX_PARTS = 100

TOPIC_OPTIONS = {
    "plus_topic": "further topics, separated by commas, whose values are added",
    "minus_topic": "other topics, separated by commas, whose values are subtracted",
    "parts": "number of topics that a topic with + matches; all of them are added",
    "availability": "topics, separated by commas, that report whether the device is online",
}
"""The options that `Topics.of` reads."""


@dataclass(frozen=True)
class Topics:
    """Topics of a reading.

    Attributes:
        plus: topics whose values are added; one of them alone may have the wildcard ``+``.
        minus: topics whose values are subtracted.
        parts: number of topics that are added.
        availability: topics that report whether the device is online.
        asked: whether the availability topics were given in the address.
        count: topic of the number of topics in `plus` that count; empty if all do.
    """

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    parts: int = 1
    availability: tuple[str, ...] = ()
    asked: bool = False
    count: str = ""

    @classmethod
    def of(cls, address: Address, preset: Preset) -> Topics:
        """Read the options of an address; they override those of the preset.

        Raises:
            UsageError: an option is missing or wrong, or two contradict each other.
        """
        name = address.path.removeprefix("/") or preset.name
        first = preset.topic.format(name) if name and "/" not in name else name
        if not first:
            what = "the topic is missing; write it like mqtt://host/home/power"
            if preset.topic != "{}":
                what = "the device's name is missing; write it like mqtt://host/NAME?preset=…"
            raise UsageError(f"{address.shown}: {what}")
        plus: tuple[str, ...] = (first,)
        minus: tuple[str, ...] = ()
        wildcard = "+" in first.split("/")
        if "plus_topic" in address.options:
            plus += _listed(address, "plus_topic")
        elif not wildcard:
            plus += tuple(relative(first, leaf) for leaf in preset.plus_topics)
        if "minus_topic" in address.options:
            minus = _listed(address, "minus_topic")
        elif preset.minus_topic:
            minus = (relative(first, preset.minus_topic),)
        parts = len(plus)
        if wildcard:
            parts += _parts(address, first) - 1
        elif "parts" in address.options:
            raise address.wrong("parts", "it is for a topic with the wildcard +")
        asked = "availability" in address.options
        topics = cls(
            plus=plus,
            minus=minus,
            parts=parts,
            availability=_listed(address, "availability")
            if asked
            else tuple(relative(first, leaf) for leaf in preset.availability),
            asked=asked,
            count=relative(first, preset.count_topic)
            if preset.count_topic and not wildcard and "plus_topic" not in address.options
            else "",
        )
        topics._check(address)
        return topics

    @property
    def values(self) -> tuple[str, ...]:
        """The topics with values, to subscribe to."""
        return self.plus + self.minus

    @property
    def others(self) -> tuple[str, ...]:
        """The topics without values, to subscribe to."""
        return self.availability + ((self.count,) if self.count else ())

    def sign(self, topic: str) -> float:
        """Return 1 for a topic that is added, -1 for one that is subtracted, 0 for others."""
        if topic in self.minus:
            return -1.0
        return 1.0 if any(matches(pattern, topic) for pattern in self.plus) else 0.0

    def _check(self, address: Address) -> None:
        for number, topic in enumerate((*self.values, *self.availability)):
            if why := why_no_topic(topic, wildcard=number == 0):
                raise UsageError(f"{address.shown}: the topic {topic!r} {why}")
        for option, topics in (("minus_topic", self.minus), ("plus_topic", self.plus[1:])):
            others = self.plus if option == "minus_topic" else self.plus[:1]
            if any(matches(pattern, topic) for pattern in others for topic in topics):
                raise address.wrong(option, "give a topic other than the first")
        if len(set(self.values)) < len(self.values):
            raise UsageError(f"{address.shown}: a topic is given twice")


def relative(topic: str, leaf: str) -> str:
    """Return a topic that is written relative to another.

    >>> relative("shellies/x/relay/0/power", "../../online"), relative("tele/x/SENSOR", "LWT")
    ('shellies/x/online', 'tele/x/LWT')
    """
    if leaf.startswith("{topic}"):
        return topic + leaf.removeprefix("{topic}")
    levels = topic.split("/")[:-1]
    while leaf.startswith("../"):
        levels, leaf = levels[:-1], leaf.removeprefix("../")
    return "/".join([*levels, leaf])


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic is the pattern, in which ``+`` matches any one level.

    >>> matches("a/+/c", "a/b/c"), matches("a/+/c", "a/b/b/c"), matches("a", "a")
    (True, False, True)
    """
    if pattern == topic:
        return True
    wanted, given = pattern.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(
        level in ("+", part) for level, part in zip(wanted, given, strict=True)
    )


def _listed(address: Address, option: str) -> tuple[str, ...]:
    return tuple((address.text(option) or "").split(","))


def _parts(address: Address, topic: str) -> int:
    if "parts" not in address.options:
        raise UsageError(
            f"{address.shown}: the topic {topic!r} has a wildcard; give parts= (the number of "
            "topics that it matches and that are added), or the topic of one meter"
        )
    number = address.number("parts", 1, least=1, most=_MAX_PARTS)
    if number != int(number):
        raise address.wrong("parts", "give a whole number")
    return int(number)


def why_no_topic(topic: str, *, wildcard: bool) -> str:
    """Return why a text is not a topic to subscribe to; empty if it is.

    Args:
        topic: the text.
        wildcard: whether ``+`` is allowed in it.
    """
    if "#" in topic or ("+" in topic and not wildcard):
        return "has a wildcard; give the topic of one meter"
    if any("+" in level and level != "+" for level in topic.split("/")):
        return "is not valid: + replaces a whole level"
    if not topic or "\0" in topic or len(topic.encode()) > 65535:
        return "is not valid: it is empty, too long or contains a null character"
    return ""
