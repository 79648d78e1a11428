"""Recorded reports of a query about its batches and its run."""

from __future__ import annotations

import os
import platform
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from streamer.display.numbers import plural
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.summary import ShardSummary, time_of

Report = Mapping[str, Any]
"""Spark's report on a batch, as it is in JSON."""

RUNNING, DONE, STOPPED, FAILED = "running", "done", "stopped", "failed"
DIED, OVERDUE = "died", "overdue"

_MAX_NUMBER = 10**11
"""Upper bound of all counts, and of times in seconds since 1970 with a year of four digits."""

Count = Annotated[int, Field(ge=0, le=_MAX_NUMBER)]
Seconds = Annotated[float, Field(ge=0, le=_MAX_NUMBER)]
"""A duration, or a time since 1970."""

_UNIT_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0}

HEARTBEAT_S = 30.0
"""Longest interval between two records of a running query."""

_OVERDUE_S = 6 * HEARTBEAT_S
_DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class BatchCounts:
    """Counts of one or several batches.

    Attributes:
        read: rows from the source.
        unusable: rows without a meter, a minute or a power.
        readings: the other rows.
        late: readings older than the last one of their meter.
        doubled: duplicates of readings.
        invalid: readings whose power is not finite.
        rows: rows written.
        silent: meters reported as silent.
        alarms: rows with an alarm, those of silent meters included.
    """

    read: Count = 0
    unusable: Count = 0
    readings: Count = 0
    late: Count = 0
    doubled: Count = 0
    invalid: Count = 0
    rows: Count = 0
    silent: Count = 0
    alarms: Count = 0

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {it.name: getattr(self, it.name) for it in fields(BatchCounts)}


@dataclass(frozen=True, kw_only=True)
class Batch(BatchCounts):
    """A completed batch and its counts.

    Attributes:
        number: number of the batch.
        began: its beginning in seconds since 1970.
        seconds: its duration.
        parts_s: durations of its parts, by Spark's names.
        behind: records waiting at the source; None if unknown.
        newest: newest minute of its readings in seconds since 1970; None without any.
        kinds: alarms by kind.
        state_bytes: size of the tables in which the executors keep the state; None if unknown.
    """

    number: Count
    began: Seconds
    seconds: Seconds
    parts_s: Mapping[str, Seconds] = field(default_factory=dict)
    behind: Count | None = None
    newest: Seconds | None = None
    kinds: Mapping[str, Count] = field(default_factory=dict)
    state_bytes: Count | None = None

    @property
    def ended(self) -> float:
        """End of the batch in seconds since 1970."""
        return self.began + self.seconds

    @classmethod
    def of(cls, report: Report) -> Self:
        """The relevant part of Spark's report."""
        durations = {name: ms / 1000.0 for name, ms in report["durationMs"].items()}
        shards = shard_reports(report)
        counts = sum((Counter(it.counts) for it in shards), Counter(_observed(report, "read")))
        newest_us = max((it.newest_us for it in shards if it.newest_us is not None), default=None)
        return cls(
            number=report["batchId"],
            began=datetime.fromisoformat(report["timestamp"]).timestamp(),
            seconds=durations.pop("triggerExecution", 0.0),
            parts_s=durations,
            behind=_behind(report["sources"]),
            newest=None if newest_us is None else max(0.0, newest_us / 1e6),
            kinds=dict(sum((Counter(it.kinds) for it in shards), Counter[str]())),
            state_bytes=sum(
                it["customMetrics"].get("rocksdbSstFileSize", 0)
                for it in report.get("stateOperators", ())
            )
            or None,
            **counts,
        )

    def line(self, now: float | None = None) -> str | None:
        """A line about the batch; None for one without readings or events.

        Args:
            now: present time in seconds since 1970; None for the clock.
        """
        counts = {
            "unusable": self.unusable,
            "late": self.late,
            "duplicate": self.doubled,
            "invalid": self.invalid,
            "silent": self.silent,
            "with an alarm": self.alarms,
        }
        notes = [f"{count:,} {what}" for what, count in counts.items() if count]
        if self.unusable and not self.readings:
            notes.append("usable rows have a meter, a power, and a time no later than tomorrow")
        if not (self.readings or notes):
            return None
        line = f"batch {self.number}: {plural(self.readings, 'reading')}"
        if self.newest is not None:
            line += f" to {time_of(self.newest):%Y-%m-%d %H:%M}"
            behind = (time.time() if now is None else now) - self.newest
            if 0 <= behind < _DAY_S:
                line += f" ({behind / 60.0:.1f} min ago)"
        line += f" in {self.seconds:.1f} s"
        if self.seconds and self.readings:
            line += f", {self.readings / self.seconds:,.0f}/s"
        return f"{line}; {', '.join(notes)}" if notes else line


