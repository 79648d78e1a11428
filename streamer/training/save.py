"""Writer of a trained model as a folder: its networks, its card and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from streamer.atomic import put_in_place
from streamer.display.figures import new_figure
from streamer.models import CARD_FILE, MODEL_FILE, read_model
from streamer.models.artefact import sha256_of
from streamer.models.card import Card
from streamer.models.cardhorizons import CardHorizons
from streamer.models.features import FEATURES
from streamer.models.horizons import HORIZONS_FILE
from streamer.training.data import PowerData
from streamer.training.facts import card_facts, limits_with_horizons
from streamer.training.houses import Houses
from streamer.training.recipes import Recipe
from streamer.training.trained import Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOT_FILE = "first100.png"
_PLOTTED = 100


def save_model(
    folder: Path,
    trained: Trained,
    data: PowerData | Houses,
    recipe: Recipe,
    *,
    seed: int,
    licences: Sequence[str] = (),
    base: Path | None = None,
) -> Card:
    """Write the model and its card, replacing existing ones.

    Args:
        folder: the folder, created if missing; its name becomes the model's.
        trained: result of `run_network`.
        data: the training data.
        recipe: the recipe.
        seed: the seed.
        licences: (houses,) origin and licence of the data of each house; missing ones are
            written as unknown.
        base: the `.keras` file that a recipe with a frozen stack trained on, which is written
            as it is.

    Returns:
        The card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Under temporary names first, so that a kill leaves no partial model behind.
    parts = {name: folder / f".part-{name}" for name in (MODEL_FILE, HORIZONS_FILE, CARD_FILE)}
    facts = card_facts(trained, data, recipe, seed, licences)
    if base is None:
        trained.model.save(parts[MODEL_FILE])
        card = Card(
            name=folder.resolve().name,
            window=data.length - 1,
            target=recipe.target,
            outputs=recipe.outputs,
            shift_kw=float(data.shift[0]),
            inputs=data.inputs if isinstance(data, Houses) and len(data.inputs) > 1 else (),
            sha256=sha256_of(parts[MODEL_FILE]),
            trained_from=data.trained_from,
            trained_to=data.trained_to,
            facts=facts,
        )
    else:
        parts[MODEL_FILE].write_bytes(base.read_bytes())
        card, _ = read_model(base)
        own = {f"horizons_{key}": facts[key] for key in ("recipe", "data", "test", "versions")}
        own["limits"] = limits_with_horizons(card.limits, recipe)
        card = replace(
            card,
            name=folder.resolve().name,
            sha256=sha256_of(parts[MODEL_FILE]),
            facts={**card.facts, **own},
        )
    if trained.head is None or isinstance(data, PowerData):
        del parts[HORIZONS_FILE]
    else:
        trained.head.save(parts[HORIZONS_FILE])
        horizons = CardHorizons(
            minutes=recipe.horizons,
            outputs=recipe.outputs,
            features=FEATURES,
            scales_kw=tuple(data.scales_kw.tolist()),
            sha256=sha256_of(parts[HORIZONS_FILE]),
        )
        card = replace(card, horizons=horizons)
    parts[CARD_FILE].write_text(card.to_json(), encoding="utf-8")
    for name, part in parts.items():
        put_in_place(part, folder / name)
    if trained.head is None:
        (folder / HORIZONS_FILE).unlink(missing_ok=True)
    return card


def new_plot() -> Figure:
    """Empty figure for `save_plot`; made early, it shows that plotting is possible.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    return new_figure("training", 10, 4)


def save_plot(path: Path, trained: Trained) -> None:
    """Plot the first 100 predicted and actual values of the test part.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_plot()
    axes = figure.add_subplot()
    minutes = np.arange(min(_PLOTTED, len(trained.targets)))
    axes.plot(minutes, trained.targets[:_PLOTTED], label="actual", color="0.2")
    axes.plot(minutes, trained.predicted[:_PLOTTED], label="predicted", color="tab:orange", ls="--")
    axes.set_xlabel("minutes into the test part")
    axes.set_ylabel("mean active power, kW")
    axes.legend()
    figure.savefig(path, dpi=120)
