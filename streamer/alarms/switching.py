"""Loads that are switched on and off, as pairs of rises and falls of the power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import combinations
from typing import Any

from streamer.alarms.edges import Edge, EdgeDetector
from streamer.readings.demand import SwitchingEvent
from streamer.readings.saved import count, number

MAX_LOADS = 8
"""Number of loads followed at a time; the oldest is given up for another."""

TOLERANCE = 0.25
"""Difference of a fall from the rise that it ends, as a share of the larger."""

SUM_TOLERANCE = 0.1
"""The same, where a fall is the sum of two loads."""

NEAR_KW, NEAR = 0.1, 0.05
"""A difference in kW that noise alone makes, and the share that it counts as at most."""

PART = 0.3
"""Smallest share of a rise that ends by itself, where a rise was that of two loads."""

HELD = 0.7
"""Share of a load that the power must stay above while it is on."""

SHORTEST_MINUTES = 2
"""Shortest load that is reported: of one minute, neither size nor length are certain."""

LONG_MINUTES, TIMES_NOISE = 5, 15.0
"""Minutes from which on a load must be so many times the mean change of a day: in a restless house
a small load would end with whatever falls by its size."""

SURE_MINUTES = 30
"""Minutes after which a load that is still on is reported."""

STAYED = 0.85
"""Share of a rise that the power must have stayed above the level before it, to be sure."""

FORGETS = 0.5 ** (1.0 / (60 * 24))
"""Factor on the lowest power for each reading: half of it is forgotten in a day."""


class SwitchingEvents:
    """Follows loads from their rise to their fall.

    A fall ends the load whose size differs least from its own, by a quarter at most (the power
    of a heat pump rises while it runs); else two loads whose sum it is, within a tenth; else a
    part of a rise that two loads may have made together. This is the pairing of Hart (1992,
    "Nonintrusive appliance load monitoring", Proceedings of the IEEE 80:1870-1891), without
    clusters of appliances: a load has a size, and no name. Its size is the mean of its rise and
    its fall.

    Guarantee: the power was a load's size or more, less a share for noise, in all minutes from
    its start to its end, on top of the largest export of the last days; nothing is said of loads
    over a gap. Cost: O(1) a reading.

    What breaks it: another load of the same size that is switched meanwhile exchanges the ends;
    loads that fade out over minutes are given up, unless they were reported as on. Loads of more
    than five minutes that are small beside the changes of the last day are left out.

    >>> from datetime import timedelta
    >>> events, at = SwitchingEvents(), datetime(2010, 3, 19, 18)
    >>> for minute, kw in enumerate([0.3, 0.3, 0.3, 1.5, 2.4, *[2.4] * 5, 0.8, 0.3, 0.3]):
    ...     for event in events.one(at + minute * timedelta(minutes=1), kw, 0):
    ...         print(f"{event.kw:.1f} kW at {event.on_at:%H:%M}, on for {event.minutes} min")
    2.1 kW at 18:03, on for 7 min
    """

    def __init__(self) -> None:
        self._edges = EdgeDetector()
        self._loads: list[_Load] = []
        self._lowest_kw = 0.0

    def one(self, at: datetime, kw: float, missing: int) -> tuple[SwitchingEvent, ...]:
        """Take the next reading.

        Args:
            at: its minute.
            kw: power of the house in kW: its consumption, where solar or battery power is
                measured.
            missing: minutes missing before it; loads that are on are given up then.

        Returns:
            Loads that are off by now, and those that have been on for long enough to be sure;
            these come again when they are off. Most readings have none.
        """
        if missing:
            self.forget()
        self._lowest_kw = min(kw, FORGETS * self._lowest_kw)
        edge = self._edges.push(at, kw)
        if not self._loads and edge is None:
            return ()
        found: list[SwitchingEvent] = []
        if edge is not None:
            if edge.kw < 0.0:
                self._fall(edge, found)
            else:
                self._loads.append(_Load(edge.at, edge.kw, edge.before_kw, edge.after_kw))
                del self._loads[:-MAX_LOADS]
        self._follow(at, kw, found)
        return tuple(found)

    def many(
        self, at: Iterable[datetime], kw: Iterable[float], missing: Iterable[int]
    ) -> list[tuple[SwitchingEvent, ...]]:
        """The events of consecutive readings, the same as one by one."""
        return [self.one(*each) for each in zip(at, kw, missing, strict=True)]

    def forget(self) -> None:
        """Give up the loads that are on, since what the power is of has changed."""
        self._loads.clear()
        self._edges.forget()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        loads = [load.state() for load in self._loads]
        return {"edges": self._edges.state(), "loads": loads, "lowest": self._lowest_kw}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the state is damaged; nothing has
                changed.
        """
        loads = [_Load.of(each) for each in state["loads"]]
        lowest = number(state["lowest"])
        if len(loads) > MAX_LOADS:
            raise ValueError(f"{len(loads)} loads, at most {MAX_LOADS} expected")
        edges = EdgeDetector()
        edges.restore(state["edges"])
        self._edges, self._loads, self._lowest_kw = edges, loads, lowest

    def _follow(self, at: datetime, kw: float, found: list[SwitchingEvent]) -> None:
        """Check the loads against a reading, and report those that are surely on."""
        lowest_kw, impossible = self._lowest_kw, False
        for load in self._loads:
            load.minutes += 1
            if kw < load.low_kw:
                load.low_kw = kw
            impossible |= load.low_kw - lowest_kw < HELD * load.kw
            if load.minutes == SURE_MINUTES and load.has_stayed:
                load.reported = self._is_certain(load.kw, SURE_MINUTES)
                if load.reported:
                    found.append(SwitchingEvent(load.on_at, load.kw))
        if not impossible or self._edges.is_under_way:
            return
        off = [load for load in self._loads if load.low_kw - lowest_kw < HELD * load.kw]
        self._loads = [load for load in self._loads if load not in off]
        found += [SwitchingEvent(load.on_at, load.kw, at) for load in off if load.reported]

    def _fall(self, edge: Edge, found: list[SwitchingEvent]) -> None:
        """End the loads that a fall explains best."""
        fall_kw = -edge.kw
        ended: list[tuple[_Load, float]] = []
        load = min(self._loads, key=lambda load: load.distance(fall_kw), default=None)
        if load is not None and load.distance(fall_kw) <= TOLERANCE:
            ended = [(load, 0.5 * (load.kw + fall_kw))]
            self._loads.remove(load)
        elif pair := self._pair(fall_kw):
            ended = [(load, load.kw) for load in pair]
            self._loads = [load for load in self._loads if load not in pair]
        elif parted := [load for load in self._loads if load.has_part(fall_kw)]:
            ended = [(parted[-1], fall_kw)]
            parted[-1].kw -= fall_kw
        for load, kw in ended:
            event = SwitchingEvent(load.on_at, kw, edge.at)
            if load.reported or self._is_certain(kw, event.minutes or 0):
                found.append(event)

    def _is_certain(self, kw: float, minutes: int) -> bool:
        """Whether a load lasted long enough, and is large enough for how long it did."""
        least_kw = TIMES_NOISE * self._edges.day_noise_kw if minutes > LONG_MINUTES else 0.0
        return minutes >= SHORTEST_MINUTES and kw >= least_kw

    def _pair(self, fall_kw: float) -> tuple[_Load, _Load] | None:
        """The two loads whose sum is nearest to a fall, within the tolerance."""

        def distance(pair: tuple[_Load, _Load]) -> float:
            return _distance(pair[0].kw + pair[1].kw, fall_kw)

        nearest = min(combinations(self._loads, 2), key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= SUM_TOLERANCE else None


class _Load:
    """A load that is on."""

    __slots__ = ("before_kw", "kw", "low_kw", "minutes", "on_at", "reported")

    def __init__(self, on_at: datetime, kw: float, before_kw: float, low_kw: float) -> None:
        self.on_at = on_at
        self.kw = kw
        self.before_kw = before_kw  # level before it
        self.low_kw = low_kw  # lowest reading since
        self.minutes = 0
        self.reported = False

    @property
    def has_stayed(self) -> bool:
        """Whether the power has not come down since."""
        return self.low_kw - self.before_kw >= STAYED * self.kw

    def distance(self, fall_kw: float) -> float:
        """Difference of a fall from the size, as a share of the larger."""
        share = _distance(self.kw, fall_kw)
        return min(share, NEAR) if abs(self.kw - fall_kw) <= NEAR_KW else share

    def has_part(self, fall_kw: float) -> bool:
        """Whether a fall may be that of one of two loads that this is the sum of."""
        return PART * self.kw <= fall_kw <= (1.0 - PART) * self.kw

    def state(self) -> list[Any]:
        on_at = self.on_at.isoformat()
        return [on_at, self.kw, self.before_kw, self.low_kw, self.minutes, self.reported]

    @classmethod
    def of(cls, state: Iterable[Any]) -> _Load:
        on_at, kw, before_kw, low_kw, minutes, reported = state
        load = cls(datetime.fromisoformat(on_at), number(kw), number(before_kw), number(low_kw))
        load.minutes, load.reported = count(minutes), reported is True
        return load


def _distance(kw: float, fall_kw: float) -> float:
    return abs(kw - fall_kw) / max(kw, fall_kw)
