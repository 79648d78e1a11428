"""Demand intervals and switched loads of a stream, which are kept together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from streamer.alarms.switching import SwitchingEvents
from streamer.demand.light.part import LightDemand
from streamer.demand.part import Demand, DemandValues
from streamer.demand.settings import DemandRule
from streamer.readings import Alarm, Reading
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.demand import SettledDemand, SwitchingEvent


class HouseholdValues(NamedTuple):
    """What a step has of a household; see `streamer.readings.Step`."""

    demand: DemandValues = DemandValues()
    switched: Sequence[SwitchingEvent] = ()


class Household:
    """Takes the readings after all else of them is known.

    Args:
        rule: the demand intervals.
        horizons: numbers of minutes whose mean is forecast; none if there are no such forecasts.
        confidence: nominal coverage of these forecasts' intervals.
        light: whether the intervals are kept as those of a fleet's meter.
    """

    def __init__(
        self, rule: DemandRule, horizons: Sequence[int], *, confidence: float, light: bool = False
    ) -> None:
        kind = LightDemand if light else Demand
        self._demand: Demand | LightDemand = kind(rule, horizons, confidence=confidence)
        self._switching = SwitchingEvents()

    def one(self, reading: Reading, missing: int, issued_kw: DoubleArray | None) -> HouseholdValues:
        """Take a reading.

        Args:
            reading: the reading.
            missing: minutes missing before it.
            issued_kw: (4, horizons) the forecasts of the next minutes' mean issued at it; None
                if none were.
        """
        self._demand.take(reading.at, reading.kw, issued_kw, reading.meter_demand)
        switched = self._switching.one(reading.at, reading.consumption_kw, missing)
        return HouseholdValues(self._demand.values(), switched)

    def many(
        self, readings: ReadingBlock, missing: IntArray, issued_kw: Sequence[DoubleArray | None]
    ) -> tuple[list[Alarm], list[SettledDemand]]:
        """Take consecutive readings without steps.

        Args:
            readings: the readings.
            missing: (readings,) minutes missing before each.
            issued_kw: as for `one`, at each of them.

        Returns:
            The alarms that are raised, and the demand intervals that end.
        """
        at = readings.at.tolist()
        self._switching.many(at, readings.consumption_kw.tolist(), missing.tolist())
        demand = self._demand
        raised: list[Alarm] = []
        ended: list[SettledDemand] = []
        for each, kw, issued in zip(at, readings.kw.tolist(), issued_kw, strict=False):
            alarm = demand.take(each, kw, issued)
            if alarm is not None:
                raised.append(alarm)
            ended += demand.settled
        return raised, ended

    @property
    def is_new(self) -> bool:
        """Whether no demand interval is known."""
        return self._demand.is_new

    def recall(self, readings: Iterable[Reading]) -> None:
        """Take earlier readings into the demand intervals alone, without forecasts."""
        for reading in readings:
            self._demand.take(reading.at, reading.kw, None, reading.meter_demand)

    def with_alarm(self, alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
        """The active alarms and that about the running demand interval, oldest first."""
        alarm = self._demand.alarm
        return alarms if alarm is None else tuple(sorted((*alarms, alarm), key=raised_at))

    def forget_loads(self) -> None:
        """Forget the loads that are on: what follows is of another quantity, or much later."""
        self._switching.forget()

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, as plain JSON values."""
        return {"demand": self._demand.state(), "switching": self._switching.state()}

    def restore(self, state: Mapping[str, Any], last_at: datetime | None) -> None:
        """Continue from a saved state of a pipeline, for which this one has to be new.

        What it does not have begins anew.

        Args:
            state: the state.
            last_at: time of the last reading; None before the first.

        Raises:
            AttributeError, LookupError, TypeError, ValueError: it is damaged.
        """
        self._demand.restore(state.get("demand"), last_at)
        if "switching" in state:
            self._switching.restore(state["switching"])


def raised_at(alarm: Alarm) -> datetime:
    """Minute of the reading at which an alarm was raised."""
    return alarm.at
