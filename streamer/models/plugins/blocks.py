"""Answers of a forecaster of windows in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from streamer.models import (
    Answer,
    ChannelForecaster,
    ChannelStream,
    Forecaster,
    ForecastStream,
    forecast_ahead,
)
from streamer.models.forecaster import NetworkForecaster
from streamer.models.plugins.faults import FaultError, Faults, checked_answer
from streamer.models.plugins.traits import Traits
from streamer.readings import Notice
from streamer.readings.arrays import DoubleArray


class BlockStream:
    """Answers of a `Forecaster` to one stream, each of them checked.

    Those of a network of this package need no check: its weights are bounded when it is loaded,
    and its inputs when it is run.

    Args:
        forecaster: the forecaster.
        traits: its traits.

    Attributes:
        is_behind: whether its cache has to be rebuilt from the ring buffer by `restart` and `push`,
            as after a block or a fault.
    """

    def __init__(self, forecaster: Forecaster, traits: Traits) -> None:
        self._forecaster = forecaster
        self._levels = len(traits.levels)
        self._is_network = isinstance(forecaster, NetworkForecaster)
        self.faults = Faults(traits.name)
        self._units: int | None = None
        self._stream: ForecastStream
        self._channel_stream: ChannelStream | None = None
        if isinstance(forecaster, ChannelForecaster) and forecaster.channels:
            self._stream = self._channel_stream = forecaster.stream()
        else:
            self._stream = forecaster.stream()
        self.is_behind = False

    def one(self, at: datetime, kw: float, channels: Sequence[float]) -> Answer | None:
        """Take a reading, and forecast the next one.

        Args:
            at: its time.
            kw: its power in kW.
            channels: its channels, as the traits name them.

        Returns:
            The answer for one window; None before the first is full, and without a forecast.
        """
        if self._is_network:
            return self._push(kw, channels)
        if self.is_behind:  # it could not be begun anew
            return None
        try:
            answer = self._push(kw, channels)
            return None if answer is None else self._checked(answer, 1)
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self.faults.add(error, "stream().push()", at)
            self.is_behind = True
            return None

    def many(self, windows: DoubleArray) -> Iterable[Answer] | None:
        """Forecast the reading after each window of a block.

        Args:
            windows: (windows, timesteps) or (windows, timesteps, inputs).

        Returns:
            The answer in consecutive parts, computed ahead by a network; None if a part of it
            cannot be used, so that the readings have to be taken one by one.
        """
        if self._is_network:
            return forecast_ahead(self._forecaster, windows)
        try:
            parts = list(forecast_ahead(self._forecaster, windows))
            if len(parts) == 1:
                return [self._checked(parts[0], len(windows))]
            checked = [self._checked(part, len(part.mean_kw)) for part in parts]
        except Exception:  # noqa: BLE001 - of anybody's code; reported where a reading fails
            return None
        return checked if sum(len(part.mean_kw) for part in checked) == len(windows) else None

    def restart(self, seen: int) -> None:
        """Begin a new window, as after a long gap.

        Args:
            seen: number of readings before it.
        """
        self.is_behind = False
        if self._is_network:
            self._stream.restart(seen=seen)
            return
        try:
            self._stream.restart(seen=seen)
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self.is_behind = True
            self.faults.add(error, "stream().restart()", None, effect="it is tried again")

    def refill(self, kw: float, channels: Sequence[float]) -> None:
        """Take a reading of the ring buffer again, after `restart`."""
        if self._is_network:
            self._push(kw, channels)
            return
        try:
            self._push(kw, channels)
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self.faults.add(error, "stream().push()", None, effect="its window is not complete")

    def gathered(self) -> list[Notice]:
        """Notices about faults since the last call."""
        return self.faults.gathered()

    def _push(self, kw: float, channels: Sequence[float]) -> Answer | None:
        if self._channel_stream is None:
            return self._stream.push(kw)
        return self._channel_stream.push(kw, channels)

    def _checked(self, answer: Answer, windows: int) -> Answer:
        checked = checked_answer(answer, windows, self._levels)
        units = checked.hidden.shape[1]
        if self._units not in (None, units):
            raise FaultError("shape", f"gave {units} hidden units, and {self._units} before")
        self._units = units
        return checked
