"""Metrics of all meters for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.lines import one_line
from streamer.extras import optional_import
from streamer.publishing.metrics.definitions import Value

if TYPE_CHECKING:
    from streamer.publishing.metrics.meter import MeterMetrics
    from streamer.publishing.state import MeterState
    from streamer.sinks import Item


class Metrics:
    """Metrics of the meters whose items it takes, as Prometheus scrapes them.

    Gauges are of the present: one that is too old is left out. Counters begin at zero with
    the process and never fall.

    Raises:
        MissingExtraError: prometheus-client is not installed.
    """

    def __init__(self) -> None:
        with optional_import("the page /metrics", "metrics"):
            from streamer.publishing.metrics.registry import Registry
        self._meters: dict[str, MeterMetrics] = {}
        self._failures: Counter[str] = Counter()
        self._registry = Registry()

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it."""
        found = self._meters.get(state.meter.key)
        if found is None:
            from streamer.publishing.metrics.meter import MeterMetrics

            found = self._meters[state.meter.key] = MeterMetrics(state)
        found.take(state, item)

    def count_failure(self, publisher: str) -> None:
        """Count that a publisher has failed and will be run again.

        Args:
            publisher: its name.
        """
        self._failures[one_line(publisher)] += 1

    def exposition(self, now: datetime, accept: str = "") -> tuple[bytes, str]:
        """All metrics as text.

        Args:
            now: the time, with a zone.
            accept: the formats that are accepted, as the header `Accept` has it.

        Returns:
            The text, in OpenMetrics if that is accepted, and its content type.
        """
        return self._registry.exposition(list(self._rows(now)), accept)

    def _rows(self, now: datetime) -> Iterator[tuple[str, Value]]:
        for publisher, count in self._failures.items():
            yield "", Value("streamer_publisher_failures_total", count, (publisher,))
        for key, meter in self._meters.items():
            for value in meter.values(now):
                yield key, value
