"""Forecasters of the mean of the next minutes that a model with horizons makes up."""

from __future__ import annotations

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
    forecaster: Forecaster,
    stretch: Stretch,
    shown: tuple[int, ...],
    *,
    confidence: float | None,
) -> list[FrozenMeans | OnlineMeans]:
    """What forecasts the horizons of a model from its network's answers.

    Args:
        forecaster: the model.
        stretch: the stretch to forecast.
        shown: horizons to score, of which the model may have some; those that complete a
            quarter-hour are forecast, too.
        confidence: nominal coverage of the online bands; None for frozen forecasts alone.

    Returns:
        The frozen forecasts, then the online ones; nothing for a model without such horizons.

    Raises:
        UsageError: the confidence is not between 0 and 1.
    """
    head, minutes = horizons_of(forecaster), needed_horizons(shown, offered_horizons(forecaster))
    if head is None or not shown:
        return []
    frozen = FrozenMeans(head, forecaster.levels, stretch, minutes)
    if confidence is None:
        return [frozen]
    return [frozen, OnlineMeans(forecaster, stretch, minutes, confidence)]
