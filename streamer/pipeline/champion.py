"""Champion of a race: the forecast shown, of the model and its challengers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamer.online.champion import ChampionChallenger
from streamer.online.intervals import MAX_KW, ConformalBand
from streamer.online.minibatch import DAY, MINI_BATCH, TRIAL, UsualError
from streamer.readings import Forecast
from streamer.readings.challengers import ChallengerScores, Champion
from streamer.readings.saved import count, number


class Succession:
    """Moves the forecast shown towards that of the best challenger, by the adapter's rule.

    Each challenger is compared with the model over mini-batches of 60 settled forecasts, as the
    adapter's correction is with the frozen network (`streamer.online.champion`): its weight is 0 in
    a trial of 24 of them, grows to 1 with the evidence that its squared error is smaller, and is
    0 again once it has lost over the last 24. The challenger with the largest weight is the
    champion. By its weight, the model's mean, its median and its band are moved towards the
    forecast of the champion; and the band is then calibrated around what is shown
    (`streamer.online.intervals.ConformalBand`). In a minute in which a challenger has no forecast,
    it counts as the model does.

    A forecast is shown before the reading that settles it is known, and so is the weight.

    Args:
        names: names of the challengers, in their order.
        confidence: nominal coverage of the band.
    """

    def __init__(self, names: Sequence[str], *, confidence: float) -> None:
        self._names = tuple(names)
        self._comparisons = [ChampionChallenger(rounds=DAY, trial=TRIAL) for _ in names]
        self._usual = UsualError()
        self._band = ConformalBand(confidence, inner=confidence)
        self._squared = [0.0] * (1 + len(names))
        self._settled = 0
        self._waiting: list[float] | None = None

    def settle(self, actual_kw: float) -> float | None:
        """Learn from the reading that settles the last forecast, if any.

        Args:
            actual_kw: the reading.

        Returns:
            The model's own mean forecast of it; None if none waits.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        for place, kw in enumerate(waiting):
            error = min(abs(actual_kw - kw), MAX_KW)
            self._squared[place] += error * error
        self._band.settle(actual_kw)
        self._settled += 1
        if self._settled == MINI_BATCH:
            self._compare()
        return waiting[0]

    def shown(
        self, forecast: Forecast | None, challengers: Sequence[ChallengerScores]
    ) -> tuple[Forecast | None, Champion]:
        """The forecast to show, and whose it is.

        Args:
            forecast: that of the model; None if it has none, and then nothing is shown.
            challengers: the challengers, with their forecasts.
        """
        if forecast is None:
            return None, Champion()
        theirs = [each.forecast_kw for each in challengers]
        self._waiting = [forecast.kw, *(forecast.kw if kw is None else kw for kw in theirs)]
        champion, moved_kw = Champion(), 0.0
        for name, kw, comparison in zip(self._names, theirs, self._comparisons, strict=True):
            if kw is not None and comparison.weight > champion.weight:
                champion = Champion(name, comparison.weight)
                moved_kw = comparison.weight * (kw - forecast.kw)
        mean_kw = forecast.kw + moved_kw
        ends = forecast.low_kw + moved_kw, forecast.high_kw + moved_kw
        low_kw, high_kw = self._band.see(mean_kw, *ends)
        if not champion.weight:
            return forecast, champion
        median_kw = forecast.median_kw
        return replace(
            forecast,
            kw=min(max(mean_kw, low_kw), high_kw),
            median_kw=None if median_kw is None else median_kw + moved_kw,
            low_kw=low_kw,
            high_kw=high_kw,
        ), champion

    def restart(self) -> None:
        """Drop the forecast that waits, as after a long gap."""
        self._waiting = None

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        return {
            "names": list(self._names),
            "comparisons": [comparison.state() for comparison in self._comparisons],
            "usual": self._usual.state(),
            "band": self._band.state(),
            "squared": self._squared.copy(),
            "settled": self._settled,
            "waiting_kw": None if self._waiting is None else self._waiting.copy(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, for which this one has to be new.

        With other challengers than it was saved with, and without a state, it begins anew.

        Raises:
            AttributeError, LookupError, TypeError, ValueError: it is damaged.
        """
        if state is None or state["names"] != list(self._names):
            return
        for comparison, saved in zip(self._comparisons, state["comparisons"], strict=True):
            comparison.restore(saved)
        self._usual.restore(state["usual"])
        self._band.restore(state["band"])
        self._squared = self._powers(state["squared"])
        self._settled = count(state["settled"])
        if self._settled >= MINI_BATCH:
            raise ValueError(f"{self._settled} forecasts of a mini-batch are settled")
        waiting = state["waiting_kw"]
        self._waiting = None if waiting is None else self._powers(waiting)

    def _powers(self, values: Sequence[Any]) -> list[float]:
        if len(values) != 1 + len(self._names):
            raise ValueError(f"{len(values)} forecasters, not {1 + len(self._names)}")
        return list(map(number, values))

    def _compare(self) -> None:
        """Compare each challenger with the model over the mini-batch that is full."""
        model, *theirs = self._squared
        weight = self._usual.weigh(model)
        for comparison, squared in zip(self._comparisons, theirs, strict=True):
            comparison.add(weight * model, min(squared, self._usual.largest))
        self._squared = [0.0] * len(self._squared)
        self._settled = 0
