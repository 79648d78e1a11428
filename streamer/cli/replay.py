"""Signature of `streamer replay`."""

from __future__ import annotations

from typing import Annotated

import typer

from streamer.cli.demandoptions import DemandOption, PeakAlarmsOption, PeakLimitOption, TariffOption
from streamer.cli.fileoptions import takes_file_options
from streamer.cli.options import (
    FILE_HELP,
    SHOWN_HORIZONS,
    AdaptOption,
    Ascii,
    ChallengerOption,
    ConfidenceOption,
    Engine,
    EngineOption,
    Format,
    FormatOption,
    Gaps,
    GapsOption,
    HorizonsOption,
    MaxGap,
    ModelOption,
    Quiet,
    ServeBestOption,
    SinkOption,
    ThemeOption,
    Verbose,
    choose_format,
    parse_speed,
)
from streamer.cli.publishoptions import ServeOption
from streamer.commands.files import FileOptions
from streamer.display.themes import ThemeName

DEMO_SPEED = 600.0
"""Ten minutes per second: slow enough to follow, fast enough to see something happen."""


@takes_file_options()
def replay(
    *,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help=f"{FILE_HELP} By default the bundled sample.", show_default=False
        ),
    ] = None,
    options: FileOptions,
    speed: Annotated[
        float | None,
        typer.Option(
            parser=parse_speed,
            metavar="SPEED",
            help="1 is real time, 60 an hour per minute, max as fast as possible. "
            f"By default {DEMO_SPEED:.0f} on the dashboard, otherwise max.",
        ),
    ] = None,
    gaps: GapsOption = Gaps.SKIP,
    max_gap: MaxGap = 10,
    model: ModelOption = "sceaux",
    engine: EngineOption = Engine.AUTO,
    adapt: AdaptOption = True,
    confidence: ConfidenceOption = 0.9,
    horizons: HorizonsOption = SHOWN_HORIZONS,
    demand: DemandOption = None,
    peak_limit: PeakLimitOption = None,
    peak_alarms: PeakAlarmsOption = 3.0,
    tariff: TariffOption = None,
    challenger: ChallengerOption = None,
    serve_best: ServeBestOption = False,
    serve: ServeOption = None,
    sink: SinkOption = None,
    format: FormatOption = Format.AUTO,
    ascii: Ascii = False,
    theme: ThemeOption = ThemeName.AUTO,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Replay a recording, forecasting each minute.

    Lines go to standard output, notes and the summary to standard error. At speed max, a
    progress bar is shown on a terminal without dashboard or lines, as with -q.

    \b
    Examples:
      streamer replay
      streamer replay household_power_consumption.zip --start 2010-02-20 --speed 3600
      streamer replay meter.csv --column power_w --unit W --format json > out.jsonl
      streamer replay house.csv --column grid_w --solar pv_w --battery=-battery_w
      streamer replay house.csv --no-adapt --confidence 0.8 --quiet
      streamer replay house.csv --horizons 1,15,60 --format csv > out.csv
      streamer replay house.csv --demand 60 --peak-limit 5
      streamer replay house.csv --tariff vlaanderen
      streamer replay --speed 60 --serve 127.0.0.1:8090
      tail -n +1 -f house.csv | streamer replay -
    """
    from streamer.commands.demand import demand_rule
    from streamer.commands.forecasting import Forecasting
    from streamer.commands.publishing import Publishing
    from streamer.commands.replay import Replay, show_dashboard, write_lines
    from streamer.commands.tariff import find_tariff
    from streamer.datasets import find_recording
    from streamer.sample import sample_path

    shown = choose_format(format, quiet=quiet)
    costing = find_tariff(tariff)
    job = Replay(
        file=str(sample_path()) if file is None else find_recording(file),
        options=options,
        forecasting=Forecasting(
            model=model,
            engine=engine.value,
            gaps=gaps.value,
            max_gap=max_gap,
            adapt=adapt,
            confidence=confidence,
            horizons=bool(horizons),
            demand=demand_rule(
                demand and demand.value,
                limit_kw=peak_limit,
                alarms_per_month=peak_alarms,
                tariff=costing,
            ),
            challengers=tuple(challenger or ()),
            serve_best=serve_best,
        ),
        tariff=costing,
        publishing=Publishing(serve=serve),
        sinks=tuple(sink or ()),
    )
    if shown is Format.DASHBOARD:
        shown_at = DEMO_SPEED if speed is None else speed
        raise typer.Exit(
            show_dashboard(
                job,
                speed=shown_at,
                ascii_only=ascii,
                theme=theme,
                verbose=verbose,
                horizons=horizons,
            )
        )
    lines = None if shown is None else shown.value
    raise typer.Exit(
        write_lines(job, speed=speed, format=lines, verbose=verbose, horizons=horizons)
    )
