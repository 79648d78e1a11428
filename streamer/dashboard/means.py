"""Means of the next minutes and the skill of their forecasts, as a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from rich.text import Text

from streamer.dashboard.words import LABEL, apart, fit, line, percent
from streamer.display.horizons import MIN_SETTLED, horizon_name
from streamer.display.numbers import fixed
from streamer.history import HistorySnapshot
from streamer.readings import MeanForecast, MeanScores

_GAP = 2
"""Free cells between the powers and the skills, at least."""


def means(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """The mean of the next minutes for the horizons that are shown, and the live skill of each.

    Returns:
        One line, with the skills at its end if they fit; none if nothing is forecast.
    """
    last = snapshot.last
    if last is None or last.next_means is None:
        return []
    shown = [mean for mean in last.next_means if mean.minutes in snapshot.horizons]
    if not shown:
        return []
    longest, scores = shown[-1:], last.mean_scores
    candidates = [
        *product(_powers(shown), _skills(shown, scores)),
        *((p, s) for s in _skills(longest, scores) for p in _powers(longest, bare=False)),
        *product(_powers(longest, bare=False) + _powers(longest), [Text()]),
    ]
    for powers, skills in candidates:
        if powers.cell_len + (skills.cell_len and _GAP + skills.cell_len) <= width:
            return [apart(powers, skills, width) if skills else powers]
    return [fit(powers, width, pad=False)]


def _powers(shown: Sequence[MeanForecast], *, bare: bool = True) -> list[Text]:
    """Forecasts in several lengths, longest first.

    Args:
        shown: the forecasts.
        bare: whether there may be no band.
    """
    named = [f"{horizon_name(mean.minutes)} {fixed(mean.kw, 2):>5}" for mean in shown]
    bands = [f"({fixed(mean.low_kw, 2)} to {fixed(mean.high_kw, 2)})" for mean in shown]
    every = "   ".join(f"{power} kW {band}" for power, band in zip(named, bands, strict=True))
    powers = ", ".join(named)
    long, short = "mean of the next ", "mean of next "
    whole = [_line(long, every), _line(long, f"{powers} kW {bands[-1]}")]
    if not bare:
        return [*whole, _line(short, f"{powers} {bands[-1]}")]
    return [*whole, _line(long, f"{powers} kW"), _line(short, powers), _line("next ", powers)]


def _line(beginning: str, text: str) -> Text:
    return line((beginning, LABEL), text)


def _skills(shown: Sequence[MeanForecast], scores: MeanScores | None) -> list[Text]:
    """Skills with the names of the horizons and without, in the order of the forecasts."""
    found = [None if scores is None else scores.of(mean.minutes) for mean in shown]
    known = [one.skill if one and one.settled >= MIN_SETTLED else None for one in found]
    if all(skill is None for skill in known):
        return [line(("skill after a day", LABEL))]
    long, short = line(("skill ", LABEL)), line(("skill ", LABEL))
    for index, (mean, skill) in enumerate(zip(shown, known, strict=True)):
        separator = ", " if index else ""
        style = percent(skill).style
        number = fixed(None if skill is None else 100.0 * skill, 1, signed=True)
        long.append(f"{separator}{horizon_name(mean.minutes)} ").append(f"{number} %", style)
        short.append(separator).append(number, style)
    short.append(" %")
    return [long, short] if len(shown) > 1 else [short]
