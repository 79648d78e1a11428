"""Signature of `streamer notify`."""

from __future__ import annotations

import typer

from streamer.cli.watchcontext import AsWatchOption, watch_context


def notify(
    context: typer.Context,
    config: AsWatchOption = None,
) -> None:
    """Send a test message to each receiver in the table [notify] of the configuration.

    \b
    Examples:
      streamer notify
      streamer notify --config /etc/streamer.toml
    """
    from streamer.commands.publishnotify import send_test

    watched = watch_context(context, config)
    with watched:
        send_test(watched.obj.tables)
