"""A query that runs until it is done, fails, or somebody ends it; and lines on its batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamer.errors import SparkError
from streamer.fleet.spark.failures import explain

if TYPE_CHECKING:
    from pyspark.sql.streaming import StreamingQuery

Report = Mapping[str, Any]
"""What Spark says of a batch."""

READ, WRITTEN = "read", "written"
"""Names of what is observed of each batch: of the readings, and of the rows."""

_POLL_S = 0.5
_DAY_S = 86_400.0


def wait_for(
    query: StreamingQuery,
    show: Callable[[Report], None],
    *,
    signals: Sequence[int] = (),
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Wait for a query to end, or for a signal to us; either way it is stopped then.

    Args:
        query: the query, which is running.
        show: is given the report of each batch.
        signals: those that have come, as `streamer.fleet.spark.signals.heard` notes them.
        beat: is called now and then, for as long as the query runs.

    Raises:
        SparkError: the query has failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import StreamingQueryException

    shown = -1
    ended = False
    try:
        while not (signals or ended):
            ended = bool(query.awaitTermination(_POLL_S))
            shown = _show_new(query, shown, show)
            beat()
        # The query before the session: one that stops under it leaves it to fail.
        query.stop()
    except StreamingQueryException as error:
        # A signal to the whole group ends the workers too, and the query fails of that.
        if not signals:
            raise SparkError(f"the query has failed: {explain(error)}") from None
    except (Py4JError, OSError) as error:
        if not signals:
            raise SparkError(f"Spark has gone away: {explain(error)}") from None


def describe(report: Report, now: float | None = None) -> str | None:
    """A line on a batch; None for one in which nothing has happened.

    Args:
        report: what Spark says of it.
        now: seconds since 1970; by default now.

    >>> written = {"readings": 20000, "late": 3, "doubled": 0, "silent": 1, "latest_us": 60000000}
    >>> describe(
    ...     {
    ...         "batchId": 7,
    ...         "durationMs": {"triggerExecution": 4000},
    ...         "observedMetrics": {"read": {"rows": 20001, "unusable": 1}, "written": written},
    ...     }
    ... )
    'batch 7: 20,000 readings to 1970-01-01 00:01 in 4.0 s, 5,000/s; 3 late, 1 unusable, 1 silent'
    """
    read, written = observed(report)
    counts = {
        "late": written.get("late"),
        "double": written.get("doubled"),
        "unusable": read.get("unusable"),
        "silent": written.get("silent"),
        "with an alarm": written.get("alarms"),
    }
    told = [f"{count:,} {what}" for what, count in counts.items() if count]
    readings = written.get("readings") or 0
    if counts["unusable"] and not readings:
        told.append("usable is what has a meter, a power, and a time until tomorrow")
    if not (readings or told):
        return None
    seconds = report["durationMs"].get("triggerExecution", 0) / 1000.0
    line = f"batch {report['batchId']}: {readings:,} reading{'' if readings == 1 else 's'}"
    latest_us = written.get("latest_us")
    if latest_us is not None:
        at = latest_us / 1e6
        line += f" to {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
        behind = (time.time() if now is None else now) - at
        if 0 <= behind < _DAY_S:
            line += f" ({behind / 60.0:.1f} min ago)"
    line += f" in {seconds:.1f} s"
    if seconds and readings:
        line += f", {readings / seconds:,.0f}/s"
    return f"{line}; {', '.join(told)}" if told else line


def observed(report: Report) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """What has been counted of a batch's readings, and of its rows; nothing if it had none."""
    read, written = (
        dict(row.asDict() if hasattr(row, "asDict") else row)
        for row in (report["observedMetrics"].get(name) or {} for name in (READ, WRITTEN))
    )
    return read, written


def _show_new(query: StreamingQuery, shown: int, show: Callable[[Report], None]) -> int:
    last = query.lastProgress
    if last is None or last["batchId"] <= shown:
        return shown
    for report in query.recentProgress:
        # Where there is nothing to do, Spark reports under the number of the batch to come.
        if report["batchId"] > shown and "addBatch" in report["durationMs"]:
            shown = report["batchId"]
            show(report)
    return shown
