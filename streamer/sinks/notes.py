"""Notices, alarms, switched loads and connection changes as text, for use without a dashboard."""

from __future__ import annotations

from typing import TextIO

from streamer.display.lines import one_line
from streamer.readings import Link, Notice, Step
from streamer.sinks import Item
from streamer.sinks.switched import switched_text
from streamer.sinks.watch import AlarmWatch, OutageWatch

_REPORTED_ONCE = (Notice.MALFORMED, Notice.ORDER, Notice.ABSURD, Notice.REFUSED)


class NoteSink:
    """Writes notices, alarms, switched loads and changes of the connection, one line each.

    Of skipped rows and refused requests only the first of each kind and reason is written,
    because the summary counts them all. An alarm is written when it is raised and when it is
    over, a connection when it is lost and when it is back.

    Args:
        out: stream to write to, usually standard error.
        meter: name of the meter; empty if there is one only.
    """

    def __init__(self, out: TextIO, meter: str = "") -> None:
        self._out = out
        self._label = f"{meter}: " if meter else ""
        self._reported: set[tuple[str, str]] = set()
        self._watch = AlarmWatch()
        self._link = OutageWatch()

    def write(self, item: Item) -> None:
        """Write a notice, or the changes that a step or a link brings."""
        if isinstance(item, Step):
            self._write_alarms(item)
            for event in item.switched:
                at = item.reading.at
                self._say(f"switched at {at:%Y-%m-%d %H:%M}: {switched_text(event, at)}")
        elif isinstance(item, Link):
            self._write_link(item)
        elif isinstance(item, Notice) and (item.kind, item.reason) not in self._reported:
            if item.kind in _REPORTED_ONCE:
                self._reported.add((item.kind, item.reason))
            self._say(f"{item.kind}: {item.text}")

    def close(self) -> None:
        """Flush the stream."""
        self._out.flush()

    def _say(self, text: str) -> None:
        self._out.write(f"streamer: {self._label}{one_line(text)}\n")

    def _write_link(self, link: Link) -> None:
        at = f" at {link.since:%Y-%m-%d %H:%M}" if link.since else ""
        for _, text in self._link.see(link):
            self._say(f"link{at}: {text}")

    def _write_alarms(self, step: Step) -> None:
        raised, over = self._watch.see(step)
        if not raised and not over:
            return
        at = f"{step.reading.at:%Y-%m-%d %H:%M}"
        for alarm in over:
            self._say(f"alarm: {alarm.kind} over at {at}")
        for alarm in raised:
            self._say(f"alarm: {alarm.kind} at {at}: {alarm.text}")
