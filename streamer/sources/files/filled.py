"""Detection of gaps that a file fills with zeros or sentinels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from streamer.readings import Notice, Reading
from streamer.sources.throttle import NoticeThrottle

_ZERO_RUN = 30
_SENTINEL_RUN = 10
_SENTINELS = {-1.0, -9.0, -99.0, -999.0, 9.999, 99.99, 65.535, 32.767, -32.768, 9.99}
"""Values in kW, or in kW from W, that programs write for a missing one."""


class FilledGapWatch:
    """Reports long runs of exact zeros or sentinels, which may be missing values.

    They remain readings: a house with a battery may draw nothing for an hour.

    Args:
        name: the file's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._throttle = NoticeThrottle(Notice.WARNING, "such runs")
        self._kw = 0.0
        self._run = 0
        self._since: datetime | None = None

    def check(self, readings: Sequence[Reading], *, at_end: bool) -> list[Notice]:
        """Examine the next readings; returns warnings."""
        found: list[Notice | None] = []
        for reading in readings if self._run or _has_suspects(readings) else ():
            if self._run and reading.kw == self._kw:
                self._run += 1
                continue
            found.append(self._end())
            if reading.kw == 0.0 or reading.kw in _SENTINELS:
                self._kw, self._run, self._since = reading.kw, 1, reading.at
        if at_end:
            found += [self._end(), self._throttle.gathered(self._since)]
        return [notice for notice in found if notice is not None]

    def _end(self) -> Notice | None:
        """End a run; returns a warning if it was long, and the first."""
        run, self._run = self._run, 0
        if run < (_SENTINEL_RUN if self._kw else _ZERO_RUN):
            return None
        text = (
            f"{self._name}: exactly {self._kw:g} kW {run} times in a row since {self._since}; if "
            "values are missing there, remove these rows: they are taken for readings"
        )
        return self._throttle.add(text, self._since)


def _has_suspects(readings: Sequence[Reading]) -> bool:
    """Whether any of the readings may be a sentinel; quick for a block."""
    if isinstance(readings, list):
        return any(each.kw == 0.0 or each.kw in _SENTINELS for each in readings)
    import numpy as np

    from streamer.readings.blocks import ReadingBlock

    if not isinstance(readings, ReadingBlock):
        return True
    return bool((readings.kw == 0.0).any() or np.isin(readings.kw, list(_SENTINELS)).any())
