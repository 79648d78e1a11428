"""Online forecasts of the mean of the next minutes over a stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np

from streamer.evaluation.adapted import Adapted
from streamer.evaluation.means.targets import elapsed_minutes
from streamer.evaluation.stretch import Stretch
from streamer.models import Answer, MeansHead
from streamer.online.means.layer import Means
from streamer.online.means.light.layer import LightMeans
from streamer.online.means.part import AnyMeans
from streamer.readings import Reading
from streamer.readings.arrays import FloatArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.powers import Powers


class OnlineMeans:
    """Forecasts as by `streamer replay`: corrected, with calibrated bands.

    They begin with the stretch, without any knowledge of the house.

    Args:
        head: the model's head.
        adapted: adapted forecasts of the next reading, which this passes the answers on to.
        stretch: the stretch to forecast.
        minutes: horizons to keep, each 1 or one of the head's; if light, of 1, 15 and 60.
        light: whether they are those of a fleet's meter.

    Attributes:
        adapted: the forecasts of the next reading.
        minutes: the horizons.
        values_kw: (issues, horizons, 4) mean, median, low and high of the grid power in kW.
    """

    def __init__(
        self,
        head: MeansHead,
        adapted: Adapted,
        stretch: Stretch,
        minutes: tuple[int, ...],
        *,
        light: bool = False,
    ) -> None:
        self.adapted = adapted
        kind = LightMeans if light else Means
        self._means: AnyMeans = kind(head, adapt=True, confidence=adapted.confidence)
        self._readings = readings_of(stretch)
        self._columns = [self._means.minutes.index(each) for each in minutes]
        self._next = stretch.warm_up - 1
        before = self._readings[: self._next]
        self._means.many(before, Powers.of(before), None, None, every=False)
        self._first = self._next
        self.minutes = minutes
        self.values_kw: FloatArray = np.empty((stretch.minutes, len(minutes), 4), np.float32)

    def see(self, answer: Answer) -> None:
        """Process the answers for the next windows, at least one."""
        batch = self.adapted.see(answer)
        rows = slice(self._next, self._next + len(answer.mean_kw))
        readings = self._readings[rows]
        found = self._means.many(readings, Powers.of(readings), answer.hidden, batch, every=False)
        issued_kw = np.concatenate(found.issued_kw)
        issues = slice(rows.start - self._first, rows.stop - self._first)
        self.values_kw[issues] = issued_kw[:, :, self._columns].swapaxes(1, 2)
        self._next = rows.stop


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
