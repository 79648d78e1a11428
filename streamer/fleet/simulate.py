"""Fleets that never were: real minutes of one house, shifted and scaled for each meter.

::

    simulation = Simulation(series_of(source), meters=1_000, minutes=120)
    simulation.minute(7)        what every meter measured in one minute
    simulation.blocks(10)       what arrives, file by file: some of it late, some of it twice

Everything is drawn from the seed, so the same call gives the same readings (with the same
release of NumPy). A reading depends on its meter and minute alone, never on what was asked for
before; and nothing grows with the minutes.
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
"""The least and the greatest factor that a meter's readings are scaled by."""

LATE_FILES = 3
"""A late reading arrives so many files later at the most, and so does the double of one."""

SILENT_MINUTES = (5, 30)
"""The shortest and the longest stretch for which a meter is silent, within one hour."""

_SPREAD = 0.5
_HOUR = 60
_DAY = 1440
_MINUTE = np.timedelta64(1, "m")
_MOST_METERS = 10_000_000
_LAST_YEAR = np.datetime64("9999-12-31", "m")

# What a number is drawn for: each has a stream of its own, so that one does not shift another.
_METERS, _SILENCES, _MISSING, _ARRIVAL = range(4)


@dataclass(frozen=True)
class Faults:
    """What goes wrong on the way from the meters.

    Attributes:
        silent: share of the meters that, each hour, are silent for 5 to 30 minutes.
        lost: share of the meters that fall silent for good, at some minute of the simulation
            (of its first day, where it has no end).
        missing: share of the readings that are never made.
        late: share of the readings that arrive one to three files later.
        doubled: share of the readings that arrive twice, in the same file or up to three later.
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
                raise UsageError(f"{field.name} {share} is no share: give one from 0 to 1")


NO_FAULTS = Faults(0.0, 0.0, 0.0, 0.0, 0.0)
"""Every meter in every minute, once and at once: but for the gaps of the real series."""


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings of many meters, as arrays.

    Attributes:
        meter: (readings,) indices into `Simulation.names`.
        minute: (readings,) when each was measured, as ``datetime64[us]`` in UTC.
        kw: (readings,) in whole watts.
    """

    meter: _MeterArray
    minute: TimeArray
    kw: DoubleArray

    def __len__(self) -> int:
        return len(self.kw)

    def where(self, chosen: BoolArray) -> Readings:
        """Some of them."""
        return Readings(self.meter[chosen], self.minute[chosen], self.kw[chosen])

    @classmethod
    def together(cls, parts: Sequence[Readings]) -> Readings:
        """All of these, in this order."""
        return cls(
            np.concatenate([part.meter for part in parts]),
            np.concatenate([part.minute for part in parts]),
            np.concatenate([part.kw for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Block:
    """What arrives together, for one file.

    Attributes:
        start: the first of the minutes that it is for, in UTC.
        minutes: how many they are; 0 for what arrives after the last.
        readings: those on time in order of time, then late ones and doubles.
        late: how many of them were due in an earlier file.
        doubled: how many of them are there for the second time.
    """

    start: np.datetime64
    minutes: int
    readings: Readings
    late: int
    doubled: int


class Simulation:
    """Readings of a fleet.

    Each meter goes through the same real minutes, from a start of its own that has a value,
    round and round, with its powers times a factor of its own: log-normal about 1, from 0.3
    to 3. Where the real series has a gap, so has the meter.

    Args:
        series: (minutes,) the real minutes in kW, NaN for those of a gap; see `series_of`.
        meters: how many meters.
        minutes: how many minutes each of them; None for no end.
        start: the first minute; without a zone it is in UTC.
        seed: what all is drawn from.
        faults: what goes wrong.

    Attributes:
        names: (meters,) of the meters: ``m000000`` and so on.
        offset: (meters,) index of each meter's first minute in the series.
        scale: (meters,) factor of each meter.
        lost_at: (meters,) index of the minute from which on a meter is silent for good;
            beyond any minute for most of them.

    Raises:
        UsageError: the request cannot be met.

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
        if not 1 <= meters <= _MOST_METERS:
            raise UsageError(f"{meters} meters: give from 1 to {_MOST_METERS:,}")
        if minutes is not None and minutes < 1:
            raise UsageError(f"{minutes} minutes: give at least 1")
        if seed < 0:
            raise UsageError(f"seed {seed} is below 0: give another")
        valid = np.flatnonzero(~np.isnan(series))
        if not len(valid):
            raise UsageError("there is no reading to make a fleet of")
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
        # Whoever falls silent has spoken before: nobody is lost at the first minute.
        at = 1 + np.floor(rng.random(meters) * (span - 1)).astype(np.int64)
        self.lost_at: IntArray = np.where(lost & (at < span), at, np.iinfo(np.int64).max)
        self._silences: tuple[int, _MeterArray, _MeterArray] | None = None

    def minute(self, index: int) -> Readings:
        """What the meters measured in one minute, each meter once at the most, in their order.

        Args:
            index: of the minute, from 0.
        """
        kw = self._series[(self.offset + index) % len(self._series)] * self.scale
        # Adding 0 makes a zero of what is rounded to one from below.
        kw = np.rint(kw * 1000) / 1000 + 0.0
        there = ~np.isnan(kw) & (self.lost_at > index) & ~self._silent(index)
        if self.faults.missing:
            there &= ~self._chosen(self._rng(_MISSING, index), self.faults.missing)
        meter = np.flatnonzero(there).astype(np.int32)
        at = np.full(len(meter), self._time(index), "datetime64[us]")
        return Readings(meter, at, kw[meter])

    def blocks(self, every: int = 10) -> Iterator[Block]:
        """What arrives, block by block in order of time, each reading once or twice.

        What is still on its way after the last minute comes in a block at the end.

        Args:
            every: minutes that a block is for; the last may be for fewer.
        """
        if every < 1:
            raise UsageError(f"a file for {every} minutes: give at least 1")
        waiting = _Waiting()
        for number in count():
            first = number * every
            if self.minutes is None:
                minutes = range(first, first + every)
            else:
                minutes = range(first, min(first + every, self.minutes))
            parts = [self._on_time(index, number, waiting) for index in minutes]
            if not parts and not waiting:
                return
            late, doubles = waiting.due(number, all_of_them=not parts)
            start = self._time(minutes.stop if not parts else first)
            yield Block(
                start,
                len(parts),
                Readings.together([*parts, *late, *doubles]),
                sum(map(len, late)),
                sum(map(len, doubles)),
            )
            if not parts:
                return

    def _on_time(self, index: int, number: int, waiting: _Waiting) -> Readings:
        """The readings of a minute that come with its file; the others are put by."""
        readings, faults = self.minute(index), self.faults
        if not faults.late and not faults.doubled:
            return readings
        rng = self._rng(_ARRIVAL, index)
        late = self._chosen(rng, faults.late)[readings.meter]
        doubled = self._chosen(rng, faults.doubled)[readings.meter]
        # Drawn for all meters, so that a reading's way hangs on no other's.
        delay = rng.integers(1, LATE_FILES + 1, self.meters)[readings.meter] * late
        again = delay + rng.integers(0, LATE_FILES + 1, self.meters)[readings.meter]
        waiting.put(number, readings.where(late), delay[late])
        waiting.put(number, readings.where(doubled), again[doubled], doubles=True)
        return readings.where(~late)

    def _silent(self, index: int) -> BoolArray | np.bool_:
        """Which meters are in a silent stretch at a minute."""
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


class _Waiting:
    """Readings on their way, by the number of the block that they come with."""

    def __init__(self) -> None:
        self._late: dict[int, list[Readings]] = {}
        self._doubles: dict[int, list[Readings]] = {}

    def __bool__(self) -> bool:
        return bool(self._late or self._doubles)

    def put(
        self, number: int, readings: Readings, delay: IntArray, *, doubles: bool = False
    ) -> None:
        """Put by what comes so many blocks after this one."""
        by_number = self._doubles if doubles else self._late
        for blocks in np.unique(delay).tolist():
            part = readings.where(delay == blocks)
            by_number.setdefault(number + blocks, []).append(part)

    def due(self, number: int, *, all_of_them: bool) -> tuple[list[Readings], list[Readings]]:
        """Those that come with a block: the late ones, and the doubles."""

        def take(by_number: dict[int, list[Readings]]) -> list[Readings]:
            numbers = sorted(by_number) if all_of_them else [number]
            return [part for each in numbers for part in by_number.pop(each, [])]

        return take(self._late), take(self._doubles)


def _checked_start(start: datetime, minutes: int | None) -> np.datetime64:
    try:
        exact = np.datetime64(in_utc(start), "us")
    except OverflowError:
        raise UsageError(f"start {start} is beyond any calendar: give another") from None
    first: np.datetime64 = exact.astype("datetime64[m]")
    if first != exact:
        raise UsageError(f"start {start} is not on a minute: leave out the seconds")
    left = int((_LAST_YEAR - first) // _MINUTE)
    if (minutes or 1) > left:
        raise UsageError(f"{minutes} minutes from {start} on go beyond the year 9999: give fewer")
    return first
