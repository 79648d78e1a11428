"""Tells a person without a dashboard what went wrong on the way."""

from __future__ import annotations

from typing import TextIO

from streamer.readings import Link, Notice, Step
from streamer.sinks import Item
from streamer.sinks.watch import AlarmWatch, OutageWatch

_TOLD_ONCE = (Notice.MALFORMED, Notice.ORDER, Notice.ABSURD)


class NoteSink:
    """Writes notices, alarms and what becomes of the connection as lines.

    Of skipped rows only the first of a kind, since all are counted; of an alarm that it has
    been raised, and that it is over; of a lost connection that, and that it is back.

    Args:
        out: where to, usually the standard error.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: set[str] = set()
        self._watch = AlarmWatch()
        self._link = OutageWatch()

    def write(self, item: Item) -> None:
        """Write a notice, or what a step or a link has changed."""
        if isinstance(item, Step):
            self._write_alarms(item)
        elif isinstance(item, Link):
            self._write_link(item)
        elif isinstance(item, Notice) and item.kind not in self._told:
            if item.kind in _TOLD_ONCE:
                self._told.add(item.kind)
            self._out.write(f"streamer: {item.kind}: {item.text}\n")

    def close(self) -> None:
        """Nothing is held back."""
        self._out.flush()

    def _write_link(self, link: Link) -> None:
        at = f" at {link.since:%Y-%m-%d %H:%M}" if link.since else ""
        for _, text in self._link.see(link):
            self._out.write(f"streamer: link{at}: {text}\n")

    def _write_alarms(self, step: Step) -> None:
        raised, over = self._watch.see(step)
        if not raised and not over:
            return
        at = f"{step.reading.at:%Y-%m-%d %H:%M}"
        for alarm in over:
            self._out.write(f"streamer: alarm: {alarm.kind} over at {at}\n")
        for alarm in raised:
            self._out.write(f"streamer: alarm: {alarm.kind} at {at}: {alarm.text}\n")
