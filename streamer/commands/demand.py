"""Demand intervals of `replay` and `watch`, by their options."""

from __future__ import annotations

from streamer.demand.settings import DemandRule


def demand_rule(
    length: str, *, limit_kw: float | None, alarms_per_month: float
) -> DemandRule | None:
    """The rule of the demand intervals; None if none are kept.

    Args:
        length: minutes of an interval, "15" or "60", or "none".
        limit_kw: mean that an interval should not exceed in kW; None for the month's peak.
        alarms_per_month: false alarms that are accepted a month.

    Raises:
        UsageError: a setting is out of its range.

    >>> demand_rule("60", limit_kw=5.0, alarms_per_month=3.0).minutes
    60
    """
    if length == "none":
        return None
    return DemandRule(int(length), limit_kw=limit_kw, alarms_per_month=alarms_per_month)
