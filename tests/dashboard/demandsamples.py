"""Demand intervals for synthetic streams, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from streamer.readings import (
    MINUTE,
    DemandForecast,
    DemandScores,
    QuarterHour,
    ReliabilityBin,
    Step,
)

MONTH_PEAK = 3.1

DEMAND_SCORES = DemandScores(
    settled=960,
    exceeded=28,
    found=25,
    false_alarms=12,
    brier=0.0009,
    base_brier=0.0021,
    reliability=(
        ReliabilityBin(0.001, 0.0, 900),
        ReliabilityBin(0.12, 0.1, 40),
        ReliabilityBin(0.48, 0.5, 20),
    ),
)


def quarter_hours(at: datetime, days: int = 10) -> list[QuarterHour]:
    """Quarter-hours of earlier days, and of that day before a time, with an evening peak.

    Around noon of the last day, power is exported.
    """
    midnight = at.replace(hour=0, minute=0)
    found = []
    for day in range(-days, 1):
        for quarter in range(96):
            start = midnight + timedelta(days=day, minutes=15 * quarter)
            if start + timedelta(minutes=15) > at:
                return found
            kw = 0.3 + 0.1 * (quarter % 7) + 0.05 * (day % 3)
            kw += 2.2 if 70 < quarter < 80 else 0.0
            sun = 0.0 if day else max(0.0, 2.0 - 0.25 * abs(quarter - 50))
            found.append(QuarterHour(start, kw / 4, sun / 4, 15))
    return found


def demanding(
    steps: Sequence[Step], *, bound: float | None = MONTH_PEAK, probability: float = 0.12
) -> list[Step]:
    """The same steps with demand intervals, of quarter-hours, and the energy until then.

    Args:
        steps: the steps.
        bound: the month's peak in kW; None before the first full interval.
        probability: that of each interval to exceed it.
    """
    at = steps[0].reading.at
    rows = quarter_hours(at - at.minute % 15 * MINUTE)
    running: QuarterHour | None = None
    found = []
    for step in steps:
        at = step.reading.at
        start = at - at.minute % 15 * MINUTE
        if running is None or running.start != start:
            rows += [] if running is None else [running]
            running = QuarterHour(start, 0.0, 0.0, 0)
        running = QuarterHour(
            start,
            running.import_kwh + max(step.reading.kw, 0.0) / 60,
            running.export_kwh + max(-step.reading.kw, 0.0) / 60,
            running.minutes + 1,
        )
        passed = at.minute % 15 + 1
        left, so_far = 15 - passed, 60 * running.import_kwh / running.minutes
        demand = DemandForecast(
            start, start + 15 * MINUTE, left, passed - running.minutes, so_far, bound_kw=bound
        )
        if step.forecast is not None:
            kw = (passed * so_far + left * 0.8) / 15
            demand = replace(
                demand,
                kw=kw,
                low_kw=kw - 0.03 * left,
                high_kw=kw + 0.1 * left,
                p_raises_peak=None if bound is None else probability,
            )
        if bound is not None:
            margin = max(0.0, (15 * bound - passed * so_far) / left) if left else None
            peak_at = at.replace(hour=18, minute=30) - timedelta(days=3)
            demand = replace(demand, margin_kw=margin, month_peak_kw=bound, month_peak_at=peak_at)
        found.append(
            replace(
                step,
                demand=demand,
                demand_scores=DEMAND_SCORES,
                quarter_hours=(*rows, running),
            )
        )
    return found
