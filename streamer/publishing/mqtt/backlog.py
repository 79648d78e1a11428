"""Messages that have to arrive, kept in order and in bounded memory until they have."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from streamer.publishing.mqtt.topics import Message

MAX_WAITING = 1440
"""Most messages of a meter that wait: those of a day."""


class Waiting(NamedTuple):
    """A message that has not arrived yet.

    Attributes:
        key: the meter's key.
        message: the message.
    """

    key: str
    message: Message


class Backlog:
    """Queues of messages, one for each meter.

    Args:
        most: most messages of a meter; beyond that, its oldest are dropped.

    >>> backlog = Backlog(most=2)
    >>> for number in "123":
    ...     backlog.put("house", Message("streamer/house/minute", number))
    >>> backlog.first().message.payload, len(backlog), backlog.dropped()
    ('2', 2, 1)
    """

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        self._queues: dict[str, deque[Message]] = {}
        self._dropped = 0

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def put(self, key: str, message: Message) -> None:
        """Append a message of a meter."""
        queue = self._queues.setdefault(key, deque())
        queue.append(message)
        if len(queue) > self._most:
            queue.popleft()
            self._dropped += 1

    def first(self) -> Waiting | None:
        """The oldest message of a meter that has any; None if nothing waits."""
        for key, queue in self._queues.items():
            if queue:
                return Waiting(key, queue[0])
        return None

    def arrived(self, waiting: Waiting) -> None:
        """Remove a message that has arrived; without effect if it was dropped meanwhile."""
        queue = self._queues[waiting.key]
        if queue and queue[0] is waiting.message:
            queue.popleft()

    def dropped(self) -> int:
        """Number of messages dropped since the last call."""
        count, self._dropped = self._dropped, 0
        return count
