"""Simulated fleets: real minutes of one house, shifted and scaled for each meter.

::

    simulation = Simulation(series_of(source), meters=1_000, minutes=120)
    simulation.minute(7)        the readings of all meters in one minute
    simulation.blocks(10)       the readings as they arrive, some late, some duplicated

All random numbers depend on the seed, so the same call gives the same readings (with the same
release of NumPy). A reading depends on its meter and minute only, not on earlier calls, and no
memory grows with the number of minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamer.errors import UsageError
from streamer.fleet.series import in_utc
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, TimeArray

_MeterArray: TypeAlias = NDArray[np.int32]

SCALES = (0.3, 3.0)
"""Smallest and largest factor by which a meter's readings are scaled."""

LATE_FILES = 3
"""Largest delay of a late reading in files, and of a duplicate after it."""

SILENT_MINUTES = (5, 30)
"""Shortest and longest silence of a meter within one hour, in minutes."""

_SPREAD = 0.5
_HOUR = 60
_DAY = 1440
_MINUTE = np.timedelta64(1, "m")
_MAX_METERS = 10_000_000
_LAST_YEAR = np.datetime64("9999-12-31", "m")

# Purposes of random numbers. Each has a stream of its own, so that none affects another.
_METERS, _SILENCES, _MISSING, _ARRIVAL = range(4)


@dataclass(frozen=True)
class Faults:
    """Rates of faults on the way from the meters, each from 0 to 1.

    Attributes:
        silent: share of the meters that are silent for 5 to 30 minutes in each hour.
        lost: share of the meters that fall silent for good, at some minute of the simulation
            (of its first day, if it has no end).
        missing: share of the readings that are missing.
        late: share of the readings that arrive one to three files late.
        doubled: share of the readings that arrive twice, the second time in the same file or up
            to three later.
    """

    silent: float = 0.01
    lost: float = 0.01
    missing: float = 0.005
    late: float = 0.005
    doubled: float = 0.005

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 1:
                raise UsageError(f"{field.name} {share} is not a share: give one from 0 to 1")


NO_FAULTS = Faults(0.0, 0.0, 0.0, 0.0, 0.0)
"""No faults: each meter once in each minute, except for the gaps of the real series."""


