"""Training recipes, as settings of `streamer.training.fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamer.errors import UsageError
from streamer.models.card import CHANGE, LEVEL, MEAN

QUANTILES = (MEAN, "0.05", "0.5", "0.95")
HORIZONS = (*range(2, 16), 30, 60)
"""Minutes whose mean is forecast beside the next reading."""


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
        channels: whether the channels of a file are inputs beside its power.
        max_gap_min: longest sum of missing minutes that a window may bridge.
        house_exponent: a house is drawn from in proportion to its number of windows to this
            power: 1 for every window alike, 0 for every house alike.
        balance: exponent of the mean squared change of a stretch by which its squared errors are
            divided: 0 for none, 1 so that stretches with large changes weigh as the others.
        horizons: lengths in minutes of the means that the head for horizons forecasts; empty
            for the tutorial, which has no such head.
        horizon_units: units of its hidden layer.
        horizon_steps: random steps of each window that it learns from.
        horizon_weight: weight of its loss beside that of the next reading.
        horizon_pinball: weight of the quantiles in its loss.
        frozen: whether the stack is an existing one, and only the head for horizons is trained.
        fresh_share: share of the stretches before which the long history is forgotten.
        copies: drawn copies of each house; 0 for the houses as they are.
        plain_share: share of the windows that are from the houses as they are.
        scale_spread: standard deviation of the logarithm of a copy's scale.
        stretch_weeks: shortest and longest stretch with the same additions, in weeks.
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
    channels: bool = False
    max_gap_min: int = 10
    house_exponent: float = 0.5
    balance: float = 0.0
    horizons: tuple[int, ...] = ()
    horizon_units: int = 128
    horizon_steps: int = 8
    horizon_weight: float = 0.5
    horizon_pinball: float = 0.5
    frozen: bool = False
    fresh_share: float = 0.15
    copies: int = 0
    plain_share: float = 0.5
    scale_spread: float = 0.0
    stretch_weeks: tuple[int, int] = (2, 6)


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
    summary="one house: change and its quantiles, learnt at every step of a window, and horizons",
    target=CHANGE,
    outputs=QUANTILES,
    batch=256,
    windows=8_192_000,
    warm_up_steps=300,
    learning_rate=2e-3,
    first_scored=10,
    pinball_weight=3.0,
    horizons=HORIZONS,
)

HOMES = replace(
    SCEAUX,
    name="homes",
    summary="several houses, half of the windows with drawn sun, cars, heat pumps and batteries",
    windows=16_384_000,
    balance=0.5,
    copies=4,
    scale_spread=0.3,
)

CHANNELS = replace(
    SCEAUX,
    name="sceaux-channels",
    summary="one house: as sceaux, with all channels of its file as inputs",
    channels=True,
)

HORIZONS_ONLY = replace(
    SCEAUX,
    name="horizons",
    summary="a head for horizons on an existing model, which stays as it is",
    windows=2_048_000,
    frozen=True,
)

RECIPES = {recipe.name: recipe for recipe in (TUTORIAL, SCEAUX, HOMES, CHANNELS, HORIZONS_ONLY)}


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
