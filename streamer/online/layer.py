"""Online layer: correction and prediction interval of a network's answers."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from streamer.errors import StateError, UsageError
from streamer.models import Answer
from streamer.online.adapter import Adapter
from streamer.online.forecasts import ForecastBatch
from streamer.online.intervals import MAX_KW, ConformalBand
from streamer.online.light import LightAdapter
from streamer.online.netload import Terms
from streamer.readings import Adaptation
from streamer.readings.arrays import DoubleArray

Adapt = bool | Literal["light"]
"""True or "light" to correct forecasts, by a full head or by four weights; False not to."""


class Online:
    """Adapter and prediction interval; both see each forecast, settle it, and learn from it.

    Args:
        levels: levels of the network's quantiles in rising order; may be empty.
        adapt: whether to correct the network's forecasts: True for a head fitted to this
            house (`streamer.online.adapter`), "light" for the small adapter of a fleet's
            meter (`streamer.online.light`).
        confidence: nominal coverage of the band.

    Raises:
        UsageError: the confidence is not between 0 and 1, or the adaptation is unknown.
    """

    def __init__(
        self, levels: tuple[float, ...] = (), *, adapt: Adapt = True, confidence: float = 0.9
    ) -> None:
        self._median = levels.index(0.5) if 0.5 in levels else None
        self._adapter: Adapter | LightAdapter | None = None
        if adapt not in (True, False, "light"):
            raise UsageError(f"adapt is {adapt!r}; give True, False or 'light'")
        if adapt:
            self._adapter = LightAdapter() if adapt == "light" else Adapter(levels)
        # A single quantile gives no interval.
        outermost = [0, len(levels) - 1] if len(levels) > 1 else []
        self._outermost = np.array(outermost, int)
        inner = levels[-1] - levels[0] if outermost else None
        try:
            self._band = ConformalBand(confidence, inner=inner)
        except ValueError as error:
            raise UsageError(f"{error}; 0.9 is usual") from None

    def get(self) -> Adaptation | None:
        """State of the correction; None if nothing is corrected."""
        return None if self._adapter is None else self._adapter.get()

    def settle(self, actual_kw: float, grid_kw: float | None = None) -> None:
        """Learn from the reading that the last forecast was made for.

        Args:
            actual_kw: what the network forecasts, in kW.
            grid_kw: the grid power, if that is something else.
        """
        if self._adapter is not None:
            self._adapter.settle(np.array([actual_kw]))
        self._band.settle(actual_kw if grid_kw is None else grid_kw)

    def see(
        self,
        answer: Answer,
        recent_kw: DoubleArray,
        actual_kw: DoubleArray,
        terms: Terms | None = None,
    ) -> ForecastBatch:
        """Make forecasts of answers in turn, each settled before the next.

        Args:
            answer: the network's, for one or more windows.
            recent_kw: (windows, 3) the last change of the readings, the one before, and the
                last reading itself, as returned by `recent_changes`.
            actual_kw: (windows,) the readings that they were made for, or all but the last,
                whose forecast then waits to be settled.
            terms: (windows,) what makes forecasts of the grid power of these, if they are of the
                consumption; everything returned is of the grid power.
        """
        mean, quantiles, adaptations = self._corrected(answer, recent_kw, actual_kw)
        frozen, consumption, solar = answer.mean_kw, None, None
        if terms is not None:
            consumption, solar, actual_kw = mean, terms.solar_kw, terms.actual_kw
            mean, frozen, quantiles = terms.grid(mean, frozen, quantiles, self._median)
        low, high = self._banded(mean, quantiles, actual_kw)
        if self._median is None:
            median = np.full(len(mean), np.nan)
        else:
            median = np.minimum(np.maximum(quantiles[:, self._median], low), high)
        return ForecastBatch(mean, frozen, median, low, high, adaptations, consumption, solar)

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        adapter = None if self._adapter is None else self._adapter.state()
        return {"adapter": adapter, "confidence": self._band.confidence, "band": self._band.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            StateError: it has another confidence or another kind of adaptation.
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        if state["confidence"] != self._band.confidence:
            raise StateError(
                f"saved state has confidence {state['confidence']!r:.40}, "
                f"this pipeline has {self._band.confidence}"
            )
        if (state["adapter"] is None) != (self._adapter is None):
            saved, this = ("adapted", "is not") if self._adapter is None else ("not adapted", "is")
            raise StateError(f"saved state is {saved}, this pipeline {this}")
        light = isinstance(self._adapter, LightAdapter)
        if self._adapter is not None and ("light" in state["adapter"]) != light:
            saved, this = ("fully", "lightly") if light else ("lightly", "fully")
            raise StateError(f"saved state is {saved} adapted, this pipeline {this}")
        band = copy(self._band)
        band.restore(state["band"])
        if self._adapter is not None:
            self._adapter.restore(state["adapter"])
        self._band = band

    def _corrected(
        self, answer: Answer, recent_kw: DoubleArray, actual_kw: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray, list[Adaptation | None]]:
        adapter = self._adapter
        if adapter is None:
            return answer.mean_kw, answer.quantiles_kw, [None] * len(answer.mean_kw)
        means, quantiles = [], []
        adaptations: list[Adaptation | None] = []
        start = 0
        while start < len(recent_kw):
            rows = slice(start, start + adapter.room)
            mean_kw, quantiles_kw = answer.mean_kw[rows], answer.quantiles_kw[rows]
            if isinstance(adapter, LightAdapter):
                mean_kw, quantiles_kw = adapter.see(
                    recent_kw=recent_kw[rows], mean_kw=mean_kw, quantiles_kw=quantiles_kw
                )
            else:
                mean_kw, quantiles_kw = adapter.see(
                    hidden=answer.hidden[rows],
                    changes_kw=recent_kw[rows, :2],
                    mean_kw=mean_kw,
                    quantiles_kw=quantiles_kw,
                )
            means.append(mean_kw)
            quantiles.append(quantiles_kw)
            adaptations += [adapter.get()] * len(mean_kw)
            start = rows.stop
            adapter.settle(actual_kw[rows])
        if len(means) == 1:
            return means[0], quantiles[0], adaptations
        return np.concatenate(means), np.concatenate(quantiles), adaptations

    def _banded(
        self, mean_kw: DoubleArray, quantiles_kw: DoubleArray, actual_kw: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray]:
        see, settle = self._band.see, self._band.settle
        outermost = quantiles_kw[:, self._outermost].tolist()
        ends = []
        for mean, pair, actual in zip_longest(mean_kw.tolist(), outermost, actual_kw.tolist()):
            ends.append(see(mean, *pair))
            if actual is not None:
                settle(actual)
        low, high = np.array(ends).T
        return low, high


def recent_changes(known_kw: DoubleArray, windows: int) -> DoubleArray:
    """(windows, 3) the last change, the one before and the last reading of each window.

    Args:
        known_kw: (readings,) the readings; the last window ends with the last of them. Changes
            before the first reading are taken as zero.
        windows: number of windows that end there, one reading apart.
    """
    if windows == 1 and len(known_kw) > 2:
        # The same in plain numbers, which takes a third of the time for the reading of a minute.
        before, last, now = (min(max(kw, -MAX_KW), MAX_KW) for kw in known_kw[-3:].tolist())
        return np.array([[now - last, last - before, now]])
    short = windows + 2 - len(known_kw)
    if short > 0:
        known_kw = np.concatenate([np.full(short, known_kw[0]), known_kw])
    # Bounded, so that no difference overflows.
    known = np.minimum(np.maximum(known_kw[-windows - 2 :], -MAX_KW), MAX_KW)
    change = known[1:] - known[:-1]
    recent = np.empty((windows, 3))
    recent[:, 0], recent[:, 1], recent[:, 2] = change[1:], change[:-1], known[2:]
    return recent
