"""Demand intervals of `replay` and `watch`, by their options and their tariff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.demand.settings import DemandRule

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff


def demand_rule(
    length: str | None,
    *,
    limit_kw: float | None,
    alarms_per_month: float,
    tariff: Tariff | None = None,
) -> DemandRule | None:
    """The rule of the demand intervals; None if none are kept.

    Args:
        length: minutes of an interval, "15" or "60", or "none"; None for those of the tariff, or
            15 without a tariff that charges a peak.
        limit_kw: mean that an interval should not exceed in kW; None for the month's peak.
        alarms_per_month: false alarms that are accepted a month.
        tariff: what electricity costs; None if that is not known.

    Raises:
        UsageError: a setting is out of its range.

    >>> demand_rule("60", limit_kw=5.0, alarms_per_month=3.0).minutes
    60
    """
    if length == "none":
        return None
    peak = None if tariff is None else tariff.peak
    if tariff is None or peak is None:
        return DemandRule(int(length or 15), limit_kw=limit_kw, alarms_per_month=alarms_per_month)
    return DemandRule(
        int(length or peak.minutes),
        limit_kw=limit_kw,
        floor_kw=peak.floor_kw,
        net=peak.net,
        alarms_per_month=alarms_per_month,
        price_per_kw_year=float(peak.price_per_kw_year),
        currency=tariff.currency,
    )
