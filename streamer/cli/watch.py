"""Signature of `streamer watch`.

Settings come from flags, variables and a file. So their values are taken from the context, and
the signature only declares them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.demandoptions import DemandOption, PeakAlarmsOption, PeakLimitOption, TariffOption
from streamer.cli.jobs import make_meters, make_publishing
from streamer.cli.options import (
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
    MaxKw,
    ModelOption,
    ServeBestOption,
    SinkOption,
    ThemeOption,
    Verbose,
    choose_format,
)
from streamer.cli.publishoptions import PublishOption, ServeOption
from streamer.cli.settings import apply_config, resolve_settings
from streamer.display.themes import ThemeName


class By(StrEnum):
    """Clock that ends the minutes."""

    WALL = "wall"
    FEED = "feed"


ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=apply_config,
        help="Configuration file for settings not given otherwise. By default "
        "~/.config/streamer/streamer.toml, if it exists.",
        show_default=False,
    ),
]


def watch(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            envvar="STREAMER_URL",
            help="Address of the meter, or - for standard input; `streamer sources` lists all "
            "kinds.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the meter, where its forecasts are published. By default House.",
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Record everything in this SQLite file, and resume from an earlier recording "
            "in it.",
        ),
    ] = None,
    allow_other_meter: Annotated[
        bool,
        typer.Option(
            "--allow-other-meter",
            help="Continue a recording although it was made from another address, as when the "
            "meter has a new one.",
        ),
    ] = False,
    stale_after: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1.0,
            max=86_400.0,
            help="Upper bound for how long a value stays valid when no new one arrives: about "
            "three of the meter's usual spacings, or until the next change if it sends changes "
            "only. After that there is a gap. "
            "By default as suits the kind of meter (`streamer sources`).",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.0,
            max=60.0,
            help="Allowed lateness: how long a minute waits for late values.",
        ),
    ] = 5.0,
    clock: Annotated[
        By,
        typer.Option(
            help="Minutes end by this machine's clock (wall), or by the times of the values "
            "themselves (feed), as in a log."
        ),
    ] = By.WALL,
    retry: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.1, help="Longest wait between two attempts to connect."
        ),
    ] = 60.0,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="User name, if the meter requires one.")
    ] = None,
    password_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File with the password; or give it in STREAMER_PASSWORD or the configuration.",
        ),
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File with a token; or give it in STREAMER_TOKEN or the configuration.",
        ),
    ] = None,
    max_kw: MaxKw = 100.0,
    gaps: GapsOption = Gaps.SKIP,
    max_gap: MaxGap = 10,
    model: ModelOption = "homes",
    engine: EngineOption = Engine.AUTO,
    adapt: AdaptOption = True,
    confidence: ConfidenceOption = 0.9,
    horizons: HorizonsOption = SHOWN_HORIZONS,
    demand: DemandOption = None,
    peak_limit: PeakLimitOption = None,
    peak_alarms: PeakAlarmsOption = 3.0,
    tariff: TariffOption = None,
    publish: PublishOption = None,
    serve: ServeOption = None,
    challenger: ChallengerOption = None,
    serve_best: ServeBestOption = False,
    sink: SinkOption = None,
    format: FormatOption = Format.AUTO,
    ascii: Ascii = False,
    theme: ThemeOption = ThemeName.AUTO,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Show no readings: only notes, alarms and, at the end, the summary.",
        ),
    ] = False,
    verbose: Verbose = False,
    config: ConfigOption = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Of several meters in the configuration file, those with these names: grid,solar.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Watch a meter: the mean of each minute, the forecast for the next, day and night.

    A lost connection is retried without limit. With --record, an earlier recording is resumed
    with everything learnt, and the time between is a gap. Each option may also be set in the
    configuration file or in a variable (STREAMER_RECORD); flags take precedence over
    variables, and variables over the file. The file may have several meters, which are watched
    together.

    \b
    Examples:
      streamer watch 'mqtt://broker/tele/meter/SENSOR?preset=tasmota-energy'
      streamer watch homewizard://192.168.1.20 --record house.db
      streamer watch shelly://192.168.1.21 --serve 127.0.0.1:8090 --publish mqtt://broker/streamer
      streamer watch 'http://192.168.1.22#preset=fronius&solar=yes'
      streamer watch dsmr:///dev/ttyUSB0 --horizons 15,60 --format json > house.jsonl
      my-meter | streamer watch 'stdin:?unit=W'
    """
    from streamer.commands.watching import show_dashboard, write_lines

    shown = choose_format(format, quiet=quiet)
    settings = resolve_settings(context)
    jobs, publishing = make_meters(settings), make_publishing(settings[0])
    lines = None if shown is None else shown.value
    if len(jobs) > 1:
        from streamer.commands.meters import show_meters, write_meters

        if shown is Format.DASHBOARD:
            code = show_meters(jobs, publishing, ascii_only=ascii, theme=theme, verbose=verbose)
        else:
            code = write_meters(jobs, publishing, format=lines, verbose=verbose)
        raise typer.Exit(code)
    (job,) = jobs
    if shown is Format.DASHBOARD:
        raise typer.Exit(
            show_dashboard(
                job,
                publishing,
                ascii_only=ascii,
                theme=theme,
                verbose=verbose,
                horizons=job.horizons,
            )
        )
    raise typer.Exit(
        write_lines(job, publishing, format=lines, verbose=verbose, horizons=job.horizons)
    )
