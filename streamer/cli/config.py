"""Signature of `streamer config`."""

from __future__ import annotations

from typing import Annotated

import typer

from streamer.cli.watchcontext import AsWatchOption, watch_context


def config(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check everything that needs no connection; print no settings."
        ),
    ] = False,
    config: AsWatchOption = None,
) -> None:
    """Show the settings of `streamer watch`, and the origin of each.

    \b
    Examples:
      streamer config
      streamer config --check --config /etc/streamer.toml
    """
    from streamer.cli.jobs import make_meters, make_publishing
    from streamer.cli.settings import resolve_settings
    from streamer.commands import config as command

    watched = watch_context(context, config)
    with watched:
        settings = resolve_settings(watched)
        path = settings[0].path
        if check:
            jobs = make_meters(settings)
            for job in jobs:
                job.check()
            publishing = make_publishing(settings[0])
            publishing.check()
            warnings = [text for job in jobs for text in job.warnings()]
            command.show_checked(path, [*warnings, *publishing.warnings()])
        else:
            alone = len(settings) == 1
            tables = [(each.where, each.rows(alone=alone)) for each in settings]
            everyone = [] if alone else [(f"[{command.COMMON}]", settings[0].process_rows())]
            command.show_settings(path, [*everyone, *tables])
