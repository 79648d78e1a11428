"""Screening of samples: those that cannot be right are reported, and unknown or left out.

No I/O and no clock: times are passed in, in seconds on a monotonic clock.
"""

from __future__ import annotations

import math
from dataclasses import replace

from streamer.readings import Notice, Sample
from streamer.sources.live.channel import ChannelMeans
from streamer.sources.live.means import AnySample
from streamer.sources.live.notices import Remark
from streamer.sources.live.reports import Reports
from streamer.sources.live.rules import LiveRules

# From 1970 to the year 5138: times outside cannot be right, nor all converted to local time.
_MIN_TIME_S, _MAX_TIME_S = 0.0, 1e11


class Screening:
    """Screening of samples by their kind, value and time.

    Args:
        rules: rules for the minute means.
        reports: takes the remarks.
    """

    def __init__(self, rules: LiveRules, reports: Reports) -> None:
        self._rules = rules
        self._reports = reports

    def passed(
        self, channel: ChannelMeans, sample: AnySample, arrived_s: float
    ) -> AnySample | None:
        """Return a sample, unknown if its value cannot be right; None if it is left out.

        Raises:
            UnitError: the values cannot be in the unit in which they are read.
        """
        if not channel.means.accepts(sample):
            text = "the feed mixes powers and energy registers; skipped"
            self.remark(channel, Remark(Notice.MALFORMED, text), arrived_s)
            return None
        kw = sample.kw if isinstance(sample, Sample) else math.nan
        sample, remarks = channel.screened(sample, arrived_s)
        for remark in remarks:
            self.remark(channel, remark, arrived_s)
        if isinstance(sample, Sample) and abs(kw) > channel.most:
            # Six digits are enough to recognise the value.
            text = f"{kw:.6g} {channel.measure.unit}"
            self.remark(channel, Remark(Notice.ABSURD, text), arrived_s)
            sample = replace(sample, kw=channel.REJECTED)
        if why := self._why_invalid(sample):
            self.remark(channel, Remark(Notice.ORDER, f"a value {why}; skipped"), arrived_s)
            return None
        return sample

    def remark(self, channel: ChannelMeans, remark: Remark, arrived_s: float) -> None:
        """Report a remark on a channel."""
        text = f"{channel.label}{remark.text}"
        if remark.kind == Notice.ABSURD:
            measure, only = channel.measure, not channel.means.any_power
            why = f"{measure.beyond}; {channel.remedy}"
            most = f"{channel.most:g} {measure.unit}"
            self._reports.implausible(text, why, arrived_s, most=most, only=only)
        else:
            self._reports.remark(replace(remark, text=text), arrived_s)

    def _why_invalid(self, sample: AnySample) -> str:
        """Reason why a sample cannot be used for its time; empty if it can."""
        if sample.at is None:
            # Otherwise its arrival counts.
            return "has no time, which --clock feed requires" if self._rules.by_feed else ""
        is_valid = _MIN_TIME_S <= sample.at.timestamp() <= _MAX_TIME_S
        return "" if is_valid else f"has the invalid time {sample.at}"
