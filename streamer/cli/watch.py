"""Signature of `streamer watch`.

Settings come from flags, variables and a file. So their values are taken from the context, and
the signature only declares them.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.demandoptions import DemandOption, PeakAlarmsOption, PeakLimitOption, TariffOption
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
    SinkOption,
    ThemeOption,
    Verbose,
    choose_format,
)
from streamer.cli.publishoptions import PublishOption, ServeOption
from streamer.cli.settings import Settings, apply_config, resolve_settings
from streamer.display.themes import ThemeName
from streamer.errors import UsageError

if TYPE_CHECKING:
    from streamer.commands.publishing import Publishing
    from streamer.commands.watch import Watch


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
) -> None:
    """Watch a meter: the mean of each minute, the forecast for the next, day and night.

    A lost connection is retried without limit. With --record, an earlier recording is resumed
    with everything learnt, and the time between is a gap. Each option may also be set in the
    configuration file or in a variable (STREAMER_RECORD); flags take precedence over
    variables, and variables over the file.

    \b
    Examples:
      streamer watch 'mqtt://broker/tele/meter/SENSOR?preset=tasmota-energy'
      streamer watch homewizard://192.168.1.20 --record house.db
      streamer watch 'http://192.168.1.22#preset=fronius&solar=yes'
      streamer watch dsmr:///dev/ttyUSB0 --horizons 15,60 --format json > house.jsonl
      my-meter | streamer watch 'stdin:?unit=W'
    """
    from streamer.commands.watch import show_dashboard, write_lines

    shown = choose_format(format, quiet=quiet)
    settings = resolve_settings(context)
    job = replace(make_watch(settings), horizons=horizons)
    publishing = make_publishing(settings)
    if shown is Format.DASHBOARD:
        raise typer.Exit(
            show_dashboard(
                job,
                publishing,
                ascii_only=ascii,
                theme=theme,
                verbose=verbose,
                horizons=horizons,
            )
        )
    lines = None if shown is None else shown.value
    raise typer.Exit(write_lines(job, publishing, format=lines, verbose=verbose, horizons=horizons))


def make_watch(settings: Settings) -> Watch:
    """Make the job that the settings describe.

    Raises:
        UsageError: no meter is given, a secret or the tariff cannot be read, or the
            recording's path names a user who does not exist.
    """
    from streamer.commands.demand import demand_rule
    from streamer.commands.forecasting import Forecasting
    from streamer.commands.tariff import find_tariff
    from streamer.commands.watch import Watch

    chosen = settings.values
    if settings.address is None:
        raise UsageError(
            "no address of a meter: give one, such as mqtt://broker/topic?unit=W, or set url in "
            "the configuration; `streamer sources` lists all kinds"
        )
    tariff = find_tariff(chosen["tariff"])
    return Watch(
        address=settings.meter(settings.address),
        forecasting=Forecasting(
            model=chosen["model"],
            engine=chosen["engine"].value,
            gaps=chosen["gaps"].value,
            max_gap=chosen["max_gap"],
            adapt=chosen["adapt"],
            confidence=chosen["confidence"],
            demand=demand_rule(
                chosen["demand"] and chosen["demand"].value,
                limit_kw=chosen["peak_limit"],
                alarms_per_month=chosen["peak_alarms"],
                tariff=tariff,
            ),
            challengers=tuple(chosen["challenger"] or ()),
        ),
        record=_expanded(chosen["record"]),
        allow_other_meter=chosen["allow_other_meter"],
        stale_after_s=chosen["stale_after"],
        grace_s=chosen["grace"],
        by=chosen["clock"].value,
        retry_max_s=chosen["retry"],
        max_kw=chosen["max_kw"],
        secret_files=tuple(settings.secret_files()),
        tariff=tariff,
        sinks=tuple(chosen["sink"] or ()),
    )


def make_publishing(settings: Settings) -> Publishing:
    """Make the publication that the settings describe."""
    from streamer.commands.publishing import Publishing

    chosen = settings.values
    return Publishing(chosen["publish"], chosen["serve"], settings.tables)


def _expanded(path: Path | None) -> Path | None:
    try:
        return None if path is None else path.expanduser()
    except RuntimeError:
        raise UsageError(f"--record {path}: no such user") from None
