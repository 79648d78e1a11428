"""Signature of `streamer evaluate`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.demandoptions import (
    DemandLength,
    PeakAlarmsOption,
    PeakLimitOption,
    parse_peak_floor,
)
from streamer.cli.fileoptions import takes_file_options
from streamer.cli.options import (
    FILE_HELP,
    AdaptOption,
    ChallengerOption,
    ConfidenceOption,
    Engine,
    EngineOption,
    Horizons,
    parse_moment,
)
from streamer.commands.files import FileOptions
from streamer.errors import install_hint


class ReportFormat(StrEnum):
    """Output format of an evaluation."""

    TABLE = "table"
    JSON = "json"


@takes_file_options("start", "end", "limit")
def evaluate(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help=FILE_HELP, show_default=False)],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="As for replay; may be given several times: the others are compared with the "
            "first. By default sceaux.",
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Baseline besides persistence, one of seasonal-naive, running-mean, "
            "autoregression (fitted on the readings before), river (a linear regression that "
            "learns online, the slowest of these), lightgbm (fitted on the readings before, "
            f"takes minutes; needs an extra: {install_hint('bench')}), a forecaster as for "
            "--challenger, which then sees the day before as well, or none. May be given "
            "several times. By default all of these but lightgbm.",
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
            metavar="PART", help="Only the last part: 10% of the valid readings, or 7d in days."
        ),
    ] = None,
    in_sample: Annotated[
        bool,
        typer.Option("--in-sample", help="Also score minutes that a model was trained on."),
    ] = False,
    adapt: AdaptOption = True,
    light: Annotated[
        bool, typer.Option("--light", help="Also score them adapted the way a fleet does.")
    ] = False,
    confidence: ConfidenceOption = 0.9,
    horizons: Annotated[
        Horizons | None,
        typer.Option(
            parser=Horizons.parse,
            metavar="MINUTES",
            help="For how many next minutes forecasts of their mean are scored: 1 to 15, 30 or "
            "60, with commas between them, or none. By default 5,15,30,60, if a model has them.",
        ),
    ] = None,
    demand: Annotated[
        DemandLength,
        typer.Option(
            help="Also score demand intervals of so many minutes, and alarms about them; or none."
        ),
    ] = DemandLength.NONE,
    peak_limit: PeakLimitOption = None,
    peak_floor: Annotated[
        float,
        typer.Option(
            parser=parse_peak_floor,
            metavar="KW",
            help="Lowest peak that is charged, such as 2.5 in Flanders: only intervals above it "
            "raise the month's peak.",
        ),
    ] = 0.0,
    peak_alarms: PeakAlarmsOption = 3.0,
    format: Annotated[
        ReportFormat, typer.Option(help="Tables, or one JSON object with all results.")
    ] = ReportFormat.TABLE,
    challenger: ChallengerOption = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help=f"Also write a page of plots; needs an extra: {install_hint('train')}.",
        ),
    ] = None,
    engine: EngineOption = Engine.AUTO,
    options: FileOptions,
) -> None:
    """Score models and simple baselines on the same minutes.

    Progressive validation: each minute is forecast from the readings before it, then scored,
    then learnt from. The first 49 readings only fill the window. Each model is scored twice:
    frozen, as its network makes the forecasts, and adapted, corrected by what has been learnt
    since the first reading, with a band adjusted to the coverage that --confidence asks for.
    The adapted scores are those of streamer replay. Models with horizons are scored on the mean of
    the next minutes, too, beside the last reading, the recent mean, half of each, and yesterday,
    and on the mean of quarter-hours of which some minutes are known. With --demand, alarms about
    demand intervals that raise the month's peak are scored as well, beside rules of thumb.

    \b
    Examples:
      streamer evaluate house.csv
      streamer evaluate household_power_consumption.zip --last 10% --plot scores.png
      streamer evaluate house.csv --model sceaux --model my_house --from 2013-07-01
      streamer evaluate house.csv --column grid_w --solar pv_w
      streamer evaluate house.csv --demand 15 --peak-floor 2.5
      streamer evaluate house.csv --last 30d --baseline lightgbm --format json
    """
    from streamer.commands.challengers import sorted_out
    from streamer.commands.demand import demand_rule
    from streamer.commands.evaluate import Trial
    from streamer.commands.evaluate import evaluate as evaluate_trial
    from streamer.datasets import find_recording

    rule = demand_rule(demand.value, limit_kw=peak_limit, alarms_per_month=peak_alarms)
    contenders = sorted_out(model or [], challenger or [], baseline or [])
    trial = Trial(
        file=find_recording(file),
        options=options,
        models=contenders.models,
        engine=engine.value,
        baselines=contenders.baselines,
        since=since,
        until=until,
        last=last,
        in_sample=in_sample,
        adapt=adapt,
        light=light,
        confidence=confidence,
        horizons=horizons,
        demand=None if rule is None else replace(rule, floor_kw=peak_floor),
        plot=plot,
        challengers=contenders.challengers,
        peers=contenders.peers,
    )
    evaluate_trial(trial, as_json=format is ReportFormat.JSON)
