"""Waiting for the end of a query, with a line about each of its batches."""

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
"""Spark's report on a batch."""

READ, WRITTEN = "read", "written"
"""Names of the observed metrics of each batch: those of its readings, and of its rows."""

_POLL_S = 0.5
_DAY_S = 86_400.0


def wait_for(
    queries: Sequence[StreamingQuery],
    show: Callable[[Report], None],
    *,
    signals: Sequence[int] = (),
    heartbeat: Callable[[], None] = lambda: None,
) -> None:
    """Wait for all queries to end, or for a signal, and stop them.

    Args:
        queries: running queries.
        show: called with the report on each batch of the first one.
        signals: signals received so far, from `streamer.fleet.spark.signals.noted_signals`.
        heartbeat: called regularly while the query runs.

    Raises:
        SparkError: a query failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import StreamingQueryException

    shown = -1
    waiting = list(queries)
    try:
        while not signals and waiting:
            # One that has failed raises its error here.
            waiting = [
                query for query in waiting if not query.awaitTermination(_POLL_S / len(waiting))
            ]
            shown = _show_new(queries[0], shown, show)
            heartbeat()
        # Stopped before the session, because the end of the session would make them fail.
        for query in queries:
            query.stop()
    except StreamingQueryException as error:
        # A signal to the whole process group ends the workers too, which makes the query fail.
        if not signals:
            raise SparkError(f"the query failed: {explain(error)}") from None
    except (Py4JError, OSError) as error:
        if not signals:
            raise SparkError(f"the query has ended: {explain(error)}") from None


def describe(report: Report, now: float | None = None) -> str | None:
    """A line about a batch; None for one without readings or events.

    Args:
        report: Spark's report on the batch.
        now: present time in seconds since 1970; None for the clock.

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
        "duplicate": written.get("doubled"),
        "unusable": read.get("unusable"),
        "silent": written.get("silent"),
        "with an alarm": written.get("alarms"),
    }
    notes = [f"{count:,} {what}" for what, count in counts.items() if count]
    readings = written.get("readings") or 0
    if counts["unusable"] and not readings:
        notes.append("usable rows have a meter, a power, and a time no later than tomorrow")
    if not (readings or notes):
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
    return f"{line}; {', '.join(notes)}" if notes else line


def observed(report: Report) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """Counts of a batch's readings and of its rows; empty for a batch without any."""
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
        # An idle query reports under the number of the next batch.
        if report["batchId"] > shown and "addBatch" in report["durationMs"]:
            shown = report["batchId"]
            show(report)
    return shown
