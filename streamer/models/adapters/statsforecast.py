"""Statistical models of statsforecast, fitted once a day and applied to each reading.

A model is only ever given readings up to the present: some of them, such as AutoTheta, use a whole
series for their fitted values, which therefore know what comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.errors import UsageError
from streamer.extras import optional_import
from streamer.models.plugins.window import Window
from streamer.plugins import parse_call
from streamer.readings.arrays import DoubleArray
from streamer.readings.packing import packed, unpacked

DAY = 1440
"""Readings that a model is fitted on, and applied to; and after how many it is fitted anew."""


class StatsforecastForecaster:
    """Forecasts by a model of statsforecast that has the methods ``fit`` and ``forward``.

    It is fitted on the first 1,440 readings, a day without gaps, and anew after as many more on
    the last 1,440. In between, the fitted model is applied to the last 1,440 readings. To the
    model, the readings before and after a gap are neighbours.

    Args:
        model: the model, which this forecaster alone uses.
    """

    window = DAY

    def __init__(self, model: Any) -> None:
        self.name = type(model).__name__
        self._model = model
        self._fitted_on: DoubleArray | None = None
        self._age = 0  # readings since then

    def forecast(self, window: Window) -> float:
        """Forecast the reading after a window, in kW."""
        if self._fitted_on is None or self._age >= DAY:
            self._fit(window.kw)
        self._age += 1
        # As a copy, since its compiled parts take no array that cannot be written to.
        return float(self._model.forward(y=window.kw.copy(), h=1)["mean"][0])

    def state(self) -> dict[str, Any]:
        """The readings that the model is fitted on, and how many it has been applied to."""
        kw = None if self._fitted_on is None else packed(self._fitted_on)
        return {"kw": kw, "age": self._age}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state: the same readings give the same model."""
        age = int(state["age"])
        if state["kw"] is None:
            self._fitted_on = None
        else:
            self._fit(unpacked(state["kw"], DAY))
        self._age = age

    def _fit(self, kw: DoubleArray) -> None:
        self._model.fit(y=kw.copy())
        self._fitted_on, self._age = np.array(kw), 0


def from_name(text: str = "") -> StatsforecastForecaster:
    """The forecaster of a class of statsforecast, with values for its arguments in parentheses.

    Args:
        text: such as ``AutoETS`` or ``AutoARIMA(max_p=3)``.

    Raises:
        UsageError: there is no such class, or it cannot be applied to readings that it was not
            fitted on.
        MissingExtraError: statsforecast is not installed.
    """
    if not text:
        raise UsageError("statsforecast: give a class of it, such as statsforecast:AutoETS")
    name, values = parse_call(text)
    with optional_import("a model of statsforecast", "statsforecast"):
        from statsforecast import models
    found = getattr(models, name, None)
    if not isinstance(found, type) or not hasattr(found, "fit"):
        raise UsageError(f"statsforecast has no model {name!r}; give one such as AutoETS")
    if not hasattr(found, "forward"):
        raise UsageError(
            f"statsforecast's {name} would have to be fitted anew for each reading; give one with "
            "a method forward, such as AutoARIMA, AutoCES, AutoETS or AutoTheta"
        )
    return StatsforecastForecaster(found(**values))
