"""Forecasters by name: those shipped beside the models, entry points, and objects of modules."""

from __future__ import annotations

from streamer.display.lines import one_line
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.traits import traits_of
from streamer.plugins import PluginGroup

FORECASTERS = PluginGroup(
    group="streamer.forecasters",
    kind="forecaster",
    shipped={
        "fracast": "streamer.models.adapters.fracast:FracastForecaster",
        "lightgbm": "streamer.models.adapters.lightgbm:LightgbmForecaster",
        "onnx": "streamer.models.adapters.onnx:OnnxForecaster",
        "persistence": "streamer.models.adapters.naive:Persistence",
        "river": "streamer.models.adapters.river:from_name",
        "seasonal-naive": "streamer.models.adapters.naive:SeasonalNaive",
        "sklearn": "streamer.models.adapters.sklearn:from_file",
        "statsforecast": "streamer.models.adapters.statsforecast:from_name",
    },
)


def make_forecaster(text: str) -> AnyForecaster:
    """Make the forecaster of a name, such as ``mine:Trend`` or ``river:LinearRegression``.

    A regressor or a time-series model of river, or a regressor of scikit-learn, is adapted.

    Raises:
        UsageError: it does not exist, or what it needs is not installed.
        ModelError: it lacks a method, or its window, levels or channels are wrong.
        PluginError: its code raises an exception.
    """
    forecaster = _adapted(FORECASTERS.make(text))
    traits_of(forecaster, one_line(text))
    return forecaster


def _adapted(made: object) -> AnyForecaster:
    """What a plug-in has made, as a forecaster."""
    if hasattr(made, "learn_one"):
        from streamer.models.adapters.river import adapted

        return adapted(made)
    if hasattr(made, "predict") and not hasattr(made, "forecast"):
        from streamer.models.adapters.sklearn import SklearnForecaster

        return SklearnForecaster(made)
    return made  # type: ignore[return-value] # its methods are checked by the caller
