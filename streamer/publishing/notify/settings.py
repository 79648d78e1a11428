"""Settings of notifications, and their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from streamer.feeds.address import Secret

PEAK, ANOMALY, SILENT, BACK, SUMMARY = "peak", "anomaly", "silent", "back", "summary"
"""Kinds of notifications; `BACK` is the end of what `SILENT` has reported."""

A_DAY, A_MONTH = 3, 10
"""Most notifications of anomalies in 24 hours and in 30 days, by default."""

SILENT_AFTER_MIN = 10
"""Minutes without a reading after which a meter is silent, by default."""

SUMMARY_AT = time(7)
"""Time of the summary on the house's clock, by default."""


@dataclass(frozen=True)
class NotifySettings:
    """Who receives which notifications.

    Attributes:
        addresses: addresses of the receivers in apprise's form.
        origins: origin of each address for messages, such as `urls, entry 2`.
        peak: whether a demand interval that heads above its bound is reported.
        anomaly: whether unusual readings are reported.
        silent: whether a meter without readings is reported.
        summary: time of the summary of the day before, on the house's clock; None for none.
        a_day: most notifications of anomalies in 24 hours.
        a_month: most notifications of anomalies in 30 days.
        silent_after_min: minutes without a reading after which a meter is silent.
    """

    addresses: tuple[Secret, ...]
    origins: tuple[str, ...]
    peak: bool = True
    anomaly: bool = True
    silent: bool = True
    summary: time | None = SUMMARY_AT
    a_day: int = A_DAY
    a_month: int = A_MONTH
    silent_after_min: int = SILENT_AFTER_MIN

    def includes(self, kind: str) -> bool:
        """Whether there are notifications of a kind; not of one that is not known."""
        return {PEAK: self.peak, ANOMALY: self.anomaly, SILENT: self.silent}.get(kind, False)
