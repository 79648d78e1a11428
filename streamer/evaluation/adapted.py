"""Online layer over a stretch: each minute is forecast, then scored, then learnt from."""

from __future__ import annotations

import numpy as np

from streamer.evaluation.stretch import Stretch
from streamer.models import Answer
from streamer.online.forecasts import ForecastBatch
from streamer.online.guard import day_parts_at
from streamer.online.layer import Adapt, Online, recent_changes
from streamer.readings.arrays import DoubleArray


class Adapted:
    """Adapted forecasts of a stretch, as by `streamer replay`, from a network's answers.

    Learning starts from nothing at the beginning of the stretch.

    Args:
        levels: levels of the network's quantiles in rising order; may be empty.
        stretch: the stretch to forecast.
        confidence: nominal coverage of the band.
        adapt: as for `streamer.pipeline.Pipeline`.

    Attributes:
        confidence: nominal coverage of the band.
        mean_kw: (minutes,) corrected means of the grid power in kW.
        levels: levels of the band's lower end, of the median if there is one, of the upper end.
        quantiles_kw: (minutes, levels) the quantiles of these levels in kW.

    Raises:
        UsageError: the confidence is not between 0 and 1.
    """

    def __init__(
        self,
        levels: tuple[float, ...],
        stretch: Stretch,
        confidence: float,
        *,
        adapt: Adapt = True,
    ) -> None:
        self._online = Online(levels, adapt=adapt, confidence=confidence)
        self.confidence = confidence
        kw = stretch.consumption_kw
        self._actual_kw = kw[stretch.warm_up :]
        self._recent_kw = recent_changes(kw[:-1], stretch.minutes)
        self._terms = stretch.terms
        self._day_parts = day_parts_at(stretch.at[stretch.first - 1 : -1])
        self._seen = 0
        self._has_median = 0.5 in levels
        middle = (0.5,) if self._has_median else ()
        self.levels = ((1.0 - confidence) / 2.0, *middle, (1.0 + confidence) / 2.0)
        self.mean_kw: DoubleArray = np.empty(stretch.minutes)
        self.quantiles_kw: DoubleArray = np.empty((stretch.minutes, len(self.levels)))

    def see(self, answer: Answer) -> ForecastBatch:
        """Process the answers for the next minutes, at least one.

        Returns:
            The forecasts made of them.
        """
        block = slice(self._seen, self._seen + len(answer.mean_kw))
        self._seen = block.stop
        terms = None if self._terms is None else self._terms[block]
        recent_kw, day_parts = self._recent_kw[block], self._day_parts[block]
        batch = self._online.see(answer, recent_kw, self._actual_kw[block], day_parts, terms)
        middle = (batch.median_kw,) if self._has_median else ()
        self.mean_kw[block] = batch.mean_kw
        self.quantiles_kw[block] = np.column_stack([batch.low_kw, *middle, batch.high_kw])
        return batch
