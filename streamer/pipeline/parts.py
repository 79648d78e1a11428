"""Parts of a pipeline: what it knows of its stream, and what it has learnt from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from streamer.alarms.detectors import Alarms
from streamer.online.forecasts import Issued, settled_by, to_forecast
from streamer.online.issuing import Issuer
from streamer.online.means.layer import Means
from streamer.online.means.light.layer import LightMeans
from streamer.online.means.part import AnyMeans, MeanValues
from streamer.online.position import Position
from streamer.pipeline.batches import NO_MEANS, Batches
from streamer.pipeline.household import Household, HouseholdValues, raised_at
from streamer.pipeline.settings import Gathering, Settings
from streamer.readings import Alarm, Notice, Reading, SettledDemand, Step
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.challengers import ChallengerScores, Champion
from streamer.scores.running import RunningScores

if TYPE_CHECKING:
    from streamer.pipeline.race import Race

_NO_HOUSEHOLD = HouseholdValues()


class Parts:
    """What a pipeline knows and has learnt, and the way of checked readings through it.

    Args:
        settings: settings of the pipeline.

    Attributes:
        position: the last readings and the forecast that waits.
    """

    def __init__(self, settings: Settings) -> None:
        head, adapt, confidence = settings.head, settings.adapt, settings.confidence
        self.position = Position(settings.traits.window, settings.traits.channels)
        self._issuer = Issuer(
            settings.forecaster,
            settings.traits,
            adapt=adapt,
            confidence=confidence,
            keep_hidden=head is not None,
        )
        self._alarms = Alarms()
        self._scores = RunningScores(confidence=float(confidence), adapted=bool(adapt))
        self._means: AnyMeans | None = None
        if head is not None:
            kind = LightMeans if adapt == "light" else Means
            self._means = kind(head, adapt=bool(adapt), confidence=float(confidence))
        self._household: Household | None = None
        if settings.demand is not None:
            horizons = () if self._means is None else self._means.minutes
            self._household = Household(
                settings.demand, horizons, confidence=float(confidence), light=adapt == "light"
            )
        self._batches = Batches(
            self._issuer, self._means, self.position, for_demand=self._household is not None
        )
        self._race: Race | None = None
        if settings.challengers:
            from streamer.pipeline.race import Race

            served = float(confidence) if settings.serve_best else None
            self._race = Race(settings.challengers, served_confidence=served)
        self._succession = None if self._race is None else self._race.succession
        asked = self._issuer, head, self._race
        self._asked = [each for each in asked if isinstance(each, Gathering)]
        self._latest = self._scores.get()
        self._adaptation = self._issuer.adaptation

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain JSON values."""
        return {
            **self.position.state(),
            **self._issuer.state(),
            "scores": self._scores.state(),
            "alarms": self._alarms.state(),
            **({} if self._means is None else {"means": self._means.state()}),
            **({} if self._household is None else self._household.state()),
            **({} if self._race is None else {"challengers": self._race.state()}),
            **({} if self._succession is None else {"succession": self._succession.state()}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, for which these have to be new.

        Raises:
            StateError: it has another version, window or confidence.
            AttributeError, LookupError, TypeError, ValueError: it is damaged.
        """
        self.position.restore(state)
        self._issuer.restore(state)
        self._alarms.restore(state["alarms"])
        self._scores.restore(state["scores"])
        if self._means is not None:
            self._means.restore(state.get("means"))
        if self._household is not None:
            self._household.restore(state, self.position.last_at)
        if self._succession is not None:
            self._succession.restore(state.get("succession"))
        self._issuer.restore_forecaster(state)
        if self._race is not None:
            self._race.restore(state.get("challengers"))
        self._latest = self._scores.get()
        self._adaptation = self._issuer.adaptation

    def gathered(self) -> list[Notice]:
        """Notices about faults of the forecasters since the last call."""
        return list(chain.from_iterable(each.gathered() for each in self._asked))

    @property
    def lacks_demand(self) -> bool:
        """Whether demand intervals are kept, but not those of the readings so far."""
        household = self._household
        return household is not None and household.is_new and self.position.last_at is not None

    def recall_demand(self, readings: Iterable[Reading]) -> None:
        """Take earlier readings into the demand intervals alone."""
        if self._household is not None:
            self._household.recall(readings)

    def reset(self) -> None:
        """Empty the ring buffer."""
        self.position.reset()
        if self._household is not None:
            self._household.forget_loads()
        if self._race is not None:
            self._race.restart()
        self._issuer.restart(seen=self.position.counts.readings)

    def one(self, reading: Reading, missing: int) -> Step:
        """Take a reading, before which so many minutes are missing."""
        if self._issuer.is_behind:
            self._issuer.catch_up(self.position)
        kw = reading.consumption_kw
        self._learn(kw, reading.kw)
        issued = self._issuer.one(reading, kw, self.position)
        means, ahead_kw = NO_MEANS, None
        if self._means is not None:
            means = self._means.one(reading, self._issuer.hidden, issued)
            if self._household is not None and means.next_means is not None:
                ahead_kw = means.next_means.values.T
        return self._advance(reading, missing, issued, means, ahead_kw)

    def many(self, readings: Sequence[Reading], missing: IntArray) -> list[Step]:
        """Take consecutive readings without a reset.

        Args:
            readings: at least one.
            missing: (readings,) minutes missing before each.
        """
        answered = self._batches.answered(readings)
        if answered is None:
            return self._singly(readings, missing)
        self._learn(*answered.first_kw)
        batch, means, ahead_kw = self._batches.forecast(answered)
        issued: list[Issued | None] = [None] * len(readings)
        if batch is not None:
            found = batch.issued()
            issued[-len(found) :] = found
        columns = readings, missing.tolist(), issued, means, ahead_kw
        return [self._advance(*each) for each in zip(*columns, strict=True)]

    def block(
        self,
        readings: ReadingBlock,
        missing: IntArray,
        settled_kw: DoubleArray,
        alarms: list[Alarm],
        ended: list[SettledDemand],
    ) -> Step:
        """Take consecutive readings without a reset, and make a step of the last one.

        Args:
            readings: at least one.
            missing: (readings,) minutes missing before each.
            settled_kw: (readings,) output: the forecast that each reading settles, NaN if none.
            alarms: output: the alarms raised are appended.
            ended: output: the demand intervals that have ended are appended.
        """
        answered = None if self._succession else self._batches.answered(readings)
        if answered is None:
            # The forecasts shown are known one after the other, although the model's are not.
            steps = (self.many if self._succession else self._singly)(readings, missing)
            settled_kw[:] = [np.nan if s.settled is None else s.settled.kw for s in steps]
            alarms += [a for s in steps for a in s.alarms if a.at == s.reading.at]
            ended += chain.from_iterable(s.settled_demand for s in steps)
            return steps[-1]
        kw = readings.kw
        waiting = self.position.waiting
        self._learn(*answered.first_kw)
        batch, means, ahead_kw = self._batches.forecast(answered, every=False)
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
            found = self._alarms.settle_many(
                at=readings.at[:before],
                kw=kw[:before],
                median_kw=np.where(np.isnan(median), settled.mean_kw, median)[:before],
                low_kw=settled.low_kw[:before],
                high_kw=settled.high_kw[:before],
                missing=missing[:before],
            )
            if self._household is not None:
                part = readings[:before], missing[:before]
                peaks, intervals = self._household.many(*part, ahead_kw)
                ended += intervals
                found = sorted([*found, *peaks], key=raised_at)
            alarms += found
            if self._race is not None:
                made = settled.mean_kw[:before], last_kw[:before]
                self._race.many(readings[:before], *(each.tolist() for each in made))
            forecast = to_forecast(readings[before - 1], last_two[-2])
            self.position.advance_many(readings[:before], missing[:before], forecast)
        step = self._advance(
            readings[before], int(missing[before]), last_two[-1], means[-1], ahead_kw[before]
        )
        alarms += [alarm for alarm in step.alarms if alarm.at == step.reading.at]
        ended += step.settled_demand
        return step

    def _singly(self, readings: Sequence[Reading], missing: IntArray) -> list[Step]:
        return list(map(self.one, readings, missing.tolist()))

    def _learn(self, kw: float, grid_kw: float) -> None:
        """Learn from the reading that settles the waiting forecast, if any.

        Args:
            kw: its consumption, which the model forecasts.
            grid_kw: its grid power, which the band is of.
        """
        if self.position.waiting is not None:
            self._issuer.settle(kw, grid_kw)
        self._adaptation = self._issuer.adaptation

    def _advance(
        self,
        reading: Reading,
        missing: int,
        issued: Issued | None,
        means: MeanValues,
        ahead_kw: DoubleArray | None,
    ) -> Step:
        """Settle and score the waiting forecast, buffer the reading, issue the next forecast."""
        position = self.position
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
        demand, switched = _NO_HOUSEHOLD
        if self._household is not None:
            demand, switched = self._household.one(reading, missing, ahead_kw)
            alarms = self._household.with_alarm(alarms)
        challengers: tuple[ChallengerScores, ...] = ()
        champion: Champion | None = None
        forecast = to_forecast(reading, issued)
        if self._race is not None:
            challengers, forecast, champion = self._race.one(reading, settled, forecast)
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
            demand=demand.demand,
            settled_demand=demand.settled,
            demand_scores=demand.scores,
            quarter_hours=demand.quarter_hours,
            switched=switched,
            challengers=challengers,
            champion=champion,
        )
