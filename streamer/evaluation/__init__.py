"""Evaluation of models beside baselines, on the same minutes.

Progressive (prequential) validation (Dawid 1984, Journal of the Royal Statistical Society
A 147:2): each minute is forecast from earlier readings, then scored, then used as input.

>>> import numpy as np
>>> from streamer.testing import FixedForecaster
>>> kw = np.abs(np.sin(np.arange(200.0)))
>>> at = np.datetime64("2010-03-19T17:00:00") + 60 * np.arange(200)
>>> stretch = Stretch(kw, at, start=100)
>>> mean_kw, _ = forecast_stretch(FixedForecaster(), stretch, lambda minutes: None)
>>> found = assess(stretch, [Forecasts("next = last", mean_kw, is_model=True)])
>>> found.stretch.minutes, found.assessments[0].metrics.skill
(51, 0.0)
"""

from streamer.evaluation.adapted import Adapted
from streamer.evaluation.assess import Assessment, Evaluation, Lead, Ratio, assess
from streamer.evaluation.autoregression import Autoregression
from streamer.evaluation.bands import Band, Coverage, FixedBand
from streamer.evaluation.baselines import (
    BASELINES,
    LIGHTGBM,
    PERSISTENCE,
    Baseline,
    choose_baselines,
    usable_baselines,
)
from streamer.evaluation.bootstrap import Interval
from streamer.evaluation.breakdown import Part, PartScore
from streamer.evaluation.forecasts import Forecasts, forecast_stretch
from streamer.evaluation.insample import refuse_in_sample, seen_in_training
from streamer.evaluation.metrics import Metrics, measure
from streamer.evaluation.reading import read_stretch
from streamer.evaluation.stretch import Last, Stretch

__all__ = [
    "BASELINES",
    "LIGHTGBM",
    "PERSISTENCE",
    "Adapted",
    "Assessment",
    "Autoregression",
    "Band",
    "Baseline",
    "Coverage",
    "Evaluation",
    "FixedBand",
    "Forecasts",
    "Interval",
    "Last",
    "Lead",
    "Metrics",
    "Part",
    "PartScore",
    "Ratio",
    "Stretch",
    "assess",
    "choose_baselines",
    "forecast_stretch",
    "measure",
    "read_stretch",
    "refuse_in_sample",
    "seen_in_training",
    "usable_baselines",
]
