"""Benchmark of the coming steps of an hour, beside persistence and the same time yesterday.

python -m tests.benchmarks.stepmeans --help
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from streamer.errors import UsageError
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.publishing.stepmeans import Stretch, stretches
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock
from tests.houses.cases import House, read_house

DAY = 1440
EVERY = 5
STEPS = ((0, 15), (15, 30), (30, 45), (45, 60), (0, 30), (30, 60))
"""First minute of each step, and the minute after its last one, from the reading on."""

_BLOCK = 512


def mean_of(parts: Iterable[Stretch], start: int, end: int) -> float:
    """Mean power of some of the minutes ahead, in kW."""
    overlaps = [(min(end, part.end) - max(start, part.start), part.kw) for part in parts]
    return sum(minutes * kw for minutes, kw in overlaps if minutes > 0) / (end - start)


def forecasts(house: House) -> Iterator[tuple[int, list[Stretch]]]:
    """Minute since 1970 and stretches of every fifth reading."""
    pipeline = Pipeline(load_model())
    for start in range(0, len(house.kw), _BLOCK):
        block = ReadingBlock(house.at[start : start + _BLOCK], house.kw[start : start + _BLOCK])
        for step in pipeline.push_many(block):
            if step.reading.at.minute % EVERY == 0 and (parts := stretches(step)):
                minute = np.datetime64(step.reading.at, "m").astype(np.int64)
                yield int(minute), parts


def errors_w(house: House) -> dict[tuple[int, int], tuple[int, DoubleArray]]:
    """Number of steps and RMSE in W of forecast, persistence and yesterday, by step."""
    minutes: IntArray = house.at.astype("datetime64[m]").astype(np.int64)
    by_minute = np.full(int(minutes[-1] - minutes[0]) + 1, np.nan)
    by_minute[minutes - minutes[0]] = house.kw
    rows: dict[tuple[int, int], list[Sequence[float]]] = {step: [] for step in STEPS}
    for minute, parts in forecasts(house):
        now = minute - int(minutes[0])
        for start, end in STEPS:
            first, last = now + 1 + start, now + 1 + end
            if first < DAY or last > len(by_minute):
                continue
            actual = by_minute[first:last].mean()
            before = by_minute[first - DAY : last - DAY].mean()
            row = mean_of(parts, start, end), by_minute[now], before
            rows[start, end].append([each - actual for each in row])
    found = {}
    for step, each in rows.items():
        errors = np.array(each)
        errors = errors[~np.isnan(errors).any(axis=1)]
        found[step] = len(errors), 1000.0 * np.sqrt((errors**2).mean(axis=0))
    return found


def main(
    data: Annotated[
        list[str],
        typer.Option(metavar="[NAME=]FILE[@DAY]", help="Recording of a house; may be repeated."),
    ],
    days: Annotated[int, typer.Option(min=2, help="Days of each house.")] = 30,
) -> None:
    """Compare the coming steps of an hour with what came, every five minutes.

    Takes some ten seconds a house and month.
    """
    console = Console(width=100)
    for spec in data:
        try:
            house = read_house(spec, days)
        except UsageError as error:
            raise typer.BadParameter(str(error)) from None
        table = Table("minutes", "steps", "forecast", "persistence", "yesterday", title=house.name)
        for (start, end), (count, rmse_w) in errors_w(house).items():
            table.add_row(f"{start + 1}-{end}", str(count), *(f"{each:.0f}" for each in rmse_w))
        console.print(table)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
