"""Scores of a recording from its beginning."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinalScores:
    """Scores from the beginning of the recording to the end of the period.

    All but their number are None without settled forecasts.

    Attributes:
        settled: number of settled forecasts.
        mse_kw2: mean squared error of the mean forecasts in kW².
        persistence_mse_kw2: the same of persistence.
        point_mae_kw: mean absolute error of the point forecasts in kW.
        persistence_mae_kw: the same of persistence.
    """

    settled: int
    mse_kw2: float | None
    persistence_mse_kw2: float | None
    point_mae_kw: float | None
    persistence_mae_kw: float | None


def read_running(connection: sqlite3.Connection, end: int) -> FinalScores:
    """Score the mean and the point forecasts up to a time in Unix seconds, excluded."""
    found = connection.execute(
        "WITH settled AS (SELECT actual_kw, forecast_kw, point_kw,"
        " LAG(actual_kw) OVER (ORDER BY at) last_kw FROM steps WHERE at < ?)"
        " SELECT count(*), avg((actual_kw - forecast_kw) * (actual_kw - forecast_kw)),"
        " avg((actual_kw - last_kw) * (actual_kw - last_kw)),"
        " avg(abs(actual_kw - coalesce(point_kw, forecast_kw))), avg(abs(actual_kw - last_kw))"
        " FROM settled WHERE forecast_kw BETWEEN -1e300 AND 1e300",
        (end,),
    ).fetchone()
    return FinalScores(*found)
