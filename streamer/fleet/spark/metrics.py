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
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from streamer.errors import LinkError
from streamer.fleet.spark.meters import meters_status
from streamer.fleet.spark.progress import RunProgress
from streamer.fleet.spark.reports import RUNNING, Batch
from streamer.fleet.summary import Scores
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

Number = float | None
Figures = dict[str, Number | Mapping[Any, Number]]
"""Values by the name of their metric, without the prefix, and by their label or labels, if any.

Those that are None are not exposed.
"""

_PREFIX = "streamer_fleet_"
_UNIT = re.compile(r"(seconds|bytes|square_watts|watts|ratio)(_total)?$")
_KINDS = ("anomaly", "stuck", "unit", "peak", "silent")


def _metric(name: str, text: str, labels: str = "") -> Definition:
    """A metric, whose name has its type and unit, as is customary with Prometheus."""
    kind: Kind = COUNTER if name.endswith("_total") else INFO if name == "info" else GAUGE
    unit = _UNIT.search(name)
    return Definition(_PREFIX + name, kind, text, tuple(labels.split()), unit[1] if unit else "")


FLEET = (
    *(each for each in DEFINITIONS if each.name == "streamer_build_info"),
    _metric("info", "Source and sink of the query.", "source sink"),
    _metric("running", "1 while the query runs, 0 while Spark starts or stops."),
    _metric("trigger_seconds", "Interval from one batch to the next."),
    _metric("batches_total", "Completed batches."),
    _metric("batch_seconds_total", "Total duration of the batches."),
    _metric("last_batch_seconds", "Duration of the last batch."),
    _metric("last_batch_timestamp_seconds", "End of the last batch."),
    _metric("waiting_records", "Records at a Kafka source after the last batch."),
    _metric("rows_total", "Rows from the source."),
    _metric("unusable_rows_total", "Rows without a meter, a minute or a power."),
    _metric("readings_total", "The other rows."),
    _metric("dropped_readings_total", "Readings that were not processed.", "reason"),
    _metric("output_rows_total", "Rows for the sink."),
    _metric("alarms_raised_total", "Alarms that were raised.", "kind"),
    _metric("meters", "Meters that have sent readings."),
    _metric("shards", "Shards with meters."),
    _metric("silent_meters", "Meters that are reported as silent."),
    _metric("state_bytes", "Size of the executors' tables of state."),
    _metric("newest_minute_timestamp_seconds", "Newest minute of any shard."),
    _metric("oldest_minute_timestamp_seconds", "Oldest last minute of any meter."),
    _metric("forecasts_settled_total", "Forecasts compared with readings.", "minutes"),
    _metric("forecasts_covered_total", "Those with the reading inside their band.", "minutes"),
    _metric(
        "squared_error_square_watts_total",
        "Sum of the squared errors of the forecasts, persistence, and the frozen network.",
        "minutes forecaster",
    ),
    _metric(
        "absolute_error_watts_total", "Sum of the absolute errors of the forecasts.", "minutes"
    ),
    _metric("skill_ratio", "1 - MSE/MSE of persistence, of all settled forecasts.", "minutes"),
    _metric("coverage_ratio", "Share of them with the reading inside the band.", "minutes"),
    _metric("shard_skill_ratio", "Skill of the shards with the lowest.", "shard"),
    _metric(
        "shard_newest_minute_timestamp_seconds",
        "Newest minute of the shards that are furthest behind.",
        "shard",
    ),
)
"""All metrics of a fleet; those of the process itself are prometheus-client's."""


