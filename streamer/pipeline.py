"""The pipeline: a reading in, a step out.

It does no I/O and reads no clock: time comes with the reading. The same readings give
the same steps at any speed, live or replayed, one by one or in blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.buffer import CAPACITY, GapRule, RingBuffer, missing_minutes
from streamer.errors import ReadingError, StateError
from streamer.models import Answer, Forecaster
from streamer.readings import MINUTE, Counts, Forecast, Reading, Step
from streamer.scores import RunningScores

_STATE_VERSION = 1


class Pipeline:
    """Settles, scores, buffers and forecasts, for each reading in turn.

    Args:
        forecaster: what forecasts the next reading from a window.
        gaps: what a gap does to the ring buffer.

    >>> from datetime import datetime, timedelta
    >>> from streamer.testing import FixedForecaster
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=2))
    >>> start = datetime(2010, 3, 19)
    >>> for minute, kw in enumerate([0.4, 0.6, 1.0]):
    ...     step = pipeline.push(Reading(start + minute * timedelta(minutes=1), kw))
    >>> step.settled.kw, step.error_kw, step.scores.model.mse_kw2
    (0.5, 0.5, 0.25)
    """

    def __init__(self, forecaster: Forecaster, *, gaps: GapRule | None = None) -> None:
        self._forecaster = forecaster
        self._gaps = GapRule() if gaps is None else gaps
        self._buffer = RingBuffer(max(CAPACITY, forecaster.window + 1))
        self._scores = RunningScores()
        self._latest = self._scores.get()
        self._counts = Counts()
        self._waiting: Forecast | None = None
        self._last_at: datetime | None = None
        self._stream = forecaster.stream()
        self._stream_is_behind = False

    @property
    def capacity(self) -> int:
        """Size of the ring buffer: the window, and the reading that it forecasts."""
        return self._buffer.capacity

    def push(self, reading: Reading) -> Step:
        """Take one reading.

        Raises:
            ReadingError: its value is not finite, or its time not after the last one's;
                the pipeline is then as it was before.
        """
        self._check([reading])
        missing = self._missing(reading)
        if self._gaps.resets(missing):
            self._reset()
        if self._stream_is_behind:
            self._catch_up()
        answer = self._stream.push(reading.kw)
        return self._advance(reading, missing, answer, 0)

    def push_many(self, readings: Sequence[Reading]) -> list[Step]:
        """Take a block of readings; their windows are forecast together.

        The steps are those of `push` called for each in turn, forecasts to 1e-6 kW. Each
        window holds only readings before its target.

        Raises:
            ReadingError: a value is not finite or a time does not advance; the pipeline
                is then as it was before the whole block.
        """
        self._check(readings)
        steps: list[Step] = []
        start = 0
        for end in self._stretch_ends(readings):
            stretch = readings[start:end]
            if self._gaps.resets(self._missing(stretch[0])):
                self._reset()
            steps += self._push_stretch(stretch)
            start = end
        return steps

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain JSON values.

        What the engine caches is left out: it can be rebuilt from the ring buffer.
        """
        return {
            "version": _STATE_VERSION,
            "window": self._forecaster.window,
            "last_at": None if self._last_at is None else self._last_at.isoformat(),
            "buffer_kw": self._buffer.values().tolist(),
            "waiting": _forecast_state(self._waiting),
            "scores": self._scores.state(),
            "counts": {name: getattr(self._counts, name) for name in Counts.__slots__},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state: the steps that follow are those of an undisturbed run.

        Args:
            state: what `state` gave, of a pipeline with the same model and gap rule.

        Raises:
            StateError: it is of another version or another window, or damaged.
        """
        if state.get("version") != _STATE_VERSION:
            raise StateError(
                f"saved state has version {state.get('version')!r}, this is {_STATE_VERSION}"
            )
        if state.get("window") != self._forecaster.window:
            raise StateError(
                f"saved state is of a model with a window of {state.get('window')!r} readings, "
                f"this one has {self._forecaster.window}"
            )
        try:
            last_at = state["last_at"]
            self._last_at = None if last_at is None else datetime.fromisoformat(last_at)
            self._buffer.clear()
            self._buffer.extend(state["buffer_kw"])
            self._waiting = _restored_forecast(state["waiting"])
            self._scores.restore(state["scores"])
            self._counts = Counts(**state["counts"])
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"saved state is damaged: {error!r}") from None
        self._latest = self._scores.get()
        self._stream_is_behind = True

    def _check(self, readings: Sequence[Reading]) -> None:
        before = self._last_at
        for reading in readings:
            if not math.isfinite(reading.kw):
                raise ReadingError(f"reading at {reading.at} is {reading.kw}, not a finite number")
            try:
                advances = before is None or reading.at > before
            except TypeError:
                raise ReadingError(
                    f"reading at {reading.at} follows {before}: times with and without a zone "
                    "cannot be compared"
                ) from None
            if not advances:
                raise ReadingError(f"reading at {reading.at} does not come after {before}")
            before = reading.at

    def _missing(self, reading: Reading) -> int:
        return 0 if self._last_at is None else missing_minutes(self._last_at, reading.at)

    def _stretch_ends(self, readings: Sequence[Reading]) -> list[int]:
        """Where a gap empties the buffer, and the end: no window spans these."""
        ends = [
            i
            for i in range(1, len(readings))
            if self._gaps.resets(missing_minutes(readings[i - 1].at, readings[i].at))
        ]
        return [*ends, len(readings)] if readings else []

    def _push_stretch(self, readings: Sequence[Reading]) -> list[Step]:
        before = self._buffer.last(self._forecaster.window - 1)
        kw = np.concatenate([before, [reading.kw for reading in readings]])
        answer: Answer | None = None
        if len(kw) >= self._forecaster.window:
            answer = self._forecaster.forecast(sliding_window_view(kw, self._forecaster.window))
        unanswered = len(readings) - (0 if answer is None else len(answer.mean_kw))
        self._stream_is_behind = True
        return [
            self._advance(
                reading,
                self._missing(reading),
                answer if row >= unanswered else None,
                row - unanswered,
            )
            for row, reading in enumerate(readings)
        ]

    def _advance(self, reading: Reading, missing: int, answer: Answer | None, row: int) -> Step:
        """Settle and score the waiting forecast, buffer the reading, issue the next forecast."""
        settled = self._waiting
        if settled is not None:
            self._latest = self._scores.update(
                actual_kw=reading.kw, forecast_kw=settled.kw, last_kw=settled.last_kw
            )
        self._buffer.push(reading.kw)
        self._waiting = None if answer is None else self._forecast(reading, answer, row)
        counts = self._counts
        self._counts = Counts(
            counts.readings + 1,
            counts.gaps + (missing > 0),
            counts.gap_minutes + missing,
            counts.resets,
        )
        self._last_at = reading.at
        return Step(
            reading,
            settled,
            self._waiting,
            self._latest,
            missing,
            len(self._buffer),
            self._counts,
        )

    def _forecast(self, reading: Reading, answer: Answer, row: int) -> Forecast:
        quantiles = zip(self._forecaster.levels, answer.quantiles_kw[row].tolist(), strict=True)
        return Forecast(
            reading.at + MINUTE, float(answer.mean_kw[row]), reading.kw, tuple(quantiles)
        )

    def _reset(self) -> None:
        counts = self._counts
        self._counts = Counts(counts.readings, counts.gaps, counts.gap_minutes, counts.resets + 1)
        self._buffer.clear()
        self._waiting = None
        self._stream.restart(seen=counts.readings)
        self._stream_is_behind = False

    def _catch_up(self) -> None:
        """Rebuild what the engine caches from the ring buffer."""
        recent = self._buffer.last(self._forecaster.window)
        self._stream.restart(seen=self._counts.readings - len(recent))
        for kw in recent.tolist():
            self._stream.push(kw)
        self._stream_is_behind = False


def _forecast_state(forecast: Forecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    return {
        "at": forecast.at.isoformat(),
        "kw": forecast.kw,
        "last_kw": forecast.last_kw,
        "quantiles": [list(pair) for pair in forecast.quantiles],
    }


def _restored_forecast(state: Mapping[str, Any] | None) -> Forecast | None:
    if state is None:
        return None
    quantiles = tuple((level, kw) for level, kw in state["quantiles"])
    return Forecast(datetime.fromisoformat(state["at"]), state["kw"], state["last_kw"], quantiles)
