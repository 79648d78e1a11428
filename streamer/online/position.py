"""Position in a stream: its last readings, the forecast that waits, and the totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from streamer.errors import StateError
from streamer.online.forecasts import forecast_state, restored_forecast
from streamer.readings import Counts, Forecast, Reading
from streamer.readings.arrays import IntArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.buffer import CAPACITY, RingBuffer
from streamer.readings.packing import packed, unpacked
from streamer.readings.powers import GRID_ONLY, SidePowers, side_powers_of
from streamer.readings.saved import count, numbers

_STATE_VERSION = 3


class Position:
    """What a pipeline knows of its stream, apart from what it has learnt.

    Args:
        window: number of readings that the model forecasts from.
        channels: names of the channels that it takes beside the power.

    Attributes:
        buffer: the last readings, as the consumption of the house in kW.
        channels: their channels in the model's order; None for a model of the power alone.
        waiting: the forecast that the next reading settles, if any.
        last_at: time of the last reading; None before the first.
        side_powers: those of the readings in the buffer; None if it is empty.
        counts: totals of the stream so far.
    """

    def __init__(self, window: int, channels: Sequence[str] = ()) -> None:
        self._window = window
        self._channels = channels
        capacity = max(CAPACITY, window + 1)
        self.buffer = RingBuffer(capacity)
        self.channels = RingBuffer(capacity, len(channels)) if channels else None
        self.waiting: Forecast | None = None
        self.last_at: datetime | None = None
        self.side_powers: SidePowers | None = None
        self.counts = Counts()

    def side_powers_change(self, reading: Reading) -> bool:
        """True if the next reading has other side powers than those in the buffer."""
        found = (reading.solar_kw is not None, reading.battery_kw is not None)
        return found != self.side_powers and self.side_powers is not None

    def advance(self, reading: Reading, missing: int, forecast: Forecast | None) -> None:
        """Move to the next reading, at which a forecast may have been issued."""
        self.buffer.push(reading.consumption_kw)
        if self.channels is not None:
            self.channels.push(reading.channels)
        self._move(reading, 1, missing, missing > 0, forecast)

    def advance_many(
        self, readings: ReadingBlock, missing: IntArray, forecast: Forecast | None
    ) -> None:
        """Move to the last of some readings, at which a forecast may have been issued.

        Args:
            readings: at least one.
            missing: (readings,) minutes missing before each.
            forecast: the forecast.
        """
        self.buffer.extend(readings.consumption_kw)
        if self.channels is not None and readings.channels is not None:
            self.channels.extend(readings.channels)
        gaps = int(np.count_nonzero(missing))
        self._move(readings[-1], len(readings), int(missing.sum()), gaps, forecast)

    def reset(self) -> None:
        """Empty the buffer; no forecast waits any more."""
        counts = self.counts
        self.counts = Counts(counts.readings, counts.gaps, counts.gap_minutes, counts.resets + 1)
        self.buffer.clear()
        if self.channels is not None:
            self.channels.clear()
        self.waiting = self.side_powers = None

    def state(self) -> dict[str, Any]:
        """The position as plain JSON values."""
        return {
            "version": _STATE_VERSION,
            "window": self._window,
            "last_at": None if self.last_at is None else self.last_at.isoformat(),
            "channels": None if self.side_powers is None else list(self.side_powers),
            "buffer_kw": self.buffer.values().tolist(),
            "buffer_channels": self._channels_state(),
            "waiting": forecast_state(self.waiting),
            "counts": {name: getattr(self.counts, name) for name in Counts.__slots__},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved position, for which this one has to be new.

        States that were saved by earlier versions have no power but the grid's.

        Raises:
            StateError: the state has another version, window or other channels.
            AttributeError, LookupError, TypeError, ValueError: it is damaged.
        """
        version, window = state.get("version"), state.get("window")
        if version != _STATE_VERSION:
            raise StateError(f"saved state has version {version!r:.40}, expected {_STATE_VERSION}")
        if window != self._window:
            raise StateError(
                f"saved state is for a model with a window of {window!r:.40} readings, "
                f"this one has {self._window}"
            )
        last_at = state["last_at"]
        if last_at is not None:
            self.last_at = datetime.fromisoformat(last_at)
            self.side_powers = _restored_side_powers(state.get("channels", GRID_ONLY))
        self.buffer.extend(numbers(state["buffer_kw"], most=self.buffer.capacity))
        self._restore_channels(state.get("buffer_channels"))
        self.waiting = restored_forecast(state["waiting"])
        self.counts = Counts(**{name: count(state["counts"][name]) for name in Counts.__slots__})

    def _channels_state(self) -> dict[str, Any] | None:
        """The channels of the buffer as plain JSON values; None for a model of the power alone."""
        if self.channels is None:
            return None
        return {"names": list(self._channels), "values": packed(self.channels.values())}

    def _restore_channels(self, state: Mapping[str, Any] | None) -> None:
        names = [] if state is None else state["names"]
        if names != [*self._channels]:
            raise StateError(
                f"saved state is for a model that takes {_listed(names)} beside the power, this "
                f"one takes {_listed(self._channels)}"
            )
        if state is not None and self.channels is not None:
            shape = (len(self.buffer), len(names))
            self.channels.extend(unpacked(state["values"], shape[0] * shape[1]).reshape(shape))

    def _move(
        self,
        reading: Reading,
        readings: int,
        gap_minutes: int,
        gaps: int,
        forecast: Forecast | None,
    ) -> None:
        counts = self.counts
        self.counts = Counts(
            counts.readings + readings,
            counts.gaps + gaps,
            counts.gap_minutes + gap_minutes,
            counts.resets,
        )
        self.last_at, self.waiting = reading.at, forecast
        if self.side_powers is None:
            self.side_powers = side_powers_of(reading)


def _listed(names: Sequence[Any]) -> str:
    return f"{', '.join(map(str, names)):.200}" if names else "nothing"


def _restored_side_powers(state: Any) -> SidePowers:
    solar, battery = state
    if not isinstance(solar, bool) or not isinstance(battery, bool):
        raise TypeError(f"side powers are {state!r:.40}, not two truth values")
    return solar, battery
