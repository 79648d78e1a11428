"""Training data: windows as views on one array, never copied all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from streamer.errors import UsageError
from streamer.readings import Notice, Reading
from streamer.readings.arrays import DoubleArray, FloatArray, IndexArray, IntArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.sources import Source

UCI_VALUES = 2_049_280
"""Number of valid values in the published file, to which the tutorial's ratio refers."""

TEST_SHARE = 0.1
"""The last part in time, which is never trained on."""


@dataclass(frozen=True)
class Series:
    """Readings as arrays.

    Attributes:
        kw: (readings, inputs); the first input is the power in kW, which is forecast, the others
            are channels in units of their own.
        at: (readings,) their times by the clock of the house, without zone; None if unknown.
        name: origin of the readings.
        utc: (readings,) the same times in UTC, where the source has a zone; otherwise None.
        channels: name and unit of each further input.
    """

    kw: DoubleArray
    at: TimeArray | None = None
    name: str = "array"
    utc: TimeArray | None = None
    channels: tuple[tuple[str, str], ...] = ()

    @property
    def clock(self) -> TimeArray:
        """(readings,) minutes by the clock of the house; consecutive ones if unknown."""
        if self.at is None:
            return np.datetime64("1970-01-01T00:00") + np.arange(len(self))
        return self.at.astype("datetime64[m]")

    @property
    def elapsed(self) -> IntArray:
        """(readings,) minutes since 1970, in UTC where the source has a zone."""
        at = self.clock if self.utc is None else self.utc.astype("datetime64[m]")
        return at.astype(np.int64)

    def __len__(self) -> int:
        return len(self.kw)

    @property
    def sha256(self) -> str:
        """SHA-256 of the values as little-endian float64, independent of the file format."""
        return hashlib.sha256(np.ascontiguousarray(self.kw, dtype="<f8").tobytes()).hexdigest()

    def moment(self, index: int) -> datetime | None:
        """Time of one reading; None if unknown."""
        if self.at is None:
            return None
        moment: datetime = self.at[index].astype("datetime64[s]").item()
        return moment

    def first(self, count: int) -> Series:
        """The first readings only."""
        at = None if self.at is None else self.at[:count]
        utc = None if self.utc is None else self.utc[:count]
        return Series(self.kw[:count], at, self.name, utc, self.channels)


def series_from(
    source: Source,
    *,
    limit: int | None = None,
    on_notice: Callable[[Notice], None] | None = None,
) -> Series:
    """Read a source to its end, or to a number of readings; it is closed.

    The first value is the consumption of the house: where solar or battery power is measured,
    that is what a network forecasts. The others are the channels of the readings.

    Args:
        source: the source.
        limit: maximum number of readings; None for all.
        on_notice: called with the notices of the source.
    """
    kw: list[DoubleArray] = []
    at: list[TimeArray] = []
    utc: list[TimeArray] = []
    found = 0
    try:
        while (limit is None or found < limit) and (items := source.read()):
            if on_notice is not None and not isinstance(items, ReadingBlock):
                for notice in (item for item in items if isinstance(item, Notice)):
                    on_notice(notice)
            block, moments = _arrays(items)
            if not len(block):
                continue
            kw.append(block)
            at.append(moments[0])
            utc.append(moments[1])
            found += len(block)
    finally:
        source.close()
    if not found:
        raise UsageError(f"{source.name}: no readings to train on")
    local, universal = np.concatenate(at), np.concatenate(utc)
    has_zone = not np.array_equal(local, universal)
    channels = tuple((each.name, each.unit) for each in getattr(source, "channels", ()))
    utc_or_none = universal if has_zone else None
    series = Series(np.concatenate(kw), local, source.name, utc_or_none, channels)
    return series if limit is None else series.first(limit)


def _arrays(items: Sequence[Any]) -> tuple[DoubleArray, tuple[TimeArray, TimeArray]]:
    """Values (readings, inputs) of the readings among items, and their times: local, UTC."""
    if isinstance(items, ReadingBlock):
        at = items.at.astype("datetime64[s]")
        columns = [items.consumption_kw]
        if items.channels is not None:
            columns += list(items.channels.T)
        return np.stack(columns, axis=1), (at, at)
    readings = [item for item in items if isinstance(item, Reading)]
    values = [(reading.consumption_kw, *reading.channels) for reading in readings]
    local = [reading.at.replace(tzinfo=None) for reading in readings]
    utc = [_universal(reading.at) for reading in readings]
    return (
        np.array(values, np.float64).reshape(len(readings), -1),
        (np.array(local, "datetime64[s]"), np.array(utc, "datetime64[s]")),
    )


