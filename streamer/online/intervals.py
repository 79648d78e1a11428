"""Prediction intervals with online calibration by class of state."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from numbers import Real
from statistics import NormalDist
from typing import Any, cast

from streamer.online.carried import MAX_CARRIED_KW, CarriedPower
from streamer.readings.saved import numbers, whole

STEP = 0.006
"""Distance by which one reading moves each term of an end, on the logarithm of its scale."""

FIRST_GAIN, GAIN_HOURS = 3.0, 24.0
"""The step is larger by three times itself at first, by half of that after a day, and so on."""

MAX_KW = MAX_CARRIED_KW
MIN_SPREAD_KW = 0.02
_FIRST_ERROR_KW = 0.1
SPREAD_PER_ERROR = 4.0
ERROR_KEPT = 0.5 ** (1.0 / 10.0)
MIN_LOG_SCALE = -3.0
MAX_LOG_SCALE = 4.0

ERRORS_KW = (0.016, 0.04, 0.1, 0.25)
ERRORS_IN_SPREADS = (0.08, 0.2, 0.5, 1.25)
LAST_IN_SPREADS = (0.25, 1.0)
SPREADS_KW = (0.063, 0.2, 0.63, 2.0)
LEVELS_KW = (-1.0, -0.2, 0.5, 2.0, 8.0)
"""Limits between the classes of each kind: by recent error, by recent and last error in relation
to the spread, by the spread, and by the mean forecast."""

ERROR, ERROR_RATIO, LAST_RATIO, SPREAD, LEVEL, TERMS = 1, 6, 11, 14, 19, 25
"""Place of the first class of each kind among the terms of an end, after that of all readings;
and the number of terms."""

FIRST_PLACES = (ERROR, ERROR_RATIO, LAST_RATIO, SPREAD, LEVEL)

UNITS = 1 << 26
"""Terms are whole multiples of 1 / UNITS, so that sums of them are exact in any order."""

MIN_TOTAL, MAX_TOTAL = round(MIN_LOG_SCALE * UNITS), round(MAX_LOG_SCALE * UNITS)
MAX_TERM = MAX_TOTAL
"""Bound of a term, kept every hour, so that it fits in 32 bits."""


class ConformalBand:
    """Prediction interval that contains the next reading with a given probability.

    It starts from the network's outermost quantiles, or, if it has none, from four times the
    exponentially weighted mean absolute error (half-life ten readings) around the mean. Each
    end is then moved outwards by ``spread × (exp(θ) - 1)``, spread being the distance
    between the two, and kept within the power that the connection is known to carry
    (`streamer.online.carried.CarriedPower`). θ is a sum of six terms: that of all forecasts, and
    those of the classes that a forecast belongs to, by recent error, recent error / spread, last
    error / spread, spread, and mean forecast, all of them known when it is issued. After each
    reading, each of its six terms moves by ``step × ([outside] - miss)``, with miss half of the
    share that may lie outside. The step is four times as large at first.

    **Source.** Adaptive conformal inference (Gibbs and Candès 2021, NeurIPS 34), in the form
    that follows the quantile itself (Angelopoulos, Candès and Tibshirani 2023, "Conformal PID
    control for time series prediction", NeurIPS 36), on the logarithm of the scale; with a
    decreasing step (Angelopoulos, Barber and Bates 2024, "Online conformal prediction with
    decaying step sizes", ICML). Calibration by class is that of Mondrian conformal prediction
    (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world", chapter 4);
    classes of several kinds at once, as a sum of terms, follow from gradient equilibrium
    (Angelopoulos, Jordan and Tibshirani 2025, "Gradient equilibrium in online learning").

    **Guarantee.** For all readings, and for those of any one class, whatever the readings are
    and however bad the network is: the sum of ``step × ([outside] - miss)`` over them is the
    change of that term (each move is rounded by 1e-8 at most), as long as θ stays between its
    bounds, -3 and 4, and the term between -4 and 4. As the step decreases, the share beyond an
    end therefore differs from miss by at most ``range / (step × n)`` over n such readings,
    with the step of the long run, and range the difference between the largest and the
    smallest value of the term meanwhile: a range of 0.3 amounts to five percentage points of
    1,000 readings, and to half a point of 10,000. There is no guarantee for a single reading,
    nor for classes of another kind, such as the hours of a day.

    **What breaks it.** Errors more than 50 spreads wide for hours (θ then stays at its bound,
    which lets it return from faulty readings within days), or a network whose quantile
    is so far on the wrong side that its own spread cannot bring it back. A class that a house
    is in for minutes a month learns too little for a coverage of its own. A larger step
    recovers sooner after a change and gives wider bands between changes.

    Args:
        confidence: nominal coverage, between 0 and 1.
        inner: nominal coverage of the network's outermost quantiles; None if it has none.
        step: distance by which one reading moves each term, on the logarithm of the scale.

    Raises:
        ValueError: a setting is out of its range.

    >>> band = ConformalBand(0.9, inner=0.9)
    >>> band.see(0.5, 0.3, 0.8)
    (0.3, 0.8)
    >>> band.settle(2.0)
    >>> low, high = band.see(0.5, 0.3, 0.8)
    >>> round(low, 4), round(high, 4)
    (0.303, 0.8604)
    """

    def __init__(
        self, confidence: float = 0.9, *, inner: float | None = None, step: float = STEP
    ) -> None:
        given: Any = confidence
        if not isinstance(given, Real) or not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence is {confidence!r}, must be between 0 and 1")
        if not step > 0.0:
            raise ValueError(f"step is {step}, must be above 0")
        self.confidence = float(confidence)
        self._miss = (1.0 - confidence) / 2.0
        self._step = step
        normal = NormalDist()
        # Errors are taken to be normal until the first readings have moved the scales.
        reach = normal.inv_cdf(1.0 - self._miss) / normal.inv_cdf((1.0 + (inner or 0.9)) / 2.0)
        first = round(min(math.log(0.5 + reach / 2.0), MAX_LOG_SCALE) * UNITS)
        # The terms of each end: that of all readings, then those of the classes.
        self._low, self._high = ([first] + [0] * (TERMS - 1) for _ in range(2))
        self._places = FIRST_PLACES
        self._low_total = self._high_total = first
        self._error_kw, self._last_error_kw = _FIRST_ERROR_KW, 0.0
        self._waiting = (0.0, 0.0, 0.0)
        self._carried = CarriedPower()
        self._outward, self._inward = moves(self._step, self._miss, settled=0)

    def see(
        self, mean_kw: float, lowest_kw: float | None = None, highest_kw: float | None = None
    ) -> tuple[float, float]:
        """The band of a forecast that is about to be issued, kept until it is settled.

        Args:
            mean_kw: the mean forecast in kW.
            lowest_kw: the network's lowest quantile in kW, or None if it has none.
            highest_kw: its highest likewise.

        Returns:
            Low and high in kW, low never above high.
        """
        error = self._error_kw
        if lowest_kw is None or highest_kw is None:
            spread = max(SPREAD_PER_ERROR * error, MIN_SPREAD_KW)
            lowest_kw, highest_kw = mean_kw - spread / 2.0, mean_kw + spread / 2.0
        else:
            spread = highest_kw - lowest_kw
            # Comparisons cost a fifth of `min` and `max`.
            if spread < MIN_SPREAD_KW:
                spread = MIN_SPREAD_KW
            elif spread > MAX_KW:
                spread = MAX_KW
        a = ERROR + bisect_right(ERRORS_KW, error)
        b = ERROR_RATIO + bisect_right(ERRORS_IN_SPREADS, error / spread)
        c = LAST_RATIO + bisect_right(LAST_IN_SPREADS, self._last_error_kw / spread)
        d = SPREAD + bisect_right(SPREADS_KW, spread)
        e = LEVEL + bisect_right(LEVELS_KW, mean_kw)
        self._places = a, b, c, d, e
        terms = self._low
        self._low_total = total = terms[0] + terms[a] + terms[b] + terms[c] + terms[d] + terms[e]
        low = lowest_kw - spread * _factor(total)
        terms = self._high
        self._high_total = total = terms[0] + terms[a] + terms[b] + terms[c] + terms[d] + terms[e]
        high = highest_kw + spread * _factor(total)
        if low > high:
            low = high = low + (high - low) / 2.0
        carried = self._carried
        if low < carried.floor_kw or high > carried.ceiling_kw:
            low, high = carried.held(low, high)
        self._waiting = low, high, mean_kw
        return low, high

    def settle(self, actual_kw: float) -> None:
        """Move the ends by the reading, in kW, that the last band was made for."""
        low, high, mean_kw = self._waiting
        a, b, c, d, e = self._places
        # Written out, since loops over ends and terms would take several times as long.
        terms, outside = self._low, actual_kw < low
        if self._low_total < MAX_TOTAL if outside else self._low_total > MIN_TOTAL:
            move = self._outward if outside else self._inward
            terms[0] += move
            terms[a] += move
            terms[b] += move
            terms[c] += move
            terms[d] += move
            terms[e] += move
        terms, outside = self._high, actual_kw > high
        if self._high_total < MAX_TOTAL if outside else self._high_total > MIN_TOTAL:
            move = self._outward if outside else self._inward
            terms[0] += move
            terms[a] += move
            terms[b] += move
            terms[c] += move
            terms[d] += move
            terms[e] += move
        error = abs(actual_kw - mean_kw)
        if error > MAX_KW:
            error = MAX_KW
        self._last_error_kw = error
        self._error_kw = error + ERROR_KEPT * (self._error_kw - error)
        carried = self._carried
        carried.settle(actual_kw)
        if carried.settled % 60 == 0:
            self._low, self._high = _bounded(self._low), _bounded(self._high)
            self._outward, self._inward = moves(self._step, self._miss, settled=carried.settled)

    def state(self) -> dict[str, Any]:
        """Everything that the next band depends on, as plain JSON values."""
        return {
            "low": list(self._low),
            "high": list(self._high),
            "places": list(self._places),
            "errors_kw": [self._error_kw, self._last_error_kw],
            "waiting_kw": list(self._waiting),
            "carried": self._carried.state(),
        }

    def restore(self, state: Mapping[str, Any] | Sequence[float]) -> None:
        """Continue from a saved state, bit for bit.

        A state from before there were classes, six numbers, keeps the term of all readings; those
        of the classes, and the power that the connection carries, begin anew.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        if isinstance(state, Mapping):
            low, high = _terms(state["low"]), _terms(state["high"])
            places = _places(state["places"])
            error_kw, last_error_kw = numbers(state["errors_kw"], most=2)
            low_kw, high_kw, mean_kw = numbers(state["waiting_kw"], most=3)
            carried = CarriedPower.restored(state["carried"])
        else:
            low_scale, high_scale, error_kw, low_kw, high_kw, mean_kw = numbers(state, most=6)
            if not all(
                MIN_LOG_SCALE <= scale <= MAX_LOG_SCALE for scale in (low_scale, high_scale)
            ):
                raise ValueError("the scale of the band is out of bounds")
            low, high = (
                [round(scale * UNITS)] + [0] * (TERMS - 1) for scale in (low_scale, high_scale)
            )
            places, last_error_kw, carried = FIRST_PLACES, 0.0, CarriedPower()
        if not (0.0 <= error_kw <= MAX_KW and 0.0 <= last_error_kw <= MAX_KW):
            raise ValueError("the error of the band is out of bounds")
        self._low, self._high, self._places = low, high, places
        self._low_total, self._high_total = (
            terms[0] + sum(terms[place] for place in places) for terms in (low, high)
        )
        self._error_kw, self._last_error_kw = error_kw, last_error_kw
        self._waiting, self._carried = (low_kw, high_kw, mean_kw), carried
        self._outward, self._inward = moves(self._step, self._miss, settled=carried.settled)


def moves(step: float, miss: float, *, settled: int) -> tuple[int, int]:
    """Moves of a term, in units, by a reading outside and by one inside.

    Args:
        step: their distance in the long run.
        miss: share of the readings that may be outside.
        settled: number of readings so far.
    """
    gain = 1.0 + FIRST_GAIN * GAIN_HOURS / (GAIN_HOURS + settled // 60)
    distance = round(min(step * gain, MAX_LOG_SCALE) * UNITS)
    inward = max(round(distance * miss), 1)
    return distance - inward, -inward


def _factor(total: int) -> float:
    """Share of the spread by which an end is moved outwards."""
    if total > MAX_TOTAL:
        total = MAX_TOTAL
    elif total < MIN_TOTAL:
        total = MIN_TOTAL
    return math.expm1(total / UNITS)


def _bounded(terms: list[int]) -> list[int]:
    return [min(max(term, -MAX_TERM), MAX_TERM) for term in terms]


def _terms(values: Any) -> list[int]:
    terms = [whole(value) for value in values]
    if len(terms) != TERMS or max(map(abs, terms)) >= 1 << 31:
        raise ValueError("the terms of the band are out of bounds")
    return terms


def _places(values: Any) -> tuple[int, int, int, int, int]:
    places = [whole(value) for value in values]
    ends = (*FIRST_PLACES[1:], TERMS)
    if not all(
        first <= place < end for first, place, end in zip(FIRST_PLACES, places, ends, strict=True)
    ):
        raise ValueError("the classes of the band are out of bounds")
    return cast("tuple[int, int, int, int, int]", tuple(places))
