"""Forecasters of the mean of the next minutes that a model with horizons makes up."""

from __future__ import annotations

from streamer.evaluation.adapted import Adapted
from streamer.evaluation.means.forecasts import needed_horizons
from streamer.evaluation.means.frozen import FrozenMeans
from streamer.evaluation.means.online import OnlineMeans
from streamer.evaluation.stretch import Stretch
from streamer.models import Forecaster, horizons_of


def offered_horizons(forecaster: Forecaster) -> tuple[int, ...]:
    """The horizons of a model, from 1 on; none if it has no head for them."""
    head = horizons_of(forecaster)
    return () if head is None else (1, *head.minutes)


def model_means(
    forecaster: Forecaster, adapted: Adapted | None, stretch: Stretch, shown: tuple[int, ...]
) -> list[FrozenMeans | OnlineMeans]:
    """What forecasts the horizons of a model from its network's answers.

    Args:
        forecaster: the model.
        adapted: its adapted forecasts of the next reading, which the online ones pass the answers
            on to; None for frozen forecasts alone.
        stretch: the stretch to forecast.
        shown: horizons to score, of which the model may have some; those that complete a
            quarter-hour are forecast, too.

    Returns:
        The frozen forecasts, then the online ones; nothing for a model without such horizons.
    """
    head, minutes = horizons_of(forecaster), needed_horizons(shown, offered_horizons(forecaster))
    if head is None or not shown or not minutes:
        return []
    frozen = FrozenMeans(head, forecaster.levels, stretch, minutes)
    return [frozen] if adapted is None else [frozen, OnlineMeans(head, adapted, stretch, minutes)]
