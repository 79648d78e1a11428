"""Pipeline behind a forecaster, which can be copied and saved together with what it has learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from streamer.errors import ReadingError, UsageError
from streamer.models import channels_of, horizons_of, load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Reading, Step

START = datetime(2000, 1, 1)
"""Time of the first reading of a stream without times."""

NO_BAND = (math.nan, math.nan)


class Live:
    """Model, pipeline, and the forecasts at the last reading.

    Args:
        model: name or path of the model.
        adapt: whether the forecasts are corrected online.
        confidence: nominal coverage of the bands.

    Attributes:
        step: the step of the last reading; None before the first, and in a copy until the next.
    """

    def __init__(self, model: str, *, adapt: bool, confidence: float) -> None:
        self._settings = (model, adapt, confidence)
        self.step: Step | None = None
        self._last: tuple[datetime, float] | None = None
        self._known: tuple[list[float], tuple[float, float]] = ([], NO_BAND)

    @cached_property
    def forecaster(self) -> NetworkForecaster:
        """The model."""
        return load_model(self._settings[0])

    @cached_property
    def _pipeline(self) -> Pipeline:
        _, adapt, confidence = self._settings
        return Pipeline(self.forecaster, adapt=adapt, confidence=confidence)

    @property
    def longest(self) -> int:
        """Number of minutes ahead that can be forecast: 1 for a model without horizons."""
        head = horizons_of(self.forecaster)
        return 1 if head is None else max(head.minutes)

    def push(
        self,
        kw: Any,
        at: datetime | None,
        given: Mapping[str, Any],
        solar: str | None,
        battery: str | None,
    ) -> None:
        """Take a reading.

        Args:
            kw: its power in kW.
            at: its time; None for a minute after the last.
            given: what is known of it besides: the channels that the model takes.
            solar: which of these is solar power in kW; None if it is not measured.
            battery: which is the power into the battery likewise.

        Raises:
            UsageError: something that is needed is not given.
            ReadingError: a value is not a finite number, or the time does not advance.
        """
        if at is None:
            at = START if self._last is None else self._last[0] + MINUTE
        solar_kw, battery_kw = (
            None if name is None else _value(given, name) for name in (solar, battery)
        )
        channels = tuple(_value(given, name) for name in channels_of(self.forecaster))
        self.step = self._pipeline.push(Reading(at, kw, solar_kw, battery_kw, channels))
        self._last = self.step.reading.at, self.step.reading.kw

    def ahead(self, horizon: int) -> list[float]:
        """Forecasts for so many next minutes; see `HouseholdForecaster.forecast`."""
        if self._last is None:
            return [math.nan] * horizon
        kw, _ = self._forecasts()
        return kw[:horizon] if kw else [self._last[1]] * horizon

    @property
    def band(self) -> tuple[float, float]:
        """The prediction interval of the next reading; NaN if there is none."""
        return self._forecasts()[1]

    def _forecasts(self) -> tuple[list[float], tuple[float, float]]:
        if self.step is None:
            return self._known
        forecast = self.step.forecast
        if forecast is None:
            return [], NO_BAND
        return minutes_ahead(self.step), (forecast.low_kw, forecast.high_kw)

    def __getstate__(self) -> dict[str, Any]:
        """What has been learnt, without the model, which is loaded again."""
        return {
            "settings": self._settings,
            "last": self._last,
            "known": self._forecasts(),
            "pipeline": None if self._last is None else self._pipeline.state(),
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._settings = state["settings"]
        self.step, self._last, self._known = None, state["last"], state["known"]
        if state["pipeline"] is not None:
            self._pipeline.restore(state["pipeline"])


def minutes_ahead(step: Step) -> list[float]:
    """Expected values of single minutes after a step, from those of the means of the next minutes.

    The mean of the first n of them is the forecast of the mean of the next n minutes. Between two
    horizons, all minutes have the same value.
    """
    if step.next_means is None:
        return [] if step.forecast is None else [step.forecast.kw]
    found: list[float] = []
    total = 0.0
    for minutes, (kw, *_) in zip(
        step.next_means.minutes, step.next_means.values.tolist(), strict=True
    ):
        count = minutes - len(found)
        found += [(minutes * kw - total) / count] * count
        total = minutes * kw
    return found


def _value(given: Mapping[str, Any], name: str) -> float:
    try:
        value = given[name]
    except KeyError:
        raise UsageError(
            f"x has no {name!r}, which the model takes beside the power; give it with each reading"
        ) from None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ReadingError(f"{name} is {value!r:.40}; give a number") from None
