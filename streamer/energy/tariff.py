"""Tariff of a household: prices of energy and feed-in, peak and standing charges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from streamer.energy.days import minute_of

_WATT = Decimal("0.001")
_DAYS = frozenset(range(7))
_DAY = 1440


class Market(Protocol):
    """Prices of the market, by time."""

    def at(self, minute: int) -> Decimal | None:
        """Price of a kWh in a minute, as by `minute_of`; None if it is not known."""


@dataclass(frozen=True, slots=True)
class Period:
    """A price at some times of the week.

    Attributes:
        price: price per kWh.
        days: days of the week on which it is valid, 0 for Monday.
        start: its first minute of the day.
        end: the minute after its last one, at most 1440. One that is not after `start` lies on
            the same day: the period is then the beginning and the end of each of its days.
    """

    price: Decimal
    days: frozenset[int] = _DAYS
    start: int = 0
    end: int = _DAY

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether it is valid on a day of the week in a minute of the day."""
        if weekday not in self.days:
            return False
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class Rate:
    """Price of a kWh: (times × price + plus) × tax.

    The price is that of the first period that holds, or otherwise the fixed one, or that of the
    market.

    Attributes:
        fixed: fixed price per kWh; None without one.
        periods: prices at some times of the week.
        market: prices of the market; None without them.
        times: factor of the price.
        plus: what is added for each kWh, such as charges for the network.
        tax: factor of the sum, such as 1.21 for 21 % of value added tax.
    """

    fixed: Decimal | None = None
    periods: tuple[Period, ...] = ()
    market: Market | None = None
    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)
    tax: Decimal = Decimal(1)

    def at(self, start: datetime, zone: tzinfo | None) -> Decimal | None:
        """Price per kWh in a quarter-hour; None if it is not known.

        Args:
            start: first minute of the quarter-hour.
            zone: zone of the tariff.
        """
        price = self._price(start, zone)
        return None if price is None else (self.times * price + self.plus) * self.tax

    def _price(self, start: datetime, zone: tzinfo | None) -> Decimal | None:
        if self.market is not None:
            return self.market.at(minute_of(start, zone))
        if self.periods:
            local = start.astimezone(zone) if zone is not None and start.tzinfo else start
            weekday, minute = local.weekday(), local.hour * 60 + local.minute
            for period in self.periods:
                if period.holds(weekday, minute):
                    return period.price
        return self.fixed


@dataclass(frozen=True, slots=True)
class PeakCharge:
    """Charge for the highest demand interval of a month.

    Attributes:
        price_per_kw_year: price of a kW for a year, tax included; a month costs a twelfth.
        floor_kw: lowest peak that is charged in kW.
        minutes: length of a demand interval, 15 or 60.
        net: whether export is subtracted within a demand interval.
    """

    price_per_kw_year: Decimal
    floor_kw: float = 0.0
    minutes: int = 15
    net: bool = False

    def month(self, peak_kw: float | None) -> Decimal:
        """Charge for a month with a peak, which is rounded to the nearest watt.

        >>> PeakCharge(Decimal(60), floor_kw=2.5).month(4.0), PeakCharge(Decimal(60)).month(None)
        (Decimal('20.000'), Decimal('0.000'))
        """
        kw = Decimal(max(peak_kw or 0.0, self.floor_kw)).quantize(_WATT, ROUND_HALF_UP)
        return self.price_per_kw_year * kw / 12


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a household pays for electricity.

    Prices of the market are those of instants in UTC. Periods, days and months are those of the
    clock on the wall: that of `zone`, or without one, that of the readings.

    Attributes:
        name: name of the preset, or path of the file.
        currency: currency of all prices, as it is shown.
        zone: zone of the house, in which readings without a zone are taken to be.
        energy: price of the energy drawn; None if it is not known.
        feed_in: price of the energy fed in, which may be negative; None if it earns nothing.
        peak: charge for the peak of a month; None without one.
        per_month: standing charge for a month, tax included.
        per_year: standing charge for a year, tax included, by days.
    """

    name: str
    currency: str = "€"
    zone: tzinfo | None = None
    energy: Rate | None = None
    feed_in: Rate | None = None
    peak: PeakCharge | None = None
    per_month: Decimal = field(default=Decimal(0))
    per_year: Decimal = field(default=Decimal(0))

    def import_price(self, start: datetime) -> Decimal | None:
        """Price of a kWh drawn in the quarter-hour that begins then; None if not known."""
        return None if self.energy is None else self.energy.at(start, self.zone)

    def feed_in_price(self, start: datetime) -> Decimal | None:
        """Price of a kWh fed in in the quarter-hour that begins then; None if not known."""
        return Decimal(0) if self.feed_in is None else self.feed_in.at(start, self.zone)
