"""Running scores of many meters: updated, and as output columns.

The arithmetic is that of `streamer.scores.running`.
"""

from __future__ import annotations

import numpy as np

from streamer.fleet.columns import Column
from streamer.online.means.light.learning import MINUTES
from streamer.readings.arrays import DoubleArray, Records
from streamer.scores.running import MAX_ERROR_KW

SCORES = np.dtype(
    [
        ("settled", "<i8"),
        ("mse_kw2", "<f8"),
        ("mae_kw", "<f8"),
        ("persistence_mse_kw2", "<f8"),
        ("frozen_mse_kw2", "<f8"),
        ("coverage", "<f8"),
    ]
)


def score(
    state: Records,
    *,
    actual_kw: DoubleArray,
    forecast_kw: DoubleArray,
    last_kw: DoubleArray,
    frozen_kw: DoubleArray,
    low_kw: DoubleArray,
    high_kw: DoubleArray,
) -> None:
    """Score one settled forecast of each of some meters, and persistence beside it.

    Args:
        state: (meters,) records of `SCORES`, changed in place.
        actual_kw: (meters,) the readings in kW.
        forecast_kw: (meters,) the forecasts for them.
        last_kw: (meters,) the readings before, which are the forecasts of persistence.
        frozen_kw: (meters,) the forecasts of the frozen network.
        low_kw: (meters,) lower ends of the bands.
        high_kw: (meters,) upper ends of the bands.
    """
    state["settled"] += 1
    share = 1.0 / state["settled"]
    error = np.minimum(np.abs(actual_kw - forecast_kw), MAX_ERROR_KW)
    frozen = np.minimum(np.abs(actual_kw - frozen_kw), MAX_ERROR_KW)
    persistence = np.minimum(np.abs(actual_kw - last_kw), MAX_ERROR_KW)
    inside = (low_kw <= actual_kw) & (actual_kw <= high_kw)
    for name, value in (
        ("mse_kw2", error * error),
        ("mae_kw", error),
        ("persistence_mse_kw2", persistence * persistence),
        ("frozen_mse_kw2", frozen * frozen),
        ("coverage", inside),
    ):
        state[name] += (value - state[name]) * share


def running_scores(records: Records) -> dict[int, dict[str, Column]]:
    """The running scores (meters,) by minutes ahead and name; NaN before the first forecast."""
    found = {1: _scores(records["scores"])}
    if "means" in (records.dtype.names or ()):
        scores = records["means"]["scores"]
        found |= {minutes: _scores(scores[:, place]) for place, minutes in enumerate(MINUTES)}
    return found


def running_columns(records: Records) -> dict[str, Column]:
    """Output columns of the running scores."""
    return {
        score_name(name, minutes): column
        for minutes, columns in running_scores(records).items()
        for name, column in columns.items()
    }


def score_name(name: str, minutes: int) -> str:
    """Name of the output column of a score.

    >>> score_name("mse_kw2", 1), score_name("mse_kw2", 15), score_name("skill", 60)
    ('mse_kw2', 'mse_15_kw2', 'skill_60')
    """
    if minutes == 1:
        return name
    stem = name.removesuffix("_kw2")
    return f"{stem}_{minutes}{name[len(stem) :]}"


def _scores(scores: Records) -> dict[str, Column]:
    settled = scores["settled"].astype(np.int64)
    means = {
        name: np.where(settled > 0, scores[name].astype(np.float64), np.nan)
        for name in scores.dtype.names or ()
        if name != "settled"
    }
    reference = means["persistence_mse_kw2"]
    ratio = np.full(len(scores), np.nan)
    np.divide(means["mse_kw2"], reference, out=ratio, where=reference > 0.0)
    return {"settled": settled, **means, "skill": 1.0 - ratio}
