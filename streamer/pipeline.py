"""Forecasting pipeline: one step for each reading.

It does no I/O and reads no clock: time comes with the reading. The same readings give
the same steps at any speed, live or replayed, one by one or in blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from streamer.alarms.detectors import Alarms
from streamer.errors import StateError, UsageError
from streamer.models import Forecaster, channels_of, horizons_of
from streamer.online.forecasts import ForecastBatch, Issued, settled_by, to_forecast
from streamer.online.guard import day_parts
from streamer.online.issuing import Issuer
from streamer.online.layer import Adapt
from streamer.online.means.layer import Means
from streamer.online.means.part import MeanValues
from streamer.online.position import Position
from streamer.readings import Alarm, Reading, Step
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.readings.order import all_checked, check_block, checked
from streamer.readings.powers import Powers, side_power_changes
from streamer.scores.running import RunningScores

_NO_MEANS = MeanValues()

_FEW = 4
"""Readings that are faster one by one: an engine computes dozens of windows at least."""


class Pipeline:
    """Settles, scores, learns, buffers and forecasts, for each reading in turn.

    Where the readings have solar or battery power, the model forecasts the consumption of the
    house, and the forecasts of the sun and the battery make one of the grid power of it.
    Channels are taken as they are measured, beside that.
    Everything that is scored is of the grid power. Where solar or battery power begins or ends
    to be measured, the ring buffer is emptied, as by a long gap, since a window holds one
    quantity.

    Args:
        forecaster: model that forecasts the next reading from a window.
        gaps: effect of a gap on the ring buffer; None for the default, `GapRule()`.
        adapt: whether the forecasts are corrected online; "light" for the small adapter of a
            fleet's meter (`streamer.online.light`).
        confidence: nominal coverage of the bands.
        horizons: whether the mean power of the next minutes is forecast too, if the model can;
            a fleet's meter never does.

    Raises:
        UsageError: a setting is unknown or out of its range.

    >>> from datetime import datetime, timedelta
    >>> from streamer.testing import FixedForecaster
    >>> pipeline = Pipeline(FixedForecaster(kw=0.5, window=2))
    >>> start = datetime(2010, 3, 19)
    >>> for minute, kw in enumerate([0.4, 0.6, 1.0]):
    ...     step = pipeline.push(Reading(start + minute * timedelta(minutes=1), kw))
    >>> step.settled.kw, step.error_kw, step.scores.model.mse_kw2
    (0.5, 0.5, 0.25)
    """

    def __init__(
        self,
        forecaster: Forecaster,
        *,
        gaps: GapRule | None = None,
        adapt: Adapt = True,
        confidence: float = 0.9,
        horizons: bool = True,
    ) -> None:
        if not isinstance(gaps, GapRule | None):
            raise UsageError(f"gaps is {gaps!r}; give a GapRule, such as GapRule('reset', 10)")
        self._forecaster = forecaster
        self._gaps = GapRule() if gaps is None else gaps
        self._adapt, self._confidence = adapt, confidence
        self._head = horizons_of(forecaster) if horizons and adapt != "light" else None
        self._channels = channels_of(forecaster)
        self._position = Position(forecaster.window, self._channels)
        self._issuer, self._alarms, self._scores, self._means = self._new_parts()
        self._latest = self._scores.get()
        self._adaptation = self._issuer.adaptation

    @property
    def capacity(self) -> int:
        """Size of the ring buffer: the window, and the reading that it forecasts."""
        return self._position.buffer.capacity

    def push(self, reading: Reading) -> Step:
        """Process one reading.

        Raises:
            ReadingError: a value is not a finite number, its time is not a `datetime`, or not
                after that of the last reading, or it has not as many channels as the model takes;
                the pipeline is unchanged.
        """
        position = self._position
        reading, missing = checked(reading, position.last_at, self._channels)
        if self._gaps.resets(missing) or position.side_powers_change(reading):
            self._reset()
        if self._issuer.is_behind:
            self._issuer.catch_up(position)
        return self._push_one(reading, missing)

    def push_many(self, readings: Iterable[Reading]) -> list[Step]:
        """Process a block of readings; their windows are forecast together.

        The steps are those of repeated `push`, with forecasts equal to 1e-5 kW. Each
        window contains only readings before its target.

        Raises:
            ReadingError: as for `push`; the pipeline is unchanged by the whole block.
        """
        readings, missing = all_checked(readings, self._position.last_at, self._channels)
        steps: list[Step] = []
        for part, reset in self._parts(readings, missing):
            if reset:
                self._reset()
            steps += self._push_part(readings[part], missing[part])
        return steps

    def push_block(self, readings: ReadingBlock) -> BlockResult:
        """Process a block as `push_many` does, but make a step of its last reading only.

        For callers that need the result of the block and not each step: what remains
        of the work is the forecasts. The running scores agree with those of `push` to
        rounding.

        Args:
            readings: at least one.

        Raises:
            ValueError: the block is empty.
            ReadingError: as for `push_many`.
        """
        if not len(readings):
            raise ValueError("the block is empty")
        missing = check_block(readings, self._position.last_at, self._channels)
        settled_kw = np.full(len(readings), np.nan)
        alarms: list[Alarm] = []
        for part, reset in self._parts(readings, missing):
            if reset:
                self._reset()
            step = self._push_without_steps(readings[part], missing[part], settled_kw[part], alarms)
        return BlockResult(readings, settled_kw, step, tuple(alarms))

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain JSON values.

        The cache of the engine is left out: it can be rebuilt from the ring buffer.
        """
        return {
            **self._position.state(),
            **self._issuer.state(),
            "scores": self._scores.state(),
            "alarms": self._alarms.state(),
            **({} if self._means is None else {"means": self._means.state()}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state: the next steps are those of an uninterrupted run.

        The forecasts of the next minutes' mean begin anew if the state has none.

        Args:
            state: result of `state`, of a pipeline with the same model and settings.

        Raises:
            StateError: it has another version, window or confidence, or is damaged; the
                pipeline is unchanged.
        """
        if not isinstance(state, Mapping):
            raise StateError(f"saved state is of type {type(state).__name__}, not a mapping")
        position = Position(self._forecaster.window, self._channels)
        issuer, alarms, scores, means = self._new_parts()
        try:
            position.restore(state)
            issuer.restore(state)
            alarms.restore(state["alarms"])
            scores.restore(state["scores"])
            if means is not None:
                means.restore(state.get("means"))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"saved state is damaged: {error!r}") from None
        self._position, self._issuer = position, issuer
        self._alarms, self._scores, self._means = alarms, scores, means
        self._latest = scores.get()
        self._adaptation = issuer.adaptation

    def _new_parts(self) -> tuple[Issuer, Alarms, RunningScores, Means | None]:
        """What is learnt from the stream, before its first reading."""
        adapt, confidence, head = self._adapt, self._confidence, self._head
        issuer = Issuer(
            self._forecaster, adapt=adapt, confidence=confidence, keep_hidden=head is not None
        )
        scores = RunningScores(confidence=float(confidence), adapted=bool(adapt))
        means = (
            None if head is None else Means(head, adapt=bool(adapt), confidence=float(confidence))
        )
        return issuer, Alarms(), scores, means

    def _parts(self, readings: Sequence[Reading], missing: IntArray) -> list[tuple[slice, bool]]:
        """Split a block where the buffer is emptied, since no window spans that.

        Args:
            readings: the block.
            missing: (readings,) minutes missing before each.

        Returns:
            The parts of the block, and for each whether the buffer is emptied before it.
        """
        resets = set(self._gaps.resets_at(missing))
        resets |= set(side_power_changes(readings, self._position.side_powers))
        edges = sorted({0, len(missing)} | resets)
        return [(slice(start, end), start in resets) for start, end in pairwise(edges)]

    def _push_one(self, reading: Reading, missing: int) -> Step:
        kw = reading.consumption_kw
        self._learn(kw, reading.kw)
        issued = self._issuer.one(reading, kw, self._position)
        means = _NO_MEANS
        if self._means is not None:
            means = self._means.one(reading, self._issuer.hidden, issued)
        return self._advance(reading, missing, issued, means)

    def _are_few(self, readings: Sequence[Reading]) -> bool:
        """Whether a part is processed faster one by one."""
        return len(readings) <= _FEW and not self._issuer.is_behind

    def _push_part(self, readings: Sequence[Reading], missing: IntArray) -> list[Step]:
        if self._are_few(readings):
            return list(map(self._push_one, readings, missing.tolist()))
        batch, means = self._forecast_batch(readings)
        issued: list[Issued | None] = [None] * len(readings)
        if batch is not None:
            found = batch.issued()
            issued[-len(found) :] = found
        return [
            self._advance(*each)
            for each in zip(readings, missing.tolist(), issued, means, strict=True)
        ]

    def _push_without_steps(
        self,
        readings: ReadingBlock,
        missing: IntArray,
        settled_kw: DoubleArray,
        alarms: list[Alarm],
    ) -> Step:
        """Process a part without a reset, and make a step of its last reading.

        Args:
            readings: the part.
            missing: (readings,) minutes missing before each.
            settled_kw: (readings,) output: the forecast that each reading settles, NaN if none.
            alarms: output: the alarms raised are appended.
        """
        if self._are_few(readings):
            steps = self._push_part(readings, missing)
            settled_kw[:] = [np.nan if s.settled is None else s.settled.kw for s in steps]
            alarms += [a for s in steps for a in s.alarms if a.at == s.reading.at]
            return steps[-1]
        kw = readings.kw
        waiting = self._position.waiting
        batch, means = self._forecast_batch(readings, every=False)
        settled, first = settled_by(len(kw), waiting, batch)
        settled_kw[:] = settled.mean_kw
        last_two: list[Issued | None] = [None, None]
        if batch is not None:
            last_two += batch.issued(slice(-2, None))
        before = len(kw) - 1
        if before:
            last_kw = np.empty_like(kw)
            last_kw[0] = np.nan if waiting is None else waiting.last_kw
            last_kw[1:] = kw[:-1]
            scored = slice(first, before)
            self._scores.update_many(
                actual_kw=kw[scored],
                forecast_kw=settled.mean_kw[scored],
                point_kw=settled.point_kw[scored],
                last_kw=last_kw[scored],
                frozen_kw=settled.frozen_kw[scored],
                low_kw=settled.low_kw[scored],
                high_kw=settled.high_kw[scored],
            )
            median = settled.median_kw
            alarms += self._alarms.settle_many(
                at=readings.at[:before],
                kw=kw[:before],
                median_kw=np.where(np.isnan(median), settled.mean_kw, median)[:before],
                low_kw=settled.low_kw[:before],
                high_kw=settled.high_kw[:before],
                missing=missing[:before],
            )
            forecast = to_forecast(readings[before - 1], last_two[-2])
            self._position.advance_many(readings[:before], missing[:before], forecast)
        step = self._advance(readings[before], int(missing[before]), last_two[-1], means[-1])
        alarms += [alarm for alarm in step.alarms if alarm.at == step.reading.at]
        return step

    def _forecast_batch(
        self, readings: Sequence[Reading], *, every: bool = True
    ) -> tuple[ForecastBatch | None, list[MeanValues]]:
        """The forecasts at the last readings of a part, one at each whose window is full.

        Beside them what is known of the next minutes' mean at each, or at the last alone.
        """
        powers = Powers.of(readings)
        self._learn(float(powers.consumption_kw[0]), float(powers.kw[0]))
        batches, start = [], 0
        means = [] if self._means is not None else [_NO_MEANS] * len(readings)
        for end, batch, hidden in self._issuer.many(powers, day_parts(readings), self._position):
            batches.append(batch)
            if self._means is not None:
                part = slice(start, end)
                theirs = readings[part], powers.part(part)
                means += self._means.many(*theirs, hidden, batch, every=every)
                start = end
        if self._means is not None and not batches:
            means = self._means.many(readings, powers, None, None, every=every)
        return ForecastBatch.joined(batches) if batches else None, means

    def _learn(self, kw: float, grid_kw: float) -> None:
        """Learn from the reading that settles the waiting forecast, if any.

        Args:
            kw: its consumption, which the model forecasts.
            grid_kw: its grid power, which the band is of.
        """
        if self._position.waiting is not None:
            self._issuer.settle(kw, grid_kw)
        self._adaptation = self._issuer.adaptation

    def _advance(
        self, reading: Reading, missing: int, issued: Issued | None, means: MeanValues
    ) -> Step:
        """Settle and score the waiting forecast, buffer the reading, issue the next forecast."""
        position = self._position
        settled = position.waiting
        if settled is not None:
            self._latest = self._scores.update(
                actual_kw=reading.kw,
                forecast_kw=settled.kw,
                point_kw=settled.point_kw,
                last_kw=settled.last_kw,
                frozen_kw=settled.frozen_kw,
                low_kw=settled.low_kw,
                high_kw=settled.high_kw,
            )
        alarms = self._alarms.settle(
            at=reading.at, kw=reading.kw, forecast=settled, missing=missing
        )
        forecast = to_forecast(reading, issued)
        position.advance(reading, missing, forecast)
        if issued is not None:
            self._adaptation = issued.adaptation
        return Step(
            reading,
            settled,
            forecast,
            self._latest,
            missing,
            len(position.buffer),
            position.counts,
            self._adaptation,
            alarms,
            *means,
        )

    def _reset(self) -> None:
        self._position.reset()
        self._issuer.restart(seen=self._position.counts.readings)
