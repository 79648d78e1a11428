"""The running demand interval: its bar, and what it means in words."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import groupby

from rich.text import Text

from streamer.dashboard.plot import FORECAST_GLYPH
from streamer.dashboard.words import (
    ACTUAL,
    BAND,
    FORECAST,
    LABEL,
    STRONG,
    WARNING,
    choose,
    line,
)
from streamer.display.energy import interval_name, likely
from streamer.display.numbers import fixed, plural
from streamer.history.columns import MAX_KW
from streamer.readings import DemandForecast, DemandScores

DRAWN_GLYPH, SURE_GLYPH, RANGE_GLYPH, BOUND_GLYPH = "█", "▒", "░", "┃"
"""Parts of the bar: what has been drawn, what almost surely follows, the band, and the bound."""

_LIKELY = 0.5
"""Probability from which the interval is marked."""


def name_of(demand: DemandForecast) -> str:
    """The interval by its length and its times."""
    return f"{interval_name(demand.minutes)} {demand.start:%H:%M} to {demand.end:%H:%M}"


def left(demand: DemandForecast) -> str:
    """Time left of the interval, for its heading."""
    return f"{demand.minutes_left} min left" if demand.minutes_left else "complete"


def bar(demand: DemandForecast, width: int) -> Text:
    """The interval's mean import as a bar: what is drawn already, and what is forecast.

    The solid part is what the mean is at least, if nothing more is drawn: it reaches the bound
    when the interval does. A scale in kW is at the right end.
    """
    minutes = demand.minutes
    passed = minutes - demand.minutes_left
    drawn = _power(demand.so_far_kw * passed / minutes) or 0.0
    kw, low, high, bound = map(_power, (demand.kw, demand.low_kw, demand.high_kw, demand.bound_kw))
    top = 1.1 * max(0.1, drawn, kw or 0.0, high or 0.0, bound or 0.0)
    scale = f" {fixed(top, 1)} kW"
    cells = width - len(scale) - 1
    if cells < 8:
        return line(" ", (likely(demand.p_raises_peak), STRONG))

    def cell(power: float) -> int:
        return min(round(cells * power / top), cells)

    glyphs = [(" ", "")] * cells
    for end, start, glyph, style in (
        (high, low, RANGE_GLYPH, BAND),
        (kw if low is None else low, 0.0, SURE_GLYPH, FORECAST),
        (drawn, 0.0, DRAWN_GLYPH, ACTUAL),
    ):
        if start is not None and end is not None and cell(end) > cell(start):
            glyphs[cell(start) : cell(end)] = [(glyph, style)] * (cell(end) - cell(start))
    if kw is not None and demand.minutes_left:
        glyphs[min(cell(kw), cells - 1)] = (FORECAST_GLYPH, FORECAST)
    if bound is not None:
        glyphs[min(cell(bound), cells - 1)] = (BOUND_GLYPH, STRONG)
    text = line(" ")
    for style, run in groupby(glyphs, lambda found: found[1]):
        text.append("".join(glyph for glyph, _ in run), style)
    return text.append(scale, LABEL)


def _power(kw: float | None) -> float | None:
    """A power that can be drawn; None if it is not known."""
    return None if kw is None or math.isnan(kw) else min(max(kw, 0.0), MAX_KW)


def course(demand: DemandForecast, width: int) -> Text:
    """The mean so far, and the mean that is expected in the end."""
    so_far = line(("so far ", LABEL), (f"{fixed(demand.so_far_kw, 2)} kW", STRONG))
    if demand.unknown_minutes:
        so_far.append(f" ({plural(demand.unknown_minutes, 'minute')} unknown)", LABEL)
    if demand.kw is None or not demand.minutes_left:
        return choose(width, so_far)
    expected = line((f"{fixed(demand.kw, 2)} kW", FORECAST))
    candidates = [line(so_far, ("   heading for ", LABEL), expected)]
    if demand.low_kw is not None and demand.high_kw is not None:
        band = f" ({fixed(demand.low_kw, 2)} to {fixed(demand.high_kw, 2)})"
        candidates.insert(0, line(candidates[0], band))
        candidates.insert(1, line(so_far, "  ", expected, band))
    return choose(width, *candidates, line(so_far, "  ", expected), so_far)


def margin(demand: DemandForecast, width: int) -> Text:
    """What may still be drawn, or that the bound is exceeded already."""
    bound = demand.bound_kw
    if bound is None:
        name = interval_name(demand.minutes)
        return choose(width, line((f"the first full {name} sets the month's peak", LABEL)))
    limit = f"{fixed(bound, 2)} kW"
    if not demand.minutes_left or demand.margin_kw is None:
        above = demand.so_far_kw > bound
        text = f"{'above' if above else 'below'} {limit}"
        return choose(width, line((text, WARNING if above else "")))
    if demand.margin_kw <= 0.0:
        return choose(
            width,
            line((f"exceeds {limit}, whatever is drawn from now on", WARNING)),
            line((f"exceeds {limit}", WARNING)),
        )
    rest = _rest(demand)
    tight = rest is not None and rest > demand.margin_kw
    power = (f"{fixed(demand.margin_kw, 2)} kW", WARNING if tight else STRONG)
    draws = line(("may draw ", LABEL), power, (f" for {demand.minutes_left} min", LABEL))
    before = line(draws, (f" and stay below {limit}", LABEL))
    if rest is None:
        return choose(width, before, draws, line(power))
    expected = line((f", {fixed(rest, 2)} kW expected", LABEL))
    shorter = [line(draws, expected), before] if tight else [before, line(draws, expected)]
    return choose(width, line(before, expected), *shorter, draws, line(power))


def _rest(demand: DemandForecast) -> float | None:
    """Mean import that is expected over the rest of the interval in kW."""
    if demand.kw is None or not demand.minutes_left:
        return None
    minutes = demand.minutes
    passed = minutes - demand.minutes_left
    rest = (minutes * demand.kw - passed * demand.so_far_kw) / demand.minutes_left
    return max(0.0, rest) if math.isfinite(rest) else None


def chance(demand: DemandForecast, width: int) -> Text:
    """Probability that the interval exceeds its bound."""
    if demand.bound_kw is None or demand.p_raises_peak is None:
        return choose(width, line(("no probability yet", LABEL)))
    probability = demand.p_raises_peak
    style = WARNING if probability >= _LIKELY else STRONG
    limit = f"{fixed(demand.bound_kw, 2)} kW"
    return choose(
        width,
        line((f"probability of more than {limit} ", LABEL), (likely(probability), style)),
        line((f"above {limit} ", LABEL), (likely(probability), style)),
        line((likely(probability), style)),
    )


def month_peak(demand: DemandForecast, width: int) -> Text:
    """The month's peak and when it was, and the bound if that is another."""
    peak, at, bound = demand.month_peak_kw, demand.month_peak_at, demand.bound_kw
    other = ""
    if bound is not None and bound != peak:
        other = f"bound {fixed(bound, 2)} kW"
    if peak is None:
        text = f"no peak this month yet{other and ', ' + other}"
        return choose(width, line((text, LABEL)))
    beginning = line(("month's peak ", LABEL), f"{fixed(peak, 2)} kW")
    when = "" if at is None else f", {_day(at)}"
    candidates = [line(beginning, (when, LABEL)), beginning]
    if other:
        candidates.insert(0, line(candidates[0], (f"   {other}", LABEL)))
    return choose(width, *candidates)


