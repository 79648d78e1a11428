"""Online forecasts of the mean of the next minutes over a stretch, by the pipeline itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
from numpy.typing import ArrayLike

from streamer.evaluation.means.targets import elapsed_minutes
from streamer.evaluation.stretch import Stretch
from streamer.models import Answer, Forecaster, ForecastStream, MeansHead, horizons_of
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.readings.arrays import FloatArray
from streamer.readings.blocks import ReadingBlock


class OnlineMeans:
    """Forecasts as by `streamer replay`: corrected, with calibrated bands.

    A pipeline gets the readings of the stretch in blocks, and the network's answers instead of
    running it again. It begins with the stretch, without any knowledge of the house.

    Args:
        forecaster: a model with horizons.
        stretch: the stretch to forecast.
        minutes: horizons to keep, of those that the model has.
        confidence: nominal coverage of the bands.

    Attributes:
        minutes: the horizons.
        values_kw: (issues, horizons, 4) mean, median, low and high of the grid power in kW.

    Raises:
        UsageError: the confidence is not between 0 and 1.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        stretch: Stretch,
        minutes: tuple[int, ...],
        confidence: float,
    ) -> None:
        self._answered = _Answered(forecaster)
        self._pipeline = Pipeline(self._answered, confidence=confidence)
        self._readings = readings_of(stretch)
        self._before = stretch.warm_up - 1
        self._seen = 0
        self.minutes = minutes
        self.values_kw: FloatArray = np.empty((stretch.minutes, len(minutes), 4), np.float32)

    def see(self, answer: Answer) -> None:
        """Process the answers for the next windows, at least one."""
        count = len(answer.mean_kw)
        first = 0 if self._seen == 0 else self._before + self._seen
        self._answered.answer = answer
        readings = self._readings[first : self._before + self._seen + count]
        steps = self._pipeline.push_many(readings)[-count:]
        means = [step.next_means for step in steps if step.next_means is not None]
        kept = [means[0].minutes.index(each) for each in self.minutes]
        values = np.stack([each.values for each in means])
        self.values_kw[self._seen : self._seen + count] = values[:, kept]
        self._seen += count


class _Answered:
    """Forecaster whose answers for the next windows are given before it is asked for them.

    Windows before the first answer, where that of the model is shorter than the warm-up of the
    stretch, are forecast by the model.

    Args:
        forecaster: the model.

    Attributes:
        answer: the answers for the next windows.
    """

    answer: Answer

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    @property
    def window(self) -> int:
        return self._forecaster.window

    @property
    def levels(self) -> tuple[float, ...]:
        return self._forecaster.levels

    @property
    def horizons(self) -> MeansHead | None:
        return horizons_of(self._forecaster)

    def forecast(self, windows: ArrayLike) -> Answer:
        kw, given = np.asarray(windows), self.answer
        early = len(kw) - len(given.mean_kw)
        if early == 0:
            return given
        first = self._forecaster.forecast(kw[:early])
        return Answer(
            np.concatenate([first.mean_kw, given.mean_kw]),
            np.concatenate([first.quantiles_kw, given.quantiles_kw]),
            np.concatenate([first.hidden, given.hidden]),
        )

    def stream(self) -> ForecastStream:
        return self._forecaster.stream()


def readings_of(stretch: Stretch) -> Sequence[Reading]:
    """The readings of a stretch; with time zones if its clock is set back, so that time advances.

    >>> at = np.array(["2010-10-31T02:59", "2010-10-31T02:00"], "datetime64[s]")
    >>> [f"{reading.at:%H:%M %z}" for reading in readings_of(Stretch(np.ones(2), at, warm_up=1))]
    ['02:59 +0000', '02:00 -0100']
    """
    at, kw = stretch.at[stretch.start :], stretch.kw[stretch.start :]
    solar, battery = (
        None if values is None else values[stretch.start :]
        for values in (stretch.solar_kw, stretch.battery_kw)
    )
    block = ReadingBlock(at, kw, solar, battery)
    if (np.diff(at) > np.timedelta64(0)).all():
        return block
    minute = np.timedelta64(1, "m")
    offsets = np.rint((at - at[0]) / minute).astype(np.int64) - elapsed_minutes(at)
    zones = [timezone(timedelta(minutes=offset)) for offset in offsets.tolist()]
    return [
        replace(reading, at=reading.at.replace(tzinfo=zone))
        for reading, zone in zip(block, zones, strict=True)
    ]
