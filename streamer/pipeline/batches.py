"""Forecasts at the readings of a block, all of whose windows are known in advance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from streamer.models import Answer
from streamer.online.forecasts import ForecastBatch
from streamer.online.guard import day_parts
from streamer.online.issuing import Issuer
from streamer.online.means.part import AnyMeans, MeanValues
from streamer.online.position import Position
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.powers import Powers

NO_MEANS = MeanValues()

_FEW = 4
"""Readings that are faster one by one: an engine computes dozens of windows at least."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Consecutive readings and the answers of the forecaster at them.

    Attributes:
        readings: the readings.
        powers: (readings,) theirs.
        answers: at the last of them, one at each whose window is full, in consecutive parts.
    """

    readings: Sequence[Reading]
    powers: Powers
    answers: Iterable[Answer]

    @property
    def first_kw(self) -> tuple[float, float]:
        """Consumption and grid power of the first reading."""
        return float(self.powers.consumption_kw[0]), float(self.powers.kw[0])


class Batches:
    """Forecasts the readings of blocks together.

    Args:
        issuer: issues the forecasts of the next reading.
        means: those of the mean of the next minutes; None without them.
        position: position in the stream.
        for_demand: whether demand intervals need the latter at each reading.
    """

    def __init__(
        self, issuer: Issuer, means: AnyMeans | None, position: Position, *, for_demand: bool
    ) -> None:
        self._issuer = issuer
        self._means = means
        self._position = position
        self._for_demand = for_demand

    def answered(self, readings: Sequence[Reading]) -> Answered | None:
        """The forecaster's answers at the readings of a part; None to take them one by one.

        That is faster for a few readings, and needed for a forecaster that does not take blocks, or
        has no answer for one of the windows.
        """
        if len(readings) <= _FEW and not self._issuer.is_behind:
            return None
        powers = Powers.of(readings)
        answers = self._issuer.answers(powers, self._position)
        return None if answers is None else Answered(readings, powers, answers)

    def forecast(
        self, answered: Answered, *, every: bool = True
    ) -> tuple[ForecastBatch | None, list[MeanValues], Sequence[DoubleArray | None]]:
        """The forecasts at the readings of a part, the first of which has been learnt from.

        Args:
            answered: the part.
            every: whether the values of the means are returned at each reading, or at the last.

        Returns:
            The forecasts at its last readings, one at each whose window is full; what is known of
            the next minutes' mean; and, for the demand intervals, (4, horizons) the forecasts of
            that at each.
        """
        readings, powers = answered.readings, answered.powers
        batches, start = [], 0
        values = [] if self._means is not None else [NO_MEANS] * len(readings)
        issued_kw: list[DoubleArray] = []
        for end, batch, hidden in self._issuer.many(
            powers, day_parts(readings), self._position, answered.answers
        ):
            batches.append(batch)
            if self._means is not None:
                part = slice(start, end)
                theirs = readings[part], powers.part(part)
                found = self._means.many(*theirs, hidden, batch, every=every)
                values += found.values
                issued_kw += found.issued_kw
                start = end
        if self._means is not None and not batches:
            values, issued_kw = self._means.many(readings, powers, None, None, every=every)
        ahead_kw: Sequence[DoubleArray | None] = [None] * len(readings)
        if self._for_demand and self._means is not None:
            ahead_kw = [*chain.from_iterable(issued_kw)]
        return ForecastBatch.joined(batches) if batches else None, values, ahead_kw