class FleetMetrics:
    """Metrics of a run, as Prometheus scrapes them."""

    def __init__(self) -> None:
        self._values = Values(FLEET)
        self._totals = Counter[str]()
        self._alarms = Counter(dict.fromkeys(_KINDS, 0))
        self._settled: dict[str, Scores] = {}
        self._scores: dict[int, Mapping[str, Scores]] = {}
        self._last: Batch | None = None
        self._set(self._counters() | {"running": 0.0})

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
            self._totals.update({"batches": 1, "seconds": batch.seconds, **batch.counts})
            self._alarms.update(batch.kinds)
        for key, shard in progress.shards.items():
            if self._scores.get(key) is shard.scores:
                continue  # it had neither readings nor a timer
            # Of a shard that was not known, all is new, unless the summaries are incomplete.
            is_new = key not in self._scores and batch is not None and progress.after is not None
            before = {} if is_new else self._scores.get(key, shard.scores)
            for minutes, now in shard.scores.items():
                more = _increase(now, before.get(minutes, Scores()))
                self._settled[minutes] = Scores.total([self._settled.get(minutes, Scores()), more])
            self._scores[key] = shard.scores
        self._set(self._counters() | _gauges(progress, self._last))

    def _set(self, figures: Figures) -> None:
        self._values.rows = [
            ("", Value(_PREFIX + name, number, labels if isinstance(labels, tuple) else (labels,)))
            for name, found in figures.items()
            for labels, number in (found if isinstance(found, Mapping) else {(): found}).items()
            if number is not None
        ]

    def _counters(self) -> Figures:
        totals, settled = self._totals, self._settled.items()
        return {
            "batches_total": totals["batches"],
            "batch_seconds_total": totals["seconds"],
            "rows_total": totals["read"],
            "unusable_rows_total": totals["unusable"],
            "readings_total": totals["readings"],
            "dropped_readings_total": {
                "late": totals["late"],
                "duplicate": totals["doubled"],
                "invalid": totals["invalid"],
            },
            "output_rows_total": totals["rows"],
            "alarms_raised_total": self._alarms,
            "forecasts_settled_total": {minutes: it.settled for minutes, it in settled},
            "forecasts_covered_total": {minutes: it.coverage for minutes, it in settled},
            "squared_error_square_watts_total": {
                (minutes, forecaster): kw2 and 1e6 * kw2
                for minutes, it in settled
                for forecaster, kw2 in (
                    ("model", it.mse_kw2),
                    ("persistence", it.persistence_mse_kw2),
                    ("frozen", it.frozen_mse_kw2),
                )
            },
            "absolute_error_watts_total": {
                minutes: it.mae_kw and 1e3 * it.mae_kw for minutes, it in settled
            },
        }


def _gauges(progress: RunProgress, last: Batch | None) -> Figures:
    run, shards = progress.run, progress.shards
    fleet = meters_status(shards, batch=None, worst=0, silent_after=0)
    scores = {"1": fleet.scores, **fleet.horizons}.items()
    found: Figures = {
        "info": {(run.source, run.sink): 1},
        "running": run.state == RUNNING,
        "trigger_seconds": run.every_s or None,
        "meters": fleet.meters,
        "shards": fleet.shards,
        "silent_meters": fleet.silent,
        "newest_minute_timestamp_seconds": fleet.newest.timestamp() if fleet.newest else None,
        "oldest_minute_timestamp_seconds": fleet.oldest.timestamp() if fleet.oldest else None,
        "skill_ratio": {minutes: it.skill for minutes, it in scores},
        "coverage_ratio": {minutes: it.coverage for minutes, it in scores},
        "shard_skill_ratio": _lowest(
            {key: it.scores.get("1", Scores()).skill for key, it in shards.items()}
        ),
        "shard_newest_minute_timestamp_seconds": _lowest(
            {key: it.latest_us and it.latest_us / 1e6 for key, it in shards.items()}
        ),
    }
    if last is None:
        return found
    return found | {
        "last_batch_seconds": last.seconds,
        "last_batch_timestamp_seconds": last.ended,
        "waiting_records": last.behind,
        "state_bytes": last.state_bytes,
    }


def _lowest(values: Mapping[int, Number]) -> dict[str, Number]:
    """The lowest values of shards, by key as text."""
    known = ((value, key) for key, value in values.items() if value is not None)
    return {str(key): value for value, key in nsmallest(WORST, known)}


def _increase(now: Scores, before: Scores) -> Scores:
    return Scores._make(
        None if new is None else max(0.0, new - (old or 0.0))
        for new, old in zip(now, before, strict=True)
    )