@dataclass(frozen=True)
class ShardReport:
    """Report of the processor of a shard on a batch.

    Attributes:
        key: key of the shard.
        counts: counts of the batch, by the names of `BatchCounts`.
        kinds: alarms of the batch by kind.
        newest_us: newest minute of its readings, in microseconds since 1970; None without any.
        shard: summary of the shard after the batch.
    """

    key: int
    counts: Mapping[str, int]
    kinds: Mapping[str, int]
    newest_us: int | None
    shard: ShardSummary


def shard_reports(report: Report) -> list[ShardReport]:
    """Reports on the shards that had readings or timers in a batch."""
    return [from_json(ShardReport, text) for text in _observed(report, "shards").get("reports", ())]


def _observed(report: Report, name: str) -> dict[str, Any]:
    """Metrics of a batch that `streamer.fleet.spark.query` observes; empty without any."""
    return report["observedMetrics"].get(name) or {}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the query, as recorded by itself.

    Attributes:
        began: its beginning in seconds since 1970.
        source: source of its readings.
        sink: sink of its rows.
        every_s: seconds from one batch to the next; 0 for a run that ends when it is done.
        said: time of its last record in seconds since 1970.
        state: `running`, or its end: `done`, `stopped` or `failed`.
        cause: cause of a failure.
        host: name of the machine.
        pid: process on that machine.
    """

    began: Seconds
    source: str
    sink: str
    every_s: Seconds = 0.0
    said: Seconds = 0.0
    state: str = RUNNING
    cause: str | None = None
    host: str = ""
    pid: Count = 0

    def state_at(self, now: float) -> str:
        """The state as seen by another process.

        Args:
            now: seconds since 1970.

        Returns:
            The recorded state; instead of `running`, `died` if the process has ended, or
            `overdue` if nothing was recorded for minutes.
        """
        if self.state != RUNNING:
            return self.state
        if self.host == platform.node() and not _is_alive(self.pid):
            return DIED
        return OVERDUE if now - self.said > _OVERDUE_S else RUNNING


def seconds_of(every: str) -> float | None:
    """Seconds of an interval in Spark's notation; None if it is malformed.

    >>> seconds_of("10 seconds"), seconds_of("1 minute"), seconds_of("0 minutes")
    (10.0, 60.0, None)
    """
    found = re.fullmatch(r"\s*([1-9]\d*)\s+(second|minute|hour)s?\s*", every)
    return int(found[1]) * _UNIT_S[found[2]] if found else None


def _behind(sources: Iterable[Any]) -> int | None:
    """Waiting records of all sources whose offsets are numbers by topic and partition."""
    total = None
    for source in sources:
        try:
            waiting = [
                max(0, offset - source["endOffset"].get(topic, {}).get(partition, 0))
                for topic, offsets in source["latestOffset"].items()
                for partition, offset in offsets.items()
            ]
        except (KeyError, TypeError, AttributeError):
            continue
        total = sum(waiting) + (total or 0)
    return total


def _is_alive(pid: int) -> bool:
    """Whether a process of this machine exists; True if that cannot be determined."""
    if os.name != "posix" or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