@dataclass(frozen=True, eq=False)
class SimulatedReadings:
    """Readings of many meters, as arrays.

    Attributes:
        meter: (readings,) indices into `Simulation.names`.
        minute: (readings,) minute of each, as ``datetime64[us]`` in UTC.
        kw: (readings,) values in kW, rounded to whole watts.
    """

    meter: _MeterArray
    minute: TimeArray
    kw: DoubleArray

    def __len__(self) -> int:
        return len(self.kw)

    def where(self, chosen: BoolArray) -> SimulatedReadings:
        """The readings chosen by a (readings,) mask."""
        return SimulatedReadings(self.meter[chosen], self.minute[chosen], self.kw[chosen])

    @classmethod
    def together(cls, parts: Sequence[SimulatedReadings]) -> SimulatedReadings:
        """The readings of all parts, concatenated."""
        return cls(
            np.concatenate([part.meter for part in parts]),
            np.concatenate([part.minute for part in parts]),
            np.concatenate([part.kw for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Block:
    """Readings that arrive together, for one file.

    Attributes:
        start: first minute of the block, in UTC.
        minutes: number of minutes; 0 for readings that arrive after the last minute.
        readings: readings on time in order of time, then late ones and duplicates.
        late: number of readings that were due in an earlier block.
        doubled: number of duplicates of readings in this or an earlier block.
    """

    start: np.datetime64
    minutes: int
    readings: SimulatedReadings
    late: int
    doubled: int


class Simulation:
    """Simulated readings of a fleet.

    Each meter repeats the same real minutes, from a starting point of its own with a valid
    value, and with its powers multiplied by a factor of its own: log-normal about 1, from 0.3
    to 3. Gaps of the real series are gaps of the meter.

    Args:
        series: (minutes,) the real minutes in kW, NaN in a gap; see `series_of`.
        meters: number of meters.
        minutes: number of minutes; None for no end.
        start: the first minute; without a zone it is in UTC.
        seed: seed of the random numbers.
        faults: rates of faults.

    Attributes:
        names: (meters,) names of the meters: ``m000000`` and so on.
        offset: (meters,) index of each meter's first minute in the series.
        scale: (meters,) factor of each meter.
        lost_at: (meters,) index of the minute from which on a meter is silent for good;
            beyond any minute for most of them.

    Raises:
        UsageError: an argument is out of its range, or the series has no reading.

    >>> simulation = Simulation(np.array([0.25, 0.5]), meters=3, minutes=2, faults=NO_FAULTS)
    >>> simulation.minute(1).minute[0], len(simulation.minute(1))
    (np.datetime64('2026-01-01T00:01:00.000000'), 3)
    >>> [len(block.readings) for block in simulation.blocks(10)]
    [6]
    """

    def __init__(
        self,
        series: DoubleArray,
        *,
        meters: int,
        minutes: int | None = None,
        start: datetime = datetime(2026, 1, 1),
        seed: int = 0,
        faults: Faults = Faults(),
    ) -> None:
        if not 1 <= meters <= _MAX_METERS:
            raise UsageError(f"{meters} meters: give from 1 to {_MAX_METERS:,}")
        if minutes is not None and minutes < 1:
            raise UsageError(f"{minutes} minutes: give at least 1")
        if seed < 0:
            raise UsageError(f"seed {seed} is below 0: give another")
        valid = np.flatnonzero(~np.isnan(series))
        if not len(valid):
            raise UsageError("the series has no reading to make a fleet of")
        self.meters = meters
        self.minutes = minutes
        self.faults = faults
        self._series = series
        self._seed = seed
        self._start = _checked_start(start, minutes)
        width = max(6, len(str(meters - 1)))
        self.names = np.array([f"m{index:0{width}}" for index in range(meters)], object)
        rng = self._rng(_METERS, 0)
        self.offset: IntArray = valid[rng.integers(len(valid), size=meters)]
        factors = np.exp(_SPREAD * rng.standard_normal(meters))
        self.scale: DoubleArray = np.clip(factors, *SCALES)
        lost = rng.random(meters) < faults.lost
        span = _DAY if minutes is None else minutes
        # No meter is lost at the first minute: falling silent requires an earlier reading.
        at = 1 + np.floor(rng.random(meters) * (span - 1)).astype(np.int64)
        self.lost_at: IntArray = np.where(lost & (at < span), at, np.iinfo(np.int64).max)
        self._silences: tuple[int, _MeterArray, _MeterArray] | None = None

    def minute(self, index: int) -> SimulatedReadings:
        """The readings of one minute, at most one per meter, in the order of the meters.

        Args:
            index: index of the minute, from 0.
        """
        kw = self._series[(self.offset + index) % len(self._series)] * self.scale
        # Adding 0 turns a negative zero into a positive one.
        kw = np.rint(kw * 1000) / 1000 + 0.0
        there = ~np.isnan(kw) & (self.lost_at > index) & ~self._silent(index)
        if self.faults.missing:
            there &= ~self._chosen(self._rng(_MISSING, index), self.faults.missing)
        meter = np.flatnonzero(there).astype(np.int32)
        at = np.full(len(meter), self._time(index), "datetime64[us]")
        return SimulatedReadings(meter, at, kw[meter])

    def blocks(self, every: int = 10) -> Iterator[Block]:
        """The readings as they arrive, in blocks in order of time, each reading once or twice.

        Delayed readings that are due after the last minute arrive in a final block.

        Args:
            every: minutes per block; the last one may have fewer.
        """
        if every < 1:
            raise UsageError(f"a file for {every} minutes: give at least 1")
        waiting = _DelayedReadings()
        for number in count():
            first = number * every
            if self.minutes is None:
                minutes = range(first, first + every)
            else:
                minutes = range(first, min(first + every, self.minutes))
            parts = [self._on_time(index, number, waiting) for index in minutes]
            if not parts and not waiting:
                return
            late, doubles = waiting.take(number, all_of_them=not parts)
            start = self._time(minutes.stop if not parts else first)
            yield Block(
                start,
                len(parts),
                SimulatedReadings.together([*parts, *late, *doubles]),
                sum(map(len, late)),
                sum(map(len, doubles)),
            )
            if not parts:
                return

    def _on_time(self, index: int, number: int, waiting: _DelayedReadings) -> SimulatedReadings:
        """The readings of a minute that arrive on time; the others are added to `waiting`."""
        readings, faults = self.minute(index), self.faults
        if not faults.late and not faults.doubled:
            return readings
        rng = self._rng(_ARRIVAL, index)
        late = self._chosen(rng, faults.late)[readings.meter]
        doubled = self._chosen(rng, faults.doubled)[readings.meter]
        # Drawn for all meters, so that the delay of a reading depends on no other.
        delay = rng.integers(1, LATE_FILES + 1, self.meters)[readings.meter] * late
        again = delay + rng.integers(0, LATE_FILES + 1, self.meters)[readings.meter]
        waiting.put(number, readings.where(late), delay[late])
        waiting.put(number, readings.where(doubled), again[doubled], doubles=True)
        return readings.where(~late)

    def _silent(self, index: int) -> BoolArray | np.bool_:
        """(meters,) whether each meter is silent at a minute."""
        if not self.faults.silent:
            return np.False_
        hour, minute = divmod(index, _HOUR)
        if self._silences is None or self._silences[0] != hour:
            rng = self._rng(_SILENCES, hour)
            silent = self._chosen(rng, self.faults.silent)
            shortest, longest = SILENT_MINUTES
            length = rng.integers(shortest, longest + 1, self.meters, np.int32) * silent
            first = rng.integers(0, _HOUR - length + 1, dtype=np.int32)
            self._silences = hour, first, first + length
        _, first, end = self._silences
        return (first <= minute) & (minute < end)

    def _chosen(self, rng: np.random.Generator, share: float) -> BoolArray:
        return rng.random(self.meters, np.float32) < np.float32(share)

    def _rng(self, purpose: int, index: int) -> np.random.Generator:
        sequence = np.random.SeedSequence(self._seed, spawn_key=(purpose, index))
        return np.random.Generator(np.random.PCG64(sequence))

    def _time(self, index: int) -> np.datetime64:
        return self._start + index * _MINUTE


class _DelayedReadings:
    """Late readings and duplicates, by the number of the block in which they arrive."""

    def __init__(self) -> None:
        self._due: dict[int, tuple[list[SimulatedReadings], list[SimulatedReadings]]] = {}

    def __bool__(self) -> bool:
        return bool(self._due)

    def put(
        self, number: int, readings: SimulatedReadings, delay: IntArray, *, doubles: bool = False
    ) -> None:
        """Store readings that arrive (readings,) `delay` blocks after block `number`."""
        for blocks in np.unique(delay).tolist():
            due = self._due.setdefault(number + blocks, ([], []))
            due[doubles].append(readings.where(delay == blocks))

    def take(
        self, number: int, *, all_of_them: bool
    ) -> tuple[list[SimulatedReadings], list[SimulatedReadings]]:
        """Remove and return the late readings and the duplicates that arrive with a block."""
        numbers = sorted(self._due) if all_of_them else [number]
        found = [self._due.pop(each, ([], [])) for each in numbers]
        return [it for late, _ in found for it in late], [it for _, twice in found for it in twice]


def _checked_start(start: datetime, minutes: int | None) -> np.datetime64:
    try:
        exact = np.datetime64(in_utc(start), "us")
    except OverflowError:
        raise UsageError(f"start {start} is out of range: give another") from None
    first: np.datetime64 = exact.astype("datetime64[m]")
    if first != exact:
        raise UsageError(f"start {start} is not on a minute: leave out the seconds")
    left = int((_LAST_YEAR - first) // _MINUTE)
    if (minutes or 1) > left:
        raise UsageError(f"{minutes} minutes from {start} end after the year 9999: give fewer")
    return first
