"""Section of a report about the forecasts of the next minutes' mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamer.display.numbers import amount, plural
from streamer.readings.arrays import DoubleArray
from streamer.reporting.axes import Mark, ticks
from streamer.reporting.data import Recorded
from streamer.reporting.figures import SIZES
from streamer.reporting.legend import legend, stroke, swatch
from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.means import HorizonForecasts
from streamer.reporting.plot import Plot, Size
from streamer.reporting.tables import section, table
from streamer.reporting.tally import W_PER_KW, meaningful_skill
from streamer.reporting.words import HARD, share

_COLUMNS = {
    "forecasts": True,
    "RMSE, W": False,
    "persistence": False,
    "skill": False,
    "recent mean": True,
    "half of each": True,
    "yesterday": True,
    "in band": False,
    "band, kW": True,
}
"""Columns, and whether they are hidden on a telephone."""

_LOWEST_SKILL = -0.5
"""End of the axis: what is below is drawn there."""


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """Scores of one horizon over a period, each None where it would mean little.

    The skills of the baselines are over the forecasts for which they are known.

    Attributes:
        minutes: the horizon.
        settled: number of settled forecasts.
        rmse_w: root mean squared error of the mean forecast in W.
        persistence_rmse_w: the same of "the last reading continues".
        skill: 1 − MSE / MSE of persistence.
        recent_skill: that of the mean of the last so many minutes.
        half_skill: that of half of this and half of the last reading.
        yesterday_skill: that of the same minutes of yesterday.
        coverage: share of the means in their band.
        width_kw: mean width of the bands in kW.
    """

    minutes: int
    settled: int
    rmse_w: float
    persistence_rmse_w: float
    skill: float | None
    recent_skill: float | None
    half_skill: float | None
    yesterday_skill: float | None
    coverage: float
    width_kw: float


def next_hour(recorded: Recorded) -> Markup | None:
    """Section with the scores of each horizon; None if no forecast of a mean was settled."""
    scores = [score_horizon(each) for each in recorded.means]
    if not scores:
        return None
    rows = [
        (
            f"{score.minutes}{HARD}min",
            f"{score.settled:,}",
            amount(score.rmse_w, 1),
            amount(score.persistence_rmse_w, 1),
            *(
                share(skill, signed=True)
                for skill in (
                    score.skill,
                    score.recent_skill,
                    score.half_skill,
                    score.yesterday_skill,
                )
            ),
            share(score.coverage),
            amount(score.width_kw, 3),
        )
        for score in scores
    ]
    asked = recorded.confidence
    caption = (
        "Forecasts of the mean power of the next minutes, and their skill against the last reading "
        "(persistence), beside that of other ways to continue: the mean of the last so many "
        "minutes, half of this and half of the last reading, and the same minutes of yesterday, "
        "each where it is known."
    )
    if asked is not None:
        caption += f" {100 * asked:g}{HARD}% was asked for in the band."
    return section("The next hour", _figure(scores), table(_COLUMNS, rows, caption=caption))


def score_horizon(found: HorizonForecasts) -> HorizonScore:
    """The scores of the forecasts of one horizon, of which there is at least one."""
    actual, last = found.actual_kw, found.last_kw
    half = (found.recent_kw + last) / 2.0

    def skill(kw: DoubleArray) -> float | None:
        known = ~np.isnan(kw)
        count = int(known.sum())
        if not count:
            return None
        return meaningful_skill(
            _mse(kw[known], actual[known]), _mse(last[known], actual[known]), count
        )

    inside = (found.low_kw <= actual) & (actual <= found.high_kw)
    return HorizonScore(
        found.minutes,
        len(actual),
        W_PER_KW * math.sqrt(_mse(found.mean_kw, actual)),
        W_PER_KW * math.sqrt(_mse(last, actual)),
        skill(found.mean_kw),
        skill(found.recent_kw),
        skill(half),
        skill(found.yesterday_kw),
        float(inside.mean()),
        float((found.high_kw - found.low_kw).mean()),
    )


def _figure(scores: Sequence[HorizonScore]) -> Markup | None:
    """Skill by horizon; None with a single one."""
    skills = _array([score.skill for score in scores])
    halves = _array([score.half_skill for score in scores])
    if np.isfinite(skills).sum() < 2:
        return None
    found = ", ".join(
        f"{share(score.skill, signed=True)} over {score.minutes} minutes" for score in scores
    )
    drawn = join(*(_drawn(size, scores, skills, halves, found) for size in SIZES))
    names = legend(
        ("skill of the forecast", swatch("forecast-bar")),
        ("half of the recent mean, half of the last reading", stroke("persistence")),
    )
    return tag("figure", names, drawn)


def _drawn(
    size: Size, scores: Sequence[HorizonScore], skills: DoubleArray, halves: DoubleArray, found: str
) -> Markup:
    count = len(scores)
    both = np.concatenate([skills, halves])
    lowest = max(min(float(np.nanmin(both)), 0.0), _LOWEST_SKILL)
    highest = max(float(np.nanmax(both)), lowest + 0.05, 0.0)
    plot = Plot(size, 0, count, ticks(lowest, highest, 4))
    marks = [
        Mark(place, False, f"{score.minutes} min", "", place + 0.5)
        for place, score in enumerate(scores)
    ]
    plot.frame("%", marks, lambda value: f"{100 * value:.3g}")
    starts = np.arange(float(count))
    plot.columns(starts + 0.3, starts + 0.7, np.zeros(count), skills, "forecast-bar")
    plot.bars_across(starts + 0.25, starts + 0.75, halves, "persistence")
    for place, score in enumerate(scores):
        text = (
            f"mean of the next {score.minutes} minutes: skill {share(score.skill, signed=True)}, "
            f"half of each {share(score.half_skill, signed=True)}, "
            f"{plural(score.settled, 'forecast')}"
        )
        plot.hint(place, place + 1, text)
    return plot.svg(f"Skill of the forecasts of the next minutes' mean: {found}.")


def _array(values: Sequence[float | None]) -> DoubleArray:
    return np.array([np.nan if value is None else value for value in values])


def _mse(kw: DoubleArray, actual_kw: DoubleArray) -> float:
    return float(np.square(kw - actual_kw).mean())
