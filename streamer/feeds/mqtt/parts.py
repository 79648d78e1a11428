"""The parts of a sum, one from each topic, and how long each of them is valid."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from streamer.feeds import Pace

_SPACINGS: Final = 3.0
"""A part is valid for so many of its topic's usual spacings."""

_MIN_VALID_S: Final = 30.0
_MAX_VALID_S: Final = 600.0
_MAX_UNCHANGED_S: Final = 86400.0
_LEARNT = 2


@dataclass
class _Part:
    value: float
    at_s: float
    spacings: deque[float] = field(default_factory=lambda: deque(maxlen=5))


class Parts:
    """Values of several topics, of which each may become too old for the sum.

    Args:
        pace: how often each topic is sent.
        heartbeat_s: seconds after which unchanged values are sent again; None for never.
    """

    def __init__(self, pace: Pace, heartbeat_s: float | None = None) -> None:
        self._pace = pace
        self._heartbeat_s = heartbeat_s
        self._parts: dict[str, _Part] = {}

    def __contains__(self, topic: str) -> bool:
        return topic in self._parts

    def put(self, topic: str, value: float, now_s: float, *, retained: bool = False) -> None:
        """Set the value of a topic."""
        part = self._parts.get(topic)
        if part is None:
            self._parts[topic] = _Part(value, now_s)
            return
        if not retained:
            part.spacings.append(now_s - part.at_s)
        part.value, part.at_s = value, now_s

    def forget(self) -> None:
        """Forget all values: each topic has to send again."""
        self._parts.clear()

    def names(self) -> list[str]:
        """Return the topics that have a value."""
        return list(self._parts)

    def value(self, topic: str) -> float:
        """Return the value of a topic."""
        return self._parts[topic].value

    def stale(self, topics: list[str], now_s: float) -> str | None:
        """Return one of these topics that has not been sent for too long."""
        for topic in topics:
            part = self._parts[topic]
            if now_s - part.at_s > self._valid_s(part):
                return topic
        return None

    def _valid_s(self, part: _Part) -> float:
        if self._heartbeat_s is not None:
            return _SPACINGS * self._heartbeat_s
        if self._pace.on_change:
            return _MAX_UNCHANGED_S
        if self._pace.every_s is not None:
            return _SPACINGS * self._pace.every_s
        usual = max(part.spacings) if len(part.spacings) >= _LEARNT else math.inf
        return min(max(_SPACINGS * usual, _MIN_VALID_S), _MAX_VALID_S)
