"""Scores of forecasts and bands as river metrics.

Unlike river's own, they are NaN until something has been scored, leave out what is not finite
instead of being NaN from then on, and subtract nothing from a sum.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from river import base, stats
from river.metrics.base import Metric, RegressionMetric
from river.time_series.base import Forecaster

from streamer.errors import UsageError
from streamer.readings.scores import skill
from streamer.scores.parts import RunningBand
from streamer.scores.rolling import RollingMean

_NO_REVERT = "nothing can be taken back from this metric; give it a window where it has one"


class Skill(RegressionMetric):  # type: ignore[misc]  # river has no types here
    """Skill score: 1 − MSE / MSE of persistence, over the same values.

    0 is as good as persistence, below is worse. Persistence is the true value so many updates
    before, so that the values have to come in order, and without one missing in between.

    Args:
        lag: number of updates between a value and the last one that was known when it was forecast.
            River's `evaluate.evaluate` has the present value learnt after the forecast, so that it
            is 2 there for the first of the horizon.
        window: number of last values that are scored; None for all. It is in place of
            `utils.Rolling`, which takes back what leaves its window.

    >>> metric = Skill()
    >>> for actual, forecast in [(1.0, 0.0), (2.0, 1.5), (4.0, 3.0)]:
    ...     metric.update(actual, forecast)
    >>> metric
    Skill: 0.75
    """

    def __init__(self, lag: int = 1, window: int | None = None) -> None:
        if lag < 1 or (window is not None and window < 1):
            raise UsageError(f"lag is {lag}, and window {window}; give numbers above 0")
        self.lag = lag
        self.window = window
        self._before: deque[float] = deque(maxlen=lag)
        self._mse, self._reference_mse = (
            stats.Mean() if window is None else RollingMean(window) for _ in range(2)
        )
        self._scored = False

    def update(self, y_true: float, y_pred: float, w: float = 1.0) -> None:
        """Score one forecast."""
        reference = self._before[0] if len(self._before) == self.lag else math.nan
        self._before.append(y_true)
        squared, squared_reference = (y_true - y_pred) ** 2, (y_true - reference) ** 2
        if not math.isfinite(squared + squared_reference):
            return
        weight = () if self.window is not None else (w,)
        self._mse.update(squared, *weight)
        self._reference_mse.update(squared_reference, *weight)
        self._scored = True

    def revert(self, y_true: float, y_pred: float, w: float = 1.0) -> None:
        """Not supported; give the metric a `window`."""
        raise NotImplementedError(_NO_REVERT)

    def get(self) -> float:
        """The skill; NaN until a value has been scored, and where persistence has no error."""
        found = skill(self._mse.get(), self._reference_mse.get()) if self._scored else None
        return math.nan if found is None else found

    @property
    def bigger_is_better(self) -> bool:
        """True."""
        return True

    @property
    def works_with_weights(self) -> bool:
        """Whether weights count: without a window."""
        return self.window is None

    def works_with(self, model: Any) -> bool:
        """Whether it can score a model: a regressor, or a forecaster."""
        return isinstance(model, base.Regressor | Forecaster)


class _BandMetric(Metric):  # type: ignore[misc]  # river has no types here
    """Score of bands, given as pairs of their ends in place of a forecast."""

    _fmt = ",.6f"

    def __init__(self, confidence: float = 0.9) -> None:
        if not 0.0 < confidence < 1.0:
            raise UsageError(f"confidence is {confidence}; give a share between 0 and 1")
        self.confidence = confidence
        self._band = RunningBand(confidence)

    def update(self, y_true: float, y_pred: tuple[float, float]) -> None:
        """Score one band (low, high)."""
        low, high = y_pred
        if all(map(math.isfinite, (y_true, low, high))):
            self._band.update(y_true, low, high)

    def revert(self, y_true: float, y_pred: tuple[float, float]) -> None:
        """Not supported."""
        raise NotImplementedError(_NO_REVERT)

    @property
    def works_with_weights(self) -> bool:
        """False."""
        return False

    def works_with(self, model: Any) -> bool:
        """Whether it can score a model: a forecaster."""
        return isinstance(model, Forecaster)


class Coverage(_BandMetric):
    """Share of the values inside their bands, ends included.

    Args:
        confidence: nominal coverage.

    >>> metric = Coverage()
    >>> metric.update(0.5, (0.4, 0.6))
    >>> metric.update(0.7, (0.4, 0.6))
    >>> metric
    Coverage: 0.5
    """

    def get(self) -> float:
        """The share; NaN until a band has been scored."""
        return _known(self._band.get().coverage)

    @property
    def bigger_is_better(self) -> bool:
        """True, although the nominal coverage is best."""
        return True


class Winkler(_BandMetric):
    """Mean interval score: the width, and a penalty for values outside (Winkler 1972).

    Args:
        confidence: nominal coverage.

    >>> metric = Winkler(0.5)
    >>> metric.update(1.0, (0.25, 0.75))
    >>> metric
    Winkler: 1.5
    """

    def get(self) -> float:
        """The score; NaN until a band has been scored."""
        return _known(self._band.get().winkler_kw)

    @property
    def bigger_is_better(self) -> bool:
        """False."""
        return False


def _known(value: float | None) -> float:
    return math.nan if value is None else value
