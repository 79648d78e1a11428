"""Conclusions from the notifications of former runs of the program."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from streamer.publishing.notify.queue import key_of
from streamer.publishing.notify.settings import BACK, SILENT
from streamer.recording.notifications import Notification

FIRST = "first"
"""Kind of what marks, in a recording, the beginning of notifications; it is never sent."""


def begun_after(meter: str, notifications: Iterable[Notification]) -> int:
    """The last minute that was recorded before there were notifications, in Unix seconds.

    It is 0 if that was so long ago that the mark is not among them.

    Args:
        meter: key of the meter.
        notifications: its notifications.
    """
    return min(_times(key_of(meter, FIRST, ""), (each.key for each in notifications)), default=0)


def open_silence(meter: str, keys: Collection[str]) -> int | None:
    """Beginning of a silence that was reported, and whose end was not, in Unix seconds.

    Args:
        meter: key of the meter.
        keys: keys of all notifications.

    >>> open_silence("house", ["house:silent:60", "house:back:60", "house:silent:600"])
    600
    """
    last = max(_times(key_of(meter, SILENT, ""), keys), default=None)
    return None if last is None or key_of(meter, BACK, last) in keys else last


def _times(prefix: str, keys: Iterable[str]) -> list[int]:
    """The times at the end of those keys that begin with a prefix."""
    ends = [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
    return [int(end) for end in ends if end.isascii() and end.isdecimal()]
