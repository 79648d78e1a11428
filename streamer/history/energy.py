"""Energy and cost of the day of the latest reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from streamer.energy.cost import Accounts, Costs
from streamer.energy.tariff import Tariff
from streamer.energy.today import Today, today
from streamer.readings import DemandForecast, QuarterHour, Reading, Step


@dataclass(frozen=True, slots=True)
class DayEnergy:
    """Energy and cost of the day of the latest reading.

    Attributes:
        today: its energy, and that of other days.
        exports: mean export over its demand intervals in kW, by `slot_of`.
        minutes: length of a demand interval.
        costs: what it costs; None without a tariff.
    """

    today: Today
    exports: Mapping[int, float]
    minutes: int
    costs: Costs | None


def day_energy(
    step: Step, tariff: Tariff | None, accounts: Accounts | None = None
) -> DayEnergy | None:
    """The energy of the day of a step; None if no demand intervals are kept.

    Args:
        step: the step.
        tariff: what the energy costs; None if that is not known.
        accounts: those of the tariff, which keep the days that are over; None for new ones.
    """
    if step.demand is None:
        return None
    at, minutes = step.reading.at, step.demand.minutes
    rows = list(step.quarter_hours)  # a list is read several times as fast
    cost, zone, net = None, None, False
    if tariff is not None:
        zone, net = tariff.zone, tariff.peak is not None and tariff.peak.net
        accounts = accounts or Accounts(tariff)
        cost = accounts.costs(rows, at, step.demand.month_peak_kw, step.reading.kw)
    found = today(rows, at, minutes, net=net, zone=zone)
    return DayEnergy(found, exports_of(rows, at, minutes), minutes, cost)


class LatestEnergy:
    """The same, computed once for each reading, however often it is drawn."""

    def __init__(self) -> None:
        self._of: tuple[Reading, DemandForecast | None, Tariff | None] | None = None
        self._found: DayEnergy | None = None
        self._accounts: tuple[Tariff, Accounts] | None = None

    def __call__(self, step: Step, tariff: Tariff | None) -> DayEnergy | None:
        """The energy of the day of a step."""
        key = step.reading, step.demand, tariff
        if self._of is None or any(a is not b for a, b in zip(self._of, key, strict=True)):
            self._of, self._found = key, day_energy(step, tariff, self._accounts_of(tariff))
        return self._found

    def _accounts_of(self, tariff: Tariff | None) -> Accounts | None:
        if tariff is None:
            return None
        if self._accounts is None or self._accounts[0] is not tariff:
            self._accounts = tariff, Accounts(tariff)
        return self._accounts[1]


def slot_of(at: datetime, minutes: int) -> int:
    """Number of the interval that a time is in, from midnight on the wall clock."""
    return (60 * at.hour + at.minute) // minutes


def exports_of(
    quarter_hours: Sequence[QuarterHour], at: datetime, minutes: int
) -> dict[int, float]:
    """Mean export over the demand intervals of a day in kW, by `slot_of`; none without export."""
    kwh: dict[int, float] = {}
    measured: dict[int, int] = {}
    for row in reversed(quarter_hours):
        if row.start.date() != at.date():
            break
        slot = slot_of(row.start, minutes)
        kwh[slot] = kwh.get(slot, 0.0) + row.export_kwh
        measured[slot] = measured.get(slot, 0) + row.minutes
    return {slot: 60.0 * kwh[slot] / measured[slot] for slot in kwh if kwh[slot] and measured[slot]}
