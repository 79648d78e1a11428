"""State of the adapter: the pending mini-batch and the fitted weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from streamer.online.champion import ChampionChallenger
from streamer.readings import Adaptation
from streamer.readings.arrays import DoubleArray
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count, number

MINI_BATCH = 60
"""Settled forecasts per mini-batch."""

DAY = 24
"""Mini-batches over which the corrected forecast is compared with the frozen one."""

TRIAL = 24
"""Mini-batches compared before a correction is first shown."""

CENTRAL = 2.0 * NormalDist().inv_cdf(0.95)
"""Standard deviations between the quantiles 0.05 and 0.95 of a normal distribution."""

MIN_SPREAD_KW = 0.02

_MAX_BATCH_ERROR = 10.0
_USUAL_OVER = 168
_TRUST_SHARPNESS = 200.0
_QUANTILE_RIDGE = 300.0
_MIN_USUAL_KW2 = 1e-9


class PendingBatch:
    """Forecasts of the next mini-batch, the last of which may not be settled yet."""

    def __init__(self, units: int, levels: int) -> None:
        self.rows = np.ones((MINI_BATCH, units + 3))
        self.spread = np.zeros(MINI_BATCH)
        self.mean = np.zeros(MINI_BATCH)
        self.quantiles = np.zeros((MINI_BATCH, levels))
        self.actual = np.zeros(MINI_BATCH)
        self.seen = self.settled = 0

    def state(self) -> dict[str, Any]:
        """The pending forecasts, as plain JSON values."""
        arrays = {name: packed(array) for name, array in self._held()}
        return {"seen": self.seen, "settled": self.settled, **arrays}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; KeyError, TypeError or ValueError if it is damaged."""
        self.seen, self.settled = count(state["seen"]), count(state["settled"])
        if not (0 <= self.settled < MINI_BATCH and 0 <= self.seen - self.settled <= 1):
            raise ValueError(f"{self.settled} of {self.seen} pending forecasts are settled")
        for name, array in self._held():
            array[:] = unpacked(state[name], array.size).reshape(array.shape)

    def _held(self) -> list[tuple[str, DoubleArray]]:
        return [
            ("rows", self.rows[: self.seen]),
            ("spread", self.spread[: self.seen]),
            ("mean", self.mean[: self.seen]),
            ("quantiles", self.quantiles[: self.seen]),
            ("actual", self.actual[: self.settled]),
        ]


class UsualError:
    """Usual squared error of a mini-batch, by which larger ones are weighted down."""

    def __init__(self) -> None:
        self.batches = 0
        self.kw2 = 0.0

    @property
    def largest(self) -> float:
        """Squared error of a mini-batch, in kW², that counts as that much at most."""
        return _MAX_BATCH_ERROR * max(self.kw2, _MIN_USUAL_KW2)

    def weigh(self, squared_kw2: float) -> float:
        """The weight of a mini-batch by its sum of squared errors, which updates the usual one."""
        counted = min(squared_kw2, self.largest) if self.batches else squared_kw2
        self.batches += 1
        self.kw2 += (counted - self.kw2) / min(self.batches, _USUAL_OVER)
        return 1.0 if counted == squared_kw2 else counted / squared_kw2

    def state(self) -> list[float]:
        """The number of mini-batches, and their usual error."""
        return [self.batches, self.kw2]

    def restore(self, state: Sequence[Any]) -> None:
        """Continue from a saved state; TypeError or ValueError if it is damaged."""
        batches, kw2 = state
        self.batches, self.kw2 = count(batches), number(kw2)


class Fit:
    """Sums, weights and losses of all mini-batches so far."""

    def __init__(self, units: int, levels: int, restarts: int = 0) -> None:
        size = units + 3
        self.units = units
        self.a = np.zeros((size, size))
        self.b = np.zeros(size)
        self.weights = np.zeros((size, 1 + levels))
        self.used = np.zeros((size, 1 + levels))
        self.value = self.size = 0.0
        self.losses = np.zeros((2, levels))
        self.comparison = ChampionChallenger(rounds=DAY, trial=TRIAL)
        self.usual = UsualError()
        self.adaptation = Adaptation(restarts=restarts)

    @property
    def usual_spread(self) -> float:
        """Spread for networks without quantiles: that of normal errors of the usual size."""
        return max(CENTRAL * float(np.sqrt(self.usual.kw2 / MINI_BATCH)), MIN_SPREAD_KW)

    def solve(self, ridge: float, steps: DoubleArray) -> bool:
        """Solve for the weights of the mean, and move those of the quantiles by one step.

        Args:
            ridge: prior precision.
            steps: (size, levels) the gradients of the quantiles, divided by their densities.

        Returns:
            True if all weights are finite.
        """
        eye = np.eye(len(self.a))
        try:
            self.weights[:, 0] = np.linalg.solve(self.a + ridge * eye, self.b)
            self.weights[:, 1:] += np.linalg.solve(self.a + _QUANTILE_RIDGE * eye, steps)
        except np.linalg.LinAlgError:
            return False
        return bool(np.isfinite(self.weights).all())

    def use(self) -> None:
        """Scale the weights by shrinkage and recent loss, and update the reported state."""
        shrinkage = min(max(self.value / self.size, 0.0), 1.0) if self.size > 0.0 else 0.0
        frozen, corrected = self.losses
        behind = np.zeros(len(frozen))
        better = np.minimum(frozen, corrected)
        np.divide(corrected - frozen, better, out=behind, where=better > 0.0)
        trust = 1.0 / (1.0 + np.exp(np.clip(_TRUST_SHARPNESS * behind, -50.0, 50.0)))
        np.multiply(self.weights, np.concatenate([[shrinkage], trust]), out=self.used)
        self.adaptation = Adaptation(
            shown=self.comparison.weight > 0.0,
            day_gain=self.comparison.gain,
            learnt=self.usual.batches * MINI_BATCH,
            restarts=self.adaptation.restarts,
        )

    def state(self) -> dict[str, Any]:
        """Everything learnt, as plain JSON values."""
        return {
            "a": packed(self.a[np.triu_indices(len(self.a))]),
            "b": packed(self.b),
            "weights": packed(self.weights),
            "losses": packed(self.losses),
            "numbers": [self.value, self.size, self.usual.kw2],
            "lessons": self.usual.batches,
            "duel": self.comparison.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; KeyError, TypeError or ValueError if it is damaged."""
        # Before anything of that size is made: the text has to be as long.
        size = len(self.a)
        above = unpacked(state["a"], size * (size + 1) // 2)
        upper = np.triu_indices(size)
        self.a[upper] = above
        self.a.T[upper] = self.a[upper]
        for name, array in (("b", self.b), ("weights", self.weights), ("losses", self.losses)):
            array[:] = unpacked(state[name], array.size).reshape(array.shape)
        self.value, self.size, usual_kw2 = map(number, state["numbers"])
        self.usual.restore((state["lessons"], usual_kw2))
        self.comparison.restore(state["duel"])
        if self.usual.batches:
            self.use()
