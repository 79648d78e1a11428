"""Edges of the power: rises and falls between two levels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from streamer.readings.saved import count, number

BEGINS_KW = 0.4
"""Change from one reading to the next that begins an edge, in kW."""

STEADY_KW, STEADY = 0.1, 0.1
"""Change in kW, and as a share of the edge, up to which the power stays at its level."""

LASTS = 2
"""Minutes that an edge takes at most: a load that is switched within a minute changes two."""

MIN_KW, TIMES_NOISE = 0.5, 4.0
"""Smallest edge in kW, and as a multiple of the noise."""

NOISE_READINGS, DAY_READINGS, NOISE_CAP_KW = 60.0, 1440.0, 1.0
"""Readings over which the noise is averaged, and that of a day, and the largest change that counts
in it, in kW."""


class Edge(NamedTuple):
    """A rise or fall of the power.

    Attributes:
        at: its first minute, in which a load was switched.
        kw: its size in kW; negative for a fall.
        before_kw: level before it in kW.
        after_kw: level after it in kW.
    """

    at: datetime
    kw: float
    before_kw: float
    after_kw: float


class EdgeDetector:
    """Finds the edges of consecutive readings.

    A load that is switched on at some second of a minute changes the mean of this minute by a
    part of its power, and of the next by the rest. So changes in one direction in two consecutive
    minutes are one edge; a third belongs to the next one. A level is the mean of two readings
    that agree, or else the one beside the edge.

    Edges between steady levels are those of Hart (1992, Proceedings of the IEEE 80:1870-1891).
    What is smaller than half a kW, or than four times the mean change of the last hour, is noise:
    passing clouds, or a hob whose plates are switched every minute, leave only larger ones.

    What breaks it: loads that are switched in the same two minutes are one edge, of their sum.

    Attributes:
        day_noise_kw: mean change from reading to reading over the last day, in kW.
    """

    __slots__ = (
        "_at",
        "_before",
        "_from",
        "_last",
        "_minutes",
        "_noise",
        "_previous",
        "_rises",
        "day_noise_kw",
    )

    def __init__(self) -> None:
        self._noise = self.day_noise_kw = 0.0
        self._last: float | None = None  # the last two readings
        self._previous = 0.0
        self._at: datetime | None = None  # first minute of the edge under way
        self._rises = True
        self._before = self._from = 0.0  # level, and reading, before it
        self._minutes = 0

    @property
    def is_under_way(self) -> bool:
        """Whether an edge has begun that has not ended yet."""
        return self._at is not None

    def forget(self) -> None:
        """Begin anew after a gap; the noise is kept."""
        self._last = self._at = None

    def push(self, at: datetime, kw: float) -> Edge | None:
        """Take the next reading; returns the edge that ended just before it, if any.

        Args:
            at: its minute.
            kw: its power in kW.
        """
        last = self._last
        if last is None:
            self._last = self._previous = kw
            return None
        change = kw - last
        size = change if change > 0.0 else -change
        capped = min(size, NOISE_CAP_KW)
        self._noise += (capped - self._noise) / NOISE_READINGS
        self.day_noise_kw += (capped - self.day_noise_kw) / DAY_READINGS
        edge = None
        if self._at is not None and not self._continues(change):
            edge = self._end(kw, last)
        if self._at is None and size > BEGINS_KW:
            steady = edge is None and abs(last - self._previous) <= STEADY_KW
            self._at, self._rises, self._minutes = at, change > 0.0, 1
            self._before, self._from = 0.5 * (last + self._previous) if steady else last, last
        self._previous, self._last = last, kw
        return edge

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "noise": [self._noise, self.day_noise_kw],
            "last": self._last,
            "previous": self._previous,
            "at": None if self._at is None else self._at.isoformat(),
            "rises": self._rises,
            "before": self._before,
            "from": self._from,
            "minutes": self._minutes,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        noise, day_noise = map(number, state["noise"])
        last, at = state["last"], state["at"]
        last = None if last is None else number(last)
        at = None if at is None else datetime.fromisoformat(at)
        levels = number(state["previous"]), number(state["before"]), number(state["from"])
        minutes, rises = count(state["minutes"]), state["rises"]
        if not isinstance(rises, bool):
            raise TypeError(f"{rises!r:.40} is neither true nor false")
        self._noise, self.day_noise_kw, self._last, self._at = noise, day_noise, last, at
        self._previous, self._before, self._from = levels
        self._minutes, self._rises = minutes, rises

    def _continues(self, change: float) -> bool:
        """Whether the edge under way continues with a change; it is counted if so."""
        further = change if self._rises else -change
        if self._minutes == LASTS or further <= STEADY_KW:
            return False
        self._minutes += 1
        return True

    def _end(self, kw: float, last: float) -> Edge | None:
        """The edge that ended with the last reading, with the one after it; None if it is noise."""
        at, before = self._at, self._before
        self._at = None
        steady = abs(kw - last) <= _steady_kw(last - self._from)
        after = 0.5 * (last + kw) if steady else last
        size = after - before if self._rises else before - after
        if at is None or size < max(MIN_KW, TIMES_NOISE * self._noise):
            return None
        return Edge(at, after - before, before, after)


def _steady_kw(edge_kw: float) -> float:
    return max(STEADY_KW, STEADY * abs(edge_kw))
