"""Context of `streamer watch` for other commands that use its settings."""

from __future__ import annotations

from typing import Annotated

import typer

AsWatchOption = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="As for `streamer watch`.", show_default=False),
]


def watch_context(context: typer.Context, config: str | None) -> typer.Context:
    """The context of `watch` beside a command, with the settings of its file and of variables.

    Args:
        context: the context of the command.
        config: the configuration file; None for that of the default path.

    Raises:
        ConfigError: the file or a variable has a setting that is unknown or wrong.
    """
    assert context.parent is not None  # noqa: S101 - a command has a parent
    watch = context.parent.command.commands["watch"]  # type: ignore[attr-defined]
    arguments = [] if config is None else ["--config", config]
    made: typer.Context = watch.make_context("watch", arguments, parent=context.parent)
    return made
