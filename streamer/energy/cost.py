"""Cost of quarter-hours under a tariff, in exact decimal arithmetic."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from streamer.energy.days import QUARTER, elapsed_minutes, minute_of
from streamer.energy.tariff import Tariff
from streamer.readings.demand import QuarterHour

CENT = Decimal("0.01")
_TENTH = Decimal("0.001")
_MICRO_WH = Decimal("1e-9")
"""Energies are rounded to this many kWh, which no bill shows."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Cost of some quarter-hours, exact, of what was measured and has a price.

    Attributes:
        energy: cost of the energy drawn; None if no price of energy is known at all.
        feed_in: what the energy fed in earns; negative where it costs.
        minutes: measured minutes.
        unpriced_minutes: those of them for which no price is known, and which are left out.
    """

    energy: Decimal | None
    feed_in: Decimal
    minutes: int
    unpriced_minutes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of now, of today and of the month so far, of what was measured and has a price.

    Each amount is computed exactly and then rounded once, half up: to the cent, and the one per
    hour to a tenth of it. So parts may add up to a cent more or less than their sum.

    Attributes:
        currency: currency of all of them.
        per_hour: what an hour costs at the power and the price of now, negative where it earns;
            None if the price is not known.
        today: cost of the energy drawn today, less what the energy fed in earns; None if no
            price of energy is known.
        month: cost of the month so far: energy less feed-in, the peak's part, and the standing
            charge up to today; None if no price of energy is known.
        energy: cost of the energy drawn this month; None likewise.
        feed_in: what the energy fed in this month earns; negative where it costs.
        peak_part: charge for the month's peak so far, the whole month's; None without a peak
            charge.
        standing: standing charge of the month up to today, that day included.
        today_unknown_minutes: minutes of today that were not measured.
        today_unpriced_minutes: measured minutes of today for which no price is known.
        month_unknown_minutes: minutes of the month that were not measured.
        month_unpriced_minutes: measured minutes of the month for which no price is known.
    """

    currency: str
    per_hour: Decimal | None
    today: Decimal | None
    month: Decimal | None
    energy: Decimal | None
    feed_in: Decimal
    peak_part: Decimal | None
    standing: Decimal
    today_unknown_minutes: int
    today_unpriced_minutes: int
    month_unknown_minutes: int
    month_unpriced_minutes: int


def bill(quarter_hours: Iterable[QuarterHour], tariff: Tariff) -> Bill:
    """Cost of the energy of quarter-hours; neither peak nor standing charges."""
    energy = feed_in = Decimal(0)
    minutes = unpriced = 0
    for row in quarter_hours:
        minutes += row.minutes
        price = tariff.import_price(row.start) if row.import_kwh else Decimal(0)
        reward = tariff.feed_in_price(row.start) if row.export_kwh else Decimal(0)
        if price is None or reward is None:
            unpriced += row.minutes
            continue
        energy += _kwh(row.import_kwh) * price
        feed_in += _kwh(row.export_kwh) * reward
    return Bill(energy if tariff.energy is not None else None, feed_in, minutes, unpriced)


def costs(
    quarter_hours: Sequence[QuarterHour],
    at: datetime,
    tariff: Tariff,
    month_peak_kw: float | None,
    now_kw: float | None = None,
) -> Costs:
    """Cost of now, of today and of the month of a reading.

    Args:
        quarter_hours: quarter-hours of the stream, oldest first; those after `at` are left out.
        at: time of the last reading, of the same clock.
        tariff: what the energy costs.
        month_peak_kw: highest demand interval of the month so far in kW; None before the first.
        now_kw: power of now in kW, import positive; None for the mean of the running
            quarter-hour.
    """
    month = _of_month(quarter_hours, at, tariff)
    today = [row for row in month if row.start.date() == at.date()]
    of_month, of_today = bill(month, tariff), bill(today, tariff)
    standing = _standing(at.date(), tariff)
    peak = None if tariff.peak is None else tariff.peak.month(month_peak_kw)
    total = None
    if of_month.energy is not None:
        total = of_month.energy - of_month.feed_in + standing + (peak or 0)
    return Costs(
        currency=tariff.currency,
        per_hour=_rounded(_per_hour(month, at, tariff, now_kw), _TENTH),
        today=None if of_today.energy is None else rounded(of_today.energy - of_today.feed_in),
        month=_rounded(total),
        energy=_rounded(of_month.energy),
        feed_in=rounded(of_month.feed_in),
        peak_part=_rounded(peak),
        standing=rounded(standing),
        today_unknown_minutes=_unknown(at.date(), today, of_today, at, tariff),
        today_unpriced_minutes=of_today.unpriced_minutes,
        month_unknown_minutes=_unknown(at.date().replace(day=1), month, of_month, at, tariff),
        month_unpriced_minutes=of_month.unpriced_minutes,
    )


def rounded(amount: Decimal, unit: Decimal = CENT) -> Decimal:
    """An amount of money rounded half up, away from zero, to the cent.

    >>> rounded(Decimal("1.005")), rounded(Decimal("-1.005"))
    (Decimal('1.01'), Decimal('-1.01'))
    """
    # Adding nought turns a negative zero into a plain one.
    return amount.quantize(unit, ROUND_HALF_UP) + 0


def _rounded(amount: Decimal | None, unit: Decimal = CENT) -> Decimal | None:
    return None if amount is None else rounded(amount, unit)


def _kwh(energy: float) -> Decimal:
    return round(energy * 1e9) * _MICRO_WH


def _of_month(
    quarter_hours: Sequence[QuarterHour], at: datetime, tariff: Tariff
) -> list[QuarterHour]:
    first, today = at.date().replace(day=1), at.date()
    end = minute_of(at, tariff.zone)
    rows = []
    for row in reversed(quarter_hours):
        day = row.start.date()
        if day < first:
            break
        if day < today or (day == today and minute_of(row.start, tariff.zone) <= end):
            rows.append(row)
    rows.reverse()
    return rows


def _unknown(
    day: date, rows: Sequence[QuarterHour], of_rows: Bill, at: datetime, tariff: Tariff
) -> int:
    ends = [rows[0].start, rows[-1].start] if rows else []
    return max(elapsed_minutes(day, at, ends, tariff.zone) - of_rows.minutes, 0)


def _standing(day: date, tariff: Tariff) -> Decimal:
    """Standing charge from the first of the month up to a day, in proportion to the days."""
    days_of_month = monthrange(day.year, day.month)[1]
    days_of_year = 366 if monthrange(day.year, 2)[1] == 29 else 365
    return tariff.per_month * day.day / days_of_month + tariff.per_year * day.day / days_of_year


def _per_hour(
    rows: Sequence[QuarterHour], at: datetime, tariff: Tariff, now_kw: float | None
) -> Decimal | None:
    if tariff.energy is None:
        return None
    running = at.replace(minute=at.minute - at.minute % QUARTER, second=0, microsecond=0)
    if now_kw is None:
        last = rows[-1] if rows and rows[-1].start == running else None
        if last is None or not last.minutes:
            return None
        now_kw = 60.0 * (last.import_kwh - last.export_kwh) / last.minutes
    price = tariff.import_price(running) if now_kw >= 0.0 else tariff.feed_in_price(running)
    return None if price is None else _kwh(now_kw) * price
