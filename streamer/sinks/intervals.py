"""Energy, demand intervals and cost of a stream, for the summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.energy import interval_name, money
from streamer.display.numbers import number, plural
from streamer.readings import DemandScores, QuarterHour, SettledDemand, Step

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.readings.blocks import BlockResult

_MONTHS = 3
"""Months of which the peaks are shown, the latest ones."""


class IntervalTotals:
    """Adds up the energy of a stream, and keeps the peaks of its last months.

    Args:
        tariff: what the energy costs; None if that is not known.
    """

    def __init__(self, tariff: Tariff | None = None) -> None:
        self._tariff = tariff
        self._imported = self._exported = 0.0
        self._peaks: dict[tuple[int, int], SettledDemand] = {}

    def add(self, step: Step) -> None:
        """Add a step of a stream whose demand intervals are kept."""
        kw = step.reading.kw
        if kw < 0.0:
            self._exported -= kw
        else:
            self._imported += kw
        if step.settled_demand:
            self._settle(step.settled_demand)

    def add_block(self, result: BlockResult) -> None:
        """Add a block of readings; nothing where demand intervals are not kept."""
        if result.last.demand is None:
            return
        kw = result.readings.kw
        self._exported -= float(kw.clip(max=0.0).sum())
        self._imported += float(kw.clip(min=0.0).sum())
        self._settle(result.settled_demand)

    def _settle(self, settled: Iterable[SettledDemand]) -> None:
        for each in settled:
            month = each.start.year, each.start.month
            before = self._peaks.get(month)
            # Where minutes are missing, the mean of the others may be more than that of all.
            if each.unknown_minutes == 0 and (before is None or each.kw > before.kw):
                self._peaks[month] = each
        while len(self._peaks) > _MONTHS:
            del self._peaks[min(self._peaks)]

    def lines(self, last: Step) -> list[str]:
        """Energy, peaks, scores of the alarms, and cost; none if intervals are not kept.

        Args:
            last: the last step of the stream.
        """
        if last.demand is None:
            return []
        rows, at = list(last.quarter_hours), last.reading.at
        return [
            self._energy(rows, at, last.demand.minutes),
            *self._month_peaks(),
            *_scores(last.demand_scores),
            *self._cost(rows, at, last.demand.month_peak_kw),
        ]

    def _energy(self, rows: Sequence[QuarterHour], at: datetime, minutes: int) -> str:
        from streamer.energy.today import today

        found = today(rows, at, minutes)
        parts = [
            ("in all", self._imported / 60.0, self._exported / 60.0),
            (f"on {at:%Y-%m-%d}", found.import_kwh, found.export_kwh),
        ]
        return "energy: " + ", ".join(
            f"{number(drawn, '.2f')} kWh {when}"
            + (f" (and {number(fed, '.2f')} kWh fed in)" if fed else "")
            for when, drawn, fed in parts
        )

    def _month_peaks(self) -> list[str]:
        if not self._peaks:
            return []
        peaks = [self._peaks[month] for month in sorted(self._peaks)]
        texts = (f"{number(each.kw, '.3f')} kW on {each.start:%Y-%m-%d %H:%M}" for each in peaks)
        return [f"highest {interval_name(peaks[0].minutes)} of the month: {', '.join(texts)}"]

    def _cost(
        self, rows: Sequence[QuarterHour], at: datetime, month_peak_kw: float | None
    ) -> list[str]:
        if self._tariff is None:
            return []
        from streamer.energy.cost import costs

        found = costs(rows, at, self._tariff, month_peak_kw)
        parts = []
        if found.month is not None:
            parts.append(f"{money(found.today, found.currency)} on {at:%Y-%m-%d}")
            month = f"{money(found.month, found.currency)} in the month so far"
            if found.month_unknown_minutes:
                month += f" without {plural(found.month_unknown_minutes, 'unknown minute')}"
            parts.append(month)
            if found.month_unpriced_minutes:
                parts.append(f"{plural(found.month_unpriced_minutes, 'minute')} without a price")
        if found.peak_part is not None:
            of_it = " of it" if parts else ""
            parts.append(f"{money(found.peak_part, found.currency)}{of_it} for the peak")
        return [f"cost: {', '.join(parts)}"] if parts else []


def _scores(scores: DemandScores | None) -> list[str]:
    """How many alarms were right, and how good the probability was."""
    if scores is None or not scores.settled:
        return []
    missed = scores.exceeded - scores.found
    lines = [
        f"{plural(scores.exceeded, 'peak')} in {plural(scores.settled, 'interval')}: "
        f"{scores.found:,} with an alarm, {missed:,} missed; "
        f"{plural(scores.false_alarms, 'false alarm')}"
    ]
    if scores.brier is not None:
        base = number(scores.base_brier, ".5f")
        lines.append(
            f"probability of a peak: Brier score {number(scores.brier, '.5f')} (base rate {base})"
        )
    return lines
