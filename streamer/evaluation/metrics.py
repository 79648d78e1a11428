"""Scores of forecasts over many minutes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.evaluation.bands import Band, score_band
from streamer.evaluation.forecasts import Forecasts
from streamer.readings import skill
from streamer.readings.arrays import DoubleArray

W = 1000.0
"""Watts in a kilowatt."""


@dataclass(frozen=True)
class Metrics:
    """Scores of one forecaster over all scored minutes; None if undefined.

    Attributes:
        mse_kw2: mean squared error of the mean forecast in kW².
        rmse_w: its root in W.
        mae_w: mean absolute error of the mean forecast in W.
        median_mae_w: the same of the quantile 0.5, which minimises it.
        bias_w: mean of forecast minus actual in W; positive is too high.
        r2: share of the readings' variance explained; None if they are all equal.
        skill: 1 − MSE / MSE of persistence; None if that has no error.
        pinball_kw: for each level of a quantile its mean pinball loss in kW (Koenker and
            Bassett 1978, Econometrica 46:1).
        reliability: for each level the share of readings at or below its quantile.
        bands: the central bands between its quantiles, widest first.
    """

    mse_kw2: float
    rmse_w: float
    mae_w: float
    median_mae_w: float | None
    bias_w: float
    r2: float | None
    skill: float | None
    pinball_kw: dict[float, float]
    reliability: dict[float, float]
    bands: tuple[Band, ...]


def measure(forecasts: Forecasts, actual_kw: DoubleArray, last_kw: DoubleArray) -> Metrics:
    """Score forecasts.

    Args:
        forecasts: forecasts of these minutes.
        actual_kw: (minutes,) the readings in kW.
        last_kw: (minutes,) the reading before each in kW.
    """
    errors = actual_kw - forecasts.mean_kw
    mse = mean_square(errors)
    median = forecasts.median_kw
    quantiles = dict(zip(forecasts.levels, forecasts.quantiles_kw.T, strict=False))
    return Metrics(
        mse_kw2=mse,
        rmse_w=W * float(np.sqrt(mse)),
        mae_w=W * float(np.abs(errors).mean()),
        median_mae_w=None if median is None else W * float(np.abs(actual_kw - median).mean()),
        bias_w=-W * float(errors.mean()),
        r2=_explained(mse, actual_kw),
        skill=skill(mse, mean_square(actual_kw - last_kw)),
        pinball_kw={level: _pinball(level, actual_kw, q) for level, q in quantiles.items()},
        reliability={level: float((actual_kw <= q).mean()) for level, q in quantiles.items()},
        bands=_bands(quantiles, actual_kw),
    )


def mean_square(errors: DoubleArray) -> float:
    """Mean of the squares."""
    return float(np.square(errors).mean())


def _explained(mse: float, actual_kw: DoubleArray) -> float | None:
    if np.ptp(actual_kw) == 0.0:
        return None
    return 1.0 - mse / float(actual_kw.var())


def _pinball(level: float, actual_kw: DoubleArray, quantile_kw: DoubleArray) -> float:
    above = actual_kw - quantile_kw
    return float(np.maximum(level * above, (level - 1.0) * above).mean())


def _bands(quantiles: dict[float, DoubleArray], actual_kw: DoubleArray) -> tuple[Band, ...]:
    found = []
    for low in sorted(quantiles):
        # 1 − 0.05 is not exactly the 0.95 written in a card.
        high = next((q for q in quantiles if low < 0.5 and abs(low + q - 1.0) < 1e-9), None)
        if high is not None:
            found.append(score_band(low, high, quantiles[low], quantiles[high], actual_kw))
    return tuple(found)
