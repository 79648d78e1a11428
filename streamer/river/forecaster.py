"""Forecaster of a household's power with the interface of river's forecasters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from river.time_series.base import Forecaster

from streamer.errors import UsageError
from streamer.models import DEFAULT_MODEL, find_model
from streamer.readings import Step
from streamer.river.live import Live


class HouseholdForecaster(Forecaster):  # type: ignore[misc]  # river has no types here
    """Forecaster of a household's power, minute by minute.

    It forecasts, scores and learns as `streamer.Pipeline` does, behind river's interface. It can be
    cloned, copied and pickled with what it has learnt; the model is then loaded again by its name.

    Args:
        model: name or path of a model.
        adapt: whether the forecasts are corrected online.
        confidence: nominal coverage of the band.
        time: which of the features of a reading is its time, a `datetime`; None to take each as a
            minute after the last. Then, the clock begins at midnight, and forecasts beyond the
            next minute, which depend on the time of day, take a wrong one.
        solar: which is the power of the solar panels in kW; None if it is not measured.
        battery: which is the power into the battery in kW likewise.

    Raises:
        UsageError: the model does not exist.

    >>> model = HouseholdForecaster(time="at")
    >>> for minute in range(60):
    ...     model.learn_one(0.3, {"at": datetime(2010, 3, 19, 17, minute)})
    >>> [round(kw, 1) for kw in model.forecast(3)]
    [0.3, 0.3, 0.3]
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        adapt: bool = True,
        confidence: float = 0.9,
        time: str | None = None,
        solar: str | None = None,
        battery: str | None = None,
    ) -> None:
        find_model(model)
        self.model = model
        self.adapt = adapt
        self.confidence = confidence
        self.time = time
        self.solar = solar
        self.battery = battery
        self._live = Live(model, adapt=adapt, confidence=confidence)

    def learn_one(self, y: float, x: Mapping[str, Any] | None = None) -> None:
        """Settle the forecast of this reading, learn from it, and forecast the next ones.

        Args:
            y: power at the grid connection in kW, import positive. A minute that was not measured
                is left out, rather than given as NaN.
            x: features of the reading: its time, and what the model takes beside the power; others
                are ignored.

        Raises:
            UsageError: a feature that is needed is missing.
            ReadingError: a value is not a finite number, or the time does not advance; nothing has
                been learnt.
        """
        given = {} if x is None else x
        at = None if self.time is None else _moment(given, self.time)
        self._live.push(y, at, given, self.solar, self.battery)

    def forecast(
        self,
        horizon: int,
        xs: Sequence[Mapping[str, Any]] | None = None,  # noqa: ARG002 - river's signature
    ) -> list[float]:
        """Forecast the power of each of the next minutes.

        The forecasts are those of the mean of the next n minutes, for n up to 15, 30 and 60, taken
        apart: the mean of the first n is what the model forecasts for the next n minutes. Up to 15
        minutes, each value is that of a minute. The next 15 have one value, the expected mean of
        those minutes, and so have the last 30: nothing is known of the single minutes in them.

        Args:
            horizon: number of minutes, at most 60, or 1 for a model without horizons.
            xs: features of these minutes; ignored.

        Returns:
            (horizon,) powers in kW: the last reading until the window is full, NaN before the first
            reading.

        Raises:
            UsageError: the horizon is not a number of minutes that the model forecasts.
        """
        longest = self._live.longest
        if isinstance(horizon, bool) or not isinstance(horizon, int) or not 1 <= horizon <= longest:
            raise UsageError(
                f"horizon is {horizon!r:.20}; give 1 to {longest}, the minutes that model "
                f"{self.model!r} forecasts"
            )
        return self._live.ahead(horizon)

    @property
    def band(self) -> tuple[float, float]:
        """Low and high end of the next reading's prediction interval in kW; NaN without one."""
        return self._live.band

    @property
    def step(self) -> Step | None:
        """All that the last reading resulted in: forecasts, scores, alarms.

        None before the first reading, and in a copy until the next one.
        """
        return self._live.step


def _moment(given: Mapping[str, Any], name: str) -> datetime:
    if name not in given:
        raise UsageError(f"x has no {name!r}, the time of the reading")
    at: datetime = given[name]
    if not isinstance(at, datetime):
        raise UsageError(f"{name} is {at!r:.40}; give a datetime")
    return at
