"""`streamer evaluate`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import (
    FILE_HELP,
    AdaptOption,
    Column,
    ConfidenceOption,
    Delimiter,
    Engine,
    EngineOption,
    MaxKw,
    Strict,
    TimeColumn,
    TimeFormat,
    UnitOption,
    parse_moment,
    unit_name,
)
from streamer.errors import install_hint


class ReportFormat(StrEnum):
    """How an evaluation is shown."""

    TABLE = "table"
    JSON = "json"


def evaluate(
    file: Annotated[str, typer.Argument(metavar="FILE", help=FILE_HELP, show_default=False)],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="As for replay; may be given several times. The others are compared with the "
            "first. By default sceaux.",
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What to compare with, beside persistence: seasonal-naive, running-mean, "
            "autoregression (fitted on what comes before), river (a linear regression that "
            "learns online, the slowest of these), lightgbm (fitted likewise, minutes; needs an "
            f"extra: {install_hint('bench')}), or none. May be given several times. "
            "By default all but lightgbm.",
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=parse_moment, metavar="TIME", help="Begin at this time."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", parser=parse_moment, metavar="TIME", help="End before this time."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            metavar="PART", help="The last part alone: 10% of the valid readings, or 7d, in days."
        ),
    ] = None,
    in_sample: Annotated[
        bool,
        typer.Option("--in-sample", help="Score minutes that a model was trained on, too."),
    ] = False,
    adapt: AdaptOption = True,
    light: Annotated[
        bool, typer.Option("--light", help="Score them adapted as a fleet does it, too.")
    ] = False,
    confidence: ConfidenceOption = 0.9,
    format: Annotated[
        ReportFormat, typer.Option(help="Tables, or one JSON object with all there is.")
    ] = ReportFormat.TABLE,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help=f"Write a page of pictures, too; needs an extra: {install_hint('train')}.",
        ),
    ] = None,
    engine: EngineOption = Engine.AUTO,
    column: Column = None,
    time_column: TimeColumn = None,
    time_format: TimeFormat = None,
    delimiter: Delimiter = None,
    unit: UnitOption = None,
    max_kw: MaxKw = 100.0,
    strict: Strict = False,
) -> None:
    """Score models beside simple baselines, on the same minutes.

    Each minute is forecast from what came before it, then scored, then known. The first 49
    readings of the stretch only fill the window. Each model is scored twice, as its network
    makes the forecasts and adapted: corrected by what has been learnt since the stretch
    began, with a band that is moved to hold the share of the readings that --confidence asks
    for. The adapted scores are those of streamer replay.

    \b
    Examples:
      streamer evaluate house.csv
      streamer evaluate household_power_consumption.zip --last 10% --plot scores.png
      streamer evaluate house.csv --model sceaux --model my_house --from 2013-07-01
      streamer evaluate house.csv --last 30d --baseline lightgbm --format json
    """
    from streamer.commands.evaluate import Trial
    from streamer.commands.evaluate import evaluate as evaluate_trial
    from streamer.commands.files import FileOptions
    from streamer.datasets import find_recording

    options = FileOptions(
        column=column,
        time_column=time_column,
        time_format=time_format,
        delimiter=delimiter,
        unit=unit_name(unit),
        strict=strict,
        max_kw=max_kw,
    )
    trial = Trial(
        file=find_recording(file),
        options=options,
        models=model or ["sceaux"],
        engine=engine.value,
        baselines=baseline or [],
        since=since,
        until=until,
        last=last,
        in_sample=in_sample,
        adapt=adapt,
        light=light,
        confidence=confidence,
        plot=plot,
    )
    evaluate_trial(trial, as_json=format is ReportFormat.JSON)
