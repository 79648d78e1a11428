"""Section of a report about demand intervals: peaks, warnings, and the probabilities of both."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from streamer.display.energy import interval_name
from streamer.display.numbers import amount, plural
from streamer.readings.arrays import DoubleArray
from streamer.reporting.bars import interval_bars
from streamer.reporting.data import Recorded
from streamer.reporting.demand import Demand, Foreseen, Interval, MonthPeak
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.tables import MAX_ROWS, left_out, log, section, table
from streamer.reporting.tally import W_PER_KW
from streamer.reporting.words import HARD, day_and_time, moment, share

_MONTHS = {
    "peak, kW": False,
    "when": False,
    "incomplete": True,
    "found": False,
    "missed": False,
    "false alarms": False,
}
_RELIABILITY = {"intervals": False, "mean probability": False, "exceeded": False}
"""Columns, and whether they are hidden on a telephone."""

_EDGES = np.array([0.0, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0])
"""Between the bins of the probabilities, most of which are small."""

_MIN_FORESEEN = 96
"""Fewest intervals for which scores are meaningful: a day of quarter-hours."""


def demand(recorded: Recorded) -> Markup | None:
    """Section about the demand intervals; None if none is recorded."""
    found = recorded.demand
    if found is None:
        return None
    return section(
        "Demand",
        interval_bars(recorded, found),
        _warned_in_time(found),
        _months(found),
        _noted(recorded, found),
        _reliability(found),
        long=True,
    )


def _months(found: Demand) -> Markup:
    rows = [_month(month) for month in found.months]
    name = interval_name(found.minutes)
    caption = (
        f"The highest mean import of {'an' if name == 'hour' else 'a'} {name} in each month, as "
        "far as recorded. Incomplete are those with minutes that were not measured; as a peak, "
        "one counts with the least that it can have been (≥). Found are those that exceeded "
        "their bound, which is the month's peak so far unless one was given, after a warning."
    )
    if any(month.by_meter for month in found.months):
        caption += " Where the meter has a month's peak itself, that is shown."
    return table(_MONTHS, rows, caption=caption)


def _month(month: MonthPeak) -> tuple[str, ...]:
    at_least = f"≥{HARD}" if month.incomplete else ""
    return (
        f"{month.at:%B %Y}",
        at_least + amount(month.kw, 2),
        day_and_time(month.at),
        f"{month.unknown:,} of {month.intervals:,}",
        f"{month.found:,}",
        f"{month.missed:,}",
        f"{month.false_alarms:,}",
    )


def _warned_in_time(found: Demand) -> Markup | None:
    """A sentence about the intervals that exceeded their bound; None without any."""
    right, total = len(found.leads), sum(month.found + month.missed for month in found.months)
    if not total:
        return None
    text = f"In {plural(len(found.months), 'month')}, {plural(total, 'interval')} exceeded the "
    text += f"bound, and {right:,} of them {'was' if right == 1 else 'were'} warned about"
    if right:
        text += f", with {median(found.leads):g} minutes left in the median"
        text += f" and {min(found.leads)} at least"
    return tag("p", f"{text}.")


def _noted(recorded: Recorded, found: Demand) -> Markup:
    """What was warned about in the period, and what should have been."""
    noted = [each for each in found.intervals if each.exceeded or each.warned_at is not None]
    if not noted:
        return tag("p", f"In this {recorded.period}, none exceeded its bound or was warned about.")
    rows = [
        (moment(recorded.clock, each.at), _warned(recorded, found.minutes, each), _outcome(each))
        for each in noted[-MAX_ROWS:]
    ]
    return join(log(("from", "warning", "what came"), rows), left_out(noted))


def _warned(recorded: Recorded, minutes: int, interval: Interval) -> str:
    if interval.warned_at is None:
        return "not warned"
    left = minutes - 1 - (interval.warned_at - interval.at) // 60
    return f"warned {recorded.clock.local(interval.warned_at):%H:%M}, {left}{HARD}min left"


def _outcome(interval: Interval) -> Markup:
    came = f"{amount(interval.kw, 2)}{HARD}kW"
    if interval.exceeded is None:
        unknown = plural(interval.unknown_minutes, "minute")
        return join(tag("span", "not known", class_="kind"), f" {came}, without {unknown}")
    kind = "missed" if interval.warned_at is None else "found"
    if interval.bound_kw is not None:
        above = interval.kw - interval.bound_kw
        came += f", {amount(abs(above), 2)} {'above' if above > 0.0 else 'below'} the bound"
    kind = kind if interval.exceeded else "false alarm"
    return join(tag("span", kind, class_="kind"), f" {came}")


def _reliability(found: Demand) -> Markup | None:
    """Probabilities beside what came; None with too few of them."""
    foreseen = found.foreseen
    known = np.isfinite(foreseen.probability) & np.isfinite(foreseen.exceeded)
    if known.sum() < _MIN_FORESEEN:
        return None
    probability, exceeded = foreseen.probability[known], foreseen.exceeded[known]
    brier = float(np.square(probability - exceeded).mean())
    base = float(exceeded.mean())
    caption = (
        f"The probability of exceeding the bound, after {found.minutes // 3} minutes of it, "
        f"over {plural(len(exceeded), 'complete interval')}. Brier score {amount(brier, 4)}; "
        f"{amount(base * (1.0 - base), 4)} for always saying {share(base)}. {_accuracy(foreseen)}"
    )
    rows = list(_bins(probability, exceeded))
    summary = tag("summary", "Reliability of the probabilities")
    return tag("details", summary, table(_RELIABILITY, rows, caption=caption))


def _bins(probability: DoubleArray, exceeded: DoubleArray) -> Iterator[tuple[str, ...]]:
    places = np.clip(np.searchsorted(_EDGES, probability, side="right") - 1, 0, len(_EDGES) - 2)
    for place in range(len(_EDGES) - 1):
        inside = places == place
        if inside.any():
            low, high = (f"{100 * edge:g}" for edge in _EDGES[place : place + 2])
            yield (
                f"{low} to {high}{HARD}%",
                f"{int(inside.sum()):,}",
                share(float(probability[inside].mean())),
                share(float(exceeded[inside].mean())),
            )


def _accuracy(foreseen: Foreseen) -> str:
    """Errors and coverage of the forecasts of the mean."""
    error_w = W_PER_KW * float(np.sqrt(np.square(foreseen.forecast_kw - foreseen.kw).mean()))
    inside = (foreseen.low_kw <= foreseen.kw) & (foreseen.kw <= foreseen.high_kw)
    return (
        f"The mean expected then was off by {amount(error_w, 1)}{HARD}W (RMSE), and "
        f"{share(float(inside.mean()))} of the means lay in their band."
    )
