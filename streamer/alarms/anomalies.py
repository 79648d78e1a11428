"""Detectors of readings that are unusual for their band, their house or its loads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from streamer.alarms.active import ActiveAlarms
from streamer.alarms.budget import DailyBudget
from streamer.alarms.exports import ExportMemory
from streamer.alarms.loads import MIN_KW as LARGE_KW
from streamer.alarms.loads import KnownLoads
from streamer.alarms.rules import LASTING_WEIGHT, LOAD_KW, MIN_WIDTH_KW
from streamer.alarms.scale import DecimalShiftTest
from streamer.alarms.texts import (
    BEFORE,
    SINCE,
    anomaly_text,
    export_text,
    far_text,
    lasting_text,
    scale_text,
)
from streamer.alarms.thresholds import AdaptiveThreshold
from streamer.readings import Alarm
from streamer.readings.saved import numbers


class AnomalyDetector:
    """Compares readings with their bands, the exports of the house and its known loads.

    Source, guarantee and limits are documented in `streamer.alarms.detectors.Alarms`.

    Args:
        thresholds: the thresholds by the names of their rules.
        active: the active alarms, in which anomalies are raised.

    Attributes:
        scale: test for decimal shifts.
        exports: the largest export.
        loads: large loads that come again and again.
        left: a reading that left its band, the middle and the width of that; None if the last
            one did not.
    """

    __slots__ = ("_active", "_budget", "_thresholds", "exports", "left", "loads", "scale")

    def __init__(self, thresholds: Mapping[str, AdaptiveThreshold], active: ActiveAlarms) -> None:
        self._thresholds, self._active = thresholds, active
        self._budget = DailyBudget()
        self.scale = DecimalShiftTest()
        self.exports = ExportMemory()
        self.loads = KnownLoads()
        self.left: list[float] | None = None

    def compare(
        self,
        y: float,
        middle: float,
        low: float,
        high: float,
        *,
        recent: Sequence[float],
        at: datetime,
        seen: int,
    ) -> None:
        """Compare a reading with its band.

        Args:
            y: the reading in kW, within bounds.
            middle: middle of its band in kW.
            low: lower end of the band in kW.
            high: upper end in kW.
            recent: the readings before it since the last gap, eight at most, within bounds.
            at: minute of the reading.
            seen: number of the reading.
        """
        up, width = y - middle, max(high - low, MIN_WIDTH_KW)
        if up > 0.0:
            far = up / math.sqrt(max(high - middle, 0.5 * MIN_WIDTH_KW))
            thresholds = self._thresholds
            # Cheap checks first: nearly all readings end here.
            if far > thresholds["far"].value or up > thresholds["jump"].value or up > LOAD_KW:
                self._look_above(y, middle, far, (low, high), recent, at, seen)
        else:
            fall = -up / max(middle - low, 0.5 * MIN_WIDTH_KW)
            if fall > self._thresholds["fall"].value and not self._is_known_fall(y, recent):
                self._score("fall", fall, far_text(y, low, high), at, seen)
            if -y > self.exports.most_kw:
                self._look_at_export(-y, at, seen)
        left, self.left = self.left, None
        # Zero is ten times itself, and around zero any reading is ten times another.
        if y and left is not None:
            self._look_at_scale(y, left, recent, at, seen)
        elif y and abs(up) > 2.0 * width and 2.0 * abs(middle) > width:
            self.left = [y, middle, width]
        # A cheap check first: the first of the earlier readings bounds the rise from above.
        lasting = self._thresholds["lasting"].value
        if len(recent) == BEFORE + SINCE - 1 and y - recent[0] > lasting:
            rise = min(*recent[BEFORE:], y) - max(recent[:BEFORE])
            if rise > lasting and not self._is_known(y, recent):
                self._score("lasting", rise, lasting_text(rise), at, seen)

    def close_hour(self, seen: int) -> None:
        """Forget an hour's share of the exports and loads after so many readings."""
        self.exports.close_hour(seen)
        self.loads.close_hour()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "scale": self.scale.state(),
            "left": self.left,
            "exports": self.exports.state(),
            "loads": self.loads.state(),
            "budget": list(self._budget.raised),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; what a former one does not have begins anew.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        self.scale.restore(state["scale"])
        left = state["left"]
        if left is not None:
            first, middle, width = numbers(left, most=3)
            self.left = [first, middle, max(width, MIN_WIDTH_KW)]
        for name, part in (
            ("exports", self.exports),
            ("loads", self.loads),
            ("budget", self._budget),
        ):
            if name in state:
                part.restore(state[name])

    def _look_above(
        self,
        y: float,
        middle: float,
        far: float,
        band: tuple[float, float],
        recent: Sequence[float],
        at: datetime,
        seen: int,
    ) -> None:
        """Compare the scores of a reading above its middle, unless a known load may begin."""
        up = y - middle
        if not self.loads.may_begin(y - min(recent, default=middle)):
            if far > self._thresholds["far"].value:
                self._score("far", far, far_text(y, *band), at, seen)
            if up > self._thresholds["jump"].value:
                self._score("jump", up, far_text(y, *band), at, seen)
        before = min(recent[-2:], default=y)
        if up > LOAD_KW and not self.loads.minutes and y - before >= LARGE_KW:
            self.loads.begin(before)
            self.loads.follow(y)

    def _is_known(self, y: float, recent: Sequence[float]) -> bool:
        """Whether the rise of the last four readings is that of a known load."""
        if not self.loads.most_kw or not recent:
            return False
        return self.loads.explains(max(*recent[1 - SINCE :], y) - min(recent))

    def _is_known_fall(self, y: float, recent: Sequence[float]) -> bool:
        """Whether a fall may be that of a known load that ends, or varies after it has begun."""
        loads = self.loads
        return loads.has_begun(y) or loads.may_end(max(recent, default=-math.inf), y)

    def _look_at_export(self, kw: float, at: datetime, seen: int) -> None:
        """Compare an export with the largest before."""
        text = export_text(kw, self.exports.known_kw)
        size = self.exports.see(kw, seen)
        if size is not None:
            self._raise(size, text, at, seen)

    def _look_at_scale(
        self, y: float, left: list[float], recent: Sequence[float], at: datetime, seen: int
    ) -> None:
        """Test a reading that left its band, and this one, for a decimal shift."""
        first, middle, width = left
        evidence = self.scale.evidence(first, y, middle=middle, width=width)
        if evidence > self._thresholds["scale"].value and not self._is_known(y, recent):
            self._score("scale", evidence, scale_text(first, y, middle), at, seen)

    def _score(self, name: str, score: float, text: str, at: datetime, seen: int) -> None:
        """Raise an anomaly if a score above its threshold is an event."""
        size = self._thresholds[name].exceeded(score, seen)
        if size is not None:
            self._raise(size, text, at, seen, LASTING_WEIGHT if name == "lasting" else 1.0)

    def _raise(self, size: float, text: str, at: datetime, seen: int, weight: float = 1.0) -> None:
        """Raise an anomaly within the budget of a day, or extend the active one."""
        if Alarm.ANOMALY in self._active:
            self._active.keep(Alarm.ANOMALY, seen=seen)
        elif self._budget.allows(weight * size, seen):
            self._active.start(Alarm.ANOMALY, size, anomaly_text(text, size), at, seen=seen)
