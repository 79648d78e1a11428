"""First batch of a new checkpoint: its share of unusable rows, its meters, and its progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streamer.display.lines import one_line, shorten
from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.locations import Columns, Notation
from streamer.fleet.spark.sources import ReadingSource
from streamer.fleet.spark.values import (
    NO_METER,
    NO_MINUTE,
    NO_POWER,
    WRONG_MINUTE,
    WRONG_POWER,
    reasons,
)

if TYPE_CHECKING:
    from pyspark import StatusTracker
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

_MIN_ROWS = 20
"""Fewer rows are judged only if all of them are unusable."""

_MAX_EXAMPLE = 60
_EVERY_S = 10.0
_COLUMNS = {
    NO_METER: "meter",
    NO_MINUTE: "minute",
    WRONG_MINUTE: "minute",
    NO_POWER: "kw",
    WRONG_POWER: "kw",
}
_ADVICE = {
    WRONG_MINUTE: "write it like 2026-01-31T12:00Z or in seconds since 1970, or give --time-unit",
    WRONG_POWER: "give --decimal , for a decimal comma",
}


def check_first_batch(
    session: SparkSession, source: ReadingSource, notation: Notation, max_unusable: float
) -> int | None:
    """Check the rows that a new query takes first, before any of them counts as processed.

    Args:
        session: the Spark session.
        source: the source of the readings.
        notation: notation of its values.
        max_unusable: largest share of unusable rows, 0 to 1.

    Returns:
        The approximate number of meters; None for a source without files.

    Raises:
        UsageError: too many rows are unusable.
        SparkError: Spark cannot read the files.
    """
    from pyspark.sql import functions as fn

    rows = source.first_batch(session)
    if rows is None:
        return None
    with explained(source.source):
        found = (
            reasons(rows, notation)
            .groupBy("reason")
            .agg(
                fn.count(fn.lit(1)).alias("rows"),
                fn.approx_count_distinct("name").alias("meters"),
                *(fn.first(name, ignorenulls=True).alias(name) for name in Columns._fields),
            )
            .collect()
        )
    check_tallies(source.source, found, source.columns, max_unusable)
    return next((it["meters"] for it in found if it["reason"] is None), None)


def check_tallies(
    source: str, tallies: Sequence[Mapping[str, Any]], columns: Columns, max_unusable: float
) -> None:
    """Check the numbers of rows by the reason why they are unusable.

    Args:
        source: name of the source.
        tallies: for each reason, None for usable rows: `reason`, `rows`, and an example of
            each column.
        columns: names of the source's columns.
        max_unusable: largest share of unusable rows, 0 to 1.

    Raises:
        UsageError: too many rows are unusable; the message names a column and an example.
    """
    total = sum(it["rows"] for it in tallies)
    wrong = [it for it in tallies if it["reason"] is not None]
    unusable = sum(it["rows"] for it in wrong)
    if unusable <= max_unusable * total or (total < _MIN_ROWS and unusable < total):
        return
    most = max(wrong, key=lambda it: it["rows"])
    reason = most["reason"]
    ours = _COLUMNS[reason]
    theirs = getattr(columns, ours)
    example = one_line(most[ours] or "")
    shown = shorten(example, _MAX_EXAMPLE) if example else "nothing"
    advice = f": {_ADVICE[reason]}" if reason in _ADVICE else ""
    raise UsageError(
        f"{source}: {unusable:,} of {plural(total, 'row')} of the first batch are unusable, most "
        f"because of column {theirs!r}: {reason}, such as {shown}{advice}; nothing was processed; "
        "to continue nevertheless, give --max-unusable 1"
    )


class FirstBatchProgress:
    """Lines about the work on the first batch, which takes much longer than the others.

    Args:
        query: the query.
        tracker: Spark's tracker of stages.
        now: returns a time in seconds.
    """

    def __init__(
        self,
        query: StreamingQuery,
        tracker: StatusTracker,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._query, self._tracker = query, tracker
        self._now = now
        self._began = self._said = now()

    def line(self) -> str | None:
        """A line about the running tasks; None between batches, and soon after the last line."""
        now = self._now()
        if now - self._said < _EVERY_S or not self._query.status["isTriggerActive"]:
            return None
        self._said = now
        line = f"the first batch is running, {now - self._began:.0f} s so far"
        known = map(self._tracker.getStageInfo, self._tracker.getActiveStageIds())
        stages = [stage for stage in known if stage is not None]
        if stages:
            done = sum(stage.numCompletedTasks for stage in stages)
            tasks = sum(stage.numTasks for stage in stages)
            line += f": {done} of {plural(tasks, 'task')} done in this stage"
        return line
