"""Section of a report about loads that were switched on and off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from streamer.display.durations import length
from streamer.display.numbers import amount, plural
from streamer.reporting.clock import HouseClock
from streamer.reporting.entries import Load
from streamer.reporting.markup import Markup, tag
from streamer.reporting.tables import section, table
from streamer.reporting.words import HARD, moment

_LARGEST = 5
_MOST_FREQUENT = 5

_RATIO = 1.25
"""Sizes within this ratio are counted together: a load is the same size within a tenth or so."""

_COLUMNS = {"times": False, "on for (median)": False, "in all": True, "energy, kWh": True}
_LARGEST_COLUMNS = {"on from": False, "for": False}


def section_of(loads: Sequence[Load], clock: HouseClock) -> Markup | None:
    """Section with the most frequent sizes and the largest loads; None without any."""
    if not loads:
        return None
    sizes: dict[int, list[Load]] = {}
    for load in loads:
        sizes.setdefault(math.floor(math.log(load.kw, _RATIO)), []).append(load)
    frequent = sorted(sizes.items(), key=lambda item: -len(item[1]))[:_MOST_FREQUENT]
    text = (
        f"{plural(len(loads), 'load')} of the house {'was' if len(loads) == 1 else 'were'} "
        "switched on and off, as far as the steps of its total power show. The most frequent "
        "sizes, and the largest:"
    )
    rows = [_size(place, of_size) for place, of_size in sorted(frequent)]
    largest = sorted(loads, key=lambda load: -load.kw)[:_LARGEST]
    found = [
        (f"{amount(load.kw, 2)}{HARD}kW", moment(clock, load.at), length(load.minutes, space=HARD))
        for load in largest
    ]
    return section("Loads", tag("p", text), table(_COLUMNS, rows), table(_LARGEST_COLUMNS, found))


def _size(place: int, loads: Sequence[Load]) -> tuple[str, ...]:
    low, high = (amount(_RATIO**edge, 2) for edge in (place, place + 1))
    total = sum(load.minutes for load in loads)
    return (
        f"{low} to {high}{HARD}kW",
        f"{len(loads):,}",
        length(round(median(load.minutes for load in loads)), space=HARD),
        length(total, space=HARD),
        amount(sum(load.kw * load.minutes for load in loads) / 60.0, 1),
    )
