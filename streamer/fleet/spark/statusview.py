"""Status of a fleet as tables for a terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.display.durations import lasting
from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING, fixed, number, percent, plural
from streamer.display.tables import plain_table
from streamer.fleet.spark.meters import MetersStatus
from streamer.fleet.spark.reports import DIED, FAILED, OVERDUE, RUNNING, Run
from streamer.fleet.spark.status import BatchStatus, FleetStatus
from streamer.fleet.summary import MIN_SETTLED, MeterSummary, Scores, time_of

_table = partial(plain_table, first_width=24)
_PARTS = 3
_GONE = (FAILED, DIED, OVERDUE)
_COUNTS = {
    "read": "rows read",
    "unusable": "unusable",
    "late": "late",
    "doubled": "duplicate",
    "invalid": "invalid",
    "rows": "rows written",
    "silent": "fell silent",
    "alarms": "with an alarm",
}


def status_tables(status: FleetStatus) -> RenderableType:
    """All tables about a fleet."""
    parts: list[RenderableType] = [_heading(status)]
    if status.batch is None:
        parts.append(Text("No batch is completed yet."))
    if status.last is not None and status.hour is not None:
        parts += ["", _batches(status.last, status.hour, status.run)]
    if status.fleet is not None:
        parts += ["", _fleet(status, status.fleet), *_worst(status, status.fleet)]
    elif status.batch is not None:
        parts.append(Text("The figures of the meters are recorded from the next run on."))
    return Group(*parts)


def _heading(status: FleetStatus) -> RenderableType:
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("checkpoint", one_line(status.checkpoint))
    run = status.run
    if run is None:
        grid.add_row("query", "no progress recorded")
    else:
        grid.add_row("query", _run(run, status.at))
        grid.add_row("from, to", one_line(f"{run.source}, {run.sink}"))
    if status.batch is not None:
        batch = f"{status.batch}"
        if status.last is not None and status.last.number == status.batch:
            batch += f", done {_ago(status.last.ended, status.at)}"
        grid.add_row("batch", batch)
    if status.fleet is not None:
        grid.add_row("newest minute", _since(status.fleet.newest, status.at))
    behind = None if status.last is None else status.last.behind
    if behind is not None:
        grid.add_row("waiting", f"{plural(behind, 'record')} at the source")
    return grid


def _run(run: Run, at: datetime) -> Text:
    said = time_of(run.said)
    heard = _ago(said, at)
    text = {
        RUNNING: f"running, started {_ago(time_of(run.began), at)}",
        DIED: f"died: its process has ended without a record; last record {heard}",
        OVERDUE: f"no record since {_shown(said)} UTC, {heard}",
    }.get(run.state, f"{run.state} {heard}")
    if run.cause is not None:
        text += f": {one_line(run.cause)}"
    return Text(text, style="bold red" if run.state in _GONE else "")


def _batches(last: BatchStatus, hour: BatchStatus, run: Run | None) -> RenderableType:
    span = lasting((hour.ended - hour.began).total_seconds())
    many = "1 batch" if hour.batches == 1 else f"{hour.batches:,} batches"
    table = _table("", f"batch {last.number}", f"{many} in {span}")
    both = (last, hour)
    table.add_row("readings", *(f"{it.readings:,}" for it in both))
    table.add_row("readings/s", *(number(it.readings_per_s, ",.0f") for it in both))
    every = f" of {run.every_s:g}" if run is not None and run.every_s else ""
    mean = hour.seconds / hour.batches
    table.add_row(
        "seconds", f"{last.seconds:.1f}{every}", f"mean {mean:.1f}, most {hour.longest_s:.1f}"
    )
    for name, what in _COUNTS.items():
        counts = [getattr(it, name) for it in both]
        if any(counts) or name in ("read", "rows", "late", "silent"):
            table.add_row(what, *(f"{count:,}" for count in counts))
    for kind in sorted(hour.kinds.keys() - {"silent"}):
        table.add_row(f"alarm {one_line(kind)}", *(f"{it.kinds.get(kind, 0):,}" for it in both))
    return Group(table, Text(_split(last)))


def _split(last: BatchStatus) -> str:
    """Durations of the parts of the last batch, longest first."""
    longest = sorted(last.parts_s.items(), key=lambda part: -part[1])[:_PARTS]
    parts = [f"{one_line(name)} {seconds:.2f} s" for name, seconds in longest if seconds]
    return f"Of batch {last.number}: {', '.join(parts)}." if parts else ""


def _fleet(status: FleetStatus, fleet: MetersStatus) -> RenderableType:
    scores = fleet.scores
    heard = f"{plural(fleet.meters, 'meter')} in {plural(fleet.shards, 'shard')}"
    table = _table(heard, "MSE kW²", "MAE kW", "skill", "in the band")
    table.add_row(*_row("forecast", scores, fixed(scores.mae_kw, 4)))
    if status.fixed.choices.adapt:
        frozen = (fixed(scores.frozen_mse_kw2, 4), "", percent(scores.frozen_skill), "")
        table.add_row("frozen", *frozen)
    table.add_row("persistence", fixed(scores.persistence_mse_kw2, 4), "", "", "")
    for minutes, mean in fleet.horizons.items():
        table.add_row(*_row(f"mean of {minutes} minutes", mean))
    about = f"Of {plural(scores.settled, 'settled minute')}"
    if fleet.batch is None:
        about += "; some shards may be missing until the next run"
    elif fleet.batch != status.batch:
        about += f" until batch {fleet.batch}; what is missing is added by the next run"
    dropped = f"{fleet.late:,} late, {fleet.doubled:,} duplicate and {fleet.invalid:,} invalid"
    return Group(table, Text(f"{about}. Dropped: {dropped}."))


def _row(name: str, scores: Scores, mae_kw: str = "") -> tuple[str, ...]:
    coverage = percent(scores.coverage, signed=False)
    return name, fixed(scores.mse_kw2, 4), mae_kw, percent(scores.skill), coverage


def _worst(status: FleetStatus, fleet: MetersStatus) -> list[RenderableType]:
    parts: list[RenderableType] = []
    after = status.fixed.choices.silent_after
    if after:
        text = f"{plural(fleet.silent, 'silent meter')}"
        if fleet.soon_silent:
            text += f", and {fleet.soon_silent:,} soon to be reported"
        text += f" (nothing for {plural(after, 'minute')})"
        parts += ["", _silent(text, fleet) if fleet.longest_silent else Text(text, style="bold")]
    which = f"of meters with {plural(MIN_SETTLED, 'minute')} settled or more"
    for title, meters in (
        (f"Lowest skill, {which}", fleet.lowest_skill),
        (f"Largest MSE, {which}", fleet.largest_mse),
    ):
        if meters:
            parts += ["", _scored(title, meters)]
    return parts


def _silent(title: str, fleet: MetersStatus) -> Table:
    """Silent meters, by event time."""
    table = _table(title, "last minute", "before the newest", "last kW")
    for meter in fleet.longest_silent:
        gone = lasting(((fleet.newest or meter.minute) - meter.minute).total_seconds())
        table.add_row(one_line(meter.meter), _shown(meter.minute), gone, fixed(meter.last_kw, 3))
    return table


def _scored(title: str, meters: Sequence[MeterSummary]) -> Table:
    table = _table(title, "skill", "MSE kW²", "persistence", "in the band", "settled")
    for meter in meters:
        table.add_row(
            one_line(meter.meter),
            percent(meter.skill),
            fixed(meter.mse_kw2, 4),
            fixed(meter.persistence_mse_kw2, 4),
            percent(meter.coverage, signed=False),
            f"{meter.settled:,}",
        )
    return table


def _since(minute: datetime | None, at: datetime) -> str:
    return NOTHING if minute is None else f"{_shown(minute)} UTC, {_ago(minute, at)}"


def _shown(minute: datetime) -> str:
    return f"{minute:%Y-%m-%d %H:%M}"


def _ago(then: datetime, at: datetime) -> str:
    seconds = (at - then).total_seconds()
    return f"{lasting(seconds)} ago" if seconds >= 0 else f"{lasting(-seconds)} ahead"
