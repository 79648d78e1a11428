"""Metrics of a fleet's query for Prometheus, served by the process of the driver.

They follow the query's reports on its batches: a run that is killed answers nothing, and one that
hangs shows when its last batch ended. Counters begin at zero with the process. Those of forecasts
are increases of sums in the states, since a sum itself can fall a little by rounding, which
Prometheus would take for a restart.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from heapq import nsmallest

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from streamer.errors import LinkError
from streamer.fleet.spark.meters import meters_status
from streamer.fleet.spark.progress import RunProgress
from streamer.fleet.spark.reports import RUNNING, Batch, Run
from streamer.fleet.summary import Scores, ShardSummary
from streamer.publishing.metrics.definitions import (
    COUNTER,
    DEFINITIONS,
    GAUGE,
    INFO,
    Definition,
    Kind,
    Value,
)
from streamer.publishing.metrics.registry import Values

WORST = 5
"""Shards with gauges of their own: few, because each of them makes new time series."""

Numbers = dict[tuple[str, ...], float]
"""Values by the name of their metric, without the prefix, and those of its labels."""

_PREFIX = "streamer_fleet_"
_UNIT = re.compile(r"(seconds|bytes|square_watts|watts|ratio)(_total)?$")
_SQUARED = "squared_error_square_watts_total"
_SUMMED = (
    ("forecasts_settled_total", "settled", 1.0),
    ("forecasts_covered_total", "coverage", 1.0),
    ("absolute_error_watts_total", "mae_kw", 1e3),
    (_SQUARED, "mse_kw2", 1e6, "model"),
    (_SQUARED, "persistence_mse_kw2", 1e6, "persistence"),
    (_SQUARED, "frozen_mse_kw2", 1e6, "frozen"),
)
"""Counters of a horizon: name, what they sum, factor to their unit, further label."""

_KINDS = ("anomaly", "stuck", "unit", "peak", "silent")

_TABLE: tuple[tuple[str, Kind, str, str], ...] = (
    ("info", INFO, "source sink", "Source and sink of the query."),
    ("running", GAUGE, "", "1 while the query runs, 0 while Spark starts or stops."),
    ("trigger_seconds", GAUGE, "", "Interval from one batch to the next."),
    ("batches_total", COUNTER, "", "Completed batches."),
    ("batch_seconds_total", COUNTER, "", "Total duration of the batches."),
    ("last_batch_seconds", GAUGE, "", "Duration of the last batch."),
    ("last_batch_timestamp_seconds", GAUGE, "", "End of the last batch."),
    ("waiting_records", GAUGE, "", "Records at a Kafka source after the last batch."),
    ("rows_total", COUNTER, "", "Rows from the source."),
    ("unusable_rows_total", COUNTER, "", "Rows without a meter, a minute or a power."),
    ("readings_total", COUNTER, "", "The other rows."),
    ("dropped_readings_total", COUNTER, "reason", "Readings that were not processed."),
    ("output_rows_total", COUNTER, "", "Rows for the sink."),
    ("alarms_raised_total", COUNTER, "kind", "Alarms that were raised."),
    ("meters", GAUGE, "", "Meters that have sent readings."),
    ("shards", GAUGE, "", "Shards with meters."),
    ("silent_meters", GAUGE, "", "Meters that are reported as silent."),
    ("state_bytes", GAUGE, "", "Size of the executors' tables of state."),
    ("newest_minute_timestamp_seconds", GAUGE, "", "Newest minute of any shard."),
    ("oldest_minute_timestamp_seconds", GAUGE, "", "Oldest last minute of any meter."),
    ("forecasts_settled_total", COUNTER, "minutes", "Forecasts compared with readings."),
    ("forecasts_covered_total", COUNTER, "minutes", "Those with the reading inside their band."),
    (
        _SQUARED,
        COUNTER,
        "minutes forecaster",
        "Sum of the squared errors of the forecasts, persistence, and the frozen network.",
    ),
    (
        "absolute_error_watts_total",
        COUNTER,
        "minutes",
        "Sum of the absolute errors of the forecasts.",
    ),
    ("skill_ratio", GAUGE, "minutes", "1 - MSE/MSE of persistence, of all settled forecasts."),
    ("coverage_ratio", GAUGE, "minutes", "Share of them with the reading inside the band."),
    ("shard_skill_ratio", GAUGE, "shard", "Skill of the shards with the lowest."),
    (
        "shard_newest_minute_timestamp_seconds",
        GAUGE,
        "shard",
        "Newest minute of the shards that are furthest behind.",
    ),
)

FLEET = (
    *(each for each in DEFINITIONS if each.name == "streamer_build_info"),
    *(
        Definition(
            f"{_PREFIX}{name}",
            kind,
            text,
            tuple(labels.split()),
            unit[1] if (unit := _UNIT.search(name)) else "",
        )
        for name, kind, labels, text in _TABLE
    ),
)
"""All metrics of a fleet; those of the process itself are prometheus-client's."""


