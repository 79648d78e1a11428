"""Plots of an evaluation on one page. Needs matplotlib, imported when used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from streamer.display.figures import new_figure
from streamer.display.numbers import percent
from streamer.errors import UsageError
from streamer.evaluation.assess import Assessment, Evaluation
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.stretch import Stretch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRETCH = 180
"""Minutes of the first panel: long enough to show a meal being cooked, short enough for detail."""

FIRST = 100
"""Minutes of the last panel, as in the plot of the tutorial."""

_LIVELY = 0.9
_DPI = 110
_ACTUAL, _PERSISTENCE = "0.15", "0.55"
_COLOURS = ("tab:orange", "tab:blue", "tab:green", "tab:purple", "tab:red")


def check_plot(path: Path) -> None:
    """Check early that the page can be written.

    Raises:
        UsageError: it cannot be written there.
        MissingExtraError: matplotlib is not installed.
    """
    if path.is_dir():
        raise UsageError(f"--plot {path} is a folder; give a file such as {path / 'scores.png'}")
    if not path.parent.is_dir():
        raise UsageError(f"--plot {path}: the folder {path.parent} does not exist")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--plot {path} cannot be written; choose another place")
    _new_figure()


def save_plot(path: Path, evaluation: Evaluation) -> None:
    """Write the page as a PNG.

        It has a stretch of some hours with the band between the outer quantiles, the mean
        squared error by hour of day, the reliability of the quantiles, and the first 100
        minutes.

    Args:
        path: the file to create or replace.
        evaluation: an evaluation of at least one model.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = _new_figure()
    models = _models(evaluation)
    grid = figure.add_gridspec(3, 2)
    stretch = evaluation.stretch
    lively = _lively(stretch)
    _draw_stretch(figure.add_subplot(grid[0, :]), stretch, models, lively)
    _draw_hours(figure.add_subplot(grid[1, 0]), evaluation)
    _draw_reliability(figure.add_subplot(grid[1, 1]), models)
    _draw_first(figure.add_subplot(grid[2, :]), stretch, models)
    first = models[0]
    figure.suptitle(
        f"{first.name} on {stretch.name}: {stretch.minutes:,} minutes, "
        f"skill {percent(first.metrics.skill)}"
    )
    figure.savefig(path, dpi=_DPI, format="png")


def _new_figure() -> Figure:
    return new_figure("--plot", 11, 11)


def _lively(stretch: Stretch) -> slice:
    """Some hours without a gap and with much activity, but not the most of all.

    Of all pieces of that length, ranked by the squared changes of the readings, the one at
    nine tenths; the forecasts play no part.
    """
    changes = np.square(stretch.actual_kw - stretch.last_kw)
    pieces = stretch.minutes // STRETCH
    if not pieces:
        return slice(0, stretch.minutes)
    shape = (pieces, STRETCH)
    missing = stretch.missing[stretch.warm_up :][: pieces * STRETCH].reshape(shape).sum(axis=1)
    activity = changes[: pieces * STRETCH].reshape(shape).sum(axis=1)
    whole = np.flatnonzero(missing == missing.min())
    ranked = whole[np.argsort(activity[whole], kind="stable")]
    chosen = int(ranked[int(_LIVELY * (len(ranked) - 1))])
    return slice(chosen * STRETCH, (chosen + 1) * STRETCH)


def _draw_stretch(axes: Axes, stretch: Stretch, models: Sequence[Assessment], part: slice) -> None:
    at: Any = stretch.scored_at[part]
    banded = next((assessment for assessment in models if assessment.metrics.bands), None)
    for assessment, colour in _coloured(models):
        forecasts = assessment.forecasts
        if assessment is banded:
            band = assessment.metrics.bands[0]
            low, high = (forecasts.levels.index(level) for level in (band.low, band.high))
            lower, upper = (forecasts.quantiles_kw[part, column] for column in (low, high))
            label = f"{100 * band.low:g} to {100 * band.high:g} %"
            axes.fill_between(at, lower, upper, color=colour, alpha=0.25, lw=0, label=label)
        axes.plot(at, forecasts.mean_kw[part], color=colour, lw=1.2, label=assessment.name)
    axes.plot(at, stretch.actual_kw[part], color=_ACTUAL, lw=1.2, label="actual")
    axes.margins(x=0.01)
    axes.set_ylim(*_limits(stretch.actual_kw[part]))
    axes.set_ylabel("mean active power, kW")
    day = f"{at[0].item():%d %B %Y}"
    axes.set_title(f"One minute ahead: {len(at)} lively minutes of {day}", loc="left")
    axes.legend(loc="upper right", ncols=2)


def _limits(actual_kw: Any) -> tuple[float, float]:
    """Limits of the y axis that fit the readings; a wide band may exceed them."""
    low, high = float(actual_kw.min()), float(actual_kw.max())
    margin = 0.1 * (high - low) + 0.02
    return low - margin, high + 3 * margin


def _draw_hours(axes: Axes, evaluation: Evaluation) -> None:
    parts = evaluation.breakdowns["hour"]
    hours = [int(part.label) for part in parts]
    names = [assessment.name for assessment in evaluation.assessments]
    lines = [(PERSISTENCE, _PERSISTENCE, "o--")]
    lines += [
        (assessment.name, colour, "o-") for assessment, colour in _coloured(_models(evaluation))
    ]
    for name, colour, style in lines:
        column = names.index(name)
        mse = [part.scores[column].mse_kw2 for part in parts]
        axes.plot(hours, mse, style, ms=3, color=colour, label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.5, 23.5)
    axes.set_xticks(range(0, 24, 3))
    axes.set_xlabel("hour of day")
    axes.set_ylabel("MSE, kW²")
    axes.set_title("Error by hour of day", loc="left")
    axes.legend()


def _draw_reliability(axes: Axes, models: Sequence[Assessment]) -> None:
    axes.plot([0, 1], [0, 1], ls="--", lw=1, color=_PERSISTENCE, label="reliable")
    for assessment, colour in _coloured(models):
        found = assessment.metrics.reliability
        if found:
            axes.plot([*found], [*found.values()], "o", color=colour, label=assessment.name)
        if assessment is models[0]:
            for level, share in found.items():
                beside = (8, -4) if level < 0.9 else (-48, -4)
                axes.annotate(
                    f"{100 * share:.1f} %", (level, share), beside, textcoords="offset points"
                )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("level of the quantile")
    axes.set_ylabel("share of readings at or below it")
    axes.set_title("Reliability of the quantiles", loc="left")
    axes.legend(loc="upper left")


def _draw_first(axes: Axes, stretch: Stretch, models: Sequence[Assessment]) -> None:
    minutes = np.arange(min(FIRST, stretch.minutes))
    axes.plot(minutes, stretch.actual_kw[: len(minutes)], color=_ACTUAL, label="actual")
    for assessment, colour in _coloured(models):
        predicted = assessment.forecasts.mean_kw[: len(minutes)]
        axes.plot(minutes, predicted, color=colour, ls="--", label=f"{assessment.name}, predicted")
    axes.margins(x=0.01)
    axes.set_xlabel("scored minute")
    axes.set_ylabel("mean active power, kW")
    axes.set_title(f"The first {len(minutes)}, as the tutorial plots them", loc="left")
    axes.legend(loc="best")


def _models(evaluation: Evaluation) -> list[Assessment]:
    return [assessment for assessment in evaluation.assessments if assessment.forecasts.is_model]


def _coloured(models: Sequence[Assessment]) -> list[tuple[Assessment, str]]:
    return [(assessment, _COLOURS[i % len(_COLOURS)]) for i, assessment in enumerate(models)]
