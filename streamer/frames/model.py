"""Models as callers of the frames' functions give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streamer.errors import UsageError
from streamer.models import find_model, horizons_of, load_model
from streamer.models.adapters.registry import FORECASTERS, make_forecaster
from streamer.models.forecaster import NetworkForecaster
from streamer.models.inputs import Input
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import takes_blocks, traits_of
from streamer.sources.files.channelunits import USUAL_UNITS


def loaded(model: str | Path | AnyForecaster) -> AnyForecaster:
    """A model by its name or path, a plug-in by its name, or the forecaster itself.

    Raises:
        UsageError: it does not exist.
        ModelError: it cannot be loaded.
    """
    if not isinstance(model, str | Path):
        return model
    try:
        path = find_model(model)
    except UsageError:
        if isinstance(model, str) and FORECASTERS.has(model):
            return make_forecaster(model)
        raise
    return load_model(path)


def inputs_of(model: AnyForecaster) -> Sequence[Input]:
    """Inputs of a model after the power: those of its card, or else in their usual units."""
    if isinstance(model, NetworkForecaster) and model.card.inputs:
        return model.card.inputs[1:]
    return [Input(name, USUAL_UNITS.get(name, "kW")) for name in traits_of(model).channels]


def chosen_horizons(
    model: AnyForecaster, asked: Sequence[int] | None, default: Sequence[int]
) -> tuple[int, ...]:
    """Horizons to forecast, in rising order.

    Args:
        model: the model.
        asked: the choice; None for those of the default that the model has.
        default: the default.

    Raises:
        UsageError: the model does not forecast one of those asked for.
    """
    head = horizons_of(model) if takes_blocks(model) else None
    offered = () if head is None else (1, *head.minutes)
    if asked is None:
        return tuple(each for each in default if each in offered)
    if isinstance(asked, str | bytes) or not isinstance(asked, Sequence):
        raise UsageError(f"horizons is {asked!r:.40}; give numbers of minutes, such as (15, 60)")
    for each in asked:
        if each not in offered:
            known = f"of the next {', '.join(map(str, offered))} minutes" if offered else "of none"
            raise UsageError(f"horizons has {each!r:.20}, but the model forecasts the mean {known}")
    return tuple(sorted(set(asked)))
