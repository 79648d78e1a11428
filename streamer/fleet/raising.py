"""Limits of many meters and what is raised by them: the records that the alarms are kept in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.alarms.active import LASTS
from streamer.alarms.detectors import RULES
from streamer.alarms.scale import DIGITS
from streamer.alarms.texts import BEFORE, SINCE, anomaly_text
from streamer.alarms.thresholds import DAY, HOUR, STEADY, AdaptiveThreshold
from streamer.readings import Alarm
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records, TimeArray

Text = Callable[[int, float], str]
"""What an alarm says, by the row of its meter and its size."""

_PLACES = {name: place for place, name in enumerate(RULES)}
_KINDS = {kind: place for place, kind in enumerate((Alarm.ANOMALY, Alarm.STUCK, Alarm.UNIT))}

_LONG_AGO = HOUR + 1
"""Readings after which no rule asks how many: none asks for more than an hour. What was last
when is kept as the count of readings modulo 256, and brought up to this once an hour."""

_FLOORS = np.array([rule.floor for rule in RULES.values()])

_WANES = np.array([[rule.decay(events) for rule in RULES.values()] for events in range(STEADY + 1)])
"""(events, limits) what an hour multiplies a limit by."""

METER = np.dtype(
    [
        ("recent", np.float64, BEFORE + SINCE - 1),  # the last readings as they came, in kW
        ("limits", np.float64, len(RULES)),
        ("left", np.float64, 3),  # a reading that left its band, middle and width of that; or NaN
        ("level", np.float64),  # mean power of the house, in kW; NaN in the first hour
        ("drawn", np.float64),  # sum of the sizes of this hour's readings, in kW
        ("decimals", np.uint32, DIGITS + 1),  # how many readings had how many
        ("seen", np.uint32),  # readings so far
        ("run", np.uint16),  # how often the last value has come in a row, DAY + 1 at most
        ("summed", np.uint8),  # readings in `drawn`
        ("known", np.uint8),  # how many of `recent` have come since the last gap
        ("odd", np.int8),  # readings in a row that another unit explains; below 0 if kW as W
        ("events", np.uint8, len(RULES)),  # of each limit, STEADY at most
        ("since", np.uint8, len(RULES)),  # when the event of each limit began
        ("last", np.uint8, len(RULES)),  # when each limit was last exceeded
        ("kept", np.uint8, len(_KINDS)),  # when an alarm of each kind was last raised or kept on
        ("spare", np.uint8, 3),  # always 0: fills up eight bytes, which mere padding leaves open
    ],
    align=True,
)


def first_record() -> Records:
    """How the record of a new meter begins: read-only, without dimensions."""
    first = np.zeros((), METER)
    first["limits"] = [rule.start for rule in RULES.values()]
    first["left"] = first["level"] = np.nan
    for name in ("since", "last", "kept"):
        first[name] = -_LONG_AGO % 256
    first.flags.writeable = False
    return first


class Raising:
    """The limits of some meters, and which alarms are on, while each has one more reading.

    Args:
        state: (meters,) their records, changed in place.
        at: (meters,) the minutes of the readings.

    Attributes:
        raised: rows and alarms, in the order in which they were raised.
        seen: (meters,) readings so far, these included.
        limits: (meters, limits) the limits, in the order of the rules.
    """

    def __init__(self, state: Records, at: TimeArray) -> None:
        self.raised: list[tuple[int, Alarm]] = []
        self.seen: NDArray[np.uint32] = state["seen"] + 1
        state["seen"] = self.seen
        self.limits: DoubleArray = state["limits"]
        self._state, self._at = state, at
        self._clock = self.seen.astype(np.uint8)

    def limit(self, name: str) -> DoubleArray:
        """(meters,) the limits of one name."""
        return self.limits[:, _PLACES[name]]

    def anomaly(self, name: str, scores: DoubleArray, text: Text) -> None:
        """Raise an anomaly where the scores are above their limit."""
        rows = np.flatnonzero(scores > self.limit(name))
        if rows.size:
            rows, sizes = self.exceeded(name, rows, scores[rows])
            self.put_on(
                Alarm.ANOMALY, rows, sizes, lambda row, size: anomaly_text(text(row, size), size)
            )

    def exceeded(
        self, name: str, rows: IntArray, scores: NDArray[Any]
    ) -> tuple[IntArray, list[float]]:
        """Take note of scores above their limits, one by one: they are few.

        Args:
            name: of the limits.
            rows: (exceedances,) of the meters.
            scores: (exceedances,) the scores.

        Returns:
            The rows of what sets off an event, and the sizes of that.
        """
        state, place = self._state, _PLACES[name]
        clock, seen = self._clock[rows], self.seen[rows].astype(np.int64)
        columns = (
            self.limits[rows, place],
            state["events"][rows, place],
            seen - (clock - state["since"][rows, place]),
            seen - (clock - state["last"][rows, place]),
        )
        limit = AdaptiveThreshold(RULES[name])
        found, after = [], []
        for score, reading, *before in zip(
            scores.tolist(), seen.tolist(), *(column.tolist() for column in columns), strict=True
        ):
            limit.restore(before)
            found.append(limit.exceeded(float(score), reading))
            after.append(limit.state())
        value, events, since, last = zip(*after, strict=True)
        self.limits[rows, place] = value
        state["events"][rows, place] = np.minimum(events, STEADY)
        state["since"][rows, place] = np.array(since, np.int64) % 256
        state["last"][rows, place] = np.array(last, np.int64) % 256
        events_at = [index for index, size in enumerate(found) if size is not None]
        return rows[events_at], [size for size in found if size is not None]

    def put_on(self, kind: str, rows: IntArray, sizes: Sequence[float], text: Text) -> None:
        """Raise alarms, or keep on those of the kind that are on already."""
        new = np.flatnonzero(~self.is_on(kind, rows))
        self.keep(kind, rows)
        for index in new.tolist():
            row, size = int(rows[index]), sizes[index]
            self.raised.append((row, Alarm(kind, self._at[row].item(), text(row, size), size)))

    def is_on(self, kind: str, rows: IntArray) -> BoolArray:
        """Whether an alarm of a kind is on already."""
        # What was raised at the last reading and lasts for none is only over after this one.
        readings = self._clock[rows] - self._state["kept"][rows, _KINDS[kind]]
        on: BoolArray = readings <= LASTS[kind] + 1
        return on

    def keep(self, kind: str, rows: IntArray) -> None:
        """Keep on the alarms of a kind."""
        self._state["kept"][rows, _KINDS[kind]] = self._clock[rows]

    def close_hour(self, rows: IntArray) -> None:
        """Lower the limits, and learn the level of the house."""
        if not rows.size:
            return
        state = self._state
        wanes = _WANES[state["events"][rows], np.arange(len(_FLOORS))]
        self.limits[rows] = np.maximum(_FLOORS, self.limits[rows] * wanes)
        clock = self._clock[rows, None]
        for name in ("since", "last", "kept"):
            state[name][rows] = clock - np.minimum(clock - state[name][rows], _LONG_AGO)
        level, summed = state["level"][rows], state["summed"][rows]
        mean = state["drawn"][rows] / summed
        weight = np.maximum(HOUR / DAY, HOUR / self.seen[rows])
        moved = np.where(np.isnan(level), mean, level + weight * (mean - level))
        state["level"][rows] = np.where(summed > 0, moved, level)
        state["drawn"][rows] = 0.0
        state["summed"][rows] = 0
