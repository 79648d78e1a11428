"""Cost of quarter-hours under a tariff, in exact decimal arithmetic."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal

from streamer.energy.days import QUARTER, elapsed_minutes, minute_of, rows_of
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
    return Accounts(tariff).costs(quarter_hours, at, month_peak_kw, now_kw)


class Accounts:
    """Costs of a stream, again and again: a day that is over is computed once.

    Args:
        tariff: what the energy costs.
    """

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._days: dict[date, tuple[Sequence[QuarterHour], Bill]] = {}

    def costs(
        self,
        quarter_hours: Sequence[QuarterHour],
        at: datetime,
        month_peak_kw: float | None,
        now_kw: float | None = None,
    ) -> Costs:
        """Cost of now, of today and of the month of a reading, as by the function `costs`."""
        tariff, zone = self._tariff, self._tariff.zone
        # A list is read several times as fast as a snapshot.
        rows, day, end = list(quarter_hours), at.date(), minute_of(at)
        today = [row for row in rows_of(rows, day) if minute_of(row.start) <= end]
        of_today = bill(today, tariff)
        before = [self._of_day(rows, day.replace(day=n)) for n in range(1, day.day)]
        of_month = _total([*(each for _, each in before), of_today])
        starts = [row.start for found, _ in before for row in found[:1]]
        starts += [row.start for row in (*today[:1], *today[-1:])]
        standing = _standing(day, tariff)
        peak = None if tariff.peak is None else tariff.peak.month(month_peak_kw)
        total = None
        if of_month.energy is not None:
            total = of_month.energy - of_month.feed_in + standing + (peak or 0)
        return Costs(
            currency=tariff.currency,
            per_hour=_rounded(_per_hour(today, at, tariff, now_kw), _TENTH),
            today=None if of_today.energy is None else rounded(of_today.energy - of_today.feed_in),
            month=_rounded(total),
            energy=_rounded(of_month.energy),
            feed_in=rounded(of_month.feed_in),
            peak_part=_rounded(peak),
            standing=rounded(standing),
            today_unknown_minutes=_unknown(day, [row.start for row in today], of_today, at, zone),
            today_unpriced_minutes=of_today.unpriced_minutes,
            month_unknown_minutes=_unknown(day.replace(day=1), starts, of_month, at, zone),
            month_unpriced_minutes=of_month.unpriced_minutes,
        )

    def _of_day(
        self, quarter_hours: Sequence[QuarterHour], day: date
    ) -> tuple[Sequence[QuarterHour], Bill]:
        """Quarter-hours and bill of a day that is over."""
        rows = rows_of(quarter_hours, day)
        known = self._days.get(day)
        # Comparing the same objects takes next to no time, and a stream that is repeated from
        # an earlier state, with minutes that came late, has others.
        if known is not None and known[0] == rows and not known[1].unpriced_minutes:
            return known
        found = rows, bill(rows, self._tariff)
        self._days = {each: kept for each, kept in self._days.items() if each.month == day.month}
        self._days[day] = found
        return found


def _total(bills: Iterable[Bill]) -> Bill:
    energy, feed_in, minutes, unpriced = Decimal(0), Decimal(0), 0, 0
    known = True
    for each in bills:
        known = known and each.energy is not None
        energy += each.energy or 0
        feed_in += each.feed_in
        minutes += each.minutes
        unpriced += each.unpriced_minutes
    return Bill(energy if known else None, feed_in, minutes, unpriced)


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


def _unknown(
    day: date, starts: Sequence[datetime], of_rows: Bill, at: datetime, zone: tzinfo | None
) -> int:
    return max(elapsed_minutes(day, at, starts, zone) - of_rows.minutes, 0)


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
