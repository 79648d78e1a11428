"""Signature of `streamer notify`."""

from __future__ import annotations

from typing import Annotated

import typer


def notify(
    context: typer.Context,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", metavar="FILE", help="As for `streamer watch`.", show_default=False
        ),
    ] = None,
) -> None:
    """Send a test message to each receiver in the table [notify] of the configuration.

    \b
    Examples:
      streamer notify
      streamer notify --config /etc/streamer.toml
    """
    from streamer.commands.publishnotify import send_test

    assert context.parent is not None  # noqa: S101 - the command has a parent
    watch = context.parent.command.commands["watch"]  # type: ignore[attr-defined]
    arguments = [] if config is None else ["--config", config]
    with watch.make_context("watch", arguments, parent=context.parent) as watched:
        send_test(watched.obj.tables)