def _day(at: datetime) -> str:
    return f"{at:%m-%d %H:%M}"


def record(scores: DemandScores | None, width: int) -> Text:
    """How good the probability and the alarms have been."""
    if scores is None or not scores.settled:
        return choose(width, line(("not scored yet", LABEL)))
    found = f"{scores.found} of {scores.exceeded} found, {scores.false_alarms} false"
    if scores.brier is None:
        return choose(width, line(("alarms: ", LABEL), found), line(found))
    brier = f"Brier {_small(scores.brier)}"
    base = "" if scores.base_brier is None else f" (base rate {_small(scores.base_brier)})"
    over = f" over {plural(scores.settled, 'interval')}"
    return choose(
        width,
        line(("alarms: ", LABEL), f"{found}   {brier}{base}", (over, LABEL)),
        line(("alarms: ", LABEL), f"{found}   {brier}{base}"),
        line(("alarms: ", LABEL), f"{found}   {brier}"),
        line(found),
    )


def _small(value: float) -> str:
    return fixed(value, 5 if abs(value) < 0.01 else 4)


def reliability(scores: DemandScores | None, width: int) -> Text:
    """Probabilities, and how often what they were of came true; as many as fit."""
    bins = () if scores is None else scores.reliability
    if not bins:
        return Text()
    parts = [
        f"{fixed(100.0 * each.probability, 0)} → {fixed(100.0 * each.share, 0)}" for each in bins
    ]
    label = ("% forecast → % observed: ", LABEL)
    candidates = [line(label, ", ".join(parts[-count:])) for count in range(len(parts), 0, -1)]
    return choose(width, *candidates)
