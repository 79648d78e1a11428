"""Tells a person without a dashboard what went wrong on the way."""

from __future__ import annotations

from typing import TextIO

from streamer.readings import Notice
from streamer.sinks import Item

_TOLD_ONCE = (Notice.MALFORMED, Notice.ORDER, Notice.ABSURD)


class NoteSink:
    """Writes notices as lines; of skipped rows the first of a kind, since all are counted.

    Args:
        out: where to, usually the standard error.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: set[str] = set()

    def write(self, item: Item) -> None:
        """Write a notice."""
        if not isinstance(item, Notice) or item.kind in self._told:
            return
        if item.kind in _TOLD_ONCE:
            self._told.add(item.kind)
        self._out.write(f"streamer: {item.kind}: {item.text}\n")

    def close(self) -> None:
        """Nothing is held back."""
        self._out.flush()
