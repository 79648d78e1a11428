"""`streamer config`."""

from __future__ import annotations

from typing import Annotated

import typer


def config(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check all there is to check without connecting, and print no settings."
        ),
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", metavar="FILE", help="As for `streamer watch`.", show_default=False
        ),
    ] = None,
) -> None:
    """Show what `streamer watch` would go by, and where each setting comes from.

    \b
    Examples:
      streamer config
      streamer config --check --config /etc/streamer.toml
    """
    from streamer import listing
    from streamer.cli.settings import origins
    from streamer.cli.watch import make_watch

    assert context.parent is not None  # noqa: S101 - the root has this command
    command = context.parent.command.commands["watch"]  # type: ignore[attr-defined]
    arguments = [] if config is None else ["--config", config]
    with command.make_context("watch", arguments, parent=context.parent) as settings:
        path = settings.obj.path
        if check:
            make_watch(settings).check()
            print(f"{'no file' if path is None else path}: all right")
            return
        listing.show_settings(path, origins(settings))
