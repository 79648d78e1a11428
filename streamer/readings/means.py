"""Forecasts of the mean power of the next minutes, their settlement, and their scores.

A step has those of all horizons. They are held as one array each, which may be computed when it is
first accessed, and single values are made then, since most readers want a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

from streamer.readings.scores import skill

if TYPE_CHECKING:
    import numpy as np

    from streamer.readings.arrays import DoubleArray, IntArray

    _Figures = tuple[IntArray, DoubleArray]

_Values = TypeVar("_Values", bound="np.ndarray[Any, Any]")


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
        values: (horizons, 4) mean, median, low and high in kW, or a function that computes them
            when they are first accessed, in any thread; they become read-only.
    """

    __slots__ = ("_values", "minutes")

    def __init__(
        self, minutes: tuple[int, ...], values: DoubleArray | Callable[[], DoubleArray]
    ) -> None:
        self.minutes = minutes
        self._values = values if callable(values) else _read_only(values)

    @property
    def values(self) -> DoubleArray:
        """(horizons, 4) mean, median, low and high in kW."""
        values = self._values
        if callable(values):
            self._values = values = _read_only(values())
        return values

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
        figures: function that computes, when they are first accessed and in any thread, the
            (horizons, 4) mean, median, low and high in kW, NaN where none is settled, and the
            (horizons,) mean power of the minutes likewise.
    """

    __slots__ = ("_settled", "at", "minutes")

    def __init__(
        self,
        at: datetime,
        minutes: tuple[int, ...],
        figures: Callable[[], tuple[DoubleArray, DoubleArray]],
    ) -> None:
        self.at, self.minutes = at, minutes
        self._settled: list[SettledMean] | Callable[[], tuple[DoubleArray, DoubleArray]] = figures

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
        settled = self._settled
        if callable(settled):
            values, actual_kw = settled()
            rows = zip(self.minutes, values.tolist(), actual_kw.tolist(), strict=True)
            # A NaN is not equal to itself.
            self._settled = settled = [
                SettledMean(_before(self.at, minutes), MeanForecast(minutes, *values), actual)
                for minutes, values, actual in rows
                if values[0] == values[0] and actual == actual
            ]
        return settled


def _before(at: datetime, minutes: int) -> datetime:
    """The time so many elapsed minutes before, in the same zone."""
    apart = timedelta(minutes=minutes)
    if at.tzinfo is None:
        return at - apart
    return (at.astimezone(UTC) - apart).astimezone(at.tzinfo)


def _read_only(values: _Values) -> _Values:
    values.flags.writeable = False
    return values


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

    __slots__ = ("_figures", "minutes")

    def __init__(self, minutes: tuple[int, ...], settled: IntArray, values: DoubleArray) -> None:
        self.minutes = minutes
        self._figures: _Figures | Callable[[], _Figures]
        self._figures = _read_only(settled), _read_only(values)

    @classmethod
    def later(
        cls, minutes: tuple[int, ...], figures: Callable[[], tuple[IntArray, DoubleArray]]
    ) -> MeanScores:
        """Scores that are computed when they are first accessed, in any thread.

        Args:
            minutes: the horizons.
            figures: function that computes the numbers and the values.
        """
        scores = cls.__new__(cls)
        scores.minutes, scores._figures = minutes, figures  # noqa: SLF001
        return scores

    @property
    def settled(self) -> IntArray:
        """(horizons,) numbers of settled forecasts."""
        return self._made()[0]

    @property
    def values(self) -> DoubleArray:
        """(horizons, 8) the figures, NaN for what is not known yet."""
        return self._made()[1]

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

    def _made(self) -> _Figures:
        figures = self._figures
        if callable(figures):
            settled, values = figures()
            self._figures = figures = _read_only(settled), _read_only(values)
        return figures
