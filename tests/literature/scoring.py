"""Errors of persistence and of models on the minutes of a published score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from streamer.errors import UsageError
from streamer.evaluation import (
    PERSISTENCE,
    Adapted,
    Stretch,
    forecast_stretch,
    read_stretch,
    seen_in_training,
)
from streamer.models.forecaster import NetworkForecaster
from streamer.readings.arrays import BoolArray, DoubleArray, TimeArray
from streamer.sources.files.delimited import open_replay
from tests.literature.published import Span


@dataclass(frozen=True)
class Score:
    """Errors of one forecaster over the minutes of a span.

    Attributes:
        forecaster: its name.
        mse_kw2: mean squared error of its mean forecast in kW².
        mae_w: mean absolute error of its median forecast in W, if it has one, else of its mean.
        in_sample: whether it was trained on some of these minutes.
    """

    forecaster: str
    mse_kw2: float
    mae_w: float
    in_sample: bool = False


@dataclass(frozen=True)
class Part:
    """Readings of a span, and those before it.

    Attributes:
        stretch: begins before the span, so that its first minute is forecast and what is
            learnt online has been learnt from earlier minutes.
        inside: (minutes,) whether each scored minute is in the span.
    """

    stretch: Stretch
    inside: BoolArray

    @property
    def at(self) -> TimeArray:
        """(minutes in the span,) their times."""
        return self.stretch.scored_at[self.inside]


def read_part(file: str, span: Span, *, learn_days: float, window: int) -> Part:
    """Read the minutes of a span, as far as the file has them.

    Args:
        file: path of the UCI file, or of a part of it.
        span: the span.
        learn_days: days before it from which the adapted forecasts learn.
        window: readings in the longest window.

    Raises:
        SourceError: the file cannot be read.
        UsageError: it has no minute in the span.
    """
    since = span.start - timedelta(days=learn_days)
    stretch = read_stretch(
        open_replay(file),
        since=since,
        until=span.end,
        last=None,
        warm_up=window,
        on_notice=lambda notice: None,
        advance=lambda readings: None,
    )
    # The windows at the beginning of the stretch are filled from the readings before it.
    stretch = replace(stretch, start=max(stretch.start - stretch.warm_up, 0))
    inside = stretch.scored_at >= np.datetime64(span.start)
    if not inside.any():
        raise UsageError(f"{file}: no minute of {span.name}")
    return Part(stretch, inside)


def score_persistence(part: Part) -> Score:
    """Errors of "the last reading continues"."""
    return _score(PERSISTENCE, part, part.stretch.last_kw)


def score_model(forecaster: NetworkForecaster, part: Part) -> tuple[Score, Score]:
    """Errors of a model frozen, and adapted.

    Args:
        forecaster: the model.
        part: the minutes.
    """
    stretch, name = part.stretch, forecaster.card.name
    adapted = Adapted(forecaster.levels, stretch, 0.9)
    mean, quantiles = forecast_stretch(forecaster, stretch, lambda minutes: None, [adapted])
    in_sample = bool(len(seen_in_training(forecaster.card, part.at)))
    median = _median(forecaster.levels, quantiles)
    online = _median(adapted.levels, adapted.quantiles_kw)
    return (
        _score(f"{name}, frozen", part, mean, median, in_sample=in_sample),
        _score(f"{name}, adapted", part, adapted.mean_kw, online, in_sample=in_sample),
    )


def _median(levels: tuple[float, ...], quantiles_kw: DoubleArray) -> DoubleArray | None:
    return quantiles_kw[:, levels.index(0.5)] if 0.5 in levels else None


def _score(
    name: str,
    part: Part,
    mean_kw: DoubleArray,
    median_kw: DoubleArray | None = None,
    *,
    in_sample: bool = False,
) -> Score:
    actual = part.stretch.actual_kw[part.inside]
    middle = mean_kw if median_kw is None else median_kw
    mse = float(np.square(actual - mean_kw[part.inside]).mean())
    mae = 1000.0 * float(np.abs(actual - middle[part.inside]).mean())
    return Score(name, mse, mae, in_sample)
