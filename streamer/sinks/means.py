"""Forecasts of the next minutes' mean as JSON, as columns, and as text.

All functions take the horizons to show. One that the model does not forecast is left out of the
JSON, and is empty in its columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

from streamer.display.horizons import MIN_SETTLED, horizon_name
from streamer.display.numbers import percent
from streamer.display.verdict import verdict
from streamer.readings import MeanForecast, MeanScores, NextMeans, Step

KEY = "next_means"
"""Key of the list in a JSON line."""

_VALUES = ("kw", "median_kw", "low_kw", "high_kw")
_NO_VALUES: tuple[float | None, ...] = (None,) * len(_VALUES)


def has_means(step: Step) -> bool:
    """Whether the model of a step forecasts means at all, known already or not."""
    return step.mean_scores is not None or step.next_means is not None


def mean_columns(horizons: Iterable[int]) -> tuple[str, ...]:
    """Names of the columns of horizons.

    >>> mean_columns((60,))
    ('next_60_kw', 'next_60_median_kw', 'next_60_low_kw', 'next_60_high_kw')
    """
    return tuple(f"next_{minutes}_{name}" for minutes in horizons for name in _VALUES)


def mean_values(means: NextMeans | None, horizons: Sequence[int]) -> list[float | None]:
    """The values of `mean_columns`; None for those that are not forecast."""
    found = {} if means is None else dict(zip(means.minutes, means.values.tolist(), strict=True))
    return [value for minutes in horizons for value in found.get(minutes, _NO_VALUES)]


def mean_records(
    means: NextMeans | None, horizons: Sequence[int]
) -> list[dict[str, int | float | None]]:
    """An object for each horizon, as in a JSON line; values that are not finite are None."""
    if means is None:
        return []
    return [
        {"minutes": minutes}
        | {
            name: value if math.isfinite(value) else None
            for name, value in zip(_VALUES, values, strict=True)
        }
        for minutes, values in zip(means.minutes, means.values.tolist(), strict=True)
        if minutes in horizons
    ]


def mean_json(means: NextMeans | None, horizons: tuple[int, ...]) -> str:
    """The same as JSON text, faster, where all values are finite."""
    if means is None:
        return "[]"
    rows, template = _layout(means.minutes, horizons)
    values = means.values.tolist()
    return template % tuple([value for row in rows for value in values[row]])


@lru_cache
def _layout(minutes: tuple[int, ...], horizons: tuple[int, ...]) -> tuple[list[int], str]:
    """Rows of the values to show, and the text that they are put in."""
    rows = [row for row, one in enumerate(minutes) if one in horizons]
    values = "".join(f', "{name}": %s' for name in _VALUES)
    return rows, "[" + ", ".join(f'{{"minutes": {minutes[row]}{values}}}' for row in rows) + "]"


def longest(means: NextMeans | None, horizons: Iterable[int]) -> MeanForecast | None:
    """The forecast of the longest horizon to show; None if there is none."""
    if means is None:
        return None
    return means.of(max((one for one in horizons if one in means.minutes), default=0))


def score_lines(scores: MeanScores | None, horizons: Iterable[int]) -> list[str]:
    """Skill and coverage of each horizon on a line; none of one without a settled forecast.

    Args:
        scores: the scores of all horizons.
        horizons: the horizons to show.
    """
    lines = []
    for minutes in horizons:
        found = None if scores is None else scores.of(minutes)
        if found is None or not found.settled:
            continue
        early = found.settled < MIN_SETTLED
        skill = verdict(None, None)[1][0] if early else f"skill {percent(found.skill)}"
        covered = percent(found.coverage, signed=False)
        lines.append(f"mean of the next {horizon_name(minutes)}: {skill}, band covered {covered}")
    return lines
