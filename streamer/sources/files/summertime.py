"""Clock of a file over the hour that is repeated when summer time ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamer.sources.files.rowarrays import RowArrays

_HOUR = timedelta(hours=1)
_TOLERANCE = timedelta(minutes=5)
_MONTHS = (3, 4, 9, 10, 11)
"""Months in which summer time ends, in the south in autumn as well."""
_SUNDAY = 6
_LAST_HOUR = 3


class RepeatedHour:
    """Correction of local times without a zone that go back by an hour, at a Sunday's night.

    From then on an hour is added, so that the repeated hour follows the first and no minute is
    lost. The shift ends at the next gap of an hour or more, such as the one that the beginning
    of summer time makes.

    Attributes:
        shift: what is added to the times of the file.

    >>> hour = RepeatedHour()
    >>> hour.correct(datetime(2024, 10, 27, 2, 0), datetime(2024, 10, 27, 2, 59))[0]
    datetime.datetime(2024, 10, 27, 3, 0)
    """

    def __init__(self) -> None:
        self.shift = timedelta()

    def correct(self, at: datetime, last: datetime | None) -> tuple[datetime, str]:
        """Correct a time.

        Args:
            at: the time in the file.
            last: the corrected time of the row before, if any.

        Returns:
            The time, and a description of the change if a repeated hour begins.
        """
        if last is None:
            return at, ""
        if self.shift:
            if at > last:
                self.shift = timedelta()
                return at, ""
            return at + self.shift, ""
        ahead = at + _HOUR - last
        if not (timedelta() < ahead <= _TOLERANCE and _may_end_summer_time(at)):
            return at, ""
        self.shift = _HOUR
        return at + _HOUR, (
            f"time goes back by an hour from {last} to {at}, as at the end of summer time; the "
            "repeated hour is kept, and an hour is added to the times until the next gap of an hour"
        )

    def shifted(self, rows: RowArrays, last: datetime | None) -> RowArrays | None:
        """Correct a block of rows; None if the shift may end in it."""
        import numpy as np

        first = rows.at[0].item()
        if last is None or first > last or (np.diff(rows.at) > np.timedelta64(_HOUR)).any():
            return None
        return rows.later(_HOUR)


def _may_end_summer_time(at: datetime) -> bool:
    return at.weekday() == _SUNDAY and at.month in _MONTHS and at.hour <= _LAST_HOUR
