"""Online correction of a network's forecasts in the house that it runs in.

The network stays frozen; its last layer, the head, is fitted anew on top of it. The fit is
updated once every 60 settled forecasts, a mini-batch: that costs less than an update for each,
and gives the same numbers whether readings arrive one by one or in blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from streamer.blas import one_blas_thread
from streamer.models.bounds import MAX_UNITS
from streamer.online.intervals import MAX_KW
from streamer.online.minibatch import CENTRAL, MIN_SPREAD_KW, MINI_BATCH, Fit, PendingBatch
from streamer.readings import Adaptation
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.readings.saved import count

RESET_AFTER_LOSSES = 72
"""Mini-batches in a row lost to the frozen forecast after which the correction starts anew."""

_SHRINKAGE_KEPT = 0.9999**MINI_BATCH
_LOSS_KEPT = 0.999**MINI_BATCH
_MAX_CHANGE_KW = 10.0


class Adapter:
    """Correction of a network's mean and quantiles, fitted to its past errors.

    **Mean.** Exponentially weighted ridge regression (Hoerl and Kennard 1970, Technometrics
    12:1; as recursive least squares with forgetting, Haykin, "Adaptive Filter Theory",
    chapter 10) of the frozen forecast's error on the network's last hidden state, a constant
    and the last two changes. A recursively updated inverse accumulates rounding errors;
    instead, the decaying sums ``A = Σ λ^age x xᵀ`` and ``b = Σ λ^age x e`` are kept, and
    ``(A + ridge I) w = b`` is solved once per mini-batch. *Guarantee:* numerically stable after
    any number of readings, since rounding errors decay with the sums, and weights stay zero in
    directions without data; none on the gain in accuracy. *What breaks it:* a house whose
    errors are unrelated to the hidden state; new habits count only as the old are forgotten,
    over 1 / (1 - forgetting) readings.

    **Quantiles.** Newton steps on the pinball loss (Koenker and Bassett 1978, Econometrica
    46:1) with the same A: ``w += (A + 300 I)⁻¹ Σ x (level - [below]) / f``, in units of the
    spread between the outermost quantiles, f being a normal distribution's density at the
    level. *Guarantee:* none; coverage is the job of `streamer.online.intervals`. *What breaks
    it:* errors far from normal make the steps too short or too long.

    **Champion and challenger.** The correction of the mean is multiplied by a shrinkage factor
    from 0 to 1, the least-squares coefficient of the errors on the corrections, and by a weight
    that grows from 0 to 1 with the evidence that its squared error is below the frozen
    forecast's (`streamer.online.champion`). It is reset and fitted anew after 72 mini-batches
    in a row in which its squared error over the last 24 was not below. Frozen and corrected
    quantiles are averaged with weights that decrease exponentially with their recent pinball
    loss (exponentially weighted averages, Cesa-Bianchi and Lugosi, "Prediction, Learning, and
    Games", chapter 2). *Guarantee:* a harmful correction is withdrawn within a day of readings.
    *What breaks it:* a house that changes faster than that.

    **Bounds.** No correction is larger than the spread of the network's own quantiles. A
    mini-batch with more than ten times the usual squared error is weighted down to ten times,
    so that faulty readings, however many or large, count as a few bad hours among good ones.

    Args:
        levels: levels of the network's quantiles in rising order; may be empty.
        forgetting: weight kept from one settled forecast to the next, 0 to 1.
        ridge: prior precision of the weights, in readings.

    Raises:
        ValueError: a setting is out of its range.

    >>> adapter = Adapter()
    >>> nothing = np.zeros((1, 0), np.float32)
    >>> for minute in range(48 * 60):
    ...     mean, _ = adapter.see(
    ...         hidden=nothing,
    ...         changes_kw=np.zeros((1, 2)),
    ...         mean_kw=np.array([0.5]),
    ...         quantiles_kw=np.zeros((1, 0)),
    ...     )
    ...     adapter.settle(np.array([0.7]))
    >>> adapter.get().shown, round(float(mean[0]), 2)
    (True, 0.7)
    """

    def __init__(
        self, levels: Sequence[float] = (), *, forgetting: float = 0.99999, ridge: float = 30.0
    ) -> None:
        if not 0.0 <= forgetting <= 1.0:
            raise ValueError(f"forgetting is {forgetting}, must be from 0 to 1")
        if not ridge > 0.0:
            raise ValueError(f"ridge is {ridge}, must be above 0")
        normal = NormalDist()
        densities = [normal.pdf(normal.inv_cdf(level)) for level in levels]
        self._levels = np.array(levels, np.float64)
        self._densities = CENTRAL * np.array(densities)
        self._kept = forgetting**MINI_BATCH
        self._ages = forgetting ** np.arange(MINI_BATCH - 1, -1, -1.0)
        self._ridge = ridge
        self._restarts = 0
        self._fit = Fit(0, len(self._levels))
        self._pending = PendingBatch(0, len(self._levels))

    @property
    def room(self) -> int:
        """Number of forecasts that can be seen, or settled, before the next mini-batch is full."""
        return MINI_BATCH - self._pending.settled

    def get(self) -> Adaptation:
        """State of the correction and its gain."""
        return self._fit.adaptation

    def see(
        self,
        *,
        hidden: FloatArray,
        changes_kw: DoubleArray,
        mean_kw: DoubleArray,
        quantiles_kw: DoubleArray,
    ) -> tuple[DoubleArray, DoubleArray]:
        """Correct forecasts that are about to be issued, and keep them until they are settled.

        Args:
            hidden: (forecasts, units) the network's last hidden state; at most `room`.
            changes_kw: (forecasts, 2) the last change of the readings, and the one before.
            mean_kw: (forecasts,) the network's mean forecast.
            quantiles_kw: (forecasts, levels) its quantiles in rising order.

        Returns:
            The mean (forecasts,) and quantiles (forecasts, levels) to issue.
        """
        count, units = hidden.shape
        fit, pending = self._fit, self._pending
        if units != fit.units:
            fit = self._fit = Fit(units, len(self._levels))
            pending = self._pending = PendingBatch(units, len(self._levels))
        pending.seen = pending.settled + count
        now = slice(pending.settled, pending.seen)
        rows, spread = pending.rows[now], pending.spread[now]
        rows[:, :units] = hidden
        np.minimum(
            np.maximum(changes_kw, -_MAX_CHANGE_KW), _MAX_CHANGE_KW, out=rows[:, units + 1 :]
        )
        if quantiles_kw.shape[1] > 1:
            with np.errstate(over="ignore"):
                np.subtract(quantiles_kw[:, -1], quantiles_kw[:, 0], out=spread)
            np.minimum(np.maximum(spread, MIN_SPREAD_KW), MAX_KW, out=spread)
        else:
            spread[:] = fit.usual_spread
        pending.mean[now], pending.quantiles[now] = mean_kw, quantiles_kw
        correction = _bounded(rows @ fit.used, spread)
        weight = fit.comparison.weight
        mean = mean_kw + weight * correction[:, 0] if weight else mean_kw
        quantiles: DoubleArray = quantiles_kw + correction[:, 1:]
        quantiles.sort(axis=1)
        return mean, quantiles

    def settle(self, actual_kw: DoubleArray) -> None:
        """Learn from the readings (forecasts,) in kW that the forecasts were made for."""
        if not len(actual_kw):
            return
        pending = self._pending
        before = pending.settled
        pending.settled += len(actual_kw)
        pending.actual[before : pending.settled] = actual_kw
        if pending.settled == MINI_BATCH:
            with one_blas_thread():
                self._learn()
            pending.seen = pending.settled = 0

    def state(self) -> dict[str, Any]:
        """Everything learnt, as plain JSON values; arrays are packed as text."""
        return {
            "units": self._fit.units,
            "restarts": self._restarts,
            "learnt": self._fit.state(),
            "pending": self._pending.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        units, restarts = count(state["units"]), count(state["restarts"])
        if units > MAX_UNITS:
            raise ValueError(f"{units} units of the last layer, at most {MAX_UNITS} expected")
        fit = Fit(units, len(self._levels), restarts)
        fit.restore(state["learnt"])
        pending = PendingBatch(units, len(self._levels))
        pending.restore(state["pending"])
        self._restarts, self._fit, self._pending = restarts, fit, pending

    def _learn(self) -> None:
        """Update the fit with the pending mini-batch, all of which is settled."""
        fit, pending = self._fit, self._pending
        rows, spread = pending.rows, pending.spread
        with np.errstate(over="ignore"):
            error = pending.actual - pending.mean
            missed = pending.actual[:, None] - pending.quantiles
        np.clip(error, -MAX_KW, MAX_KW, out=error)
        np.clip(missed, -MAX_KW, MAX_KW, out=missed)
        left = error - _bounded(rows @ fit.used, spread)[:, 0]
        raw = _bounded(rows @ fit.weights, spread)
        raised = missed - raw[:, 1:]

        weight = fit.usual.weigh(float(error @ error))
        fit.comparison.add(weight * float(error @ error), weight * float(left @ left))
        fit.value = _SHRINKAGE_KEPT * fit.value + weight * float(raw[:, 0] @ error)
        fit.size = _SHRINKAGE_KEPT * fit.size + weight * float(raw[:, 0] @ raw[:, 0])
        fit.losses *= _LOSS_KEPT
        fit.losses += weight * np.array([self._pinball(missed), self._pinball(raised)])

        aged = rows.T * (weight * self._ages)
        products = aged @ rows
        fit.a *= self._kept
        fit.a += (products + products.T) / 2.0  # symmetric but for rounding
        fit.b *= self._kept
        fit.b += aged @ error
        steps = rows.T @ (self._levels - (raised < 0.0)) / self._densities
        if fit.solve(self._ridge, steps) and fit.comparison.lost_in_a_row < RESET_AFTER_LOSSES:
            fit.use()
        else:
            self._restarts += 1
            self._fit = Fit(fit.units, len(self._levels), self._restarts)

    def _pinball(self, above: DoubleArray) -> DoubleArray:
        """Summed pinball loss (levels,) of quantiles, given each reading's distance above them."""
        lost: DoubleArray = np.maximum(self._levels * above, (self._levels - 1.0) * above).sum(0)
        return lost


def _bounded(correction: DoubleArray, spread: DoubleArray) -> DoubleArray:
    """Corrections in kW, none larger than the spread; changes its first argument.

    Args:
        correction: (forecasts, 1 + levels) that of the mean in kW, and of quantiles in spreads.
        spread: (forecasts,) in kW.
    """
    bound = spread[:, None]
    correction[:, 1:] *= bound
    np.minimum(correction, bound, out=correction)
    return np.maximum(correction, -bound, out=correction)
