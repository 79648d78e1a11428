"""One stream on the screen: its history, and the part of its past that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.dashboard.chart import plot_columns
from streamer.dashboard.fan import columns_taken
from streamer.dashboard.link import moment
from streamer.dashboard.navigation import Navigation
from streamer.display.horizons import SHOWN
from streamer.history import History, HistorySnapshot
from streamer.history.past import Past
from streamer.readings import Notice
from streamer.readings.seconds import seconds_of
from streamer.sinks import Item

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.history.archive import Archive


class MeterView:
    """A sink with the state of one stream on the screen; `write` may be called from any thread.

    Args:
        clock: returns the current time with a zone, for a meter; None for a replay.
        archive: minutes before those of the stream, to scroll back to.
        horizons: horizons whose means are shown, in minutes.
        tariff: what the energy costs; None if that is not known.
        name: name of the meter, if there are several.

    Attributes:
        name: the name.
        navigation: the part of the past that is shown.
        only_demand: whether demand intervals are shown in place of the other panels.
        failure: why the stream has failed; empty if it has not.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        archive: Archive | None = None,
        horizons: tuple[int, ...] = SHOWN,
        tariff: Tariff | None = None,
        name: str = "",
    ) -> None:
        self.name = name
        self._clock = clock
        self._history = History(horizons, tariff=tariff)
        self._past = Past(self._history.seen, archive)
        self.navigation = Navigation(self._past)
        self.only_demand = False
        self.failure = ""

    def write(self, item: Item) -> None:
        """Take one item of the stream."""
        if self._clock is not None and isinstance(item, Notice) and item.at is None:
            # It refers to the present, not to the last minute received.
            item = replace(item, at=self._clock())
        self._history.write(item)

    def close(self) -> None:
        """Mark the stream as ended."""
        self._history.end()

    @property
    def now(self) -> datetime | None:
        """Current time of a meter; None for a replay."""
        return None if self._clock is None else self._clock()

    @property
    def state(self) -> tuple[object, ...]:
        """Everything that a frame depends on, except for its size."""
        view = (self._history.version, self.failure, self.only_demand, self.navigation.state)
        return (*view, self._times())

    def snapshot(self, width: int) -> HistorySnapshot:
        """Everything that a frame shows; the part of the past ends with the latest step.

        Args:
            width: columns of the terminal.
        """
        snapshot = self._history.snapshot()
        about = snapshot.about
        if self.name and about is not None and not about.source.startswith(f"{self.name} = "):
            named = replace(about, source=f"{self.name} · {about.source}")
            snapshot = replace(snapshot, about=named)
        if snapshot.last is None:
            return snapshot
        navigation = self.navigation
        navigation.width = plot_columns(width)
        navigation.taken = columns_taken(snapshot.last.next_means, snapshot.horizons, width)
        return replace(snapshot, past=navigation.view(seconds_of(snapshot.last.reading.at)))

    def begin_key(self, width: int) -> None:
        """Prepare for a key that changes what is shown.

        Args:
            width: columns of the terminal.
        """
        self.navigation.width = plot_columns(width)
        self._past.retry()

    def toggle_demand(self) -> None:
        """Show demand intervals in place of the other panels, or no longer."""
        self.only_demand = not self.only_demand

    def _times(self) -> tuple[str, ...]:
        """All parts of a frame that depend on the time of day."""
        if self._clock is None:
            return ()
        history = self._history
        return moment(HistorySnapshot(link=history.link, sample=history.sample, now=self.now))
