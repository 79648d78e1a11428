"""Evaluation of forecasts of the mean of the next minutes, beside baselines.

A forecast issued at a minute is settled if none of the minutes that it is of is missing. All
forecasters are scored over the same settled forecasts.
"""

from streamer.evaluation.means.boosting import forecast_boosted_means
from streamer.evaluation.means.forecasts import (
    DEFAULT_HORIZONS,
    MeanForecasts,
    needed_horizons,
    shown_horizons,
)
from streamer.evaluation.means.models import LIGHTLY, model_means, offered_horizons
from streamer.evaluation.means.scores import (
    Horizon,
    MeanEvaluation,
    MeanScore,
    Quarter,
    QuarterScore,
    assess_means,
)
from streamer.evaluation.means.targets import RULES, MeanTargets

__all__ = [
    "DEFAULT_HORIZONS",
    "LIGHTLY",
    "RULES",
    "Horizon",
    "MeanEvaluation",
    "MeanForecasts",
    "MeanScore",
    "MeanTargets",
    "Quarter",
    "QuarterScore",
    "assess_means",
    "forecast_boosted_means",
    "model_means",
    "needed_horizons",
    "offered_horizons",
    "shown_horizons",
]
