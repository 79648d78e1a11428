"""Topics of a publication, and messages for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

ONLINE, OFFLINE = "online", "offline"
"""Payloads of the topics about availability: those that Home Assistant expects by default."""

MAX_LENGTH = 200
"""Longest prefix, in bytes of UTF-8."""


class Message(NamedTuple):
    """A message to publish.

    Attributes:
        topic: its topic.
        payload: its text; empty to remove what is retained.
        qos: quality of service: 1 for what has to arrive.
        retain: whether the broker keeps it.
    """

    topic: str
    payload: str
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True)
class Topics:
    """Names of the topics below a prefix.

    Attributes:
        prefix: beginning of all topics.

    >>> topics = Topics("home/streamer")
    >>> topics.status, topics.of("house", "state"), topics.node
    ('home/streamer/status', 'home/streamer/house/state', 'home_streamer')
    """

    prefix: str

    @property
    def status(self) -> str:
        """Topic of the availability of the whole publication."""
        return f"{self.prefix}/status"

    @property
    def node(self) -> str:
        """The prefix as an identifier: lower-case letters, digits and underscores."""
        return re.sub(r"[^a-z0-9]+", "_", self.prefix.lower()).strip("_") or "streamer"

    def of(self, key: str, leaf: str) -> str:
        """A topic of a meter."""
        return f"{self.prefix}/{key}/{leaf}"


def why_no_prefix(text: str) -> str:
    """Why a text cannot be the beginning of topics; empty if it can.

    >>> why_no_prefix("home/streamer"), why_no_prefix("home/#")
    ('', 'it has a wildcard (+ or #)')
    """
    if "+" in text or "#" in text:
        return "it has a wildcard (+ or #)"
    if text.startswith("$"):
        return "it begins with $, as only the broker's own topics do"
    if not all(text.split("/")):
        return "one of its levels is empty"
    if not text.isprintable() or len(text.encode("utf-8", "replace")) > MAX_LENGTH:
        return "it is too long, or has characters that cannot be printed"
    return ""
