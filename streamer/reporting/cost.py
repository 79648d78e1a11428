"""Section of a report about the cost of a period and of its month under a tariff."""

from __future__ import annotations

from decimal import Decimal

from streamer.display.numbers import amount, plural
from streamer.energy.cost import bill, costs, rounded
from streamer.energy.peaks import MonthPeaks
from streamer.energy.tariff import Tariff
from streamer.reporting.data import Recorded
from streamer.reporting.energies import Energies
from streamer.reporting.markup import Markup
from streamer.reporting.tables import section, table
from streamer.reporting.words import HARD, named_days

_COLUMNS = {
    "energy": False,
    "feed-in": True,
    "peak": False,
    "standing charge": True,
    "in all": False,
}
"""Columns, and whether they are hidden on a telephone."""


def cost(recorded: Recorded, energies: Energies, tariff: Tariff) -> Markup:
    """Section with the cost of the period, and of the month in which it ends up to its end.

    Args:
        recorded: data of the period.
        energies: energies of the same.
        tariff: what they cost.
    """
    last_at = recorded.last_at
    peak_kw = month_peak_kw(recorded, energies, tariff)
    month, period = costs(energies.month, last_at, tariff, peak_kw), bill(energies.period, tariff)
    total = None if period.energy is None else period.energy - period.feed_in
    rows = [
        (
            named_days(recorded),
            _money(period.energy),
            _money(-period.feed_in),
            "",
            "",
            _money(total),
        ),
        (
            f"{last_at:%B %Y} up to then",
            _money(month.energy),
            _money(-month.feed_in),
            _money(month.peak_part),
            _money(month.standing),
            _money(month.month),
        ),
    ]
    notes = [f"In {tariff.currency}, under the tariff {tariff.name}, of the measured minutes."]
    if month.energy is None:
        notes.append("It has no price of energy.")
    if peak_kw is not None and tariff.peak is not None:
        notes.append(f"The month's peak is {amount(peak_kw, 2)}{HARD}kW so far.")
    unpriced = period.unpriced_minutes + month.month_unpriced_minutes
    if month.month_unknown_minutes:
        notes.append(f"{plural(month.month_unknown_minutes, 'minute')} of the month are missing.")
    if unpriced:
        notes.append("Minutes for which the price is not known are left out.")
    return section("Cost", table(_COLUMNS, rows, caption=" ".join(notes)))


def month_peak_kw(recorded: Recorded, energies: Energies, tariff: Tariff) -> float | None:
    """The highest demand interval of the month in which the period ends, up to its end, in kW.

    Of intervals with the length that the tariff has: the recorded ones, and those of the recorded
    minutes, of which there may be more. None without any.
    """
    charge = tariff.peak
    if charge is None:
        return None
    peaks = MonthPeaks()
    peaks.see_past(energies.month, minutes=charge.minutes, net=charge.net)
    of_minutes = peaks.of(recorded.last_at)
    found = [] if of_minutes is None else [of_minutes.kw]
    demand = recorded.demand
    if demand is not None and demand.minutes == charge.minutes and not charge.net:
        month = recorded.last_at.year, recorded.last_at.month
        found += [peak.kw for peak in demand.months if (peak.at.year, peak.at.month) == month]
    return max(found, default=None)


def _money(value: Decimal | None) -> str:
    return amount(None if value is None else float(rounded(value)), 2)
