"""Forecasters of one's own: their protocol, and the checks of what they answer."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from numpy.typing import ArrayLike

from streamer.models import Forecaster
from streamer.models.plugins.window import Window


class SimpleForecaster(Protocol):
    """Forecaster of one stream that needs no more than the method `forecast`.

    It may also have, and the pipeline then uses:

    - ``window``: number of readings in a window, 1 to 1440; 49 if it is missing.
    - ``levels``: levels of its quantiles in rising order, each between 0 and 1.
    - ``channels``: names of the channels that it takes beside the power, such as ``voltage``.
    - ``name``: its name in messages; the name of its class if it is missing.
    - ``learn(window, actual_kw)``: called with each window and the reading that followed it, before
      the next forecast, whether or not there was a forecast of it.
    - ``state()`` and ``restore(state)``: what it has learnt, as plain JSON values, which are saved
      in the state of the pipeline.

    It is called with the readings of one stream in order, from one thread at a time. Where it
    raises an exception or answers something else than finite numbers, the minute has no forecast
    and is not scored, and a notice names the fault.
    """

    def forecast(self, window: Window) -> ArrayLike | None:
        """Forecast the reading after a window.

        Returns:
            The expected power in kW; with ``levels``, a sequence of it and of each quantile. None
            for no forecast of this minute, which is not a fault.
        """


AnyForecaster: TypeAlias = Forecaster | SimpleForecaster
"""A forecaster of windows in blocks, or one that takes a window at a time."""
