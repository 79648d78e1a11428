"""Output columns of what the records of meters hold."""

from __future__ import annotations

import numpy as np

from streamer.fleet.columns import Column
from streamer.online.means.light.learning import MINUTES
from streamer.readings import Alarm
from streamer.readings.arrays import Records


def waiting_columns(records: Records, prefix: str = "next_") -> dict[str, Column]:
    """The waiting forecasts (meters,), NaN where there is none, by names with a prefix."""
    there = records["waiting"]
    return {
        f"{prefix}{name}": np.where(there, records[name], np.nan)
        for name in ("kw", "median_kw", "low_kw", "high_kw")
    }


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


def alarm_columns(meters: int, raised: list[tuple[int, Alarm]]) -> tuple[Column, Column]:
    """Output columns of the kinds and texts of the alarms raised at each reading."""
    kinds, texts = np.full(meters, None, object), np.full(meters, None, object)
    for row, alarm in raised:
        first = kinds[row] is None
        kinds[row] = alarm.kind if first else f"{kinds[row]},{alarm.kind}"
        texts[row] = alarm.text if first else f"{texts[row]}; {alarm.text}"
    return kinds, texts


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