def _universal(at: datetime) -> datetime:
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class PowerData:
    """Windows of one series, split in time, centred.

    Attributes:
        series: the readings, in kW.
        centred: (readings, inputs) the same, less the shift.
        shift: (inputs,) the value subtracted, in kW.
        length: readings in a window, its target included.
        train: first readings of the training windows, in order of use.
        test: first readings of the test windows, in order of time.
    """

    series: Series
    centred: FloatArray
    shift: DoubleArray
    length: int
    train: IntArray
    test: IntArray

    @property
    def windows(self) -> FloatArray:
        """(windows, length, inputs): all windows, as a view without memory of its own."""
        view = sliding_window_view(self.centred, self.length, axis=0)
        return view.swapaxes(1, 2)

    def last_kw(self, starts: IntArray) -> DoubleArray:
        """(windows,) the last reading before each target, the forecast of persistence, in kW."""
        values: DoubleArray = self.series.kw[starts + self.length - 2, 0]
        return values

    def target_kw(self, starts: IntArray) -> DoubleArray:
        """(windows,) the targets in kW."""
        values: DoubleArray = self.series.kw[starts + self.length - 1, 0]
        return values

    @property
    def trained_from(self) -> datetime | None:
        """First minute of the training windows; None if times are unknown."""
        return self.series.moment(int(self.train.min()))

    @property
    def trained_to(self) -> datetime | None:
        """Last minute of the training windows, targets included; None if times are unknown."""
        return self.series.moment(int(self.train.max()) + self.length - 1)

    @property
    def tested_from(self) -> datetime | None:
        """First target of the test part; None if times are unknown."""
        return self.series.moment(int(self.test[0]) + self.length - 1)

    @property
    def tested_to(self) -> datetime | None:
        """Last target of the test part; None if times are unknown."""
        return self.series.moment(int(self.test[-1]) + self.length - 1)


def data_power_consumption(
    series: Series | ArrayLike,
    *,
    sequence_length: int = 50,
    ratio: float = 1.0,
    seed: int = 1234,
    say: Callable[[str], None] = print,
) -> PowerData:
    """Windows as made by the tutorial.

    All windows are centred by their mean, the test part included; the first 90 % are shuffled
    for training, the last 10 % are the test part in order of time. As in the tutorial, the
    very last window is left out.

    Args:
        series: the readings, or an array (readings,) or (readings, inputs) in kW.
        sequence_length: readings in a window, its target included.
        ratio: share of the number of values in the published file to use, at most 1.0.
        seed: seed of the shuffling.
        say: called with the shift and the shape, as text.

    Raises:
        UsageError: there are too few readings for windows.
    """
    whole = as_series(series)
    used = whole.first(int(np.ceil(min(ratio, 1.0) * UCI_VALUES)))
    count = len(used) - sequence_length
    require_windows(count, used, sequence_length)
    # The mean over all windows, without making them: the mean at each offset, averaged.
    offsets = [used.kw[i : i + count].mean(axis=0) for i in range(sequence_length)]
    shift = np.mean(offsets, axis=0)
    say(f"Shift : {', '.join(f'{value:.6f}' for value in shift)} kW")
    say(f"Data  : {count:,} windows of {sequence_length}")
    row = round((1 - TEST_SHARE) * count)
    train = np.arange(row)
    np.random.RandomState(seed).shuffle(train)
    return _power_data(used, shift, sequence_length, train, np.arange(row, count))


def _power_data(
    series: Series,
    shift: DoubleArray,
    length: int,
    train: IndexArray,
    test: IndexArray,
) -> PowerData:
    centred = (series.kw - shift).astype(np.float32)
    return PowerData(series, centred, shift, length, train.astype(np.int64), test.astype(np.int64))


def as_series(data: Series | ArrayLike) -> Series:
    """Readings in kW as a series without times, unless they are one."""
    if isinstance(data, Series):
        return data
    kw = np.asarray(data, dtype=np.float64)
    kw = kw[:, None] if kw.ndim == 1 else kw
    return Series(kw)


def require_windows(count: int, series: Series, length: int) -> None:
    """Check the number of windows of a series.

    Raises:
        UsageError: there are fewer than two.
    """
    if count < 2:
        raise UsageError(
            f"{series.name}: {len(series)} readings are too few for windows of {length}"
        )
