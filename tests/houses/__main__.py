"""Command line of the measuring; see `--help`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from streamer import StreamerError, load_model
from streamer.errors import UsageError
from streamer.training.additions import Additions
from tests.houses.cases import STANDARD, cases, drawing, read_house, read_irradiance
from tests.houses.measures import figures
from tests.houses.tables import compared, report
from tests.houses.traces import trace


def main(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]FILE[@DAY]",
            help="Recording of a house, and the day to begin at; may be repeated.",
        ),
    ],
    irradiance: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Measured irradiance: whole days of minutes, timestamp,ghi_w_m2. Series with "
            "sun are then measured with it, too.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=9, help="Days of each house.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 1,
    drawn: Annotated[
        bool, typer.Option("--drawn", help="Draw roof, clouds, car and heat pump of each house.")
    ] = False,
    hours: Annotated[bool, typer.Option("--hours", help="Also a table by hour of day.")] = False,
    model: Annotated[str, typer.Option(help="Name of the model, or its folder.")] = "sceaux",
    before: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Figures of an earlier release, written there by --json: compare with them.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Measure how well houses with sun, car and heat pump are forecast.

    Takes some three seconds a series, and there are six to fifteen series a house.

    Figures of an earlier release: in a folder with its streamer/ and this tests/, --json there
    and --before here.

    \b
    Examples:
      python -m tests.houses --data house.csv
      python -m tests.houses --data house.csv@2013-06-01 --irradiance sun.csv.gz --hours
    """
    try:
        earlier = None if before is None else _figures(before)
        found = measure(data, irradiance, days, seed, model, drawn=drawn)
    except StreamerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(report(found, hours=hours))
    if earlier is not None:
        print(compared(earlier, found))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


def _figures(path: Path) -> list[dict[str, Any]]:
    """Figures that `--json` wrote."""
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text())
        if all({"house", "kind", "figures"} <= set(row) for row in rows):
            return rows
    except (ValueError, TypeError):
        pass
    raise UsageError(f"{path}: not figures as --json writes them")


def measure(
    data: list[str],
    irradiance: Path | None,
    days: int,
    seed: int,
    model: str,
    *,
    drawn: bool = False,
) -> list[dict[str, Any]]:
    """Figures of all series; those with sun also with the solar power measured beside."""
    forecaster = load_model(model)
    measured = None if irradiance is None else read_irradiance(irradiance)[1]
    found = []
    for spec in data:
        house = read_house(spec, days)
        additions = STANDARD
        if drawn:
            chosen = Additions.drawn(drawing(house, seed), every=True)
            additions = replace(chosen, climate=STANDARD.climate, battery=STANDARD.battery)
        for case in cases(house, additions, seed, measured):
            for channel in (False, True):
                done = trace(forecaster, case.series, channel=channel)
                if done is not None:
                    kind = case.kind + (" apart" if channel else "")
                    print(f"{case.house}: {kind}", file=sys.stderr)
                    row = {"house": case.house, "kind": kind}
                    found.append(row | {"figures": figures(done, case.car_kw)})
    return found


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
