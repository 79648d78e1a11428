"""Forecasting pipeline: one step for each reading.

It does no I/O and reads no clock: time comes with the reading. The same readings give
the same steps at any speed, live or replayed, one by one or in blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from streamer.demand.settings import DemandRule
from streamer.errors import StateError, UsageError
from streamer.models import MeansHead
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import traits_of
from streamer.online.layer import Adapt
from streamer.online.means.light.forecasts import offers
from streamer.pipeline.parts import Parts
from streamer.pipeline.settings import Settings
from streamer.readings import Alarm, Notice, Reading, SettledDemand, Step
from streamer.readings.arrays import IntArray
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.readings.order import all_checked, check_block, checked
from streamer.readings.powers import side_power_changes

if TYPE_CHECKING:
    from streamer.pipeline.race import Entry


class Pipeline:
    """Settles, scores, learns, buffers and forecasts, for each reading in turn.

    Where the readings have solar or battery power, the model forecasts the consumption of the
    house, and the forecasts of the sun and the battery make one of the grid power of it.
    Channels are taken as they are measured, beside that.
    Everything that is scored is of the grid power. Where solar or battery power begins or ends
    to be measured, the ring buffer is emptied, as by a long gap, since a window holds one
    quantity.

    Args:
        forecaster: model that forecasts the next reading from a window. One of your own may have
            as little as a method `forecast` (`streamer.SimpleForecaster`); it belongs to this
            pipeline alone.
        gaps: effect of a gap on the ring buffer; None for the default, `GapRule()`.
        adapt: whether the forecasts are corrected online; "light" for the small adapter of a
            fleet's meter (`streamer.online.light`).
        confidence: nominal coverage of the bands.
        horizons: whether the mean power of the next minutes is forecast too, if the model can; a
            fleet's meter forecasts that of 1, 15 and 60 minutes, and needs a model of both.
        demand: demand intervals to keep and to forecast; None for none.
        challengers: other forecasters by name, which forecast each reading as well, and are scored
            beside the model on the same minutes. They change nothing else, but for the next.
        serve_best: whether the forecast shown is that of the best of the model and its
            challengers, as far as that is beyond doubt (`Step.champion`). That of the next
            minutes' mean remains the model's.
        name: name of the forecaster in messages; None for its own.

    Raises:
        UsageError: a setting is unknown or out of its range.
        ModelError: the forecaster lacks a method, or its window, levels or channels are wrong.

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
        forecaster: AnyForecaster,
        *,
        gaps: GapRule | None = None,
        adapt: Adapt = True,
        confidence: float = 0.9,
        horizons: bool = True,
        demand: DemandRule | None = None,
        challengers: Mapping[str, AnyForecaster] | None = None,
        serve_best: bool = False,
        name: str | None = None,
    ) -> None:
        if not isinstance(gaps, GapRule | None):
            raise UsageError(f"gaps is {gaps!r}; give a GapRule, such as GapRule('reset', 10)")
        if not isinstance(demand, DemandRule | None):
            raise UsageError(f"demand is {demand!r}; give a DemandRule, such as DemandRule(15)")
        if serve_best and not challengers:
            raise UsageError("serve_best needs challengers, one of which may be the best")
        self._gaps = GapRule() if gaps is None else gaps
        traits = traits_of(forecaster, name)
        self._settings = Settings(
            forecaster,
            traits,
            adapt=adapt,
            confidence=confidence,
            head=_head(traits.head, adapt) if horizons else None,
            demand=demand,
            challengers=_entries(challengers, traits.channels) if challengers else (),
            serve_best=serve_best,
        )
        self._parts = Parts(self._settings)

    @property
    def capacity(self) -> int:
        """Size of the ring buffer: the window, and the reading that it forecasts."""
        return self._parts.position.buffer.capacity

    def push(self, reading: Reading) -> Step:
        """Process one reading.

        Raises:
            ReadingError: a value is not a finite number, its time is not a `datetime`, or not
                after that of the last reading, or it has not as many channels as the model takes;
                the pipeline is unchanged.
        """
        parts = self._parts
        reading, missing = checked(reading, parts.position.last_at, self._settings.traits.channels)
        if self._gaps.resets(missing) or parts.position.side_powers_change(reading):
            parts.reset()
        return parts.one(reading, missing)

    def push_many(self, readings: Iterable[Reading]) -> list[Step]:
        """Process a block of readings; their windows are forecast together.

        The steps are those of repeated `push`, with forecasts equal to 1e-5 kW. Each
        window contains only readings before its target.

        Raises:
            ReadingError: as for `push`; the pipeline is unchanged by the whole block.
        """
        last_at = self._parts.position.last_at
        readings, missing = all_checked(readings, last_at, self._settings.traits.channels)
        steps: list[Step] = []
        for part, reset in self._split(readings, missing):
            if reset:
                self._parts.reset()
            steps += self._parts.many(readings[part], missing[part])
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
        last_at, channels = self._parts.position.last_at, self._settings.traits.channels
        missing = check_block(readings, last_at, channels)
        settled_kw = np.full(len(readings), np.nan)
        alarms: list[Alarm] = []
        ended: list[SettledDemand] = []
        for part, reset in self._split(readings, missing):
            if reset:
                self._parts.reset()
            outputs = settled_kw[part], alarms, ended
            step = self._parts.block(readings[part], missing[part], *outputs)
        return BlockResult(readings, settled_kw, step, tuple(alarms), tuple(ended))

    def gathered(self) -> list[Notice]:
        """Notices since the last call: each kind of fault of a forecaster, once.

        Where it raises an exception or answers something else than finite numbers, the minute has
        no forecast, and is neither scored nor learnt from.
        """
        return self._parts.gathered()

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain JSON values.

        The cache of the engine is left out: it can be rebuilt from the ring buffer.
        """
        return self._parts.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state: the next steps are those of an uninterrupted run.

        The forecasts of the next minutes' mean and the demand intervals begin anew if the state
        has none. With another demand rule, the energies are kept, and what depends on the rule
        begins anew.

        Args:
            state: result of `state`, of a pipeline with the same model and settings.

        Raises:
            StateError: it has another version, window or confidence, is damaged, or the forecaster
                does not take what it had learnt; the pipeline is unchanged.
        """
        if not isinstance(state, Mapping):
            raise StateError(f"saved state is of type {type(state).__name__}, not a mapping")
        parts = Parts(self._settings)
        try:
            parts.restore(state)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"saved state is damaged: {error!r}") from None
        self._parts = parts

    @property
    def lacks_demand(self) -> bool:
        """Whether demand intervals are kept, but those of the readings so far are not known.

        That is so once a state has been restored that was saved without them.
        """
        return self._parts.lacks_demand

    def recall_demand(self, readings: Iterable[Reading]) -> None:
        """Make up for the demand intervals that a restored state lacks; nothing else changes.

        Energies and peaks are then those of an uninterrupted run. What is learnt from the
        forecasts of the intervals begins anew.

        Args:
            readings: those before, in order of time, up to the last one that was pushed.
        """
        self._parts.recall_demand(readings)

    def _split(self, readings: Sequence[Reading], missing: IntArray) -> list[tuple[slice, bool]]:
        """Split a block where the buffer is emptied, since no window spans that.

        Args:
            readings: the block.
            missing: (readings,) minutes missing before each.

        Returns:
            The parts of the block, and for each whether the buffer is emptied before it.
        """
        resets = set(self._gaps.resets_at(missing))
        resets |= set(side_power_changes(readings, self._parts.position.side_powers))
        edges = sorted({0, len(missing)} | resets)
        return [(slice(start, end), start in resets) for start, end in pairwise(edges)]


def _head(head: MeansHead | None, adapt: Adapt) -> MeansHead | None:
    """A forecaster of the means of the next minutes, as far as it serves the adaptation."""
    return None if head is None or (adapt == "light" and not offers(head)) else head


def _entries(
    challengers: Mapping[str, AnyForecaster], channels: Sequence[str]
) -> tuple[Entry, ...]:
    from streamer.pipeline.race import entries_of

    return entries_of(challengers, channels)
