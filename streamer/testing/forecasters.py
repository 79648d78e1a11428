"""Forecasters of a constant or of the last reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamer.models import Answer, ForecastStream, MeansHead


class FixedForecaster:
    """Forecaster of a constant, or of the last reading.

    Args:
        kw: the forecast in kW; None for the last reading (persistence).
        window: readings in a window.
        spread_kw: distance of the quantiles 0.05 and 0.95 from 0.5, in kW; None for no quantiles.
        horizons: numbers of minutes, from 2 to 60 in rising order, whose mean is forecast too,
            with the same values; none by default.
    """

    def __init__(
        self,
        kw: float | None = None,
        *,
        window: int = 49,
        spread_kw: float | None = None,
        horizons: Sequence[int] = (),
    ) -> None:
        self._kw = kw
        self._window = window
        self._spread = spread_kw
        self.horizons: MeansHead | None = None
        if horizons:
            self.horizons = FixedHead(kw, minutes=horizons, spread_kw=spread_kw)

    @property
    def window(self) -> int:
        """Readings in a window."""
        return self._window

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles."""
        return () if self._spread is None else (0.05, 0.5, 0.95)

    def forecast(self, windows: ArrayLike) -> Answer:
        """Forecast the reading after each of (windows, timesteps) in kW."""
        last = np.asarray(windows, dtype=np.float64)[:, -1]
        mean = last.copy() if self._kw is None else np.full(len(last), self._kw)
        offsets = np.array([] if self._spread is None else [-self._spread, 0.0, self._spread])
        return Answer(mean, mean[:, None] + offsets, np.zeros((len(last), 0), np.float32))

    def stream(self) -> ForecastStream:
        """A forecaster for one stream."""
        return _FixedStream(self)


class FixedHead:
    """Head that forecasts a constant, or the last reading, as the mean of the next minutes.

    Args:
        kw: the forecast in kW; None for the last reading.
        minutes: numbers of minutes, in rising order.
        spread_kw: distance of the quantiles 0.05 and 0.95 from the median in kW; None for 0.
    """

    def __init__(
        self, kw: float | None = None, *, minutes: Sequence[int], spread_kw: float | None = None
    ) -> None:
        self.minutes = tuple(minutes)
        self._kw = kw
        spread = spread_kw or 0.0
        self._offsets = np.array([0.0, -spread, 0.0, spread])

    def one(
        self, hidden: NDArray[np.float32], features: NDArray[np.float32], last_kw: float
    ) -> NDArray[np.float64]:
        """Forecast at one reading: (horizons, 4) mean, low, median and high in kW."""
        found: NDArray[np.float64] = self.many(hidden[None], features[None], np.array([last_kw]))[0]
        return found

    def many(
        self,
        hidden: NDArray[np.float32],  # noqa: ARG002 - as the protocol has it
        features: NDArray[np.float32],  # noqa: ARG002
        last_kw: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Forecast at each of several readings: (readings, horizons, 4) in kW."""
        kw = last_kw if self._kw is None else np.full(len(last_kw), self._kw)
        found: NDArray[np.float64] = kw[:, None, None] + self._offsets
        repeated: NDArray[np.float64] = np.repeat(found, len(self.minutes), axis=1)
        return repeated


class _FixedStream:
    def __init__(self, forecaster: FixedForecaster) -> None:
        self._forecaster = forecaster
        self._pushed = 0

    def restart(self, seen: int = 0) -> None:  # noqa: ARG002 - has no lanes to align
        self._pushed = 0

    def push(self, kw: float) -> Answer | None:
        self._pushed += 1
        if self._pushed < self._forecaster.window:
            return None
        return self._forecaster.forecast([[kw]])
