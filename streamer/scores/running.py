"""Running and rolling scores of the model, beside those of persistence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.readings import BandScores, ErrorScores, Scores
from streamer.readings.arrays import DoubleArray
from streamer.readings.saved import count
from streamer.scores.comparison import RunningLead, RunningPoint
from streamer.scores.parts import DAY, HOUR, MAX_ERROR_KW, RunningBand, RunningErrors, sizes

__all__ = ["DAY", "HOUR", "MAX_ERROR_KW", "RunningScores"]


class RunningScores:
    """Scores of settled forecasts.

    Args:
        confidence: nominal coverage of the bands.
        adapted: whether the network's own forecasts are scored as well.

    >>> scores = RunningScores()
    >>> scores.get().model.mse_kw2 is None
    True
    >>> after = scores.update(
    ...     actual_kw=1.0,
    ...     forecast_kw=1.5,
    ...     point_kw=1.25,
    ...     last_kw=2.0,
    ...     frozen_kw=1.5,
    ...     low_kw=0.5,
    ...     high_kw=2.5,
    ... )
    >>> after.settled, after.model.mse_kw2, after.persistence.mse_kw2, after.skill
    (1, 0.25, 1.0, 0.75)
    >>> after.point.mae_kw, after.point.skill
    (0.25, 0.9375)
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
        point_kw: float,
        last_kw: float,
        frozen_kw: float,
        low_kw: float,
        high_kw: float,
    ) -> Scores:
        """Score one settled forecast beside persistence.

        Args:
            actual_kw: the reading.
            forecast_kw: the mean forecast for it.
            point_kw: the point forecast shown for it.
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
        ours = min(abs(actual_kw - forecast_kw), MAX_ERROR_KW)
        theirs = min(abs(actual_kw - last_kw), MAX_ERROR_KW)
        ours_squared, theirs_squared = ours * ours, theirs * theirs
        running.lead.update(theirs_squared - ours_squared)
        shown = min(abs(actual_kw - point_kw), MAX_ERROR_KW)
        alone = None
        if frozen is not None:
            error = min(abs(actual_kw - frozen_kw), MAX_ERROR_KW)
            alone = frozen.update(error, error * error)
        return Scores(
            self._settled,
            running.model.update(ours, ours_squared),
            running.persistence.update(theirs, theirs_squared),
            alone,
            running.band.update(actual_kw, low_kw, high_kw),
            running.point.update(shown, theirs, theirs_squared),
            *running.lead.found,
        )

    def update_many(
        self,
        *,
        actual_kw: DoubleArray,
        forecast_kw: DoubleArray,
        point_kw: DoubleArray,
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
            point_kw: (forecasts,).
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
            ours, theirs = sizes(actual_kw - forecast_kw), sizes(actual_kw - last_kw)
            ours_squared, theirs_squared = ours * ours, theirs * theirs
            running.model.update_many(ours, ours_squared)
            running.persistence.update_many(theirs, theirs_squared)
            running.lead.update_many(theirs_squared - ours_squared)
            running.point.update_many(sizes(actual_kw - point_kw), theirs)
            if running.frozen is not None:
                alone = sizes(actual_kw - frozen_kw)
                running.frozen.update_many(alone, alone * alone)
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
            running.point.get(),
            *running.lead.found,
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
            "point": running.point.state(),
            "lead": running.lead.state(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit.

        States that were saved by earlier versions lack the scores of the point forecast or the
        lead, which then begin anew.

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
        running.point.restore(state.get("point"))
        running.lead.restore(state.get("lead"))
        self._settled, self._running = settled, running

    def _parts(self) -> _Running:
        if self._running is None:
            self._running = self._new_parts()
        return self._running

    def _new_parts(self) -> _Running:
        return _Running(
            RunningErrors(),
            RunningErrors(),
            RunningErrors() if self._adapted else None,
            RunningBand(self._confidence),
            RunningPoint(),
            RunningLead(),
        )


@dataclass(frozen=True, slots=True)
class _Running:
    model: RunningErrors
    persistence: RunningErrors
    frozen: RunningErrors | None
    band: RunningBand
    point: RunningPoint
    lead: RunningLead
