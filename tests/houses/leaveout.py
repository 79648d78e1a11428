"""Leave-one-house-out: training on all houses but one, and scores on that one.

    python -m tests.houses.leaveout --help

One house teaches nothing about another, so settings that are to help in unseen houses are chosen
by this.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from streamer.atomic import replaced_file
from streamer.errors import StreamerError, UsageError
from tests.houses.heldout import table

HORIZONS = (*range(1, 16), 30, 60)
SETTINGS_FILE = "settings.json"
SCORES_FILE = "scores.json"
TRAINED_FILE = "trained"
"""Marks a training that has ended by itself: an interrupted one writes a model, too."""


@dataclass(frozen=True)
class House:
    """A house of the experiment.

    Attributes:
        name: its name, by which its folder is called.
        file: path of its recording.
    """

    name: str
    file: str

    @classmethod
    def parse(cls, text: str) -> House:
        """Parse `[NAME=]FILE`; the name is by default that of the file, up to its first dot.

        >>> House.parse("data/refit20.csv.gz")
        House(name='refit20', file='data/refit20.csv.gz')
        """
        name, named, file = text.rpartition("=")
        return cls(name if named else Path(file).name.split(".")[0], file)


@dataclass(frozen=True)
class Experiment:
    """What is trained and scored.

    Attributes:
        houses: all houses, at least two, of different names.
        folder: folder for a model and its scores for each.
        recipe: name of the recipe.
        windows: number of windows in each training; None for the recipe's.
        seed: seed of each training.
        last: part of the house left out that is scored, as for `streamer evaluate`; None for all.
    """

    houses: tuple[House, ...]
    folder: Path
    recipe: str
    windows: int | None
    seed: int
    last: str | None

    def run(self) -> list[dict[str, Any]]:
        """Train and score for each house; what an earlier run has finished is kept.

        Returns:
            For each house the result of `streamer evaluate --format json`, and its ``house``.

        Raises:
            UsageError: a folder is of an experiment with other settings.
            StreamerError: a training or an evaluation has failed.
        """
        return [{"house": house.name, **self._one(house)} for house in self.houses]

    def _one(self, house: House) -> dict[str, Any]:
        folder = self.folder / house.name
        self._claim(folder, house)
        scores = folder / SCORES_FILE
        if not scores.exists():
            if not (folder / TRAINED_FILE).exists():
                _streamer(*self._training(folder, house))
                (folder / TRAINED_FILE).touch()
            _write(scores, _streamer(*self._scoring(folder, house)))
        found: dict[str, Any] = json.loads(scores.read_text())
        return found

    def _claim(self, folder: Path, house: House) -> None:
        """Write the settings into a folder, or check that they are those of an earlier run."""
        settings = json.dumps([self._training(folder, house), self._scoring(folder, house)])
        path = folder / SETTINGS_FILE
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_text() != settings:
            raise UsageError(
                f"{folder} is of an experiment with other settings; give another --out"
            )
        _write(path, settings)

    def _training(self, folder: Path, left_out: House) -> list[str]:
        others = [house.file for house in self.houses if house != left_out]
        length = [] if self.windows is None else ["--windows", str(self.windows)]
        given = ["--recipe", self.recipe, "--seed", str(self.seed), "--out", str(folder)]
        return ["train", *others, *given, *length]

    def _scoring(self, folder: Path, house: House) -> list[str]:
        # A house is judged by the clock to be in sample if another was recorded in these years.
        given = ["--in-sample", "--baseline", "none", "--format", "json"]
        given += ["--horizons", ",".join(map(str, HORIZONS))]
        part = [] if self.last is None else ["--last", self.last]
        return ["evaluate", house.file, "--model", str(folder), *given, *part]


def _streamer(*arguments: str) -> str:
    """Standard output of a command of streamer; its notes are shown as they come."""
    print("streamer " + " ".join(arguments), file=sys.stderr)
    command = [sys.executable, "-m", "streamer", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StreamerError(f"streamer {arguments[0]} ended with exit code {done.returncode}")
    return done.stdout


def _write(path: Path, text: str) -> None:
    with replaced_file(path) as file:
        file.write(text.encode())


def main(
    house: Annotated[
        list[str], typer.Argument(metavar="[NAME=]FILE", help="Recordings, one of each house.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for models and scores.")],
    recipe: Annotated[str, typer.Option(metavar="NAME", help="Recipe to train by.")] = "homes",
    windows: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Windows to learn from in each training."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of each training.")] = 1234,
    last: Annotated[
        str | None,
        typer.Option(metavar="PART", help="Score only the last part: 10% or 90d."),
    ] = None,
) -> None:
    """Train on all houses but one, score on that one, for each in turn.

    The same command resumes where it was interrupted; FOLDER then has what is finished.

    \b
    Examples:
      python -m tests.houses.leaveout a.csv b.csv c.csv --out trial --windows 200000 --last 60d
    """
    houses = tuple(House.parse(text) for text in house)
    try:
        if len({each.name for each in houses}) < max(len(houses), 2):
            raise UsageError("give at least two houses of different names, as NAME=FILE")
        experiment = Experiment(houses, out, recipe, windows, seed, last)
        print(table(experiment.run()))
    except StreamerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
