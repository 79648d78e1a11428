"""River's regressors and time-series models as forecasters that learn from each reading.

What they learn is in objects of river, which cannot be written as plain JSON: it is not saved with
the state of a pipeline, and begins anew after a restart.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from typing import Any, Protocol

from streamer.errors import UsageError
from streamer.models.plugins import SimpleForecaster
from streamer.models.plugins.traits import WINDOW
from streamer.models.plugins.window import Window
from streamer.plugins import parse_call

CHANGES = 9
"""Number of changes between readings that a regressor forecasts the next one from."""

SEED = 1
"""Seed of a model that draws random numbers, so that the same readings give the same forecasts."""

_MODULES = (
    "linear_model", "tree", "forest", "ensemble", "neighbors", "time_series", "neural_net", "rules",
)  # fmt: skip


class Regressor(Protocol):
    """Regressor of river, as far as it is used."""

    def predict_one(self, x: dict[str, float]) -> float:
        """Predict the target of some features."""

    def learn_one(self, x: dict[str, float], y: float) -> object:
        """Learn from the target of some features."""


class TimeSeriesModel(Protocol):
    """Time-series model of river, as far as it is used."""

    def forecast(self, horizon: int) -> list[float]:
        """Forecast the next values."""

    def learn_one(self, y: float) -> object:
        """Learn from the next value."""


class RegressorForecaster:
    """Forecasts the next change by a regressor, from the last nine changes and the last reading.

    A change has no level to diverge from. The features are called ``kw`` for the last reading, and
    ``change_1`` for the change to it, to ``change_9``, all in kW.

    Args:
        regressor: the regressor, which this one alone uses.
    """

    window = CHANGES + 1

    def __init__(self, regressor: Regressor) -> None:
        self.name = type(regressor).__name__
        self._regressor = regressor

    def forecast(self, window: Window) -> float:
        """Forecast the reading after a window, in kW."""
        return window[-1] + self._regressor.predict_one(_features(window))

    def learn(self, window: Window, actual_kw: float) -> None:
        """Learn from the reading after a window."""
        self._regressor.learn_one(_features(window), actual_kw - window[-1])


class TimeSeriesForecaster:
    """Forecasts the next reading by a time-series model, which gets the readings one by one.

    To the model, the readings before and after a gap are neighbours.

    Args:
        model: the model, which this one alone uses.
    """

    window = WINDOW
    """Readings that the model gets before the first forecast."""

    def __init__(self, model: TimeSeriesModel) -> None:
        self.name = type(model).__name__
        self._model = model
        self._is_new = True

    def forecast(self, window: Window) -> float:
        """Forecast the reading after a window, in kW."""
        if self._is_new:
            self._is_new = False
            for kw in window:
                self._model.learn_one(kw)
        return self._model.forecast(1)[0]

    def learn(self, window: Window, actual_kw: float) -> None:  # noqa: ARG002 - has its own memory
        """Learn from the reading after a window."""
        self._model.learn_one(actual_kw)


def adapted(model: Any) -> SimpleForecaster:
    """The forecaster that uses a regressor or a time-series model of river.

    Raises:
        UsageError: it is neither.
    """
    if hasattr(model, "predict_one"):
        return RegressorForecaster(model)
    if hasattr(model, "forecast"):
        return TimeSeriesForecaster(model)
    raise UsageError(f"river's {type(model).__name__} is neither a regressor nor forecasts")


def from_name(text: str = "") -> SimpleForecaster:
    """The forecaster of a class of river, with values for its arguments in parentheses.

    Args:
        text: such as ``HoeffdingAdaptiveTreeRegressor`` or ``time_series.SNARIMAX(p=2, d=1, q=1)``.

    Raises:
        UsageError: there is no such class, or it is neither a regressor nor a time-series model.
    """
    if not text:
        raise UsageError("river: give a class of it, such as river:HoeffdingAdaptiveTreeRegressor")
    path, values = parse_call(text)
    module, _, name = path.rpartition(".")
    for each in [module] if module else _MODULES:
        try:
            found = getattr(import_module(f"river.{each}"), name, None)
        except ImportError:  # of a library that only some of river's parts need
            continue
        if isinstance(found, type):
            if "seed" in signature(found).parameters:
                values.setdefault("seed", SEED)
            return adapted(found(**values))
    raise UsageError(f"river has no class {path!r}; give one such as tree.HoeffdingTreeRegressor")


def _features(window: Window) -> dict[str, float]:
    kw = window[:]
    changes = {f"change_{back}": kw[-back] - kw[-back - 1] for back in range(1, CHANGES + 1)}
    return {"kw": kw[-1], **changes}
