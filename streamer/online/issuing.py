"""Forecasts issued at the readings of a stream: the engine, and what is learnt online."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.models import (
    Answer,
    ChannelForecaster,
    ChannelStream,
    Forecaster,
    ForecastStream,
    forecast_ahead,
)
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.guard import HOURS
from streamer.online.layer import Adapt, Online, recent_changes
from streamer.online.netload import NetLoad
from streamer.online.position import Position
from streamer.readings import Adaptation, Reading
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.readings.powers import Powers

_NOTHING: DoubleArray = np.empty(0)


class IssuedPart(NamedTuple):
    """Forecasts at consecutive readings of a part.

    Attributes:
        end: number of readings of the part up to the last of them.
        batch: the forecasts.
        hidden: (forecasts, units) the network's last hidden states.
    """

    end: int
    batch: ForecastBatch
    hidden: FloatArray


class Issuer:
    """Issues the forecasts of one stream, and learns from the readings that settle them.

    One by one, the network advances by a single step of all windows under way. In a block, all
    windows are known in advance and are forecast together; the engine's cache is then behind,
    and is rebuilt from the ring buffer before the next single reading.

    Args:
        forecaster: model that forecasts the consumption from a window.
        adapt: as for `streamer.online.layer.Online`, like the next.
        confidence: nominal coverage of the bands.
        keep_hidden: whether the network's hidden state is kept.

    Attributes:
        is_behind: whether the cache of the engine has to be rebuilt by `catch_up`.
        hidden: (1, units) the network's last hidden state at the forecast that `one` has issued,
            if it is kept; None if it issued none.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        *,
        adapt: Adapt,
        confidence: float,
        keep_hidden: bool = False,
    ) -> None:
        self._forecaster = forecaster
        self._keeps = keep_hidden
        self.hidden: FloatArray | None = None
        self._online = Online(forecaster.levels, adapt=adapt, confidence=confidence)
        self._net_load = NetLoad()
        self._stream: ForecastStream
        self._channel_stream: ChannelStream | None = None
        if isinstance(forecaster, ChannelForecaster) and forecaster.channels:
            self._stream = self._channel_stream = forecaster.stream()
        else:
            self._stream = forecaster.stream()
        self.is_behind = False

    @property
    def adaptation(self) -> Adaptation | None:
        """State of the correction; None if nothing is corrected."""
        return self._online.get()

    def settle(self, consumption_kw: float, grid_kw: float) -> None:
        """Learn from the powers of the reading that the last forecast was issued for."""
        self._online.settle(consumption_kw, grid_kw)

    def one(self, reading: Reading, kw: float, position: Position) -> Issued | None:
        """The forecast issued at a reading; None as long as its window is not full.

        Args:
            reading: the reading.
            kw: its consumption.
            position: that before it.
        """
        answer = self._push(kw, reading.channels)
        terms = self._net_load.see_one(reading)
        if answer is None:
            self.hidden = None
            return None
        self.hidden = answer.hidden if self._keeps else None
        known = np.array([*position.buffer.last(2).tolist(), kw])
        recent, day_part = recent_changes(known, 1), reading.at.hour // HOURS
        if terms is None:
            return self._online.see_one(answer, recent, day_part)
        return self._online.see(answer, recent, _NOTHING, [day_part], terms).issued()[0]

    def many(
        self, powers: Powers, times: Sequence[int], position: Position
    ) -> Iterator[IssuedPart]:
        """Forecast after each reading of a part, and learn from all forecasts settled in it.

        Args:
            powers: (readings,) the part, whose first reading has been settled.
            times: (readings,) their parts of the day.
            position: that before it.

        Yields:
            The forecasts at its last readings, one at each whose window is full, in parts: where
            threads allow it, a network computes the next one meanwhile.
        """
        self.is_behind = True
        kw, terms = powers.consumption_kw, self._net_load.see(powers)
        window = self._forecaster.window
        known = np.concatenate([position.buffer.last(max(window - 1, 2)), kw])
        windows = min(len(known) - window + 1, len(kw))
        if windows < 1:
            return
        views = self._windows(known, powers.channels, position)[-windows:]
        recent, first = recent_changes(known, windows), len(kw) - windows
        start = 0
        for answer in forecast_ahead(self._forecaster, views):
            rows = slice(start, start + len(answer.mean_kw))
            at = slice(first + rows.start, first + rows.stop)
            settling = kw[at.start + 1 : at.stop + 1]
            theirs = None if terms is None else terms[at]
            seen = self._online.see(answer, recent[rows], settling, times[at], theirs)
            yield IssuedPart(at.stop, seen, answer.hidden)
            start = rows.stop

    def restart(self, seen: int) -> None:
        """Begin a new window, as after a long gap; what has been learnt remains.

        Args:
            seen: number of readings before it.
        """
        self._net_load.restart()
        self._stream.restart(seen=seen)
        self.is_behind = False

    def catch_up(self, position: Position) -> None:
        """Rebuild the cache of the engine from the ring buffer."""
        window = self._forecaster.window
        recent = position.buffer.last(window)
        self._stream.restart(seen=position.counts.readings - len(recent))
        buffer = position.channels
        channels = repeat(()) if buffer is None else buffer.last(window).tolist()
        for kw, values in zip(recent.tolist(), channels, strict=False):
            self._push(kw, values)
        self.is_behind = False

    def _push(self, kw: float, channels: Sequence[float]) -> Answer | None:
        if self._channel_stream is None:
            return self._stream.push(kw)
        return self._channel_stream.push(kw, channels)

    def _windows(
        self, known: DoubleArray, channels: DoubleArray | None, position: Position
    ) -> DoubleArray:
        """Windows as the model takes them, as views.

        Args:
            known: (known,) powers up to the last reading of the part.
            channels: (readings, channels) those of the part.
            position: that before it.
        """
        window = self._forecaster.window
        if position.channels is None or channels is None:
            return sliding_window_view(known, window)
        before = position.channels.last(len(known) - len(channels))
        series = np.column_stack([known, np.concatenate([before, channels])])
        return sliding_window_view(series, window, axis=0).transpose(0, 2, 1)

    def state(self) -> dict[str, Any]:
        """Everything that has been learnt, as plain JSON values."""
        return {"online": self._online.state(), "net_load": self._net_load.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, for which this one has to be new.

        Raises:
            StateError: it has another confidence or another kind of adaptation.
            KeyError, TypeError, ValueError: it is damaged.
        """
        self._online.restore(state["online"])
        self._net_load.restore(state.get("net_load"))
        self.is_behind = True
