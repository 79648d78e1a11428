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
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help=FILE_HELP, show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="sceaux: one house. sceaux-channels: with all channels of its file. homes: "
            "several houses, with drawn sun, cars, heat pumps and batteries. horizons: a head for "
            "the means of the next minutes, on the model of --from. tutorial: that of 2016.",
        ),
    ] = "sceaux",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for model.keras, horizons.keras, card.json and first100.png; existing "
            "ones are replaced. By default a folder named after the recipe.",
        ),
    ] = None,
    warm: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from this model's weights. horizons: the model, which stays as it is.",
        ),
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
        typer.Option(
            min=1, metavar="N", help="All but tutorial: total number of windows to learn from."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 1234,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Start over, even if FOLDER has an unfinished training."),
    ] = False,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Origin and licence of the data, for the card: once for each FILE, in order.",
        ),
    ] = None,
    options: FileOptions,
) -> None:
    """Train a model on the recordings of one or more houses.

    With --solar it is trained on the consumption of the house, which is what it forecasts then.
    The last tenth of each house in time is held back from training, and the final scores are
    computed on it. Ctrl-C ends the training early, writes what was learnt, and exits with 130.
    After a kill or Ctrl-C, the same command resumes the training.

    \b
    Examples:
      streamer train household_power_consumption.txt --recipe tutorial
      streamer train house.csv --column power_kw --windows 500000 --out my_house
      streamer train house.csv --from sceaux --windows 100000 --out my_house
      streamer train house.csv --column grid_w --solar pv_w --out my_house
      streamer train one.csv two.csv three.csv --recipe homes --out my_homes
      streamer train house.csv --recipe horizons --from my_model --out my_house
    """
    from streamer.datasets import find_recording

    # Before TensorFlow is imported, which takes seconds.
    paths = tuple(find_recording(file) for file in files)
    from streamer.commands.train import TrainJob
    from streamer.commands.train import train as train_model

    code = train_model(
        TrainJob(
            files=paths,
            options=options,
            recipe=recipe,
            out=Path(recipe) if out is None else out,
            warm=warm,
            ratio=ratio,
            epochs=epochs,
            windows=windows,
            seed=seed,
            fresh=fresh,
            licences=tuple(licence or ()),
        )
    )
    raise typer.Exit(code)
