"""Thresholds of many meters, and the alarms that they raise; the records of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.alarms.active import LASTS
from streamer.alarms.budget import SIZES
from streamer.alarms.rules import RULES
from streamer.alarms.scale import DIGITS
from streamer.alarms.texts import BEFORE, SINCE, anomaly_text
from streamer.alarms.thresholds import DAY, HOUR, STEADY, AdaptiveThreshold
from streamer.fleet.memories import MEMORY, close_hour
from streamer.readings import Alarm
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records, TimeArray

Text = Callable[[int, float], str]
"""Function from the row of a meter and the size of its alarm to the alarm's text."""

_PLACES = {name: place for place, name in enumerate(RULES)}
_KINDS = {kind: place for place, kind in enumerate((Alarm.ANOMALY, Alarm.STUCK, Alarm.UNIT))}

_LONG_AGO = HOUR + 1
"""Number of readings beyond which no rule distinguishes: none looks back more than an hour.
Times are stored as the count of readings modulo 256, and limited to this age once an hour."""

_FLOORS = np.array([rule.floor for rule in RULES.values()])

_DECAYS = np.array(
    [[rule.decay(events) for rule in RULES.values()] for events in range(STEADY + 1)]
)
"""(events, thresholds) factor by which an hour multiplies a threshold."""

METER = np.dtype(
    [
        ("recent", np.float64, BEFORE + SINCE - 1),  # the last readings, in kW
        ("limits", np.float64, len(RULES)),  # the thresholds
        ("memory", MEMORY),  # exports, loads and long runs
        ("left", np.float64, 3),  # a reading outside its band, middle and width of that; or NaN
        ("level", np.float64),  # mean power of the house, in kW; NaN in the first hour
        ("base", np.float64),  # base load of the house, in kW; NaN before the first reading
        ("drawn", np.float64),  # sum of the absolute readings of this hour, in kW
        ("decimals", np.uint32, DIGITS + 1),  # readings by their number of decimals
        ("seen", np.uint32),  # readings so far
        ("raised", np.uint32, len(SIZES) - 1),  # numbers of those with the last anomalies
        ("run", np.uint16),  # consecutive readings of the last value, at most DAY + 1
        ("repeats", np.uint16),  # level of repetitions in the last day
        ("summed", np.uint8),  # readings in `drawn`
        ("known", np.uint8),  # readings of `recent` since the last gap
        ("odd", np.int8),  # consecutive readings in another unit; negative if kW read as W
        ("events", np.uint8, len(RULES)),  # events of each threshold, at most STEADY
        ("since", np.uint8, len(RULES)),  # beginning of the event of each threshold
        ("last", np.uint8, len(RULES)),  # last time that each threshold was exceeded
        ("kept", np.uint8, len(_KINDS)),  # last time that an alarm of each kind was raised or kept
        ("plateau", np.bool_),  # whether the run of the last value began like a plateau
    ],
    align=True,
)


def first_record() -> Records:
    """Record of a new meter, read-only and without dimensions."""
    first = np.zeros((), METER)
    first["limits"] = [rule.start for rule in RULES.values()]
    first["left"] = first["level"] = first["base"] = np.nan
    for name in ("since", "last", "kept"):
        first[name] = -_LONG_AGO % 256
    first.flags.writeable = False
    return first


class AlarmRaiser:
    """Thresholds and active alarms of some meters, for one new reading of each.

    Args:
        state: (meters,) their records, changed in place.
        at: (meters,) minutes of the readings.

    Attributes:
        raised: rows and alarms, in the order in which they were raised.
        seen: (meters,) readings so far, these included.
        limits: (meters, thresholds) the thresholds, in the order of the rules.
    """

    def __init__(self, state: Records, at: TimeArray) -> None:
        self.raised: list[tuple[int, Alarm]] = []
        self.seen: NDArray[np.uint32] = state["seen"] + 1
        state["seen"] = self.seen
        self.limits: DoubleArray = state["limits"]
        self._state, self._at = state, at
        self._clock = self.seen.astype(np.uint8)

    def limit(self, name: str) -> DoubleArray:
        """(meters,) the thresholds of one rule."""
        return self.limits[:, _PLACES[name]]

    def anomaly(
        self,
        name: str,
        scores: DoubleArray,
        text: Text,
        *,
        unless: Callable[[IntArray], BoolArray] | None = None,
        weight: float = 1.0,
    ) -> None:
        """Raise an anomaly for each score above its threshold.

        Args:
            name: name of the rule.
            scores: (meters,) the scores, NaN where there is none.
            text: text of an alarm.
            unless: function from rows to those of them that are ordinary all the same.
            weight: factor on the sizes in the budget of a day.
        """
        rows = np.flatnonzero(scores > self.limit(name))
        if rows.size and unless is not None:
            rows = rows[~unless(rows)]
        if rows.size:
            rows, sizes = self.exceeded(name, rows, scores[rows])
            self.put_on_anomalies(rows, sizes, text, weight=weight)

    def put_on_anomalies(
        self, rows: IntArray, sizes: Sequence[float], text: Text, *, weight: float = 1.0
    ) -> None:
        """Raise anomalies within the budget of a day, or extend those that are on."""
        seen, raised = self.seen[rows], self._state["raised"]
        last = ((raised[rows] > 0) & (seen[:, None] - raised[rows] < DAY)).sum(axis=1)
        on = self.is_on(Alarm.ANOMALY, rows)
        allowed = ~on & (weight * np.array(sizes) >= np.array(SIZES)[last])
        new = rows[allowed]
        raised[new, :-1] = raised[new, 1:]
        raised[new, -1] = self.seen[new]
        chosen = np.flatnonzero(on | allowed)
        self.put_on(
            Alarm.ANOMALY,
            rows[chosen],
            [sizes[index] for index in chosen.tolist()],
            lambda row, size: anomaly_text(text(row, size), size),
        )

    def exceeded(
        self, name: str, rows: IntArray, scores: NDArray[Any]
    ) -> tuple[IntArray, list[float]]:
        """Update thresholds that were exceeded, one by one, because they are few.

        Args:
            name: name of the rule.
            rows: (exceedances,) rows of the meters.
            scores: (exceedances,) scores above their thresholds.

        Returns:
            The rows at which an event begins, and the sizes of those events.
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
        """Raise alarms, or extend those of the kind that are already on."""
        new = np.flatnonzero(~self.is_on(kind, rows))
        self.keep(kind, rows)
        for index in new.tolist():
            row, size = int(rows[index]), sizes[index]
            self.raised.append((row, Alarm(kind, self._at[row].item(), text(row, size), size)))

    def is_on(self, kind: str, rows: IntArray) -> BoolArray:
        """Whether an alarm of a kind is already on."""
        # An alarm that lasts for no further reading is over only after this one.
        readings = self._clock[rows] - self._state["kept"][rows, _KINDS[kind]]
        on: BoolArray = readings <= LASTS[kind] + 1
        return on

    def keep(self, kind: str, rows: IntArray) -> None:
        """Extend the alarms of a kind."""
        self._state["kept"][rows, _KINDS[kind]] = self._clock[rows]

    def close_hour(self, rows: IntArray) -> None:
        """Lower the thresholds, and update the mean level of the house."""
        if not rows.size:
            return
        state = self._state
        wanes = _DECAYS[state["events"][rows], np.arange(len(_FLOORS))]
        self.limits[rows] = np.maximum(_FLOORS, self.limits[rows] * wanes)
        close_hour(state["memory"], rows, self.seen[rows])
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
