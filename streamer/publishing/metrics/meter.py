"""Metrics of one meter: its totals, and its values at present."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from streamer.energy.cost import Accounts
from streamer.publishing.metrics.definitions import Value
from streamer.publishing.metrics.present import present
from streamer.publishing.metrics.tally import Tally
from streamer.publishing.state import MeterState
from streamer.sinks import Item


class MeterMetrics:
    """Metrics of one meter.

    Args:
        state: its state.
    """

    def __init__(self, state: MeterState) -> None:
        meter = state.meter
        self._state = state
        self._tally = Tally(meter.horizons)
        self._accounts = None if meter.tariff is None else Accounts(meter.tariff)

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state, and the item that has led to it."""
        self._state = state
        self._tally.take(item)

    def values(self, now: datetime) -> Iterator[Value]:
        """The values of all its metrics.

        Args:
            now: the time, with a zone.
        """
        yield from present(self._state, now, self._accounts)
        yield from self._tally.values()
