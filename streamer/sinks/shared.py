"""Sinks that several threads write to."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from streamer.sinks import Item, Sink


class SharedSinks:
    """Passes each item on to several sinks, one item at a time, from whichever thread.

    Args:
        sinks: the sinks, in the order in which they get each item.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        # A sink may report something while it takes an item.
        self._lock = threading.RLock()

    def write(self, item: Item) -> None:
        """Pass an item on."""
        with self._lock:
            for sink in self._sinks:
                sink.write(item)

    def close(self) -> None:
        """Close all sinks."""
        with self._lock:
            for sink in self._sinks:
                sink.close()
