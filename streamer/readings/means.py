"""Forecasts of the mean power of the next minutes, their settlement, and their scores.

A step has those of all horizons. They are held as one array each, and single values are made when
they are accessed, since most readers want a few of the horizons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from streamer.readings.scores import skill

if TYPE_CHECKING:
    from streamer.readings.arrays import DoubleArray, IntArray


@dataclass(frozen=True, slots=True)
class MeanForecast:
    """Forecast of the mean power of the next minutes at the grid connection.

    Attributes:
        minutes: how many minutes the mean is of.
        kw: expected value (mean forecast) in kW, inside the band if it is adapted.
        median_kw: median forecast in kW, inside the band.
        low_kw: lower end of the band in kW.
        high_kw: its upper end.
    """

    minutes: int
    kw: float
    median_kw: float
    low_kw: float
    high_kw: float


class NextMeans(Sequence[MeanForecast]):
    """Forecasts issued at one reading, one for each horizon in rising order.

    Args:
        minutes: the horizons.
        values: (horizons, 4) mean, median, low and high in kW; it becomes read-only.
    """

    __slots__ = ("minutes", "values")

    def __init__(self, minutes: tuple[int, ...], values: DoubleArray) -> None:
        values.flags.writeable = False
        self.minutes = minutes
        self.values = values

    def of(self, minutes: int) -> MeanForecast | None:
        """The forecast of one horizon; None if it is not forecast."""
        return self[self.minutes.index(minutes)] if minutes in self.minutes else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NextMeans):
            return NotImplemented
        return self.minutes == other.minutes and _same(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.minutes)

    @overload
    def __getitem__(self, index: int) -> MeanForecast: ...
    @overload
    def __getitem__(self, index: slice) -> NextMeans: ...
    def __getitem__(self, index: int | slice) -> MeanForecast | NextMeans:
        if isinstance(index, slice):
            return NextMeans(self.minutes[index], self.values[index])
        return MeanForecast(self.minutes[index], *self.values[index].tolist())

    def __iter__(self) -> Iterator[MeanForecast]:
        for minutes, values in zip(self.minutes, self.values.tolist(), strict=True):
            yield MeanForecast(minutes, *values)


@dataclass(frozen=True, slots=True)
class SettledMean:
    """A forecast beside the mean that came.

    Attributes:
        issued_at: time of the reading that it was issued at: its minutes are those after that.
        forecast: the forecast.
        actual_kw: mean power of its minutes in kW, none of which is missing.
    """

    issued_at: datetime
    forecast: MeanForecast
    actual_kw: float


class SettledMeans(Sequence[SettledMean]):
    """The forecasts that one reading settled, in rising order of their horizons.

    Args:
        at: time of that reading, the last of their minutes.
        minutes: all horizons.
        values: (horizons, 4) mean, median, low and high in kW, NaN where none is settled.
        actual_kw: (horizons,) mean power of the minutes likewise.
    """

    __slots__ = ("_settled", "actual_kw", "at", "minutes", "values")

    def __init__(
        self, at: datetime, minutes: tuple[int, ...], values: DoubleArray, actual_kw: DoubleArray
    ) -> None:
        values.flags.writeable = actual_kw.flags.writeable = False
        self.at, self.minutes, self.values, self.actual_kw = at, minutes, values, actual_kw
        self._settled: list[SettledMean] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self._made() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._made())

    @overload
    def __getitem__(self, index: int) -> SettledMean: ...
    @overload
    def __getitem__(self, index: slice) -> list[SettledMean]: ...
    def __getitem__(self, index: int | slice) -> SettledMean | list[SettledMean]:
        return self._made()[index]

    def _made(self) -> list[SettledMean]:
        if self._settled is None:
            rows = zip(self.minutes, self.values.tolist(), self.actual_kw.tolist(), strict=True)
            # A NaN is not equal to itself.
            self._settled = [
                SettledMean(_before(self.at, minutes), MeanForecast(minutes, *values), actual)
                for minutes, values, actual in rows
                if values[0] == values[0] and actual == actual
            ]
        return self._settled


def _before(at: datetime, minutes: int) -> datetime:
    """The time so many elapsed minutes before, in the same zone."""
    apart = timedelta(minutes=minutes)
    if at.tzinfo is None:
        return at - apart
    return (at.astimezone(UTC) - apart).astimezone(at.tzinfo)


def _same(one: Any, other: Any) -> bool:
    """Whether two arrays have the same values, NaN taken as equal to itself."""
    if one.shape != other.shape:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


@dataclass(frozen=True, slots=True)
class HorizonScores:
    """Errors of the forecasts of one horizon, beside those of baselines over the same minutes.

    All but the minutes and the number are None until a forecast has been settled, and those of
    yesterday until one has been settled a day after its minutes of yesterday were measured.

    Attributes:
        minutes: the horizon.
        settled: number of settled forecasts.
        mse_kw2: mean squared error of the mean forecast in kW².
        mae_kw: mean absolute error of the median forecast in kW.
        persistence_mse_kw2: mean squared error of "the last reading continues" in kW².
        recent_mse_kw2: the same of the mean of the last so many minutes, or of the last
            reading where one of them was not measured.
        half_mse_kw2: the same of half of each of these two.
        yesterday_mse_kw2: the same of the same minutes of yesterday, as far as measured.
        coverage: share of the means inside the band, ends included.
        winkler_kw: mean interval score of the band in kW (Winkler 1972).
    """

    minutes: int
    settled: int = 0
    mse_kw2: float | None = None
    mae_kw: float | None = None
    persistence_mse_kw2: float | None = None
    recent_mse_kw2: float | None = None
    half_mse_kw2: float | None = None
    yesterday_mse_kw2: float | None = None
    coverage: float | None = None
    winkler_kw: float | None = None

    @property
    def skill(self) -> float | None:
        """1 − MSE/MSE of persistence: 0 equals persistence, below 0 is worse."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)


class MeanScores(Sequence[HorizonScores]):
    """Scores of all horizons, in rising order.

    Args:
        minutes: the horizons.
        settled: (horizons,) numbers of settled forecasts.
        values: (horizons, 8) the figures of `HorizonScores` from its mean squared error on, NaN
            for what is not known yet.
    """

    __slots__ = ("minutes", "settled", "values")

    def __init__(self, minutes: tuple[int, ...], settled: IntArray, values: DoubleArray) -> None:
        settled.flags.writeable = values.flags.writeable = False
        self.minutes, self.settled, self.values = minutes, settled, values

    def of(self, minutes: int) -> HorizonScores | None:
        """The scores of one horizon; None if it is not forecast."""
        return self[self.minutes.index(minutes)] if minutes in self.minutes else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MeanScores):
            return NotImplemented
        same = self.minutes == other.minutes and _same(self.settled, other.settled)
        return same and _same(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.minutes)

    @overload
    def __getitem__(self, index: int) -> HorizonScores: ...
    @overload
    def __getitem__(self, index: slice) -> MeanScores: ...
    def __getitem__(self, index: int | slice) -> HorizonScores | MeanScores:
        if isinstance(index, slice):
            return MeanScores(self.minutes[index], self.settled[index], self.values[index])
        known = [None if value != value else value for value in self.values[index].tolist()]
        return HorizonScores(self.minutes[index], int(self.settled[index]), *known)