class FleetMetrics:
    """Metrics of a run, as Prometheus scrapes them."""

    def __init__(self) -> None:
        self._values = Values(FLEET)
        self._totals = Counter[tuple[str, ...]]()
        self._totals.update(_counts(Batch(number=0, began=0.0, seconds=0.0), batches=0))
        self._scores: dict[int, Mapping[str, Scores]] = {}
        self._last: Batch | None = None
        self._set({("running",): 0.0})

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Serve the metrics over HTTP.

        Args:
            host: name or address of this machine.
            port: the port; 0 for any.

        Returns:
            The port.

        Raises:
            LinkError: the address cannot be used.
        """
        registry = CollectorRegistry()
        registry.register(self._values)
        ProcessCollector(registry=registry)
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            raise LinkError(
                f"--metrics: cannot listen on {host}:{port}: {reason}; give another address"
            ) from None
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def show(self, progress: RunProgress, batch: Batch | None = None) -> None:
        """Show the figures of a run, and count a batch.

        Args:
            progress: progress of the run, with the batch.
            batch: a new batch; None if there is none, as at the beginning and the end.
        """
        if batch is not None:
            self._last = batch
            self._totals.update(_counts(batch))
        for key, shard in progress.shards.items():
            # Of a shard that was not known, all is new, unless the summaries are incomplete.
            is_new = key not in self._scores and batch is not None and progress.after is not None
            before = {} if is_new else self._scores.get(key, shard.scores)
            if before is not shard.scores or batch is None:
                for minutes, now in shard.scores.items():
                    self._totals.update(_increase(minutes, now, before.get(minutes, Scores())))
            self._scores[key] = shard.scores
        self._set(
            _of_run(progress.run)
            | ({} if self._last is None else _of_batch(self._last))
            | _of_fleet(progress.shards)
            | _of_shards(progress.shards)
        )

    def _set(self, gauges: Numbers) -> None:
        self._values.rows = [
            ("", Value(f"{_PREFIX}{name}", number, tuple(labels)))
            for (name, *labels), number in (*self._totals.items(), *gauges.items())
        ]


def _of_run(run: Run) -> Numbers:
    found: Numbers = {("info", run.source, run.sink): 1, ("running",): run.state == RUNNING}
    return found | ({("trigger_seconds",): run.every_s} if run.every_s else {})


def _of_batch(batch: Batch) -> Numbers:
    optional = {"waiting_records": batch.behind, "state_bytes": batch.state_bytes}
    return {
        ("last_batch_seconds",): batch.seconds,
        ("last_batch_timestamp_seconds",): batch.ended,
        **{(name,): value for name, value in optional.items() if value is not None},
    }


def _of_fleet(shards: Mapping[int, ShardSummary]) -> Numbers:
    fleet = meters_status(shards, batch=None, worst=0, silent_after=0)
    found: Numbers = {
        ("meters",): fleet.meters,
        ("shards",): fleet.shards,
        ("silent_meters",): fleet.silent,
    }
    for name, minute in (("newest", fleet.newest), ("oldest", fleet.oldest)):
        if minute is not None:
            found[f"{name}_minute_timestamp_seconds",] = minute.timestamp()
    for minutes, scores in {"1": fleet.scores, **fleet.horizons}.items():
        for name, value in (("skill", scores.skill), ("coverage", scores.coverage)):
            if value is not None:
                found[f"{name}_ratio", minutes] = value
    return found


def _of_shards(shards: Mapping[int, ShardSummary]) -> Numbers:
    """Gauges of the worst shards."""
    ones = {key: shard.scores.get("1", Scores()) for key, shard in shards.items()}
    figures = {
        "skill_ratio": {key: one.skill for key, one in ones.items()},
        "newest_minute_timestamp_seconds": {
            key: None if shard.latest_us is None else shard.latest_us / 1e6
            for key, shard in shards.items()
        },
    }
    return {
        (f"shard_{name}", str(key)): value
        for name, values in figures.items()
        for value, key in nsmallest(
            WORST, ((value, key) for key, value in values.items() if value is not None)
        )
    }


def _counts(batch: Batch, batches: int = 1) -> Numbers:
    dropped = {"late": batch.late, "duplicate": batch.doubled, "invalid": batch.invalid}
    return {
        ("batches_total",): batches,
        ("batch_seconds_total",): batch.seconds,
        ("rows_total",): batch.read,
        ("unusable_rows_total",): batch.unusable,
        ("readings_total",): batch.readings,
        ("output_rows_total",): batch.rows,
        **{("dropped_readings_total", reason): count for reason, count in dropped.items()},
        **{("alarms_raised_total", kind): 0 for kind in _KINDS},
        **{("alarms_raised_total", kind): count for kind, count in batch.kinds.items()},
    }


def _increase(minutes: str, now: Scores, before: Scores) -> Numbers:
    pairs = zip(Scores._fields, now, before, strict=True)
    more = {name: max(0.0, new - (old or 0.0)) for name, new, old in pairs if new is not None}
    return {
        (name, minutes, *labels): more[field] * factor
        for name, field, factor, *labels in _SUMMED
        if field in more
    }
