"""Rows of a table as arrays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.sources.bounds import LONG_JUMP, is_long_jump


class RowArrays(NamedTuple):
    """Rows of a table, as arrays.

    Attributes:
        at: (rows,) times without a zone, to the second.
        kw: (rows,) powers in kW; NaN if missing.
        solar_kw: (rows,) solar powers likewise; None without such a column.
        battery_kw: (rows,) battery powers likewise.
        channels: (rows, channels) the channels that a model takes likewise.
    """

    at: TimeArray
    kw: DoubleArray
    solar_kw: DoubleArray | None = None
    battery_kw: DoubleArray | None = None
    channels: DoubleArray | None = None

    def readings(self, last: datetime | None, max_kw: float) -> ReadingBlock | None:
        """Return the rows with a value; None if any of them needs a check of its own.

        Args:
            last: time of the reading before them, if any.
            max_kw: magnitude in kW above which a value is implausible.
        """
        given = ~np.isnan(self.kw)
        at, kw = self.at[given], self.kw[given]
        others = [
            None if each is None else each[given] for each in (self.solar_kw, self.battery_kw)
        ]
        if len(at):
            first: datetime = at[0].item()
            if last is not None and (first <= last or is_long_jump(last, first)):
                return None
            if (np.diff(at) > np.timedelta64(LONG_JUMP)).any() or (np.abs(kw) > max_kw).any():
                return None
            # A missing value is not within the bounds either.
            if any(each is not None and not (np.abs(each) <= max_kw).all() for each in others):
                return None
        channels = None if self.channels is None else self.channels[given]
        solar, battery = others
        return ReadingBlock(at, kw, solar, battery, channels)

    def later(self, shift: timedelta) -> RowArrays:
        """Return the rows at later times."""
        return self._replace(at=self.at + np.timedelta64(shift))
