"""Comparison of drawn clouds with measured irradiance.

python -m tests.houses.skies sun.csv.gz --latitude 46.815 --longitude 6.944
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.training.additions import Clouds, Place
from streamer.training.additions.minutes import DAY
from streamer.training.additions.sky import clear_sky, elevation_sine
from tests.houses.cases import read_irradiance

_MIN_ELEVATION = np.sin(np.radians(10.0))
LAGS = (1, 5, 15)
CLEAR, OVERCAST = 0.8, 0.4


@dataclass(frozen=True)
class SkyStatistics:
    """Statistics of a clear-sky index, of minutes with the sun 10 degrees high or more.

    Attributes:
        change: for each lag in minutes the mean absolute change.
        change_99: for each lag its 99 % quantile.
        dark: share of the minutes with less than half the light of a clear sky.
        bright: share of the minutes with more light than a clear sky.
        clear_days: share of the days with `CLEAR` or more of a clear sky's energy.
        overcast_days: share of the days with `OVERCAST` or less.
        daily: quantiles 0.1, 0.5 and 0.9 of the share of a clear sky's energy of a day.
    """

    change: dict[int, float]
    change_99: dict[int, float]
    dark: float
    bright: float
    clear_days: float
    overcast_days: float
    daily: tuple[float, float, float]


def statistics(irradiance: DoubleArray, at: TimeArray, place: Place) -> SkyStatistics:
    """Statistics of whole days.

    Args:
        irradiance: (days × 1440,) W/m².
        at: (days × 1440,) minutes by the clock of the place, from midnight on.
        place: where.
    """
    high = (elevation_sine(at, place) >= _MIN_ELEVATION).reshape(-1, DAY)
    clear = clear_sky(at, place).reshape(-1, DAY)
    light = irradiance.reshape(-1, DAY)
    index = np.where(high, light / np.where(high, clear, 1.0), np.nan)
    daily = np.where(high, light, 0.0).sum(axis=1) / np.where(high, clear, 0.0).sum(axis=1)
    changes = {lag: np.abs(index[:, lag:] - index[:, :-lag]) for lag in LAGS}
    low, middle, upper = np.quantile(daily, (0.1, 0.5, 0.9)).tolist()
    return SkyStatistics(
        change={lag: float(np.nanmean(each)) for lag, each in changes.items()},
        change_99={lag: float(np.nanquantile(each, 0.99)) for lag, each in changes.items()},
        dark=float((index[high] < 0.5).mean()),
        bright=float((index[high] > 1.0).mean()),
        clear_days=float((daily >= CLEAR).mean()),
        overcast_days=float((daily <= OVERCAST).mean()),
        daily=(low, middle, upper),
    )


def drawn_statistics(
    at: TimeArray, place: Place, seed: int, clouds: Clouds | None = None
) -> SkyStatistics:
    """Statistics of drawn clouds under the sun of given days.

    Args:
        at: (days × 1440,) minutes by the clock of the place, from midnight on.
        place: where.
        seed: seed of the random numbers.
        clouds: the clouds; None for the default ones.
    """
    index = (clouds or Clouds()).index(len(at), np.random.default_rng(seed))
    return statistics(clear_sky(at, place) * index, at, place)


def table(columns: dict[str, SkyStatistics]) -> str:
    """Statistics side by side, in Markdown."""
    rows: list[tuple[str, Callable[[SkyStatistics], str]]] = [
        *[
            (f"mean change in {lag} min", lambda sky, lag=lag: f"{sky.change[lag]:.3f}")
            for lag in LAGS
        ],
        *[
            (f"99 % quantile, {lag} min", lambda sky, lag=lag: f"{sky.change_99[lag]:.2f}")
            for lag in LAGS
        ],
        ("minutes below 0.5", lambda sky: f"{sky.dark:.0%}"),
        ("minutes above 1", lambda sky: f"{sky.bright:.0%}"),
        ("clear days", lambda sky: f"{sky.clear_days:.0%}"),
        ("broken days", lambda sky: f"{1 - sky.clear_days - sky.overcast_days:.0%}"),
        ("overcast days", lambda sky: f"{sky.overcast_days:.0%}"),
        (
            "share of a day's clear sky: 10, 50, 90 % quantile",
            lambda sky: ", ".join(f"{share:.2f}" for share in sky.daily),
        ),
    ]
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {name} | {' | '.join(text(sky) for sky in columns.values())} |" for name, text in rows
    ]
    return "\n".join(lines)


def main(
    file: Annotated[Path, typer.Argument(help="Whole days of minutes: timestamp,ghi_w_m2.")],
    latitude: Annotated[float, typer.Option(help="Degrees north.")],
    longitude: Annotated[float, typer.Option(help="Degrees east.")],
    days: Annotated[int, typer.Option(min=1, help="Days to draw.")] = 300,
) -> None:
    """Compare the clear-sky index of a measuring station, in UTC, with drawn ones."""
    at, irradiance = read_irradiance(file)
    place = Place(latitude, longitude, utc_offset_h=0.0)
    columns = {"measured": statistics(irradiance, at, place)}
    repeated = np.resize(at, days * DAY)  # the same days again, so that the sun is as high
    for seed in (1, 2):
        columns[f"drawn, seed {seed}"] = drawn_statistics(repeated, place, seed)
    print(table(columns))


if __name__ == "__main__":
    typer.run(main)
