"""Forecasts issued at the readings of a stream: the engine, and what is learnt online."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.models import Answer
from streamer.models.plugins import AnyForecaster, SimpleForecaster
from streamer.models.plugins.blocks import BlockStream
from streamer.models.plugins.single import SingleStream
from streamer.models.plugins.traits import Traits, takes_blocks
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.guard import HOURS
from streamer.online.layer import Adapt, Online, recent_changes
from streamer.online.netload import NetLoad
from streamer.online.position import Position
from streamer.readings import Adaptation, Notice, Reading
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
    and is rebuilt from the ring buffer before the next single reading. A forecaster that takes a
    window at a time, and may learn from each reading, is given them one by one always.

    Args:
        forecaster: model that forecasts the consumption from a window.
        traits: its traits.
        adapt: as for `streamer.online.layer.Online`, like the next.
        confidence: nominal coverage of the bands.
        keep_hidden: whether the network's hidden state is kept.

    Attributes:
        hidden: (1, units) the network's last hidden state at the forecast that `one` has issued,
            if it is kept; None if it issued none.
    """

    def __init__(
        self,
        forecaster: AnyForecaster,
        traits: Traits,
        *,
        adapt: Adapt,
        confidence: float,
        keep_hidden: bool = False,
    ) -> None:
        self._keeps = keep_hidden
        self._window_size = traits.window
        self.hidden: FloatArray | None = None
        self._online = Online(traits.levels, adapt=adapt, confidence=confidence)
        self._net_load = NetLoad()
        self._single: SingleStream | None = None
        self._blocks: BlockStream | None = None
        self._stream: BlockStream | SingleStream
        if takes_blocks(forecaster):
            self._stream = self._blocks = BlockStream(forecaster, traits)
        else:
            self._stream = self._single = SingleStream(cast(SimpleForecaster, forecaster), traits)

    @property
    def is_behind(self) -> bool:
        """Whether the cache of the engine has to be rebuilt by `catch_up`."""
        return self._blocks is not None and self._blocks.is_behind

    def gathered(self) -> list[Notice]:
        """Notices about faults of the forecaster since the last call."""
        return self._stream.gathered()

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
        answer = self._stream.one(reading.at, kw, reading.channels)
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

    def answers(self, powers: Powers, position: Position) -> Iterable[Answer] | None:
        """The forecaster's answers at the readings of a part.

        Args:
            powers: (readings,) the part.
            position: that before it.

        Returns:
            The answers at its last readings, one at each whose window is full, in parts: where
            threads allow it, a network computes the next one while the first is processed. None
            if the readings have to be taken one by one.
        """
        if self._blocks is None:
            return None
        kw = powers.consumption_kw
        known = np.concatenate([position.buffer.last(self._window_size - 1), kw])
        windows = min(len(known) - self._window_size + 1, len(kw))
        if windows < 1:
            return ()
        views = self._windows(known, powers.channels, position)[-windows:]
        return self._blocks.many(views)

    def many(
        self,
        powers: Powers,
        times: Sequence[int],
        position: Position,
        answers: Iterable[Answer],
    ) -> Iterator[IssuedPart]:
        """Forecast after each reading of a part, and learn from all forecasts settled in it.

        Args:
            powers: (readings,) the part, whose first reading has been settled.
            times: (readings,) their parts of the day.
            position: that before it.
            answers: those of `answers` for the part.

        Yields:
            The forecasts at its last readings, one at each whose window is full, in parts.
        """
        if self._blocks is not None:
            self._blocks.is_behind = True
        kw, terms = powers.consumption_kw, self._net_load.see(powers)
        known = np.concatenate([position.buffer.last(max(self._window_size - 1, 2)), kw])
        windows = min(len(known) - self._window_size + 1, len(kw))
        if windows < 1:
            return
        recent, first = recent_changes(known, windows), len(kw) - windows
        start = 0
        for answer in answers:
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
        self._stream.restart(seen)

    def catch_up(self, position: Position) -> None:
        """Rebuild the cache of the engine from the ring buffer."""
        if self._blocks is None:
            return
        window = self._window_size
        recent = position.buffer.last(window)
        self._blocks.restart(seen=position.counts.readings - len(recent))
        buffer = position.channels
        channels = repeat(()) if buffer is None else buffer.last(window).tolist()
        for kw, values in zip(recent.tolist(), channels, strict=False):
            self._blocks.refill(kw, values)

    def _windows(
        self, known: DoubleArray, channels: DoubleArray | None, position: Position
    ) -> DoubleArray:
        """Windows as the model takes them, as views.

        Args:
            known: (known,) powers up to the last reading of the part.
            channels: (readings, channels) those of the part.
            position: that before it.
        """
        window = self._window_size
        if position.channels is None or channels is None:
            return sliding_window_view(known, window)
        before = position.channels.last(len(known) - len(channels))
        series = np.column_stack([known, np.concatenate([before, channels])])
        return sliding_window_view(series, window, axis=0).transpose(0, 2, 1)

    def state(self) -> dict[str, Any]:
        """Everything that has been learnt, as plain JSON values."""
        return {
            "online": self._online.state(),
            "net_load": self._net_load.state(),
            **({} if self._single is None else {"forecaster": self._single.state()}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, for which this one has to be new.

        Raises:
            StateError: it has another confidence or another kind of adaptation.
            KeyError, TypeError, ValueError: it is damaged.
        """
        self._online.restore(state["online"])
        self._net_load.restore(state.get("net_load"))
        if self._blocks is not None:
            self._blocks.is_behind = True

    def restore_forecaster(self, state: Mapping[str, Any]) -> None:
        """Give a forecaster what it had learnt, once all else of a saved state is restored.

        The forecaster belongs to whoever has made the pipeline, and is changed in place.

        Raises:
            StateError: the forecaster does not take it, and is as it was.
            AttributeError, LookupError, TypeError, ValueError: it is damaged.
        """
        if self._single is not None:
            self._single.restore(state.get("forecaster"))
