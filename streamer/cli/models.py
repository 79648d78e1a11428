"""`streamer models`."""

from __future__ import annotations

from typing import Annotated

import typer

models = typer.Typer(help="List the models there are, and show their cards.", no_args_is_help=True)


@models.command("list")
def list_models() -> None:
    """List the models that come with streamer."""
    from streamer.commands import models as command

    command.list_models()


@models.command("show")
def show_model(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="As for `streamer replay --model`.")
    ] = "sceaux",
    as_json: Annotated[bool, typer.Option("--json", help="Print card.json as it is.")] = False,
) -> None:
    """Show a model's card: what it expects, what it was made from, what it is worth."""
    from streamer.commands import models as command

    command.show_model(model, as_json=as_json)
