"""How a fleet is: from what its query says of itself, and from the state of its shards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamer.errors import UsageError
from streamer.fleet.spark.checkpoint import Fixed, check_said, read_fixed
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.meters import MetersStatus, meters_status
from streamer.fleet.spark.progress import FOLDER, Progress, read_progress
from streamer.fleet.spark.reports import Batch, Counts
from streamer.fleet.spark.storage import Storage, last_batch
from streamer.models import find_model
from streamer.models.artefact import sha256_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LATELY_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """The last run of the query.

    Attributes:
        state: `running`; `done`, `stopped` or `failed`, as it has said itself; `died` if it
            has not, but its process is not there any more; `overdue` if it is not on this
            machine and has not been heard of for minutes.
        cause: what it failed of.
        source: where its readings come from.
        sink: where its rows go.
        began: when it was started.
        heard: when it last said something: at its start, at each batch, in between, at its end.
        every_s: how long from one batch to the next; 0 if it ends when it is done.
        host: its driver's machine.
        pid: of the process there.
    """

    state: str
    cause: str | None
    source: str
    sink: str
    began: datetime
    heard: datetime
    every_s: float
    host: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class BatchStatus(Counts):
    """Some batches, and what is counted of them all: the last, or those of the last hour.

    Attributes:
        batches: how many.
        number: of the last of them.
        began: when the first did.
        ended: when the last was done.
        seconds: what they took, all together.
        longest_s: what the longest took.
        parts_s: how the time splits, by Spark's names of the parts.
        readings_per_s: readings in a second of that time.
        behind: records that waited at the source after the last; None if it does not say.
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


@dataclass(frozen=True, kw_only=True)
class FleetStatus:
    """How a fleet is.

    Attributes:
        checkpoint: the query's.
        at: when this was seen.
        fixed: what the checkpoint was begun with.
        run: the last run; None if it has left no word.
        batch: the last batch that is done; None if there is none yet.
        last: what is known of it.
        hour: of the batches of the hour before its end, or those that are known of.
        fleet: the meters; None if there is no batch yet.
    """

    checkpoint: str
    at: datetime
    fixed: Fixed
    run: RunStatus | None
    batch: int | None
    last: BatchStatus | None
    hour: BatchStatus | None
    fleet: MetersStatus | None

    @property
    def lag_s(self) -> float | None:
        """Seconds from the newest minute to when this was seen."""
        newest = None if self.fleet is None else self.fleet.newest
        return None if newest is None else (self.at - newest).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values: times are of ISO 8601 in UTC."""
        plain: dict[str, Any] = _plain({**asdict(self), "lag_s": self.lag_s})
        return plain


def fleet_status(
    session: SparkSession,
    checkpoint: str,
    *,
    worst: int = 5,
    model: str | None = None,
    now: Callable[[], float] = time.time,
) -> FleetStatus:
    """See how the fleet of a checkpoint is, whether its query is running or not.

    The meters are gone through by the session's executors; what comes here is what is shown.

    Args:
        session: a session, which need not be the query's.
        checkpoint: the query's.
        worst: how many meters to name of each kind.
        model: name or path of the model, if that has moved since; None for where it was.
        now: says the time, in seconds since 1970.

    Raises:
        UsageError: there is no such checkpoint, or no such model, or it is another one.
        StateError: it is damaged, or not one of ours.
        SparkError: Spark cannot read it.
    """
    storage = Storage(session, checkpoint)
    fixed = read_fixed(storage, checkpoint)
    if fixed is None:
        missing = "is no checkpoint" if storage.is_there() else "is not there"
        raise UsageError(f"{checkpoint} {missing}: give the --checkpoint of a `streamer fleet run`")
    if model is not None:
        check_said(fixed, {"model": model}, sha256_of(find_model(model)), checkpoint)
        fixed = replace(fixed, choices=replace(fixed.choices, model=model))
    progress = read_progress(Storage(session, f"{checkpoint}/{FOLDER}"))
    # Before the meters are gone through, which takes a while.
    at = now()
    run = _run(progress, at)
    batch = last_batch(Storage(session, f"{checkpoint}/commits"))
    fleet = None
    if batch is not None:
        with explained(f"{checkpoint}: the state of batch {batch}, below state/, cannot be read"):
            fleet = meters_status(session, checkpoint, fixed, batch, worst)
    return FleetStatus(
        checkpoint=checkpoint,
        at=_time(at),
        fixed=fixed,
        run=run,
        batch=batch,
        last=_batches(progress.batches[-1:]),
        hour=_batches(progress.over(LATELY_S)),
        fleet=fleet,
    )


def _run(progress: Progress, at: float) -> RunStatus | None:
    run = progress.run
    if run is None:
        return None
    said: dict[str, Any] = {
        name: getattr(run, name) for name in ("cause", "source", "sink", "every_s", "host", "pid")
    }
    return RunStatus(state=run.state_at(at), began=_time(run.began), heard=_time(run.said), **said)


def _batches(batches: Sequence[Batch]) -> BatchStatus | None:
    if not batches:
        return None
    seconds = sum(batch.seconds for batch in batches)
    parts_s: dict[str, float] = {}
    for batch in batches:
        for name, part_s in batch.parts_s.items():
            parts_s[name] = parts_s.get(name, 0.0) + part_s
    totals = {it.name: sum(getattr(batch, it.name) for batch in batches) for it in fields(Counts)}
    return BatchStatus(
        batches=len(batches),
        number=batches[-1].number,
        began=_time(batches[0].began),
        ended=_time(batches[-1].ended),
        seconds=seconds,
        longest_s=max(batch.seconds for batch in batches),
        parts_s=parts_s,
        readings_per_s=totals["readings"] / seconds if seconds else None,
        behind=batches[-1].behind,
        **totals,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
