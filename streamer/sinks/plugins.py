"""Sinks that are plug-ins: made by name, and kept from ending the stream."""

from __future__ import annotations

from collections.abc import Callable

from streamer.display.lines import one_line
from streamer.errors import PluginError
from streamer.plugins import PluginGroup
from streamer.readings import Notice
from streamer.sinks import Item, Sink

SINKS = PluginGroup(group="streamer.sinks", kind="sink")

_MAX_TEXT = 200


def make_sink(text: str) -> Sink:
    """Make the sink of a name, such as ``mine:Lamp``.

    Raises:
        UsageError: it does not exist, or what it needs is not installed.
        PluginError: its code raises an exception, or it has no methods `write` and `close`.
    """
    sink = SINKS.make(text)
    if not isinstance(sink, Sink) or isinstance(sink, type):
        raise PluginError(f"the sink {one_line(text)} has no methods write(item) and close()")
    return sink


class GuardedSink:
    """Sink whose exceptions do not end the stream.

    It misses the item at which it raises one, and is given the next ones. The first exception of
    each class is reported.

    Args:
        sink: the sink.
        name: its name, for messages.
        report: takes the notices about it.
    """

    def __init__(self, sink: Sink, name: str, report: Callable[[Notice], None]) -> None:
        self._sink = sink
        self._name = one_line(name)
        self._report = report
        self._known: set[str] = set()

    def write(self, item: Item) -> None:
        """Pass an item on."""
        try:
            self._sink.write(item)
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self._add(error, "write()", "it misses that item")

    def close(self) -> None:
        """Close the sink."""
        try:
            self._sink.close()
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self._add(error, "close()", "what it had not written yet may be lost")

    def _add(self, error: Exception, call: str, effect: str) -> None:
        kind = type(error).__name__
        if f"{call} {kind}" not in self._known:
            self._known.add(f"{call} {kind}")
            what = one_line(f"raised {kind}: {error}")[:_MAX_TEXT]
            text = f"sink {self._name}: {call} {what}; {effect}"
            self._report(Notice(Notice.WARNING, text, reason=Notice.PLUGIN))
