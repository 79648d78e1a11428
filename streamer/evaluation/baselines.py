"""Baseline forecasts for comparison with models, on the same minutes.

Each baseline forecasts a scored minute from earlier readings only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.evaluation.autoregression import Autoregression
from streamer.evaluation.boosting import forecast_boosted, import_lightgbm
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.online import forecast_online
from streamer.evaluation.stretch import Stretch
from streamer.readings.arrays import DoubleArray

PERSISTENCE = "persistence"
LIGHTGBM = "lightgbm"
NO_BASELINE = "none"

MIN_TRAINING = 1440
"""Minimum number of readings before the stretch to fit a baseline on: one day."""


@dataclass(frozen=True)
class Baseline:
    """Forecaster without a model.

    Attributes:
        name: its name.
        forecast: function that returns (minutes,) forecasts of a stretch in kW.
        is_fitted: whether it is fitted on readings before the stretch.
        is_default: whether it is included if none is chosen.
    """

    name: str
    forecast: Callable[[Stretch, Advance], DoubleArray]
    is_fitted: bool = False
    is_default: bool = True

    def fits(self, stretch: Stretch) -> bool:
        """True if there are enough readings before the stretch."""
        return not self.is_fitted or stretch.start >= MIN_TRAINING


def persistence(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Forecast of the last reading."""
    advance(stretch.minutes)
    return stretch.last_kw


def seasonal_naive(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Reading of the same minute a day ago by the clock; the last reading where that is missing."""
    minute = stretch.at.astype("datetime64[m]")
    # A clock that is set back at the end of summer time is not monotonic.
    order = np.argsort(minute, kind="stable")
    rising = minute[order]
    wanted = minute[stretch.first :] - np.timedelta64(1, "D")
    found = np.maximum(np.searchsorted(rising, wanted, side="right") - 1, 0)
    advance(stretch.minutes)
    return np.where(rising[found] == wanted, stretch.kw[order[found]], stretch.last_kw)


def running_mean(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Mean of all readings of the stretch so far."""
    sums = np.cumsum(stretch.kw[stretch.start : -1])[stretch.warm_up - 1 :]
    advance(stretch.minutes)
    return sums / np.arange(stretch.warm_up, stretch.warm_up + stretch.minutes)


def autoregression(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Linear autoregression on 49 lags, fitted on the readings before the stretch."""
    fitted = Autoregression.fit(stretch.kw[: stretch.start])
    advance(stretch.minutes)
    return fitted.forecast(stretch.windows(fitted.lags))


BASELINES = {
    baseline.name: baseline
    for baseline in (
        Baseline(PERSISTENCE, persistence),
        Baseline("seasonal-naive", seasonal_naive),
        Baseline("running-mean", running_mean),
        Baseline("autoregression", autoregression, is_fitted=True),
        Baseline("river", forecast_online),
        Baseline(LIGHTGBM, forecast_boosted, is_fitted=True, is_default=False),
    )
}


def choose_baselines(names: Sequence[str]) -> list[Baseline]:
    """The baselines of these names, and persistence, the reference of every skill.

    Args:
        names: names in `BASELINES`; empty for the defaults, `none` for persistence only.

    Raises:
        UsageError: a baseline does not exist.
        MissingExtraError: the library of one of them is not installed.
    """
    if NO_BASELINE in names:
        if set(names) != {NO_BASELINE}:
            raise UsageError(f"--baseline {NO_BASELINE} cannot be combined with another one")
        names = [PERSISTENCE]
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        known = ", ".join([*BASELINES, NO_BASELINE])
        raise UsageError(
            f"no baseline {unknown[0]!r}: give one of: {known}; or a forecaster as for --challenger"
        )
    if LIGHTGBM in names:
        import_lightgbm()
    return [
        baseline
        for baseline in BASELINES.values()
        if baseline.name == PERSISTENCE
        or (baseline.name in names if names else baseline.is_default)
    ]


def usable_baselines(
    baselines: Sequence[Baseline], stretch: Stretch, *, insist: bool
) -> tuple[list[Baseline], list[str]]:
    """The baselines with enough readings to be fitted on.

    Args:
        baselines: baselines to choose from.
        stretch: the stretch to forecast.
        insist: whether to fail if there are too few readings for one.

    Returns:
        The baselines, and for each of the others a note on why it is left out.

    Raises:
        UsageError: there are too few readings for one, and `insist` is set.
    """
    notes = [
        f"{baseline.name} needs at least {plural(MIN_TRAINING, 'reading')} before the "
        f"evaluated stretch to be fitted on, and there are {stretch.start:,}"
        for baseline in baselines
        if not baseline.fits(stretch)
    ]
    if notes and insist:
        raise UsageError(f"{notes[0]}; begin later with --from or --last")
    usable = [baseline for baseline in baselines if baseline.fits(stretch)]
    return usable, [f"{note}, so it is left out" for note in notes]
