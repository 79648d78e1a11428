"""Runs of one value: their length, and whether they look like an ordinary plateau."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from streamer.alarms.runs import RunMemory
from streamer.alarms.thresholds import DAY
from streamer.readings.saved import count, number

REST_KW = 0.006
"""Distance from the base load, in kW, up to which a house is at rest."""

FALL_KW = 0.05
"""Minimum fall to the base load within the recent readings, in kW."""

AT_REST = 5
"""Readings of one value in a row, from which on it may be the base load of a house that exports."""

REPEAT, SHIFT = 63, 10
"""What a repetition adds to the level of repetitions, which loses its 2**10th part with each
reading: integers, since an array must find the same."""

ZEROS, MOST_ZEROS = 14, DAY // 2
"""Repetitions of an exact zero up to which none is unusual, and that are remembered at most."""

OFTEN = (REPEAT << SHIFT) // 2
"""Level of repetitions at half of the readings, beyond which any run is a plateau."""


class RepeatCount:
    """Counts repetitions of a value, and tells plateaus of the house from other runs.

    Nearly every long repetition in an ordinary house looks alike: a refrigerator or another load
    switches off, and what remains is the base load, constant to the last digit of the meter until
    the next load switches on. A meter that is stuck repeats whatever it measured last. So a run is
    a **plateau** if it begins at rest: at most 6 W above the base load, with one of the eight
    readings before 50 W above it. An exact zero is not at rest: it is what a gap filled with zeros
    looks like. Any run is a plateau where half the readings of the last day repeat the one
    before, as with most meters in steps of 10 W.

    Exact zeros have a memory of their own (`streamer.alarms.runs.RunMemory`), and do not count as
    repetitions: an import-only meter reads 0.000 for as long as the sun covers the house.

    The base load is a minimum that forgets: with each reading above it, it rises by 1/1440 of
    the distance. In a house that exports, where the sun brings the power below the base load, a
    value counts from the fifth in a row on, and if it is above zero.

    Measured in Sceaux up to October 2009, on which this was chosen: of 0.57 runs of 15 readings
    and more a day, 0.52 began at rest; of all readings, 9 % are in runs that did. Boosted trees
    on forty features more (repeats at this level, spread, time of day) told few more apart. The
    meter there, in steps of 2 W, repeats half the readings on no day.

    Attributes:
        value: the value of the present run; None after a gap.
        run: its number of readings.
        is_plateau: whether it began like an ordinary plateau.
        base_kw: the base load in kW; NaN before the first reading.
        level: level of repetitions in the last day, at most 63 · 1024.
        zeros: the longest run of exact zeros that ended by itself.

    >>> count, recent = RepeatCount(), [0.31, 0.21]
    >>> count.see(0.31, 0.31, []), count.see(0.21, 0.21, recent[:1]), count.see(0.21, 0.21, recent)
    (False, False, True)
    >>> count.run, count.is_plateau
    (2, True)
    """

    __slots__ = ("base_kw", "is_plateau", "level", "run", "value", "zeros")

    def __init__(self) -> None:
        self.value: float | None = None
        self.run = 0
        self.is_plateau = False
        self.base_kw = math.nan
        self.level = 0
        self.zeros = RunMemory(least=ZEROS, most=MOST_ZEROS)

    def see(self, kw: float, y: float, recent: Sequence[float], *, exports: bool = False) -> bool:
        """Count a reading.

        Args:
            kw: the reading.
            y: the same within bounds.
            recent: the readings before it since the last gap, eight at most, within bounds.
            exports: whether the house is known to export.

        Returns:
            Whether it repeats the one before.
        """
        base, repeats = self.base_kw, kw == self.value
        if kw:
            self.level -= self.level >> SHIFT
        if repeats:
            self.run += 1
            if kw:
                self.level += REPEAT
        else:
            if self.value == 0.0:
                self.zeros.end(self.run)
            self.value, self.run = kw, 1
            self.is_plateau = self.level > OFTEN or (
                0.0 < y <= base + REST_KW and bool(recent) and max(recent) - y >= FALL_KW
            )
        # A NaN fails the comparison.
        if base <= y:
            self.base_kw = base + (y - base) / DAY
        elif not exports or (y > 0.0 and self.run >= AT_REST):
            self.base_kw = y
        return repeats

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "value": self.value,
            "run": self.run,
            "plateau": self.is_plateau,
            "base": None if math.isnan(self.base_kw) else self.base_kw,
            "repeats": self.level,
            "zeros": self.zeros.longest,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        That of a former version may have value and run only, or everything but zeros.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        value, base = state["value"], state.get("base")
        found = (
            *(None if value is None else number(value), count(state["run"])),
            *(math.nan if base is None else number(base), count(state.get("repeats", 0))),
        )
        self.zeros.restore(state.get("zeros", 0))
        self.value, self.run, self.base_kw, self.level = found
        self.is_plateau = state.get("plateau", False) is True
