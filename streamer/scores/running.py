"""Running and rolling scores of the model, beside those of persistence.

Running means are river's `stats.Mean`, on which its regression metrics are built.
The rolling means are our own: river's `utils.Rolling` subtracts the values that leave the
window, so that rounding errors accumulate, and one huge error never disappears entirely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.readings import BandScores, ErrorScores, Scores
from streamer.readings.arrays import DoubleArray
from streamer.readings.saved import count, number
from streamer.scores.rolling import RollingMean

HOUR = 60
DAY = 1440

MAX_ERROR_KW = 1e150
"""Errors in kW are clipped to this bound, whose square is still finite."""


class _RunningErrors:
    """Errors of one forecaster."""

    def __init__(self) -> None:
        # Imported at first use: river loads scipy, which would delay the first screen.
        from river import stats

        self._squared = stats.Mean()
        self._absolute = stats.Mean()
        self._hour = RollingMean(HOUR)
        self._day = RollingMean(DAY)

    def update(self, error_kw: float) -> ErrorScores:
        absolute = min(abs(error_kw), MAX_ERROR_KW)
        squared = absolute * absolute
        self._squared.update(squared)
        self._absolute.update(absolute)
        return ErrorScores(
            self._squared.get(),
            self._absolute.get(),
            self._hour.update(squared),
            self._day.update(squared),
        )

    def update_many(self, error_kw: DoubleArray) -> None:
        absolute = np.minimum(np.abs(error_kw), MAX_ERROR_KW)
        squared = absolute * absolute
        self._squared.update_many(squared)
        self._absolute.update_many(absolute)
        self._hour.update_many(squared)
        self._day.update_many(squared)

    def get(self) -> ErrorScores:
        if not self._squared.n:
            return ErrorScores()
        return ErrorScores(
            self._squared.get(), self._absolute.get(), self._hour.get(), self._day.get()
        )

    def state(self) -> dict[str, Any]:
        return {
            "mse_kw2": self._squared.get(),
            "mae_kw": self._absolute.get(),
            "hour": self._hour.state(),
            "day": self._day.state(),
        }

    def restore(self, state: Mapping[str, Any], settled: int) -> None:
        if settled:
            # A mean takes its first value unchanged, at any weight.
            self._squared.update(number(state["mse_kw2"]), w=settled)
            self._absolute.update(number(state["mae_kw"]), w=settled)
        self._hour.restore(state["hour"])
        self._day.restore(state["day"])


class _RunningBand:
    """Coverage, width and Winkler score of the bands."""

    def __init__(self, confidence: float) -> None:
        from river import stats

        self._confidence = confidence
        self._per_kw_outside = 2.0 / (1.0 - confidence)
        self._inside = stats.Mean()
        self._width = stats.Mean()
        self._winkler = stats.Mean()
        self._day_inside = RollingMean(DAY)
        self._day_width = RollingMean(DAY)

    def update(self, actual_kw: float, low_kw: float, high_kw: float) -> BandScores:
        inside = 1.0 if low_kw <= actual_kw <= high_kw else 0.0
        width = min(high_kw - low_kw, MAX_ERROR_KW)
        outside = min(max(low_kw - actual_kw, actual_kw - high_kw, 0.0), MAX_ERROR_KW)
        self._inside.update(inside)
        self._width.update(width)
        self._winkler.update(width + self._per_kw_outside * outside)
        return BandScores(
            self._confidence,
            self._inside.get(),
            self._day_inside.update(inside),
            self._width.get(),
            self._day_width.update(width),
            self._winkler.get(),
        )

    def update_many(
        self,
        actual_kw: DoubleArray,
        low_kw: DoubleArray,
        high_kw: DoubleArray,
    ) -> None:
        below = np.clip(low_kw - actual_kw, 0.0, MAX_ERROR_KW)
        above = np.clip(actual_kw - high_kw, 0.0, MAX_ERROR_KW)
        inside = ((below == 0.0) & (above == 0.0)).astype(np.float64)
        width = np.minimum(high_kw - low_kw, MAX_ERROR_KW)
        self._inside.update_many(inside)
        self._width.update_many(width)
        self._winkler.update_many(width + self._per_kw_outside * np.maximum(below, above))
        self._day_inside.update_many(inside)
        self._day_width.update_many(width)

    def get(self) -> BandScores:
        if not self._inside.n:
            return BandScores(self._confidence)
        return BandScores(
            self._confidence,
            self._inside.get(),
            self._day_inside.get(),
            self._width.get(),
            self._day_width.get(),
            self._winkler.get(),
        )

    def state(self) -> dict[str, Any]:
        return {
            "coverage": self._inside.get(),
            "width_kw": self._width.get(),
            "winkler_kw": self._winkler.get(),
            "day_inside": self._day_inside.state(),
            "day_width": self._day_width.state(),
        }

    def restore(self, state: Mapping[str, Any], settled: int) -> None:
        if settled:
            self._inside.update(number(state["coverage"]), w=settled)
            self._width.update(number(state["width_kw"]), w=settled)
            self._winkler.update(number(state["winkler_kw"]), w=settled)
        self._day_inside.restore(state["day_inside"])
        self._day_width.restore(state["day_width"])


class RunningScores:
    """Scores of settled forecasts.

    Args:
        confidence: nominal coverage of the bands.
        adapted: whether the network's own forecasts are scored as well.

    >>> scores = RunningScores()
    >>> scores.get().model.mse_kw2 is None
    True
    >>> after = scores.update(
    ...     actual_kw=1.0, forecast_kw=1.5, last_kw=2.0, frozen_kw=1.5, low_kw=0.5, high_kw=2.5
    ... )
    >>> after.settled, after.model.mse_kw2, after.persistence.mse_kw2, after.skill
    (1, 0.25, 1.0, 0.75)
    >>> after.band.coverage, after.band.width_kw
    (1.0, 2.0)
    """

    def __init__(self, *, confidence: float = 0.9, adapted: bool = False) -> None:
        self._confidence = confidence
        self._adapted = adapted
        self._settled = 0
        self._running: _Running | None = None

    def update(
        self,
        *,
        actual_kw: float,
        forecast_kw: float,
        last_kw: float,
        frozen_kw: float,
        low_kw: float,
        high_kw: float,
    ) -> Scores:
        """Score one settled forecast beside persistence.

        Args:
            actual_kw: the reading.
            forecast_kw: the forecast shown for it.
            last_kw: the reading before it, which is the persistence forecast.
            frozen_kw: the network's own forecast.
            low_kw: lower end of the band.
            high_kw: upper end of the band.

        Returns:
            The scores, this forecast included.
        """
        running = self._parts()
        self._settled += 1
        frozen = running.frozen
        return Scores(
            self._settled,
            running.model.update(actual_kw - forecast_kw),
            running.persistence.update(actual_kw - last_kw),
            None if frozen is None else frozen.update(actual_kw - frozen_kw),
            running.band.update(actual_kw, low_kw, high_kw),
        )

    def update_many(
        self,
        *,
        actual_kw: DoubleArray,
        forecast_kw: DoubleArray,
        last_kw: DoubleArray,
        frozen_kw: DoubleArray,
        low_kw: DoubleArray,
        high_kw: DoubleArray,
    ) -> None:
        """Score consecutive settled forecasts.

        The running means agree with those of `update` to rounding, the rolling means exactly.

        Args:
            actual_kw: (forecasts,) as for `update`, like those below.
            forecast_kw: (forecasts,).
            last_kw: (forecasts,).
            frozen_kw: (forecasts,).
            low_kw: (forecasts,).
            high_kw: (forecasts,).
        """
        if not len(actual_kw):
            return
        running = self._parts()
        self._settled += len(actual_kw)
        with np.errstate(over="ignore"):  # overflowing errors are clipped
            running.model.update_many(actual_kw - forecast_kw)
            running.persistence.update_many(actual_kw - last_kw)
            if running.frozen is not None:
                running.frozen.update_many(actual_kw - frozen_kw)
            running.band.update_many(actual_kw, low_kw, high_kw)

    def get(self) -> Scores:
        """The scores so far."""
        running = self._running
        if running is None:
            return Scores(
                frozen=ErrorScores() if self._adapted else None, band=BandScores(self._confidence)
            )
        frozen = running.frozen
        return Scores(
            self._settled,
            running.model.get(),
            running.persistence.get(),
            None if frozen is None else frozen.get(),
            running.band.get(),
        )

    def state(self) -> dict[str, Any] | None:
        """Everything that `restore` needs, as plain JSON values; None if nothing is settled."""
        running = self._running
        if running is None:
            return None
        frozen = running.frozen
        return {
            "settled": self._settled,
            "model": running.model.state(),
            "persistence": running.persistence.state(),
            "frozen": None if frozen is None else frozen.state(),
            "band": running.band.state(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        if state is None:
            self._settled, self._running = 0, None
            return
        settled, running = count(state["settled"]), self._new_parts()
        running.model.restore(state["model"], settled)
        running.persistence.restore(state["persistence"], settled)
        if running.frozen is not None:
            running.frozen.restore(state["frozen"], settled)
        running.band.restore(state["band"], settled)
        self._settled, self._running = settled, running

    def _parts(self) -> _Running:
        if self._running is None:
            self._running = self._new_parts()
        return self._running

    def _new_parts(self) -> _Running:
        return _Running(
            _RunningErrors(),
            _RunningErrors(),
            _RunningErrors() if self._adapted else None,
            _RunningBand(self._confidence),
        )


@dataclass(frozen=True, slots=True)
class _Running:
    model: _RunningErrors
    persistence: _RunningErrors
    frozen: _RunningErrors | None
    band: _RunningBand
