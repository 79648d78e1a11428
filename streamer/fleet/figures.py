"""Output columns of what the records of meters hold."""

from __future__ import annotations

import numpy as np

from streamer.fleet.columns import Column
from streamer.fleet.horizons import horizon_scores, score_name
from streamer.readings import Alarm
from streamer.readings.arrays import Records


def waiting_columns(records: Records) -> dict[str, Column]:
    """Output columns of the waiting forecasts."""
    there = records["waiting"]
    return {
        f"next_{name}": np.where(there, records[name], np.nan)
        for name in ("kw", "median_kw", "low_kw", "high_kw")
    }


def running_columns(records: Records) -> dict[str, Column]:
    """Output columns of the running scores; NaN before the first settled forecast."""
    scores = records["scores"]
    settled = scores["settled"].copy()
    names = ("mse_kw2", "mae_kw", "persistence_mse_kw2", "frozen_mse_kw2", "coverage")
    columns: dict[str, Column] = {
        name: np.where(settled > 0, scores[name], np.nan) for name in names
    }
    reference = columns["persistence_mse_kw2"]
    ratio = np.full(len(records), np.nan)
    np.divide(columns["mse_kw2"], reference, out=ratio, where=reference > 0.0)
    columns = {"settled": settled, **columns, "skill": 1.0 - ratio}
    if "means" in (records.dtype.names or ()):
        for minutes, found in horizon_scores(records["means"]).items():
            columns |= {score_name(name, minutes): column for name, column in found.items()}
    return columns


def alarm_columns(meters: int, raised: list[tuple[int, Alarm]]) -> tuple[Column, Column]:
    """Output columns of the kinds and texts of the alarms raised at each reading."""
    kinds, texts = np.full(meters, None, object), np.full(meters, None, object)
    for row, alarm in raised:
        first = kinds[row] is None
        kinds[row] = alarm.kind if first else f"{kinds[row]},{alarm.kind}"
        texts[row] = alarm.text if first else f"{texts[row]}; {alarm.text}"
    return kinds, texts
