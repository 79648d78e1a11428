"""Signatures of `streamer models`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.errors import install_hint

models = typer.Typer()


class ModelFormat(StrEnum):
    """File format of an exported model."""

    ONNX = "onnx"
    KERAS = "keras"


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


@models.command("export")
def export_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As for `streamer models show`.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write; a new folder for keras.",
            show_default=False,
        ),
    ],
    format: Annotated[
        ModelFormat,
        typer.Option(
            help=f"onnx for other programs and small devices, which needs an extra: "
            f"{install_hint('export')}; keras for a copy with its card."
        ),
    ] = ModelFormat.ONNX,
    step: Annotated[
        bool,
        typer.Option(
            "--step", help="A model of one reading and a state, instead of one of whole windows."
        ),
    ] = False,
    horizons: Annotated[
        bool,
        typer.Option(
            "--horizons",
            help="Include the mean of the next minutes, which takes features of the history.",
        ),
    ] = False,
) -> None:
    """Write a model to a file for other programs, with its card.

    Readings go in and forecasts come out in kW: the centring and the scales are inside, and so is
    the last reading that a change is added to.

    \b
    Examples:
      streamer models export sceaux --out sceaux.onnx
      streamer models export sceaux --step --out step.onnx
      streamer models export homes --format keras --out homes-copy
    """
    from streamer.commands import modelexport as command

    command.export_model(model, out, format=format.value, step=step, horizons=horizons)
