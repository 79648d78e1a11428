"""Powers of a stream: that of the grid connection, and those measured beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.blocks import ReadingBlock

SidePowers = tuple[bool, bool]
"""Whether solar and battery power are measured beside the power of the grid connection."""

GRID_ONLY: SidePowers = (False, False)


def side_powers_of(readings: Reading | ReadingBlock) -> SidePowers:
    """The side powers of a reading, or of a block, all of whose readings have the same.

    >>> from datetime import datetime
    >>> side_powers_of(Reading(datetime(2016, 6, 1, 12), -1.5, solar_kw=2.5))
    (True, False)
    """
    return readings.solar_kw is not None, readings.battery_kw is not None


def side_power_changes(readings: Sequence[Reading], before: SidePowers | None) -> list[int]:
    """Indices of the readings that have other side powers than the reading before them.

    Args:
        readings: consecutive readings.
        before: side powers of the reading before the first; None if there is none.
    """
    if isinstance(readings, ReadingBlock):
        changed = len(readings) > 0 and before not in (None, side_powers_of(readings))
        return [0] if changed else []
    rows = []
    for row, reading in enumerate(readings):
        found = side_powers_of(reading)
        if before is not None and found != before:
            rows.append(row)
        before = found
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Powers:
    """The powers of consecutive readings with the same side powers, as arrays (readings,) in kW.

    Attributes:
        kw: power at the grid connection.
        consumption_kw: power that the house itself uses, which is `kw` without side powers.
        solar_kw: power of the solar panels; None where it is not measured.
        battery_kw: power into the battery likewise.
        channels: (readings, channels) the further channels that the model takes, in their own
            units; None without any.
    """

    kw: DoubleArray
    consumption_kw: DoubleArray
    solar_kw: DoubleArray | None = None
    battery_kw: DoubleArray | None = None
    channels: DoubleArray | None = None

    @property
    def inputs(self) -> DoubleArray:
        """(readings, inputs) what a model takes: the consumption, and the channels."""
        kw = self.consumption_kw[:, None]
        return kw if self.channels is None else np.hstack([kw, self.channels])

    def part(self, rows: slice) -> Powers:
        """Those of some of the readings."""
        solar, battery, channels = (
            None if each is None else each[rows]
            for each in (self.solar_kw, self.battery_kw, self.channels)
        )
        return Powers(self.kw[rows], self.consumption_kw[rows], solar, battery, channels)

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> Powers:
        """The powers of readings, of which there is at least one."""
        if isinstance(readings, ReadingBlock):
            block = readings
            return cls(
                block.kw, block.consumption_kw, block.solar_kw, block.battery_kw, block.channels
            )
        first = readings[0]
        kw = np.array([reading.kw for reading in readings])
        channels = np.array([each.channels for each in readings]) if first.channels else None
        if side_powers_of(first) == GRID_ONLY:
            return cls(kw, kw, channels=channels)
        solar, battery = (
            None if values[0] is None else np.array(values, np.float64)
            for values in (
                [reading.solar_kw for reading in readings],
                [reading.battery_kw for reading in readings],
            )
        )
        consumption = np.array([each.consumption_kw for each in readings])
        return cls(kw, consumption, solar, battery, channels)
