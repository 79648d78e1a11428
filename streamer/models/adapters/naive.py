"""Baselines that need no fitting: the last reading, and the reading a day ago."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from streamer.models.plugins.window import Window
from streamer.readings import MINUTE
from streamer.readings.packing import packed, unpacked

_DAY = timedelta(days=1)


class Persistence:
    """Forecasts the last reading: the reference of every skill."""

    name = "persistence"
    window = 1

    def forecast(self, window: Window) -> float:
        """Forecast the reading after a window, in kW."""
        return window[-1]


class SeasonalNaive:
    """Forecasts the reading of the same minute a day ago, or the last one where that is missing.

    The day is that of the readings' own clock.
    """

    name = "seasonal-naive"
    window = 1

    def __init__(self) -> None:
        self._kw: dict[datetime, float] = {}  # of the last day, in order of time

    def forecast(self, window: Window) -> float:
        """Forecast the reading after a window, in kW."""
        now, last = window.at[-1].replace(second=0, microsecond=0), window[-1]
        self._kw[now] = last
        while (first := next(iter(self._kw))) <= now - _DAY:
            del self._kw[first]
        return self._kw.get(now + MINUTE - _DAY, last)

    def state(self) -> dict[str, Any]:
        """The readings of the last day."""
        return {"at": [at.isoformat() for at in self._kw], "kw": packed([*self._kw.values()])}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue with the readings of a saved state."""
        at = [datetime.fromisoformat(each) for each in state["at"]]
        self._kw = dict(zip(at, unpacked(state["kw"], len(at)).tolist(), strict=True))
