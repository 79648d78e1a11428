"""Energy of the day beside other days, its extremes, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from streamer.dashboard.daybars import exports_of
from streamer.dashboard.words import LABEL, STRONG, Part, choose, line
from streamer.display.energy import money
from streamer.display.numbers import fixed, plural
from streamer.energy.cost import Accounts, Costs
from streamer.energy.tariff import Tariff
from streamer.energy.today import IntervalMean, Today, today
from streamer.readings import DemandForecast, Reading, Step


@dataclass(frozen=True, slots=True)
class DayEnergy:
    """Energy and cost of the day of the latest reading.

    Attributes:
        today: its energy, and that of other days.
        exports: mean export over its demand intervals in kW, by `daybars.slot_of`.
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


def energy(found: Today, width: int) -> Text:
    """Energy since midnight beside that of yesterday and usual days up to the same time."""
    so_far = line(("today ", LABEL), (f"{fixed(found.import_kwh, 2)} kWh", STRONG))
    if found.unknown_minutes:
        so_far.append(f" ({plural(found.unknown_minutes, 'minute')} unknown)", LABEL)
    candidates = [so_far]
    for label, kwh in (
        ("yesterday by now", found.yesterday_by_now_kwh),
        ("usual", found.usual_by_now_kwh),
        ("week", found.week_kwh),
    ):
        if kwh is not None:
            more = line(candidates[0], (f"   {label} ", LABEL), fixed(kwh, 2))
            candidates.insert(0, more)
    return choose(width, *candidates)


def exported(found: Today, width: int) -> list[Text]:
    """Energy fed in since midnight; nothing if there is none."""
    if not found.export_kwh:
        return []
    return [choose(width, line(("fed in ", LABEL), f"{fixed(found.export_kwh, 2)} kWh"))]


def extremes(found: Today, width: int) -> Text:
    """The highest and the lowest demand interval of the day."""
    if found.highest is None or found.lowest is None:
        return choose(width, line(("no full interval yet today", LABEL)))
    high, low = _interval("highest", found.highest), _interval("lowest", found.lowest)
    return choose(width, line(*high, "   ", *low), line(*high))


def _interval(name: str, found: IntervalMean) -> list[Part]:
    return [(f"{name} ", LABEL), f"{fixed(found.kw, 2)} kW", (f" at {found.start:%H:%M}", LABEL)]


def cost(found: Costs, width: int) -> list[Text]:
    """Cost of now, of the day and of the month, and what of it is for the month's peak."""
    currency = found.currency
    amounts = []
    if found.per_hour is not None:
        amounts.append(("now", f"{money(found.per_hour, currency, 3)}/h"))
    if found.month is not None:
        amounts.append(("today", money(found.today, currency)))
        amounts.append(("month", money(found.month, currency)))
    if found.peak_part is not None:
        amounts.append(("peak", money(found.peak_part, currency)))
    if not amounts:
        return []
    candidates = [_amounts(amounts[:count]) for count in range(len(amounts), 0, -1)]
    rows = [choose(width, *candidates)]
    if found.month is not None:
        counts = (
            (found.month_unknown_minutes, "unknown"),
            (found.month_unpriced_minutes, "without a price"),
        )
        lacks = [f"{plural(count, 'minute')} {how}" for count, how in counts if count]
        if lacks:
            rows.append(choose(width, line((f"of the month, {', '.join(lacks)}", LABEL))))
    return rows


def _amounts(amounts: Sequence[tuple[str, str]]) -> Text:
    text = line(("cost", LABEL))
    for name, amount in amounts:
        text.append(f"   {name} ", LABEL).append(amount)
    return text
