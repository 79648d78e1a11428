"""Remarks on a feed as a whole, each made once: samples too rare, and no value."""

from __future__ import annotations

import math

from streamer.display.durations import apart
from streamer.feeds import Pace
from streamer.feeds.advice import Advice
from streamer.readings import Notice
from streamer.sources.live.minutes import MINUTE_S
from streamer.sources.live.notices import Remark
from streamer.sources.live.spacing import Spacing

_AGAIN_S = 600.0


class Remarks:
    """Remarks on the pace and the values of a feed, and remedies that suit it.

    Args:
        pace: what is known beforehand of how often samples arrive.
        advice: remedies that suit the feed.
    """

    def __init__(self, pace: Pace, advice: Advice) -> None:
        self._setting = f"set {pace.setting}" if pace.setting else advice.pace
        self._unit = advice.unit
        self._is_coarse = False
        self._is_unknown = False
        self._is_told = False
        self._told_s = -math.inf

    @property
    def unit_remedy(self) -> str:
        """What to do about values that are too large."""
        if self._unit:
            return f"{self._unit}; otherwise raise --max-kw"
        return "if that is right, raise --max-kw"

    def spacing(self, spacing: Spacing, *, is_counter: bool) -> list[Remark]:
        """Return a remark if samples are usually more than a minute apart, once."""
        typical_s = spacing.typical_s
        if self._is_coarse or not (spacing.is_coarse and spacing.has_typical) or typical_s is None:
            return []
        self._is_coarse = True
        share = "the" if is_counter else f"{1 - MINUTE_S / typical_s:.0%} of the".replace("%", " %")
        text = f"samples arrive every {apart(typical_s)}, coarser than a minute: {share} minutes "
        text += "are gaps" + (f"; {self._setting}" if self._setting else "")
        return [Remark(Notice.WARNING, text)]

    def value(self, value: float, now_s: float) -> list[Remark]:
        """Return a remark if the meter begins or ends to report NaN.

        A meter that often changes between the two gives one every ten minutes at most.
        """
        is_unknown = math.isnan(value)
        if is_unknown == self._is_unknown:
            return []
        self._is_unknown = is_unknown
        if is_unknown and now_s - self._told_s >= _AGAIN_S:
            self._is_told, self._told_s = True, now_s
            text = "the meter reports no value; its minutes are gaps until it does"
            return [Remark(Notice.WARNING, text)]
        if not is_unknown and self._is_told:
            self._is_told = False
            return [Remark(Notice.EVENT, "the meter reports values again")]
        return []
