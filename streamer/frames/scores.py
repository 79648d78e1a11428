"""Scores of an evaluation as the columns of a frame, and as a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from streamer.display.notebook import html_table
from streamer.display.numbers import NOTHING, number, percent, plural
from streamer.evaluation import Assessment, Band, Evaluation, Interval
from streamer.evaluation.means import MeanScore
from streamer.frames.like import Column, Type

_TYPES: dict[str, Type] = {
    "name": nw.String,
    "kind": nw.String,
    "adapted": nw.Boolean,
    "in_sample": nw.Boolean,
    "minutes": nw.Int64,
    "settled": nw.Int64,
}
"""Types of the columns that are not numbers with decimals."""

_SKILL = ("skill", "skill_low", "skill_high")
_BAND = ("confidence", "coverage", "width_kw", "winkler_kw")
_SCORES = (
    *("name", "kind", "adapted", "in_sample", "minutes", "mse_kw2", "rmse_w", "mae_w"),
    *("median_mae_w", "bias_w", "r2", *_SKILL, *_BAND),
)
_HORIZONS = (
    *("minutes", "name", "kind", "adapted", "in_sample", "settled", "mse_kw2", "rmse_w", "mae_w"),
    *("bias_w", *_SKILL, *_BAND),
)


def score_columns(evaluation: Evaluation) -> dict[str, Column]:
    """Columns with a row for each forecaster; see `streamer.frames.FrameEvaluation`."""
    return _columns(
        _SCORES, (_scores(each, evaluation.stretch.minutes) for each in evaluation.assessments)
    )


def horizon_columns(evaluation: Evaluation) -> dict[str, Column]:
    """Columns with a row for each horizon and each forecaster of it."""
    return _columns(
        _HORIZONS,
        (
            _horizon(horizon.minutes, horizon.settled, score)
            for horizon in evaluation.means.horizons
            for score in horizon.scores
        ),
    )


def _columns(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> dict[str, Column]:
    known = list(rows)
    return {
        name: ([row[place] for row in known], _TYPES.get(name, nw.Float64))
        for place, name in enumerate(names)
    }


def _scores(each: Assessment, minutes: int) -> tuple[Any, ...]:
    forecasts, metrics = each.forecasts, each.metrics
    return (
        each.name,
        "model" if forecasts.is_model else "baseline",
        forecasts.adapted_from is not None,
        forecasts.in_sample,
        minutes,
        metrics.mse_kw2,
        metrics.rmse_w,
        metrics.mae_w,
        metrics.median_mae_w,
        metrics.bias_w,
        metrics.r2,
        *_skill(metrics.skill, each.skill_interval),
        *_band(metrics.bands[0] if metrics.bands else None),
    )


def _horizon(minutes: int, settled: int, score: MeanScore) -> tuple[Any, ...]:
    return (
        minutes,
        score.name,
        "model" if score.is_model else "baseline",
        score.adapted,
        score.in_sample,
        settled,
        score.mse_kw2,
        1000.0 * score.mse_kw2**0.5,
        score.mae_w,
        score.bias_w,
        *_skill(score.skill, score.skill_interval),
        *_band(score.band),
    )


def _skill(skill: float | None, interval: Interval | None) -> tuple[float | None, ...]:
    return (skill, None, None) if interval is None else (skill, interval.low, interval.high)


def _band(band: Band | None) -> tuple[float | None, ...]:
    """The values of `_BAND`."""
    if band is None:
        return (None,) * len(_BAND)
    return band.confidence, band.coverage, band.width_kw, band.winkler_kw


def score_html(evaluation: Evaluation) -> str:
    """The scores of the next minute as a table of HTML."""
    begin, end = (str(at)[:16].replace("T", " ") for at in evaluation.stretch.scored_at[[0, -1]])
    minutes = plural(evaluation.stretch.minutes, "minute")
    headings = ("forecaster", "MSE, kW²", "RMSE, W", "MAE, W", "skill", "95 %", "coverage")
    rows = []
    for each in evaluation.assessments:
        spread, metrics = each.skill_interval, each.metrics
        rows.append(
            (
                f"{each.name}{'*' if each.forecasts.in_sample else ''}",
                f"{metrics.mse_kw2:.5f}",
                f"{metrics.rmse_w:.1f}",
                f"{metrics.mae_w:.1f}",
                percent(metrics.skill),
                NOTHING
                if spread is None
                else f"{number(100 * spread.low, '+.1f')} to {number(100 * spread.high, '+.1f')}",
                percent(metrics.bands[0].coverage, signed=False) if metrics.bands else NOTHING,
            )
        )
    notes = [f"{note}." for note in evaluation.notes]
    return html_table(f"{minutes} scored, {begin} to {end}", headings, rows, notes)
