"""Rows with alarms, for a sink of their own.

They are read from the folder of all rows by a query that follows. So nothing is computed twice,
and Spark's own logs of the folder and of the query make each row come exactly once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.fleet.columns import COLUMNS
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.sources import MAX_AGE
from streamer.fleet.spark.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PARTS = 6
"""The folder is looked at so many times in an interval, because its batches take their time."""


def alarm_rows(session: SparkSession, folder: str) -> DataFrame:
    """The rows with alarms of a folder that a query writes, or is about to.

    Raises:
        SparkError: Spark cannot open the folder.
    """
    schema = {**COLUMNS, "alarms": "array<string>"}
    Storage(session, folder).create()
    with explained(folder):
        reader = session.readStream.schema(", ".join(map(" ".join, schema.items())))
        rows = reader.option("maxFileAge", MAX_AGE).parquet(folder)
        # One file a batch, though the search for the few rows is spread over all cores.
        return rows.where(rows["alarms"].isNotNull()).repartition(1)


def interval(every_s: float) -> str:
    """How often the folder is looked at, in Spark's notation.

    >>> interval(60.0), interval(1.0)
    ('10 seconds', '1 seconds')
    """
    return f"{max(1, round(every_s / _PARTS))} seconds"
