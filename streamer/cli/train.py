"""Signature of `streamer train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.fileoptions import takes_file_options
from streamer.cli.options import (
    FILE_HELP,
)
from streamer.commands.files import FileOptions


@takes_file_options()
def train(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help=FILE_HELP, show_default=False)],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="tutorial: the complete recipe of the 2016 tutorial. sceaux: that of the shipped "
            "model.",
        ),
    ] = "sceaux",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for model.keras, card.json and first100.png; existing ones are "
            "replaced. By default a folder named after the recipe.",
        ),
    ] = None,
    warm: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Start from this model's weights."),
    ] = None,
    ratio: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="tutorial: share of the whole UCI file to use."),
    ] = 0.5,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="tutorial: epochs. By default 1.")
    ] = None,
    windows: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="sceaux: total number of windows to learn from."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 1234,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Start over, even if FOLDER has an unfinished training."),
    ] = False,
    options: FileOptions,
) -> None:
    """Train a model on a recording.

    With --solar it is trained on the consumption of the house, which is what it forecasts then.
    The last tenth in time is held back from training, and the final scores are computed on
    it. Ctrl-C ends the training early, writes what was learnt, and exits with 130. After a kill
    or Ctrl-C, the same command resumes the training.

    \b
    Examples:
      streamer train household_power_consumption.txt --recipe tutorial
      streamer train house.csv --column power_kw --windows 500000 --out my_house
      streamer train house.csv --from sceaux --windows 100000 --out my_house
      streamer train house.csv --column grid_w --solar pv_w --out my_house
    """
    from streamer.datasets import find_recording

    # Before TensorFlow is imported, which takes seconds.
    file = find_recording(file)
    from streamer.commands.train import TrainJob
    from streamer.commands.train import train as train_model

    code = train_model(
        TrainJob(
            file=file,
            options=options,
            recipe=recipe,
            out=Path(recipe) if out is None else out,
            warm=warm,
            ratio=ratio,
            epochs=epochs,
            windows=windows,
            seed=seed,
            fresh=fresh,
        )
    )
    raise typer.Exit(code)
