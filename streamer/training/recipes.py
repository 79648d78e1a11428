"""Training recipes, as settings of `streamer.training.fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamer.errors import UsageError
from streamer.models.card import CHANGE, LEVEL, MEAN


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Attributes:
        name: the recipe's name.
        summary: description in one line.
        target: what the network forecasts: the next reading's `level`, or its `change`.
        outputs: `mean`, and the levels of the quantiles learnt beside it.
        hidden: units of each LSTM layer.
        dropout: share of each LSTM's outputs dropped in training.
        batch: windows in a training step.
        epochs: passes through the training windows; 0 for recipes with `windows`.
        windows: total number of windows drawn at random; 0 for recipes with `epochs`.
        validation_share: share of the shuffled training windows that is scored but not learnt.
        warm_up_steps: steps over which Adam's rate rises to its peak.
        learning_rate: its peak, from which it falls by a half cosine.
        first_scored: first step of a window whose forecast is learnt from.
        pinball_weight: weight of the quantiles' loss beside the mean's.
    """

    name: str
    summary: str
    target: str
    outputs: tuple[str, ...]
    hidden: tuple[int, ...] = (50, 100)
    dropout: float = 0.2
    batch: int = 512
    epochs: int = 0
    windows: int = 0
    validation_share: float = 0.0
    warm_up_steps: int = 0
    learning_rate: float = 0.001
    first_scored: int = 0
    pinball_weight: float = 0.0


TUTORIAL = Recipe(
    name="tutorial",
    summary="the 2016 tutorial: level, RMSprop, one epoch of half the file",
    target=LEVEL,
    outputs=(MEAN,),
    epochs=1,
    validation_share=0.05,
)

SCEAUX = Recipe(
    name="sceaux",
    summary="the shipped model: change and its quantiles, learnt at every step of a window",
    target=CHANGE,
    outputs=(MEAN, "0.05", "0.5", "0.95"),
    batch=256,
    windows=8_192_000,
    warm_up_steps=300,
    learning_rate=2e-3,
    first_scored=10,
    pinball_weight=3.0,
)

RECIPES = {recipe.name: recipe for recipe in (TUTORIAL, SCEAUX)}


def find_recipe(name: str, *, epochs: int | None = None, windows: int | None = None) -> Recipe:
    """A recipe by name, with another length if given.

    Raises:
        UsageError: the recipe does not exist, or its length has the other unit.
    """
    if name not in RECIPES:
        raise UsageError(f"no recipe {name!r}: give one of: {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if epochs is not None:
        if not recipe.epochs:
            raise UsageError(f"recipe {name!r} has no number of epochs: give --windows")
        if epochs < 1:
            raise UsageError(f"{epochs} epochs; give at least 1")
        recipe = replace(recipe, epochs=epochs)
    if windows is not None:
        if not recipe.windows:
            raise UsageError(f"recipe {name!r} has no number of windows: give --epochs")
        recipe = replace(recipe, windows=max(windows, recipe.batch))
    return recipe
