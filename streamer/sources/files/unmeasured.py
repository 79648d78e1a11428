"""Notices of minutes without solar or battery power or another channel: gaps, and nights."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from streamer.display.numbers import plural
from streamer.readings import Notice
from streamer.sources.files.layout import SIDE_POWERS, ChannelName


class UnmeasuredMinutes:
    """Counts of the minutes without a channel that is needed.

    The first of each kind is reported at once, and the totals at the end.

    Args:
        name: the file's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._gaps: Counter[ChannelName] = Counter()
        self._nights = 0

    def add_gap(self, channel: ChannelName, at: datetime, where: str) -> list[Notice]:
        """Count a minute that is a gap.

        Args:
            channel: the channel that is missing.
            at: the minute.
            where: file and line.
        """
        self._gaps[channel] += 1
        if self._gaps[channel] > 1:
            return []
        text = f"{where}: {_shown(channel)} is missing at {at}: the minute is a gap"
        return [Notice(Notice.WARNING, text, at)]

    def add_night(self, at: datetime, where: str) -> list[Notice]:
        """Count a minute of a night, whose solar power is zero."""
        self._nights += 1
        if self._nights > 1:
            return []
        text = (
            f"{where}: solar power is missing from {at} on, between values of at most 10 W: taken "
            "for a night, with 0 W"
        )
        return [Notice(Notice.EVENT, text, at)]

    def total(self, at: datetime | None) -> list[Notice]:
        """Return the totals, for the summary as well."""
        found = [
            Notice(
                Notice.CONVERSION,
                f"{self._name}: {plural(count, 'minute')} without {_shown(channel)} "
                f"{'is a gap' if count == 1 else 'are gaps'}",
                at,
                count,
            )
            for channel, count in self._gaps.items()
        ]
        if self._nights:
            text = (
                f"{self._name}: {plural(self._nights, 'minute')} without solar power at night, "
                "between values of at most 10 W: taken for 0 W"
            )
            found.append(Notice(Notice.CONVERSION, text, at, self._nights))
        return found


def _shown(channel: ChannelName) -> str:
    return f"{channel} power" if channel in SIDE_POWERS else channel
