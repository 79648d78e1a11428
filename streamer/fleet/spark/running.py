"""Run of a fleet: its Spark session, its lines on the terminal, its end."""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from streamer.display.lines import one_line
from streamer.extras import optional_import
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.firstbatch import FirstBatchProgress
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.progress import RunProgress
from streamer.fleet.spark.reports import DIED, DONE, OVERDUE, RUNNING, STOPPED, Batch, Report, Run
from streamer.fleet.spark.session import SparkSettings, check_spark, spark_session
from streamer.fleet.spark.signals import noted_signals
from streamer.fleet.spark.waiting import wait_for

if TYPE_CHECKING:
    from pyspark.sql.streaming import StreamingQuery

RENEWED_AFTER = 240
"""Batches after which the queries are stopped and started again, on the same session.

RocksDB lists all changes of its files in its manifest, until it is opened again; Spark has no
setting for its size. A version of the state has the whole manifest, 85 bytes for each batch.
"""


def run_fleet(
    job: FleetJob,
    spark: SparkSettings,
    *,
    quiet: bool = False,
    metrics: tuple[str, int] | None = None,
) -> int:
    """Run a job until it is done or stopped by a signal.

    Args:
        job: source, sink, checkpoint and options.
        spark: settings of Spark.
        quiet: whether to leave out the lines about the batches.
        metrics: host and port where metrics are served; None for nowhere.

    Returns:
        The exit code: 0, or 128 plus the number of the signal.

    Raises:
        StreamerError: the job cannot be started, or has failed.
    """
    job.check()
    check_spark(spark)
    job.check_places(spark)

    def note(line: str | None) -> None:
        if line is not None and not quiet:
            print(one_line(line), file=sys.stderr, flush=True)

    def warn(line: str) -> None:
        print(f"warning: {one_line(line)}", file=sys.stderr, flush=True)

    # Without the JVM, Py4J logs a traceback for each call; the error is reported in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    with _served(metrics) as publish:
        note(
            "starting Spark, which takes a few seconds; "
            "the first batch takes longer than the others"
        )
        with spark_session(spark) as session, noted_signals() as signals:
            log = job.progress(session, warn)
            with explained("the query does not start"):
                start = job.prepare(session, note, log.fill)
                queries = start()
            page = session.sparkContext.uiWebUrl
            note(None if page is None else f"Spark's web interface: {page}")
            with log, explained("the query has ended"):
                publish(log.progress, None)
                for change in _changes(log.before, log.progress.run):
                    warn(change)
                lines: list[str | None] = []
                first = FirstBatchProgress(queries[0], session.sparkContext.statusTracker())

                def show(report: Report) -> None:
                    batch = log.add(report)
                    publish(log.progress, batch)
                    lines.append(batch.line())
                    note(lines[-1])

                def heartbeat() -> None:
                    log.heartbeat()
                    if not lines:
                        note(first.line())

                wait = partial(wait_for, signals=signals)
                _until_done(queries, partial(wait, show=show, heartbeat=heartbeat), job, start)
                if job.once and not signals and (following := job.follow(session)):
                    wait(following, heartbeat=log.heartbeat)
                log.end(STOPPED if signals else DONE)
                publish(log.progress, None)
                if job.once and not signals and not any(lines):
                    note("nothing new at the source")
    return 128 + signals[0] if signals else 0


def _until_done(
    queries: list[StreamingQuery],
    wait: Callable[..., bool],
    job: FleetJob,
    start: Callable[[], list[StreamingQuery]],
) -> None:
    """Wait for the end of a job, and start its queries again as often as needed.

    With `once` they are not: what is available would be determined anew, and if there is always
    more, the job would not end.
    """
    while wait(queries, batches=math.inf if job.once else RENEWED_AFTER):
        queries = start()


Publish = Callable[[RunProgress, Batch | None], None]


@contextmanager
def _served(metrics: tuple[str, int] | None) -> Iterator[Publish]:
    """What takes the figures for the metrics, served before Spark starts.

    Raises:
        MissingExtraError: prometheus-client is not installed.
        LinkError: the address cannot be used.
    """
    if metrics is None:
        yield lambda *_: None
        return
    with optional_import("--metrics", "metrics"):
        from streamer.fleet.spark.metrics import FleetMetrics
    found = FleetMetrics()
    with found.served(*metrics):
        yield found.show


def _changes(before: Run | None, run: Run) -> Iterator[str]:
    """Warnings about the run before: that it runs, has died, or had another source or sink."""
    if before is None:
        return
    if before.pid != os.getpid() and before.state_at(time.time()) == RUNNING:
        yield (
            f"process {before.pid} on {before.host} runs on this checkpoint, too: stop one of them"
        )
    if before.state_at(run.began) in (DIED, OVERDUE):
        yield "the run before has died; this one continues after its last complete batch"
    if before.sink != run.sink:
        yield f"the sink was {before.sink} before; its earlier output stays there"
    if before.source != run.source:
        yield (
            f"the source was {before.source} before: if the query fails, give that again, or "
            "another --checkpoint"
        )
