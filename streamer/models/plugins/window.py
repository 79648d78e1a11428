"""Window of readings: their powers, times and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from streamer.readings.arrays import DoubleArray


class Window(Sequence[float]):
    """The last readings of a stream, oldest first; the next one is to be forecast.

    It is a sequence of powers in kW, and NumPy makes an array of it. Readings are a minute apart
    but for gaps, which the times show.

    Args:
        kw: (readings,) powers in kW.
        at: the minute of each.
        channels: (readings,) values of each channel by its name, in its own unit.

    Attributes:
        kw: the powers, as an array that cannot be changed.
        at: the times.
        channels: the channels, likewise.

    >>> from datetime import timedelta
    >>> import numpy as np
    >>> start = datetime(2010, 3, 19, 17)
    >>> window = Window(np.array([0.5, 1.5]), (start, start + timedelta(minutes=1)))
    >>> window[-1], len(window), float(np.mean(window)), window.at[-1].minute
    (1.5, 2, 1.0, 1)
    """

    __slots__ = ("at", "channels", "kw")

    def __init__(
        self,
        kw: DoubleArray,
        at: Sequence[datetime],
        channels: Mapping[str, DoubleArray] | None = None,
    ) -> None:
        self.kw = kw
        self.at = tuple(at)
        self.channels = {} if channels is None else dict(channels)
        for values in (kw, *self.channels.values()):
            values.flags.writeable = False

    def __len__(self) -> int:
        return len(self.kw)

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        found: float | list[float] = self.kw[place].tolist()
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> DoubleArray:
        if copy or (dtype is not None and dtype != self.kw.dtype):
            return self.kw.astype(dtype)
        return self.kw

    def __repr__(self) -> str:
        return f"<Window of {len(self)} readings to {self.at[-1]:%Y-%m-%d %H:%M}>"
