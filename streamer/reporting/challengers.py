"""Scores of recorded challengers over a period, beside those shown on the same minutes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from streamer.display.lines import one_line
from streamer.recording.racerows import MAX_NAME
from streamer.recording.schema import PER_KW

_MAX_CHALLENGERS = 50
"""Challengers read of a period; few run beside a model."""

_QUERY = f"""
WITH settled AS (
  SELECT at, actual_kw, forecast_kw,
    lag(at) OVER (ORDER BY at) AS before, lag(actual_kw) OVER (ORDER BY at) AS last_kw
  FROM steps
  WHERE at >= coalesce((SELECT max(at) FROM steps WHERE at < :start), :start) AND at < :end
), raced AS (
  SELECT challenger, next, actual_kw - next / {PER_KW}.0 AS error,
    actual_kw - forecast_kw AS shown_error, actual_kw - last_kw AS last_error
  FROM settled JOIN challenger_forecasts AS f ON f.at = before
  WHERE settled.at >= :start AND forecast_kw BETWEEN -1e300 AND 1e300
)
SELECT substr(CAST(name AS TEXT), 1, {MAX_NAME}), count(next), count(*) - count(next),
  avg(error * error),
  avg(CASE WHEN next IS NOT NULL THEN shown_error * shown_error END),
  avg(CASE WHEN next IS NOT NULL THEN last_error * last_error END)
FROM raced JOIN challengers AS c ON c.id = challenger
GROUP BY challenger ORDER BY challenger LIMIT {_MAX_CHALLENGERS}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class RecordedChallenger:
    """Scores of a challenger over the minutes for which it had a forecast and one was shown.

    The errors are None if there are none of these.

    Attributes:
        name: its name.
        settled: number of these minutes.
        absent: number of minutes for which only that was shown.
        mse_kw2: mean squared error of its forecasts in kW².
        shown_mse_kw2: that of the mean forecasts shown.
        persistence_mse_kw2: that of persistence.
    """

    name: str
    settled: int
    absent: int
    mse_kw2: float | None
    shown_mse_kw2: float | None
    persistence_mse_kw2: float | None


def read_challengers(
    connection: sqlite3.Connection, start: int, end: int
) -> tuple[RecordedChallenger, ...]:
    """Score the challengers over the readings of a period.

    Args:
        connection: connection to the recording.
        start: beginning of the period in Unix seconds.
        end: its end, excluded.
    """
    rows = connection.execute(_QUERY, {"start": start, "end": end}).fetchall()
    return tuple(RecordedChallenger(one_line(name), *scores) for name, *scores in rows)
