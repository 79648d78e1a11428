"""Status of a fleet, from the recorded progress of its query and the state of its shards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from streamer.errors import UsageError
from streamer.fleet.spark.checkpoint import CheckpointConfig, read_config
from streamer.fleet.spark.meters import MetersStatus, meters_status
from streamer.fleet.spark.progress import FOLDER, read_progress
from streamer.fleet.spark.reports import Batch, BatchCounts, Run
from streamer.fleet.spark.storage import Opener, last_batch
from streamer.fleet.summary import MeterSummary, Scores, time_of

HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class BatchStatus(BatchCounts):
    """The last batch, or the batches of the last hour, and their total counts.

    Attributes:
        batches: number of batches.
        number: number of the last of them.
        began: beginning of the first.
        ended: end of the last.
        seconds: total duration.
        longest_s: duration of the longest.
        parts_s: total durations of their parts, by Spark's names.
        readings_per_s: readings per second of the total duration.
        behind: records waiting at the source after the last batch; None if unknown.
        kinds: alarms by kind.
    """

    batches: int
    number: int
    began: datetime
    ended: datetime
    seconds: float
    longest_s: float
    parts_s: dict[str, float]
    readings_per_s: float | None
    behind: int | None
    kinds: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class FleetStatus:
    """Status of a fleet.

    Attributes:
        checkpoint: the query's checkpoint.
        at: time of this status.
        fixed: configuration of the checkpoint.
        run: the last run, with its state as seen at that time; None if no progress is recorded.
        batch: number of the last completed batch; None before the first.
        last: the last batch; None if no progress is recorded.
        hour: the recorded batches of the hour before its end.
        fleet: the meters; None before the first batch, or if no run has recorded them yet.
    """

    checkpoint: str
    at: datetime
    fixed: CheckpointConfig
    run: Run | None = None
    batch: int | None
    last: BatchStatus | None = None
    hour: BatchStatus | None = None
    fleet: MetersStatus | None = None

    @property
    def lag_s(self) -> float | None:
        """Seconds from the newest minute to the time of this status."""
        newest = None if self.fleet is None else self.fleet.newest
        return None if newest is None else (self.at - newest).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """The status as JSON values, with times as ISO 8601 in UTC."""
        found: dict[str, Any] = _plain({**asdict(self), "lag_s": self.lag_s})
        if self.run is not None:
            del found["run"]["said"]
            began, heard = time_of(self.run.began), time_of(self.run.said)
            found["run"] |= {"began": _plain(began), "heard": _plain(heard)}
        return found


def fleet_status(
    open_folder: Opener,
    checkpoint: str,
    *,
    worst: int = 5,
    now: Callable[[], float] = time.time,
) -> FleetStatus:
    """Determine the status of a checkpoint's fleet, whether its query is running or not.

    Everything is read from what the query has recorded beside its checkpoint.

    Args:
        open_folder: opens the folders of the checkpoint.
        checkpoint: the query's checkpoint.
        worst: number of meters in each ranking, `MAX_WORST` at most.
        now: returns the time in seconds since 1970.

    Raises:
        UsageError: the checkpoint does not exist.
        StateError: the checkpoint is damaged, or not one of `streamer fleet`.
    """
    folder = open_folder(checkpoint)
    config = read_config(folder, checkpoint)
    if config is None:
        missing = "is not a checkpoint" if folder.exists() else "does not exist"
        raise UsageError(f"{checkpoint} {missing}: give the --checkpoint of a `streamer fleet run`")
    progress = read_progress(open_folder(f"{checkpoint}/{FOLDER}"))
    at = now()
    status = FleetStatus(
        checkpoint=checkpoint,
        at=time_of(at),
        fixed=config,
        batch=last_batch(open_folder(f"{checkpoint}/commits")),
    )
    if progress is None:
        return status
    fleet = None
    if progress.shards:
        fleet = meters_status(
            progress.shards,
            batch=progress.after,
            worst=worst,
            silent_after=config.choices.silent_after,
        )
    return replace(
        status,
        run=replace(progress.run, state=progress.run.state_at(at)),
        last=_batches(progress.batches[-1:]),
        hour=_batches(progress.over(HOUR_S)),
        fleet=fleet,
    )


def _batches(batches: Sequence[Batch]) -> BatchStatus | None:
    if not batches:
        return None
    seconds = sum(batch.seconds for batch in batches)
    totals, parts_s, kinds = Counter[str](), Counter[str](), Counter[str]()
    for batch in batches:
        totals.update(batch.counts)
        parts_s.update(batch.parts_s)
        kinds.update(batch.kinds)
    return BatchStatus(
        batches=len(batches),
        number=batches[-1].number,
        began=time_of(batches[0].began),
        ended=time_of(batches[-1].ended),
        seconds=seconds,
        longest_s=max(batch.seconds for batch in batches),
        parts_s=dict(parts_s),
        readings_per_s=totals["readings"] / seconds if seconds else None,
        behind=batches[-1].behind,
        kinds=dict(kinds),
        **totals,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, MeterSummary):
        values = {"minute": value.minute, "skill": value.skill, **value._asdict()}
        del values["minute_us"]
        return _plain(values)
    if isinstance(value, Scores):
        return {**value._asdict(), "skill": value.skill, "frozen_skill": value.frozen_skill}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
