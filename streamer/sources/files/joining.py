"""Minutes of the grid joined with those of solar and battery power and of other channels.

No I/O: rows come in order of time, and a minute is returned as soon as each channel is known
there, or known to be missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from streamer.sources.files.intervals import MAX_NIGHT, NIGHT_KW, Converter, MinuteMean
from streamer.sources.files.layout import SIDE_POWERS, ChannelName
from streamer.sources.files.rows import ABSENT

if TYPE_CHECKING:
    from streamer.sources.files.rowarrays import RowArrays

_MAX_AHEAD = 100_000
"""So many minutes of a channel wait for those of the grid: more than two months."""


class JoinedMinute(NamedTuple):
    """One minute of all channels.

    Attributes:
        at: start of the minute.
        kw: power at the grid connection in kW.
        where: file and line of the row that completes the grid's minute.
        solar_kw: solar power in kW; None if it is not a channel, or missing.
        battery_kw: battery power likewise.
        channels: the channels that a model takes, in its order; not all if one is missing.
        without: the channel that is missing, which makes the minute a gap; None if none is.
        is_night: whether the solar power is missing, but surely zero.
    """

    at: datetime
    kw: float
    where: str
    solar_kw: float | None = None
    battery_kw: float | None = None
    channels: tuple[float, ...] = ()
    without: ChannelName | None = None
    is_night: bool = False


class ChannelJoin:
    """Join of the minutes of several channels.

    Inverters that are switched off at night report nothing: a run of at most a day without
    solar power is zero if the values before and after it are at most 10 W. Any other minute
    that a channel does not have is missing. The minutes of such a run are returned when it has
    ended.

    Args:
        channels: names of the channels beside the grid.
        converters: conversion of the rows to minutes, the grid's first; None if each row is a
            minute.
        can_repeat: whether several rows may have one time, each with another channel.

    Attributes:
        can_repeat: likewise.
    """

    def __init__(
        self,
        channels: Sequence[ChannelName],
        converters: Sequence[Converter] | None = None,
        *,
        can_repeat: bool = False,
    ) -> None:
        self.can_repeat = can_repeat
        self._converters = converters
        self._grid: deque[tuple[datetime, float, str]] = deque()
        self._tracks = [_Track(name) for name in channels]

    @property
    def takes_blocks(self) -> bool:
        """Whether rows may pass by as arrays, since none is converted or waits."""
        return self._converters is None and not self._grid

    def add(
        self, at: datetime, value: float | None, others: Sequence[float | None], where: str
    ) -> list[JoinedMinute]:
        """Take the next row; returns the minutes it completes.

        Args:
            at: time of the row.
            value: its power or energy at the grid connection; None if it is missing.
            others: those of the other channels; `ABSENT` if they are in other rows, which needs
                converters.
            where: file and line.
        """
        values = (value, *others)
        if self._converters is None:
            self._take([[] if each is None else [(at, each)] for each in values], where)
        else:
            pairs = zip(self._converters, values, strict=True)
            self._take(
                [[] if each is ABSENT else converter.add(at, each) for converter, each in pairs],
                where,
            )
        found = self._complete(ended=False)
        if self.takes_blocks:
            for track in self._tracks:
                track.keep_last()
        return found

    def pass_block(self, rows: RowArrays) -> None:
        """Take rows that become readings as arrays: what follows may refer to the last of them."""
        powers = dict(zip(SIDE_POWERS, (rows.solar_kw, rows.battery_kw), strict=True))
        for track in self._tracks:
            kw = powers.get(track.name)
            if kw is None:
                continue
            known = (kw == kw).nonzero()[0]
            if len(known):
                track.take([(rows.at[known[-1]].item(), kw[known[-1]].item())])
                track.keep_last()

    def finish(self, where: str) -> list[JoinedMinute]:
        """Return the last minutes, at the end of the rows."""
        if self._converters is not None:
            self._take([converter.finish() for converter in self._converters], where)
        return self._complete(ended=True)

    def _take(self, minutes: Sequence[list[MinuteMean]], where: str) -> None:
        self._grid += ((at, kw, where) for at, kw in minutes[0])
        for track, found in zip(self._tracks, minutes[1:], strict=True):
            track.take(found)

    def _complete(self, *, ended: bool) -> list[JoinedMinute]:
        found = []
        while self._grid:
            at, kw, where = self._grid[0]
            may_wait = not ended and self._grid[-1][0] - at <= MAX_NIGHT
            if may_wait and any(track.may_come(at) for track in self._tracks):
                break
            self._grid.popleft()
            found.append(self._joined(at, kw, where))
        return found

    def _joined(self, at: datetime, kw: float, where: str) -> JoinedMinute:
        solar = battery = None
        without: ChannelName | None = None
        channels = []
        is_night = False
        for track in self._tracks:
            value = track.value(at)
            if value is None and track.name == "solar" and track.is_night():
                value, is_night = 0.0, True
            if value is None:
                without = without or track.name
            elif track.name == "solar":
                solar = value
            elif track.name == "battery":
                battery = value
            else:
                channels.append(value)
        return JoinedMinute(at, kw, where, solar, battery, tuple(channels), without, is_night)


class _Track:
    """Known minutes of one channel, around the minute of the grid that is next."""

    def __init__(self, name: ChannelName) -> None:
        self.name = name
        self._before: MinuteMean | None = None
        self._known: deque[MinuteMean] = deque(maxlen=_MAX_AHEAD)

    def take(self, minutes: Sequence[MinuteMean]) -> None:
        """Take the next minutes."""
        self._known += minutes

    def keep_last(self) -> None:
        """Forget all minutes but the last, since those of the grid will be later."""
        while self._known:
            self._before = self._known.popleft()

    def may_come(self, at: datetime) -> bool:
        """Whether a minute, or what shows that it is missing, may still come."""
        return not self._known or self._known[-1][0] < at

    def value(self, at: datetime) -> float | None:
        """The power in a minute, no earlier than those before; None if it is missing."""
        while self._known and self._known[0][0] <= at:
            self._before = self._known.popleft()
        return self._before[1] if self._before is not None and self._before[0] == at else None

    def is_night(self) -> bool:
        """Whether the minute that is missing lies in a night."""
        if self._before is None or not self._known:
            return False
        (begin, before), (end, after) = self._before, self._known[0]
        return end - begin <= MAX_NIGHT and abs(before) <= NIGHT_KW and abs(after) <= NIGHT_KW
