"""Online layer: correction, guard and prediction interval of a network's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from itertools import zip_longest
from math import nan
from typing import Any, Literal

import numpy as np

from streamer.errors import StateError, UsageError
from streamer.models import Answer
from streamer.online.adapter import Adapter
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.guard import Guard
from streamer.online.intervals import MAX_KW, ConformalBand
from streamer.online.light import LightAdapter
from streamer.online.netload import Terms
from streamer.readings import Adaptation
from streamer.readings.arrays import DoubleArray

Adapt = bool | Literal["light"]
"""True or "light" to correct forecasts, by a full head or by four weights; False not to."""


class Online:
    """Adapter, guard and prediction interval; all see each forecast, settle it, and learn from it.

    Args:
        levels: levels of the network's quantiles in rising order; may be empty.
        adapt: whether to correct the network's forecasts: True for a head fitted to this
            house (`streamer.online.adapter`), "light" for the small adapter of a fleet's
            meter (`streamer.online.light`). Without correction, the mean is the network's own,
            neither guarded nor held inside the band.
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
        self._guard = Guard() if adapt else None
        # Of the grid power, where a battery is measured.
        self._grid_guard: Guard | None = None
        # A single quantile gives no interval.
        self._outermost = [0, len(levels) - 1] if len(levels) > 1 else []
        inner = levels[-1] - levels[0] if self._outermost else None
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
        if self._guard is not None:
            self._guard.settle(actual_kw)
        grid_kw = actual_kw if grid_kw is None else grid_kw
        if self._grid_guard is not None:
            self._grid_guard.settle(grid_kw)
        self._band.settle(grid_kw)

    def see(
        self,
        answer: Answer,
        recent_kw: DoubleArray,
        actual_kw: DoubleArray,
        day_parts: Sequence[int],
        terms: Terms | None = None,
    ) -> ForecastBatch:
        """Make forecasts of answers in turn, each settled before the next.

        Args:
            answer: the network's, for one or more windows.
            recent_kw: (windows, 3) the last change of the readings, the one before, and the
                last reading itself, as returned by `recent_changes`.
            actual_kw: (windows,) the readings that they were made for, or all but the last,
                whose forecast then waits to be settled.
            day_parts: (windows,) the parts of the day of their last readings, as returned by
                `streamer.online.guard.day_parts`.
            terms: (windows,) what makes forecasts of the grid power of these, if they are of the
                consumption; everything returned is of the grid power.
        """
        mean, quantiles, adaptations = self._corrected(answer, recent_kw, actual_kw)
        if self._median is None:
            middle, median = mean, np.full(len(mean), nan)
        else:
            middle = median = quantiles[:, self._median]
        change, last = recent_kw[:, 0], recent_kw[:, 2]
        if self._guard is not None:
            mean, median = _guarded(self._guard, mean, median, last, change, day_parts, actual_kw)
        frozen, consumption, solar, responses = answer.mean_kw, None, None, None
        if terms is not None:
            consumption, solar, actual_kw = mean, terms.solar_kw, terms.actual_kw
            mean, median, frozen = terms.mean(mean), terms.median(median), terms.median(frozen)
            quantiles = terms.quantiles(quantiles, middle)
            last, responses = terms.last_kw, terms.responses
        if responses is None or self._guard is None:
            self._grid_guard = None
        else:
            guard = self._grid_guard = self._grid_guard or Guard()
            mean, median = _guarded(guard, mean, median, last, change, responses, actual_kw)
        held, median, low, high = self._banded(mean, median, quantiles, actual_kw)
        if self._adapter is not None:
            mean = held  # otherwise it is the network's own
        return ForecastBatch(mean, frozen, median, low, high, adaptations, consumption, solar)

    def see_one(self, answer: Answer, recent_kw: DoubleArray, day_part: int) -> Issued:
        """Make the forecast of one answer, of which the grid power is all that is measured.

        The result is that of `see`, in plain numbers, which cost a fraction of small arrays.

        Args:
            answer: the network's, for one window.
            recent_kw: (1, 3) as for `see`.
            day_part: part of the day of its last reading, 0 to 3.
        """
        means, levels = self._correct(answer, recent_kw, slice(None))
        mean, quantiles = means.item(), levels[0].tolist()
        median = nan if self._median is None else quantiles[self._median]
        self._grid_guard = None
        if self._guard is not None:
            change, _, last = recent_kw[0].tolist()
            mean, median = self._guard.see(mean, median, last, change, day_part)
        if self._outermost:
            low, high = self._band.see(mean, quantiles[0], quantiles[-1])
        else:
            low, high = self._band.see(mean)
        if self._adapter is not None:
            mean = low if mean < low else min(mean, high)
        median = low if median < low else min(median, high)
        return Issued(mean, answer.mean_kw.item(), median, low, high, self.get())

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        adapter = None if self._adapter is None else self._adapter.state()
        return {
            "adapter": adapter,
            "guard": None if self._guard is None else self._guard.state(),
            "grid_guard": None if self._grid_guard is None else self._grid_guard.state(),
            "confidence": self._band.confidence,
            "band": self._band.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        In states that were saved by earlier versions, the guards begin anew.

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
        guard = grid_guard = None
        if self._guard is not None:
            guard = Guard()
            guard.restore(state.get("guard"))
            if state.get("grid_guard") is not None:
                grid_guard = Guard()
                grid_guard.restore(state["grid_guard"])
        band = copy(self._band)
        band.restore(state["band"])
        if self._adapter is not None:
            self._adapter.restore(state["adapter"])
        self._guard, self._grid_guard, self._band = guard, grid_guard, band

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
            mean_kw, quantiles_kw = self._correct(answer, recent_kw, rows)
            means.append(mean_kw)
            quantiles.append(quantiles_kw)
            adaptations += [adapter.get()] * len(mean_kw)
            start = rows.stop
            adapter.settle(actual_kw[rows])
        if len(means) == 1:
            return means[0], quantiles[0], adaptations
        return np.concatenate(means), np.concatenate(quantiles), adaptations

    def _correct(
        self, answer: Answer, recent_kw: DoubleArray, rows: slice
    ) -> tuple[DoubleArray, DoubleArray]:
        """Means and quantiles of as many rows as the adapter has room for."""
        adapter = self._adapter
        mean_kw, quantiles_kw = answer.mean_kw[rows], answer.quantiles_kw[rows]
        if adapter is None:
            return mean_kw, quantiles_kw
        if isinstance(adapter, LightAdapter):
            return adapter.see(
                recent_kw=recent_kw[rows], mean_kw=mean_kw, quantiles_kw=quantiles_kw
            )
        return adapter.see(
            hidden=answer.hidden[rows],
            changes_kw=recent_kw[rows, :2],
            mean_kw=mean_kw,
            quantiles_kw=quantiles_kw,
        )

    def _banded(
        self,
        mean_kw: DoubleArray,
        median_kw: DoubleArray,
        quantiles_kw: DoubleArray,
        actual_kw: DoubleArray,
    ) -> tuple[DoubleArray, DoubleArray, DoubleArray, DoubleArray]:
        """The mean and the median inside the band, and the ends of the band.

        The mean of a skewed distribution may lie outside, where its squared error is larger.
        """
        see, settle = self._band.see, self._band.settle
        outermost = quantiles_kw[:, self._outermost].tolist()
        ends = []
        for mean, pair, actual in zip_longest(mean_kw.tolist(), outermost, actual_kw.tolist()):
            ends.append(see(mean, *pair))
            if actual is not None:
                settle(actual)
        lows, highs = np.array(ends).T
        mean_kw = np.minimum(np.maximum(mean_kw, lows), highs)
        return mean_kw, np.minimum(np.maximum(median_kw, lows), highs), lows, highs


def _guarded(
    guard: Guard,
    mean_kw: DoubleArray,
    median_kw: DoubleArray,
    last_kw: DoubleArray,
    change_kw: DoubleArray,
    states: Sequence[int],
    actual_kw: DoubleArray,
) -> tuple[DoubleArray, DoubleArray]:
    """The mean and the median, NaN without one, each against persistence, by state 0 to 3."""
    see, settle = guard.see, guard.settle
    forecasts = mean_kw.tolist(), median_kw.tolist()
    issued = zip(*forecasts, last_kw.tolist(), change_kw.tolist(), states, strict=False)
    guarded = []
    for forecast, actual in zip_longest(issued, actual_kw.tolist()):
        guarded.append(see(*forecast))
        if actual is not None:
            settle(actual)
    means, medians = np.array(guarded).T
    return means, medians


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
