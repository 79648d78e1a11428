"""Series to measure: stretches of real houses, as they are and with additions."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np

from streamer.errors import UsageError
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.sources.files.delimited import open_replay
from streamer.training.additions import (
    Additions,
    Battery,
    Car,
    Climate,
    HeatPump,
    HouseSeries,
    Panels,
)

STANDARD = Additions(
    panels=Panels(kwp=5.0, factor=0.8),
    car=Car(power_kw=11.0),
    pump=HeatPump(power_kw=2.2),
    battery=Battery(),
    climate=Climate(mean_c=4.0, season_c=0.0),
)
"""4 kW of sun, an 11 kW car on five evenings a week, a heat pump that cycles as in winter."""

KINDS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "sun": ("panels",),
    "sun and battery": ("panels", "battery"),
    "car": ("car",),
    "heat pump": ("pump",),
    "all three": ("panels", "car", "pump"),
}
"""Additions by the name of a row."""

MEASURED = ", measured"
"""Ends the name of a row whose sun is from measured irradiance."""


@dataclass(frozen=True, eq=False)
class House:
    """A stretch of a real house.

    Attributes:
        name: its name and the first day.
        at: (minutes,) minutes by its own clock, as ``datetime64[s]``.
        kw: (minutes,) power in kW.
    """

    name: str
    at: TimeArray
    kw: DoubleArray


@dataclass(frozen=True, eq=False)
class Case:
    """One series to measure.

    Attributes:
        house: name of the house.
        kind: name of its additions.
        series: the powers.
        car_kw: (minutes,) power of the car alone in kW; None without a car.
    """

    house: str
    kind: str
    series: HouseSeries
    car_kw: DoubleArray | None = None


def read_house(spec: str, days: int) -> House:
    """A stretch of a file.

    Args:
        spec: path of a recording, as ``[NAME=]FILE[@DAY]``: the day to begin at is by default
            the first from midnight on, the name that of the file.
        days: number of days.

    Raises:
        SourceError: the file cannot be read, or has no readings in these days.
        UsageError: the day is not a date.
    """
    given, named, rest = spec.rpartition("=")
    path, dated, day = rest.rpartition("@")
    if not dated:
        path, day = rest, ""
    try:
        start = datetime.fromisoformat(day) if day else _first_midnight(path)
    except ValueError:
        raise UsageError(f"{spec}: {day!r} is not a date such as 2010-05-20") from None
    source = open_replay(path, start=start, end=start + timedelta(days=days))
    at, kw = [], []
    try:
        while items := source.read():
            found = [item for item in items if isinstance(item, Reading)]
            block = items if isinstance(items, ReadingBlock) else ReadingBlock.of(found)
            at.append(block.at.astype("datetime64[s]"))
            kw.append(block.kw)
    finally:
        source.close()
    name = given if named else Path(path).name.split(".")[0]
    return House(f"{name} {start:%Y-%m-%d}", np.concatenate(at), np.concatenate(kw))


def read_irradiance(path: Path) -> tuple[TimeArray, DoubleArray]:
    """Measured irradiance of a CSV file with columns timestamp,ghi_w_m2.

    Returns:
        (days × 1440,) minutes from midnight on, and the irradiance in W/m².

    Raises:
        UsageError: it does not hold whole days of minutes.
    """
    try:
        texts = np.loadtxt(path, str, delimiter=",", skiprows=1, ndmin=2)
        at, irradiance = texts[:, 0].astype("datetime64[m]"), texts[:, 1].astype(np.float64)
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: not timestamp,ghi_w_m2 in lines: {error}") from None
    whole = len(at) % 1440 == 0 and at[0] == at[0].astype("datetime64[D]")
    if not whole or np.any(np.diff(at) != np.timedelta64(1, "m")):
        raise UsageError(f"{path}: not whole days of minutes from midnight on")
    if not np.isfinite(irradiance).all():
        raise UsageError(f"{path}: irradiance is missing in some minutes")
    return at, irradiance


def cases(
    house: House, additions: Additions, seed: int, irradiance: DoubleArray | None
) -> Iterator[Case]:
    """The series of one house: each of `KINDS`, and those with sun also with measured sun.

    An addition is the same in every series that has it, whichever other houses are measured.

    Args:
        house: the house.
        additions: all that may be added.
        seed: seed of the random numbers, and with it the name of the house.
        irradiance: (days × 1440,) measured irradiance in W/m²; None for none.
    """
    for kind, wanted in KINDS.items():
        chosen = replace(
            additions,
            panels=additions.panels if "panels" in wanted else None,
            car=additions.car if "car" in wanted else None,
            pump=additions.pump if "pump" in wanted else None,
            battery=additions.battery if "battery" in wanted else None,
        )
        car_kw = None
        if chosen.car is not None:
            alone = Additions(car=chosen.car)
            nothing = np.zeros(len(house.at))
            car_kw = alone.added_to(house.at, nothing, _rng(house, seed)).grid_kw

        def series(measured: DoubleArray | None, chosen: Additions = chosen) -> HouseSeries:
            return chosen.added_to(house.at, house.kw, _rng(house, seed), measured)

        yield Case(house.name, kind, series(None), car_kw)
        if irradiance is not None and "panels" in wanted:
            yield Case(house.name, kind + MEASURED, series(irradiance), car_kw)


def drawing(house: House, seed: int) -> np.random.Generator:
    """Source of random numbers for the kinds of additions of a house."""
    return _rng(house, seed, 1)


def _rng(house: House, *seeds: int) -> np.random.Generator:
    return np.random.default_rng((*seeds, zlib.crc32(house.name.encode())))


def _first_midnight(path: str) -> datetime:
    source = open_replay(path, limit=1)
    try:
        items = source.read()
        while not any(isinstance(item, Reading) for item in items):
            items = source.read()
    finally:
        source.close()
    first = next(item.at for item in items if isinstance(item, Reading))
    midnight = datetime.combine(first.date(), time())
    return midnight if first.replace(tzinfo=None) == midnight else midnight + timedelta(days=1)
