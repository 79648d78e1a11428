"""Queue of notifications, with a line of its own for each receiver."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from streamer.publishing.notify.settings import PEAK
from streamer.recording.notifications import Delivery, Notification

RETRY_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds after each failed attempt before the next one; the last one repeats."""

URGENT_RETRY_S = 10.0
"""The same for an urgent notification, however many attempts have failed before it."""

_URGENT = frozenset({PEAK})


@dataclass
class _Line:
    """What is known of a receiver: its failed attempts in a row, and the time of the last."""

    failures: int = 0
    tried_at: float = -math.inf

    def due_at(self, notification: Notification, attempts: int) -> float:
        """When to try to deliver a notification."""
        if not self.failures or (notification.kind in _URGENT and not attempts):
            return -math.inf
        wait_s = RETRY_S[min(self.failures, len(RETRY_S)) - 1]
        if notification.kind in _URGENT:
            wait_s = min(wait_s, URGENT_RETRY_S)
        return self.tried_at + wait_s


class Queue:
    """Notifications that wait for their receivers, urgent ones first, others in their order.

    A receiver that fails holds up nobody else: each has its own state in each notification. All
    times are Unix seconds.

    Args:
        receivers: digests of the receivers' addresses.

    Attributes:
        expired: number of notifications that a receiver had not taken in time.
    """

    def __init__(self, receivers: Sequence[str]) -> None:
        self._lines = {receiver: _Line() for receiver in receivers}
        self._waiting: dict[str, Notification] = {}
        self._changed: dict[str, Notification] = {}
        self.expired = 0

    def add(self, notification: Notification) -> None:
        """Add a new notification: for all receivers, or for none if it is withheld."""
        if notification.state == Notification.WAITING:
            deliveries = tuple(Delivery(receiver) for receiver in self._lines)
            notification = replace(notification, deliveries=deliveries)
        self._set(notification)

    def restore(self, notifications: Iterable[Notification]) -> None:
        """Add those of former notifications that still wait."""
        for each in notifications:
            if each.state == Notification.WAITING:
                self._waiting[each.key] = each

    def next(
        self, receiver: str, now: float, *, paused: Collection[str] = ()
    ) -> Notification | None:
        """The notification that a receiver should get now; None if there is none.

        Args:
            receiver: digest of its address.
            now: the time.
            paused: keys of meters whose notifications are not sent now.
        """
        self.expire(now)
        for notification, delivery in self._for(receiver, paused):
            due_at = self._lines[receiver].due_at(notification, delivery.attempts)
            return notification if now >= due_at else None
        return None

    def due_in(self, receiver: str, now: float, *, paused: Collection[str] = ()) -> float:
        """Seconds until `next` returns a notification, unless another one is added."""
        for notification, delivery in self._for(receiver, paused):
            due_at = self._lines[receiver].due_at(notification, delivery.attempts)
            return max(due_at - now, 0.0)
        return math.inf

    def delivered(self, key: str, receiver: str, now: float) -> int:
        """Take note that a receiver has taken one; returns the number of failures before that."""
        line = self._lines[receiver]
        failures, line.failures = line.failures, 0
        self._attempted(key, receiver, sent_at=int(now))
        return failures

    def failed(self, key: str, receiver: str, now: float) -> int:
        """Take note that it has not; returns the number of its failures in a row."""
        line = self._lines[receiver]
        line.failures += 1
        line.tried_at = now
        self._attempted(key, receiver, sent_at=None)
        return line.failures

    def expire(self, now: float) -> None:
        """Give up what is of no use any longer."""
        for each in [each for each in self._waiting.values() if now >= each.expires]:
            self.expired += 1
            self._set(replace(each, state=Notification.EXPIRED))

    def take_changed(self) -> list[Notification]:
        """The latest state of each notification that has changed since the last call."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def waiting_for(self, receiver: str) -> int:
        """Number of the notifications that a receiver has not taken yet."""
        return sum(1 for _ in self._for(receiver, ()))

    def _for(
        self, receiver: str, paused: Collection[str]
    ) -> Iterator[tuple[Notification, Delivery]]:
        """Notifications that a receiver has not taken yet, in the order in which to send them."""
        found = [
            (notification, delivery)
            for notification in self._waiting.values()
            for delivery in notification.deliveries
            if delivery.receiver == receiver and delivery.sent_at is None
        ]
        found.sort(key=lambda each: (each[0].kind not in _URGENT, each[0].created))
        return (each for each in found if meter_of(each[0].key) not in paused)

    def _attempted(self, key: str, receiver: str, *, sent_at: int | None) -> None:
        notification = self._waiting.get(key)
        if notification is None:  # it has expired meanwhile
            return
        deliveries = tuple(
            replace(each, attempts=each.attempts + 1, sent_at=sent_at)
            if each.receiver == receiver
            else each
            for each in notification.deliveries
        )
        is_sent = all(each.sent_at is not None for each in deliveries)
        state = Notification.SENT if is_sent else Notification.WAITING
        self._set(replace(notification, deliveries=deliveries, state=state))

    def _set(self, notification: Notification) -> None:
        """Put a notification in its place, and take note of the change."""
        if notification.state == Notification.WAITING:
            self._waiting[notification.key] = notification
        else:
            self._waiting.pop(notification.key, None)
        self._changed[notification.key] = notification


def key_of(meter: str, kind: str, at: object) -> str:
    """The key of a notification.

    >>> key_of("house", "summary", "2026-03-01")
    'house:summary:2026-03-01'
    """
    return f"{meter}:{kind}:{at}"


def meter_of(key: str) -> str:
    """The meter that a notification is about, by its key.

    >>> meter_of("house:summary:2026-03-01")
    'house'
    """
    return key.partition(":")[0]
