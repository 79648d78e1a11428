"""Alarms: what a person should look at, found as the readings come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.alarms.drift import Drift
from streamer.alarms.scale import Scale
from streamer.alarms.thresholds import DAY, HOUR, QUIET, Limit, Rule
from streamer.readings import Alarm, Forecast
from streamer.readings.order import IntArray

HUGE_KW = 1e9
"""Whatever is larger counts as this, so that no sum or product overflows."""

RULES = {
    "far": Rule(0.3, 6.0, 1.0),  # above the middle, over the root of the half width: √kW
    "jump": Rule(0.4, 2.5, 0.3),  # above the middle, in kW
    "lasting": Rule(0.35, 1.5, 0.2),  # risen and not fallen again, in kW
    "scale": Rule(0.3, 0.5, 0.05),  # fourth root of a likelihood ratio
    "fall": Rule(0.1, 15.0, 4.0),  # below the middle, in half widths
    "export": Rule(0.05, 0.02, 0.01),  # below zero, in kW
    # How often a value comes in a row. A house that is empty for weeks, on a meter of 2 W, had
    # two runs of 14 a day: with a smaller share, a stuck meter was found late there.
    "stuck": Rule(1.0, 14.0, 13.0, caution=1.0, reach=40.0, step=0.02, adopts=False),
}

BEFORE, SINCE = 5, 4
"""Readings before a lasting rise, and readings that it must last."""

NARROWEST_KW = 0.02
"""A band is taken to be at least as wide as this."""

LEARN_DIGITS = 6
"""Every so many readings, the decimals are counted; an hour is a multiple of it."""

WATTS_KW, WATTS_TIMES, WATTS_READINGS = 25.0, 40.0, 3
KILO_KW, KILO_TIMES, KILO_READINGS = 0.01, 0.01, 5
"""Watts read as kW, and the other way: above or below this, and this multiple of the mean
of the house, for so many readings in a row."""

LASTS = {Alarm.ANOMALY: QUIET, Alarm.STUCK: 0, Alarm.UNIT: QUIET, Alarm.DRIFT: DAY}
"""Readings for which an alarm stays on after what raised it, by kind."""


class Alarms:
    """Raises alarms, and clears them by itself.

    **Anomaly, stuck.** Several scores, each with a limit of its own that finds its level online:
    source, guarantee and what breaks it are told in `streamer.alarms.thresholds.Limit`. Those of
    an anomaly may have 1.5 events a day together, fewer where they coincide. They are: the
    distance above the middle of the band over the root of its half width there, which is between
    the distance in kW (big things in a restless hour) and in half widths (small things in a quiet
    one); the distance in kW; the rise of the last four readings over the five before, which
    outlasts a kettle; another scale (`streamer.alarms.scale.Scale`); the distance below the middle
    in half widths; and how far below zero a reading is. Measured and left out, since at the same
    rate they found no more: the distance above in half widths (of 3 kW heaters, 13 % in a second
    house where the distance in kW found 96 %), the level itself, and how rare a switching event of
    this size is in this house. What is not found: a heater of 1 kW, since a house switches that
    much on twenty times a day, and often one of 2 kW.

    **Unit.** Three readings in a row above 25 kW and forty times the mean of this house so far
    (if there is one yet) are taken for watts read as kW; five below 10 W and a hundredth of the
    mean for kW read as W. Meanwhile there are no anomalies. A rule of thumb without a source or
    a guarantee. What breaks it: a works' meter, for which it stays on.

    **Drift.** Source, guarantee and what breaks it are told in `streamer.alarms.drift.Drift`.

    >>> from datetime import timedelta
    >>> alarms, start = Alarms(), datetime(2010, 3, 19)
    >>> for minute in range(16):
    ...     at = start + minute * timedelta(minutes=1)
    ...     on = alarms.settle(at=at, kw=0.3, forecast=None, missing=0)
    >>> on[0].kind, on[0].text
    ('stuck', '0.3 kW 15 times in a row: more than this meter repeats a value')
    >>> alarms.settle(at=at + timedelta(minutes=1), kw=0.4, forecast=None, missing=0)
    ()
    """

    def __init__(self) -> None:
        self._drift = Drift()
        self._limits = {name: Limit(rule) for name, rule in RULES.items()}
        self._far, self._jump, self._lasting = (self._limits[k] for k in ("far", "jump", "lasting"))
        self._fall, self._export, self._stuck = (
            self._limits[k] for k in ("fall", "export", "stuck")
        )
        self._scale = Scale()
        self._seen = 0
        self._value: float | None = None
        self._run = 0
        self._recent: list[float] = []
        self._left: list[float] | None = None
        self._level: float | None = None
        self._odd = 0
        self._sums = [0.0, 0.0, 0.0, 0.0]
        self._on: dict[str, tuple[Alarm, int]] = {}
        self._next_off = 0
        self._shown: tuple[Alarm, ...] = ()

    def settle(
        self, *, at: datetime, kw: float, forecast: Forecast | None, missing: int
    ) -> tuple[Alarm, ...]:
        """Look at one reading.

        Args:
            at: its minute.
            kw: its value in kW.
            forecast: the one that it settles, if there is one.
            missing: minutes missing just before it.

        Returns:
            The alarms that are on, oldest first.
        """
        middle = low = high = math.nan
        if forecast is not None:
            middle = forecast.kw if forecast.median_kw is None else forecast.median_kw
            if forecast.low_kw is not None and forecast.high_kw is not None:
                low, high = forecast.low_kw, forecast.high_kw
        self._settle(kw, middle, low, high, missing, at)
        return self._shown

    def settle_many(
        self,
        *,
        at: NDArray[np.datetime64],
        kw: NDArray[np.float64],
        median_kw: NDArray[np.float64],
        low_kw: NDArray[np.float64],
        high_kw: NDArray[np.float64],
        missing: IntArray,
    ) -> list[Alarm]:
        """Look at readings one after the other, as `settle` would.

        Args:
            at: (readings,) their minutes.
            kw: (readings,) their values.
            median_kw: (readings,) the middle of what was forecast, NaN where nothing was.
            low_kw: (readings,) lower ends of the bands, NaN where there is none.
            high_kw: (readings,) upper ends.
            missing: (readings,) minutes missing before each.

        Returns:
            The alarms raised, in order.
        """
        raised: list[Alarm] = []
        columns = (kw, median_kw, low_kw, high_kw, missing, at.astype("datetime64[us]"))
        shown = self._shown
        for row in zip(*(column.tolist() for column in columns), strict=True):
            self._settle(*row)
            if self._shown is not shown:
                raised += [alarm for alarm in self._shown if alarm not in shown]
                shown = self._shown
        return raised

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain JSON values."""
        return {
            "drift": self._drift.state(),
            "limits": {name: limit.state() for name, limit in self._limits.items()},
            "scale": self._scale.state(),
            "seen": self._seen,
            "value": self._value,
            "run": self._run,
            "recent": list(self._recent),
            "left": self._left,
            "level": self._level,
            "odd": self._odd,
            "sums": list(self._sums),
            "on": [
                [alarm.kind, alarm.at.isoformat(), alarm.text, alarm.size, until]
                for alarm, until in self._on.values()
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave, bit for bit."""
        self._drift.restore(state["drift"])
        for name, limit in self._limits.items():
            limit.restore(state["limits"][name])
        self._scale.restore(state["scale"])
        self._seen, self._run, self._odd = state["seen"], state["run"], state["odd"]
        self._value, self._level, self._left = state["value"], state["level"], state["left"]
        self._recent, self._sums = list(state["recent"]), list(state["sums"])
        self._on = {
            kind: (Alarm(kind, datetime.fromisoformat(at), text, size), until)
            for kind, at, text, size, until in state["on"]
        }
        self._show()

    def _settle(
        self, kw: float, middle: float, low: float, high: float, missing: int, at: datetime
    ) -> None:
        self._seen = seen = self._seen + 1
        recent, sums = self._recent, self._sums
        if missing:
            recent.clear()
            self._left = self._value = None
        y = min(max(kw, -HUGE_KW), HUGE_KW)
        if kw == self._value:
            self._repeat(kw, at)
        else:
            self._value, self._run = kw, 1
        if self._odd or not KILO_KW <= y <= WATTS_KW:
            self._look_at_unit(y, at)
        if not self._odd:
            sums[0] += abs(y)
            sums[1] += 1.0
        if middle == middle:
            middle = min(max(middle, -HUGE_KW), HUGE_KW)
            sums[2] += abs(y - middle)
            sums[3] += 1.0
            # A NaN fails every comparison: without a band, this sits still. So it does while
            # the unit is in doubt, since that says it all.
            if 0.0 <= high - low < HUGE_KW and -KILO_READINGS < self._odd < WATTS_READINGS:
                self._compare(y, middle, low, high, at)
        recent.append(y)
        if len(recent) == BEFORE + SINCE:
            del recent[0]
        if not seen % LEARN_DIGITS:
            self._learn(y, at)
        if self._on and seen > self._next_off:
            self._clear()

    def _compare(self, y: float, middle: float, low: float, high: float, at: datetime) -> None:
        """Hold a reading against its band."""
        up = y - middle
        if up > 0.0:
            far = up / math.sqrt(max(high - middle, 0.5 * NARROWEST_KW))
            if far > self._far.value:
                self._anomaly("far", far, far_text(y, low, high), at)
            if up > self._jump.value:
                self._anomaly("jump", up, far_text(y, low, high), at)
        else:
            fall = -up / max(middle - low, 0.5 * NARROWEST_KW)
            if fall > self._fall.value:
                self._anomaly("fall", fall, far_text(y, low, high), at)
            if -y > self._export.value:
                self._anomaly("export", -y, export_text(y), at)
        width = max(high - low, NARROWEST_KW)
        left, self._left = self._left, None
        if left is not None:
            self._look_at_scale(y, left, at)
        elif abs(up) > 2.0 * width:
            self._left = [y, middle, width]
        recent = self._recent
        # The first of the readings before bounds the rise from above, and is quickly looked at.
        if len(recent) == BEFORE + SINCE - 1 and y - recent[0] > self._lasting.value:
            rise = min(*recent[BEFORE:], y) - max(recent[:BEFORE])
            if rise > self._lasting.value:
                self._anomaly("lasting", rise, lasting_text(rise), at)

    def _look_at_scale(self, y: float, left: list[float], at: datetime) -> None:
        """Weigh whether a reading that left the band and this one have another scale."""
        first, middle, width = left
        likeness = self._scale.likeness(first, y, middle=middle, width=width)
        if likeness > self._limits["scale"].value:
            self._anomaly("scale", likeness, scale_text(first, y, middle), at)

    def _repeat(self, kw: float, at: datetime) -> None:
        """Count a value that has come once more."""
        self._run += 1
        run = self._run
        if run > DAY:
            return
        if Alarm.STUCK in self._on:
            self._keep(Alarm.STUCK)
        if run > self._stuck.value:
            size = self._stuck.exceeded(float(run), self._seen)
            if size is not None:
                self._raise(Alarm.STUCK, size, stuck_text(kw, run), at)

    def _look_at_unit(self, y: float, at: datetime) -> None:
        """Count readings in a row that only another unit explains."""
        size, level = abs(y), self._level
        most, least = WATTS_KW, KILO_KW
        if level is not None:
            most, least = max(most, WATTS_TIMES * level), min(least, KILO_TIMES * level)
        if size > most:
            self._odd = max(self._odd, 0) + 1
            if self._odd >= WATTS_READINGS:
                self._raise(Alarm.UNIT, size / most, watts_text(y), at)
        elif 0.0 < size < least:
            self._odd = min(self._odd, 0) - 1
            if self._odd <= -KILO_READINGS:
                self._raise(Alarm.UNIT, min(least / size, HUGE_KW), kilo_text(y), at)
        else:
            self._odd = 0

    def _learn(self, y: float, at: datetime) -> None:
        """What is done now and then: count decimals, and close the hour once it is full."""
        self._scale.learn(y)
        if self._seen % HOUR:
            return
        for limit in self._limits.values():
            limit.close_hour()
        drawn, readings, errors, settled = self._sums
        if readings:
            mean = drawn / readings
            weight = max(HOUR / DAY, HOUR / self._seen)
            self._level = (
                mean if self._level is None else self._level + weight * (mean - self._level)
            )
        self._sums = [0.0, 0.0, 0.0, 0.0]
        if settled < 0.5 * HOUR:
            return
        change = self._drift.update(errors / settled)
        if change is not None:
            times = change.after_kw / change.before_kw
            text = (
                f"the errors are {times:.3g} times what they were: {change.after_kw:.3g} kW, "
                f"{change.before_kw:.3g} kW before, since {change.hours} h"
            )
            self._raise(Alarm.DRIFT, change.size, text, at)

    def _anomaly(self, name: str, score: float, text: str, at: datetime) -> None:
        size = self._limits[name].exceeded(score, self._seen)
        if size is not None:
            self._raise(Alarm.ANOMALY, size, anomaly_text(text, size), at)

    def _raise(self, kind: str, size: float, text: str, at: datetime) -> None:
        """Raise an alarm, or keep on the one of the kind that is on already."""
        if kind not in self._on:
            self._on[kind] = (Alarm(kind, at, text, size), 0)
            self._show()
        self._keep(kind)

    def _keep(self, kind: str) -> None:
        self._on[kind] = (self._on[kind][0], self._seen + LASTS[kind])
        self._next_off = min(until for _, until in self._on.values())

    def _clear(self) -> None:
        """Take off what is over."""
        self._on = {kind: entry for kind, entry in self._on.items() if entry[1] >= self._seen}
        self._show()

    def _show(self) -> None:
        self._shown = tuple(alarm for alarm, _ in self._on.values())
        self._next_off = min((until for _, until in self._on.values()), default=0)


def anomaly_text(text: str, size: float) -> str:
    """What an anomaly says: the text of its score, and how much it is."""
    return f"{text}: {size:.3g} times the limit"


def far_text(y: float, low: float, high: float) -> str:
    """Of a reading far from its band."""
    return f"{y:.4g} kW where {low:.4g} to {high:.4g} was expected"


def export_text(y: float) -> str:
    """Of a reading far below zero."""
    return f"{y:.4g} kW: more export than this house is known for"


def lasting_text(rise: float) -> str:
    """Of a rise that lasts."""
    return f"{rise:.4g} kW more than before, for {SINCE} readings by now"


def scale_text(first: float, y: float, middle: float) -> str:
    """Of two readings in a row that seem to have another scale."""
    what = "ten times" if first > middle else "a tenth of"
    values = f"{first:.4g} and {y:.4g} kW, with {middle:.4g} kW expected"
    return f"{values}: perhaps {what} the true power"


def stuck_text(kw: float, run: int) -> str:
    """Of a value that has come so many times in a row."""
    return f"{kw:.4g} kW {run} times in a row: more than this meter repeats a value"


def watts_text(y: float) -> str:
    """Of readings that are too large for kW."""
    return f"{y:.4g} kW looks like watts read as kW: give --unit W, or so"


def kilo_text(y: float) -> str:
    """Of readings that are too small for W."""
    return f"{y:.4g} kW looks like kW read as watts: give --unit kW, or so"
