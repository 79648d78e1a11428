"""Options of the commands about demand intervals and tariffs."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

import typer

from streamer.cli.options import parse_number


class DemandLength(StrEnum):
    """Minutes of a demand interval."""

    QUARTER = "15"
    HOUR = "60"
    NONE = "none"


def parse_peak_limit(text: str) -> float:
    """Parse the mean power that a demand interval should not exceed, in kW.

    >>> parse_peak_limit("5")
    5.0
    """
    wanted = "a peak; give a number of kW above 0"
    return parse_number(text, lambda kw: 0 < kw < math.inf, wanted)


def parse_peak_floor(text: str) -> float:
    """Parse the lowest peak that is charged, in kW.

    >>> parse_peak_floor("2.5")
    2.5
    """
    return parse_number(text, lambda kw: 0 <= kw < math.inf, "a peak; give a number of kW, or 0")


def parse_peak_alarms(text: str) -> float:
    """Parse a number of alarms a month, up to about one for each quarter-hour.

    >>> parse_peak_alarms("0.5")
    0.5
    """
    wanted = "a number of alarms a month; give 0 to 3000, 0 for none"
    return parse_number(text, lambda alarms: 0 <= alarms <= 3000, wanted)


DemandOption = Annotated[
    DemandLength | None,
    typer.Option(
        "--demand",
        help="Minutes of a demand interval, whose highest mean of a month a tariff may charge; or "
        "none. By default those of the tariff, or 15.",
        show_default=False,
    ),
]
PeakLimitOption = Annotated[
    float | None,
    typer.Option(
        "--peak-limit",
        parser=parse_peak_limit,
        metavar="KW",
        help="Mean power that no demand interval should exceed; by default the month's peak.",
        show_default=False,
    ),
]
PeakAlarmsOption = Annotated[
    float,
    typer.Option(
        "--peak-alarms",
        parser=parse_peak_alarms,
        metavar="NUMBER",
        help="False alarms about demand intervals that are accepted a month; 0 for no alarms.",
    ),
]
TariffOption = Annotated[
    str | None,
    typer.Option(
        "--tariff",
        metavar="NAME|FILE",
        help="What electricity costs: vlaanderen, or a TOML file with the prices, peak and "
        "standing charges of your own contract.",
        show_default=False,
    ),
]
