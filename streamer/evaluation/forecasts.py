"""Forecasts of every scored minute, each from earlier readings only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np

from streamer.evaluation.stretch import Stretch
from streamer.models import Answer, Forecaster, channels_of
from streamer.online.netload import Terms
from streamer.readings.arrays import DoubleArray

Advance = Callable[[int], None]
"""Callback with the number of further minutes that are done."""

_BLOCK = 4096


class Receiver(Protocol):
    """What receives a network's answers, block after block in order of time."""

    def see(self, answer: Answer) -> object:
        """Process the answers for the next windows, at least one."""


def _no_quantiles() -> DoubleArray:
    return np.zeros((0, 0))


@dataclass(frozen=True)
class Forecasts:
    """One forecaster's forecasts of the scored minutes.

    Attributes:
        name: name of the forecaster; of a frozen model, the model's.
        mean_kw: (minutes,) expected values in kW.
        levels: levels of its quantiles, in rising order.
        quantiles_kw: (minutes, levels) in kW; ignored without levels.
        is_model: whether it is one of the models, rather than a baseline.
        adapted_from: name of the frozen forecaster that it corrects; None if not adapted.
        in_sample: whether it was trained on some of these minutes, judged by the clock.
        trained_from: first minute that it was trained on, if known.
        trained_to: last minute that it was trained on, if known.
    """

    name: str
    mean_kw: DoubleArray
    levels: tuple[float, ...] = ()
    quantiles_kw: DoubleArray = field(default_factory=_no_quantiles)
    is_model: bool = False
    adapted_from: str | None = None
    in_sample: bool = False
    trained_from: datetime | None = None
    trained_to: datetime | None = None

    @property
    def title(self) -> str:
        """The name, with "frozen" after that of a model whose forecasts are not corrected."""
        return f"{self.name}, frozen" if self.is_frozen else self.name

    @property
    def is_frozen(self) -> bool:
        """True for the forecasts of a model as it was trained."""
        return self.is_model and self.adapted_from is None

    @property
    def median_kw(self) -> DoubleArray | None:
        """(minutes,) the quantile 0.5 in kW, or None."""
        return self.quantiles_kw[:, self.levels.index(0.5)] if 0.5 in self.levels else None


def forecast_stretch(
    forecaster: Forecaster, stretch: Stretch, advance: Advance, also: Sequence[Receiver] = ()
) -> tuple[DoubleArray, DoubleArray]:
    """Forecast every scored minute, some thousand windows at a time.

    Args:
        forecaster: the forecaster.
        stretch: the stretch to forecast; its warm-up must be at least the window.
        advance: called after every block.
        also: receive the answers of every block, too, so that the network runs only once.

    Returns:
        Means (minutes,) and quantiles (minutes, levels) of the grid power, in kW.
    """
    mean = np.empty(stretch.minutes)
    levels = forecaster.levels
    quantiles = np.empty((stretch.minutes, len(levels)))
    median = levels.index(0.5) if 0.5 in levels else None
    windows = stretch.model_windows(forecaster.window, channels_of(forecaster))
    terms = stretch.terms
    for start in range(0, len(windows), _BLOCK):
        block = slice(start, start + _BLOCK)
        answer = forecaster.forecast(windows[block])
        frozen, quantiles_kw = answer.mean_kw, answer.quantiles_kw
        if terms is not None:
            frozen, quantiles_kw = _grid(terms[block], frozen, quantiles_kw, median)
        mean[block], quantiles[block] = frozen, quantiles_kw
        for each in also:
            each.see(answer)
        advance(len(answer.mean_kw))
    return mean, quantiles


def _grid(
    terms: Terms, mean_kw: DoubleArray, quantiles_kw: DoubleArray, median: int | None
) -> tuple[DoubleArray, DoubleArray]:
    """A network's own forecasts of the grid power from those of the consumption.

    Args:
        terms: (minutes,) what makes the former of the latter.
        mean_kw: (minutes,) means.
        quantiles_kw: (minutes, levels) quantiles.
        median: the median's place among them, if it has one.
    """
    middle = mean_kw if median is None else quantiles_kw[:, median]
    quantiles = terms.quantiles(quantiles_kw, middle)
    if median is not None:
        quantiles[:, median] = terms.median(middle)
    return terms.median(mean_kw), quantiles
