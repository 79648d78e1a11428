"""Signatures of `streamer models`."""

from __future__ import annotations

from typing import Annotated

import typer

models = typer.Typer()


@models.callback(invoke_without_command=True)
def list_without_command(context: typer.Context) -> None:
    """List the shipped models, and show a model's card. Without a command, list."""
    if context.invoked_subcommand is None:
        list_models()


@models.command("list")
def list_models() -> None:
    """List the shipped models."""
    from streamer.commands import models as command

    command.list_models()


@models.command("show")
def show_model(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="As for `streamer replay --model`.")
    ] = "sceaux",
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Show a model's card: its input, training data, scores and limits."""
    from streamer.commands import models as command

    command.show_model(model, as_json=as_json)
