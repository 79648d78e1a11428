"""The command `train`: a model trained on the readings of files by a recipe."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import TaskProgressColumn, TextColumn
from rich.text import Text

from streamer.commands.files import FileOptions
from streamer.display.console import PlainConsole
from streamer.display.lines import one_line
from streamer.display.numbers import percent
from streamer.display.progress import progress_bar
from streamer.errors import ModelError, UsageError
from streamer.models import find_model, read_model
from streamer.models.inputs import POWER, POWER_UNIT, Input
from streamer.sinks.notes import NoteSink
from streamer.training import (
    build_model,
    find_recipe,
    prepare,
    run_network,
    save_model,
    save_plot,
    series_from,
)
from streamer.training.learner import start_tensorflow
from streamer.training.progress import TrainingProgress as Training
from streamer.training.save import PLOT_FILE, new_plot
from streamer.training.scoretables import score_tables

if TYPE_CHECKING:
    from streamer.models.artefact import StackedLstm
    from streamer.models.card import Card
    from streamer.sources import Recording
    from streamer.training import Recipe

_CHECKPOINT_FILE = "checkpoint.npz"


@dataclass(frozen=True)
class TrainJob:
    """A training: its data, recipe and destination.

    Attributes:
        files: paths of the recordings, one per house.
        options: options for reading them.
        recipe: the recipe's name.
        out: folder for the model.
        warm: name or path of a model to start from, or to train a head for horizons on; None
            for random weights.
        ratio: the tutorial's share of the whole UCI file, 0 to 1.
        epochs: number of epochs, for a recipe that is limited by them; None for its default.
        windows: number of windows, for a recipe that is limited by them; None for its default.
        seed: seed of all random numbers.
        fresh: discard the checkpoint of an unfinished training instead of resuming it.
        licences: origin and licence of the data of each file, for the card.
    """

    files: tuple[str, ...]
    options: FileOptions
    recipe: str
    out: Path
    warm: str | None
    ratio: float
    epochs: int | None
    windows: int | None
    seed: int
    fresh: bool = False
    licences: tuple[str, ...] = ()


def train(job: TrainJob) -> int:
    """Train a model, evaluate it on the part held back, and write it.

    Options are checked before the long computation, wherever that is possible.

    Returns:
        The exit code: 0, or that of Ctrl-C.

    Raises:
        ModelError: the training has diverged; nothing is written.
    """
    recipe = find_recipe(job.recipe, epochs=job.epochs, windows=job.windows)
    _check(job, recipe)
    console = PlainConsole()
    base = None if job.warm is None else _Base.read(job.warm, recipe)
    sources = [_open(job, file, recipe, base) for file in job.files]
    start_tensorflow()
    new_plot()
    job.out.mkdir(parents=True, exist_ok=True)
    console.print("Loading data ...")
    notes = NoteSink(sys.stderr).write
    houses = [series_from(source, on_notice=notes) for source in sources]
    data = prepare(
        houses,
        recipe,
        ratio=job.ratio,
        seed=job.seed,
        say=_printed_on(console),
        **({} if base is None or not recipe.frozen else base.scaling),
    )
    checkpoint = job.out / _CHECKPOINT_FILE
    if job.fresh:
        checkpoint.unlink(missing_ok=True)
    with progress_bar(
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f} windows/s  loss {task.fields[loss]:.5f}"),
        console=console,
        width=40,
        stays=True,
    ) as bar:
        task = bar.add_task("training", total=None, rate=0.0, loss=float("nan"))

        def show(progress: Training) -> None:
            bar.update(
                task,
                completed=progress.windows,
                total=progress.of,
                rate=progress.windows_per_s,
                loss=progress.loss,
            )

        trained = run_network(
            None if base is None else base.network(recipe),
            data,
            recipe=recipe,
            seed=job.seed,
            say=_printed_on(console),
            on_progress=show,
            checkpoint=checkpoint,
        )
    if not isfinite(trained.mse_kw2):
        raise ModelError(
            f"the training diverged: its error is {trained.mse_kw2}; nothing was written to "
            f"{job.out}. Check the readings for implausible values (--max-kw)"
        )
    for table in score_tables(trained, [house.name for house in houses]):
        console.print(table)
    save_model(
        job.out,
        trained,
        data,
        recipe,
        seed=job.seed,
        licences=job.licences,
        base=base.path if base is not None and recipe.frozen else None,
    )
    save_plot(job.out / PLOT_FILE, trained)
    console.print(Text(one_line(_verdict(trained.skill, recipe, job.out))), soft_wrap=True)
    return 128 + signal.SIGINT if trained.interrupted else 0


def _printed_on(console: PlainConsole) -> Callable[[str], None]:
    """Printer of messages that may contain paths."""
    return lambda text: console.print(Text(one_line(text)), soft_wrap=True)


def _verdict(skill: float | None, recipe: Recipe, out: Path) -> str:
    """What the scores mean for the model, and what to do with it."""
    if recipe.frozen or skill is None or skill > 0.0:
        return f"Written to {out}; try it: streamer replay FILE --model {out}"
    remedy = (
        "Train for more epochs (--epochs) or on more of the file (--ratio), or use --recipe sceaux"
        if recipe.epochs
        else "Train on more windows (--windows) or readings, or from the shipped model "
        "(--from sceaux)"
    )
    how = "worse than" if skill < 0.0 else "no better than"
    return (
        f"Written to {out}, but it forecasts {how} persistence (skill {percent(skill)}). {remedy}"
    )


def _check(job: TrainJob, recipe: Recipe) -> None:
    if recipe.frozen and job.warm is None:
        raise UsageError(f"recipe {recipe.name!r} trains on an existing model; add --from MODEL")
    if recipe.epochs and len(job.files) > 1:
        raise UsageError(
            f"recipe {recipe.name!r} trains on one file, not on {len(job.files)}; "
            "use --recipe homes for several"
        )
    if len(job.licences) > len(job.files):
        raise UsageError(
            f"{len(job.licences)} times --licence for {len(job.files)} of FILE; give one each"
        )


def _open(job: TrainJob, file: str, recipe: Recipe, base: _Base | None) -> Recording:
    """Open a file with the channels that the recipe takes of it."""
    if recipe.channels:
        return job.options.open_all(file)
    if base is not None and recipe.frozen:
        return job.options.open(file, base.card.inputs[1:])
    return job.options.open(file)


@dataclass(frozen=True)
class _Base:
    """Model to start from.

    Attributes:
        path: its `.keras` file.
        card: its card.
        weights: its weights.
    """

    path: Path
    card: Card
    weights: StackedLstm

    @classmethod
    def read(cls, name: str, recipe: Recipe) -> _Base:
        path = find_model(name)
        card, weights = read_model(path)
        if (card.target, card.outputs) != (recipe.target, recipe.outputs):
            raise UsageError(
                f"model {card.name!r} forecasts {card.target} as {', '.join(card.outputs)}; "
                f"recipe {recipe.name!r} starts from {recipe.target} as {', '.join(recipe.outputs)}"
            )
        return cls(path, card, weights)

    def network(self, recipe: Recipe) -> Any:
        """The same network in Keras."""
        model = build_model(self.weights.sizes, dropout=recipe.dropout)
        model.set_weights(self.weights.arrays)
        return model

    @property
    def scaling(self) -> dict[str, Any]:
        """Arguments of `prepare` for windows that the network can take as it is."""
        power = Input(POWER, POWER_UNIT, self.card.shift_kw)
        return {"window": self.card.window, "inputs": self.card.inputs or (power,)}
