"""Forecasters of the mean of the next minutes that a model with horizons makes up."""

from __future__ import annotations

from streamer.evaluation.adapted import Adapted
from streamer.evaluation.means.forecasts import needed_horizons
from streamer.evaluation.means.frozen import FrozenMeans
from streamer.evaluation.means.online import OnlineMeans
from streamer.evaluation.stretch import Stretch
from streamer.models import Forecaster, horizons_of
from streamer.online.means.light.forecasts import HORIZONS, offers

LIGHTLY = ", adapted lightly"
"""What follows the name of a model in that of its forecasts adapted as a fleet does."""


def offered_horizons(forecaster: Forecaster) -> tuple[int, ...]:
    """The horizons of a model, from 1 on; none if it has no head for them."""
    head = horizons_of(forecaster)
    return () if head is None else (1, *head.minutes)


def model_means(
    forecaster: Forecaster,
    adapted: Adapted | None,
    stretch: Stretch,
    shown: tuple[int, ...],
    *,
    every: bool = False,
    light: Adapted | None = None,
) -> list[FrozenMeans | OnlineMeans]:
    """What forecasts the horizons of a model from its network's answers.

    Args:
        forecaster: the model.
        adapted: its adapted forecasts of the next reading, which the online ones pass the answers
            on to; None for frozen forecasts alone.
        stretch: the stretch to forecast.
        shown: horizons to score, of which the model may have some; those that complete a
            quarter-hour are forecast, too.
        every: whether those of a fleet, and the last of the others, are needed for all horizons.
        light: its forecasts of the next reading as a fleet adapts them, likewise.

    Returns:
        The frozen forecasts, then those of a fleet and the online ones; nothing for a model without
        such horizons. A fleet has none of solar or battery power, and few horizons.
    """
    head, offered = horizons_of(forecaster), offered_horizons(forecaster)
    if head is None or not (shown or every):
        return []
    some = needed_horizons(shown, offered)
    last = offered if every else some
    if not last:
        return []
    frozen = FrozenMeans(
        head, forecaster.levels, stretch, last if adapted is None else some or last
    )
    found: list[FrozenMeans | OnlineMeans] = [frozen]
    few = HORIZONS if every else tuple(each for each in shown if each in HORIZONS)
    if light is not None and few and offers(head) and stretch.terms is None:
        found.append(OnlineMeans(head, light, stretch, few, light=True))
    if adapted is not None:
        found.append(OnlineMeans(head, adapted, stretch, last))
    return found
