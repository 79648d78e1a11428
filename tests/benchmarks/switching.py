"""Benchmark of switching events: drawn loads that are found, and events of the house itself.

python -m tests.benchmarks.switching --help
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console

from streamer.alarms.switching import SwitchingEvents
from streamer.errors import UsageError
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.demand import SwitchingEvent
from tests.houses.cases import read_house

DAY = 1440
NEAR_MINUTES, NEAR = 1, 0.1
"""Errors of start and end in minutes, and of the size as a share, up to which a load is found."""

MIN_KW, MAX_KW = 2.0, 11.0
MIN_MINUTES, MAX_MINUTES = 5.0, 180.0
WOBBLE = 0.003

_EPOCH = datetime(1970, 1, 1)


class Load(NamedTuple):
    """A load that was drawn: start and end in minutes, and its power."""

    start: float
    end: float
    kw: float


@dataclass(frozen=True)
class Findings:
    """What was found in one house.

    Attributes:
        own: loads a day that are over, in the house as it is.
        still_on: events a day of loads that are still on, likewise.
        drawn: number of drawn loads.
        found: number of them found with times and size.
        timed: number found with their times, whatever the size.
        others: further loads a day in the house with the drawn ones.
    """

    own: float
    still_on: float
    drawn: int
    found: int
    timed: int
    others: float


def events_of(minutes: IntArray, kw: DoubleArray) -> list[SwitchingEvent]:
    """The events of minutes since 1970 and their powers."""
    at = [_EPOCH + timedelta(minutes=minute) for minute in minutes.tolist()]
    missing = np.diff(minutes, prepend=minutes[0] - 1) - 1
    found = SwitchingEvents().many(at, kw.tolist(), missing.tolist())
    return [event for each in found for event in each]


def with_loads(
    minutes: IntArray, kw: DoubleArray, per_day: float, rng: np.random.Generator
) -> tuple[DoubleArray, list[Load]]:
    """Add loads of constant power from some second on, and list those in measured minutes."""
    span = int(minutes[-1] - minutes[0]) + 1
    added, is_measured = np.zeros(span), np.zeros(span, bool)
    is_measured[minutes - minutes[0]] = True
    loads = []
    for _ in range(int(per_day * span / DAY)):
        start = rng.uniform(0.0, span - 2.0 * MAX_MINUTES)
        end = start + np.exp(rng.uniform(np.log(MIN_MINUTES), np.log(MAX_MINUTES)))
        power = float(np.exp(rng.uniform(np.log(MIN_KW), np.log(MAX_KW))))
        part = np.arange(int(start), int(end) + 1)
        added[part] += power * (np.minimum(part + 1, end) - np.maximum(part, start))
        if is_measured[max(int(start) - 2, 0) : int(end) + 3].all():
            loads.append(Load(minutes[0] + start, minutes[0] + end, power))
    wobble = 1.0 + WOBBLE * rng.standard_normal(len(minutes))
    return kw + added[minutes - minutes[0]] * wobble, loads


def matched(loads: Sequence[Load], events: Sequence[SwitchingEvent], near: float = NEAR) -> int:
    """Number of loads that are found, each by an event of its own."""
    left = [
        ((event.on_at - _EPOCH) // timedelta(minutes=1), event.minutes, event.kw)
        for event in events
        if event.minutes is not None
    ]
    found = 0
    for load in loads:
        first, last = int(load.start), int(load.end)
        for event in left:
            on_at, lasting, kw = event
            if (
                abs(on_at - first) <= NEAR_MINUTES
                and abs(on_at + lasting - last) <= NEAR_MINUTES
                and abs(kw - load.kw) <= near * load.kw
            ):
                left.remove(event)
                found += 1
                break
    return found


def measure(minutes: IntArray, kw: DoubleArray, per_day: float, seeds: int) -> Findings:
    """Measure one house, with loads drawn several times."""
    days = len(minutes) / DAY
    alone = events_of(minutes, kw)
    own = sum(event.off_at is not None for event in alone)
    drawn = found = timed = over = 0
    for seed in range(seeds):
        sums, loads = with_loads(minutes, kw, per_day, np.random.default_rng(seed))
        events = events_of(minutes, sums)
        drawn += len(loads)
        found += matched(loads, events)
        timed += matched(loads, events, near=1.0)
        over += sum(event.off_at is not None for event in events)
    others = (over - found) / seeds
    return Findings(own / days, (len(alone) - own) / days, drawn, found, timed, others / days)


def main(
    data: Annotated[
        list[str],
        typer.Option(metavar="[NAME=]FILE[@DAY]", help="Recording of a house; may be repeated."),
    ],
    days: Annotated[int, typer.Option(min=1, help="Days of each house.")] = 60,
    per_day: Annotated[float, typer.Option(min=0.1, help="Loads to draw a day.")] = 5.0,
    seeds: Annotated[int, typer.Option(min=1, help="Number of draws.")] = 3,
) -> None:
    """Draw loads of 2 to 11 kW and 5 to 180 minutes into houses, and count those that are found.

    Takes a second or two a house.
    """
    console = Console(width=100)
    for spec in data:
        try:
            house = read_house(spec, days)
        except UsageError as error:
            raise typer.BadParameter(str(error)) from None
        minutes = house.at.astype("datetime64[m]").astype(np.int64)
        found = measure(minutes, house.kw, per_day, seeds)
        console.print(
            f"{house.name}: {found.found / found.drawn:.1%} of {found.drawn} loads found, "
            f"{found.timed / found.drawn:.1%} by their times; "
            f"other loads a day {found.others:.1f}, in the house as it is {found.own:.1f}, and "
            f"{found.still_on:.1f} still on"
        )


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
