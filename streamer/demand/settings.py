"""Settings of the demand intervals: their length, what counts, and what is warned of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streamer.errors import UsageError

LENGTHS = (15, 60)
"""Minutes of a demand interval: a quarter-hour or an hour."""

MAX_ALARMS = 3000.0
"""Alarms a month: about as many as there are quarter-hours."""


@dataclass(frozen=True, slots=True)
class DemandRule:
    """Demand intervals as a tariff has them, and the bound that they should not exceed.

    Attributes:
        minutes: length of an interval, 15 or 60. Intervals begin at :00, :15, :30 and :45, or
            at :00, by the clock on the wall.
        limit_kw: mean that an interval should not exceed, in kW; None for the month's peak so
            far.
        floor_kw: lowest peak that is charged, in kW: no interval below it raises the peak.
        net: whether export is subtracted within an interval; otherwise its minutes count as 0.
        alarms_per_month: false alarms that are accepted a month; 0 for no alarms at all.
        price_per_kw_year: price of a kW of peak for a year; None if it is not known.
        currency: of the price.

    Raises:
        UsageError: a setting is out of its range.

    >>> DemandRule(minutes=30)
    Traceback (most recent call last):
    streamer.errors.UsageError: demand intervals of 30 minutes; give 15 or 60
    """

    minutes: int = 15
    limit_kw: float | None = None
    floor_kw: float = 0.0
    net: bool = False
    alarms_per_month: float = 3.0
    price_per_kw_year: float | None = None
    currency: str = "€"

    def __post_init__(self) -> None:
        if isinstance(self.minutes, bool) or self.minutes not in LENGTHS:
            raise UsageError(f"demand intervals of {self.minutes!r} minutes; give 15 or 60")
        if self.limit_kw is not None and not 0.0 < self.limit_kw < math.inf:
            raise UsageError(f"the peak limit is {self.limit_kw!r} kW; give a number above 0")
        if not 0.0 <= self.floor_kw < math.inf:
            raise UsageError(f"the lowest peak is {self.floor_kw!r} kW; give 0 or more")
        if not 0.0 <= self.alarms_per_month <= MAX_ALARMS:
            raise UsageError(
                f"{self.alarms_per_month!r} peak alarms a month; give 0 to {MAX_ALARMS:.0f}"
            )
        price = self.price_per_kw_year
        if price is not None and not 0.0 <= price < math.inf:
            raise UsageError(f"the price of a kW of peak is {price!r}; give 0 or more")
