"""Waiting for the end of a query, with its report on each batch.

By polling, which finds the last batch of a query that has ended: a `StreamingQueryListener` is
called later, by another thread and through a server that the JVM connects to. No batch is missed
unless `spark.sql.streaming.numRecentProgressUpdates` of them end between two polls.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from streamer.errors import SparkError
from streamer.fleet.spark.failures import explain
from streamer.fleet.spark.reports import Report

if TYPE_CHECKING:
    from pyspark.sql.streaming import StreamingQuery

_POLL_S = 0.5


def wait_for(
    queries: Sequence[StreamingQuery],
    show: Callable[[Report], None] = lambda _: None,
    *,
    signals: Sequence[int] = (),
    heartbeat: Callable[[], None] = lambda: None,
    batches: float = math.inf,
) -> bool:
    """Wait for all queries to end, for a signal or for a number of batches, and stop them.

    Args:
        queries: running queries.
        show: called with the report on each batch of the first one.
        signals: signals received so far, from `streamer.fleet.spark.signals.noted_signals`.
        heartbeat: called regularly while the query runs.
        batches: number of batches of the first one after which they are stopped.

    Returns:
        Whether they were stopped because of the number of batches, and have more to do.

    Raises:
        SparkError: a query failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import StreamingQueryException

    shown, count = -1, 0

    def show_new() -> None:
        nonlocal shown, count
        for report in new_reports(queries[0], shown):
            shown = report["batchId"]
            count += 1
            show(report)

    waiting = list(queries)
    try:
        while not signals and waiting and count < batches:
            # One that has failed raises its error here.
            waiting = [
                query for query in waiting if not query.awaitTermination(_POLL_S / len(waiting))
            ]
            show_new()
            heartbeat()
        # Stopped before the session, because the end of the session would make them fail.
        for query in queries:
            query.stop()
        show_new()
    except StreamingQueryException as error:
        # A signal to the whole process group ends the workers too, which makes the query fail.
        if not signals:
            raise SparkError(f"the query failed: {explain(error)}") from None
    except (Py4JError, OSError) as error:
        if not signals:
            raise SparkError(f"the query has ended: {explain(error)}") from None
    return bool(waiting) and not signals


def new_reports(query: StreamingQuery, shown: int) -> list[Report]:
    """Reports on the batches after one.

    PySpark's own `lastProgress` parses a whole report, with the summaries of all shards, each time.
    """
    java = query._jsq  # noqa: SLF001
    last = java.lastProgress()
    if last is None or last.batchId() <= shown:
        return []
    reports = [json.loads(it.json()) for it in java.recentProgress() if it.batchId() > shown]
    # An idle query reports under the number of the next batch.
    return [report for report in reports if "addBatch" in report["durationMs"]]
