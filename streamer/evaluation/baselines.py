"""What a model has to be better than, on the same minutes.

Each baseline forecasts a scored minute from readings before it alone.
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
"""Fewest readings before the stretch that a baseline is fitted on: a day."""


@dataclass(frozen=True)
class Baseline:
    """A way to forecast that asks for no model.

    Attributes:
        name: what to call it.
        forecast: gives (minutes,) forecasts in kW of a stretch.
        is_fitted: whether it needs readings before the stretch.
        is_default: whether it is taken if none is chosen.
    """

    name: str
    forecast: Callable[[Stretch, Advance], DoubleArray]
    is_fitted: bool = False
    is_default: bool = True

    def fits(self, stretch: Stretch) -> bool:
        """Whether there are readings enough before the stretch."""
        return not self.is_fitted or stretch.start >= MIN_TRAINING


def persistence(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Next = last."""
    advance(stretch.minutes)
    return stretch.last_kw


def seasonal_naive(stretch: Stretch, advance: Advance) -> DoubleArray:
    """The same minute a day ago by the clock, or the last reading where that is missing."""
    minute = stretch.at.astype("datetime64[m]")
    # A clock that is put back at the end of summer time does not rise throughout.
    order = np.argsort(minute, kind="stable")
    rising = minute[order]
    wanted = minute[stretch.first :] - np.timedelta64(1, "D")
    found = np.maximum(np.searchsorted(rising, wanted, side="right") - 1, 0)
    advance(stretch.minutes)
    return np.where(rising[found] == wanted, stretch.kw[order[found]], stretch.last_kw)


def running_mean(stretch: Stretch, advance: Advance) -> DoubleArray:
    """The mean of all readings of the stretch so far."""
    sums = np.cumsum(stretch.kw[stretch.start : -1])[stretch.warm_up - 1 :]
    advance(stretch.minutes)
    return sums / np.arange(stretch.warm_up, stretch.warm_up + stretch.minutes)


def autoregression(stretch: Stretch, advance: Advance) -> DoubleArray:
    """A linear autoregression on 49 lags, fitted on what comes before the stretch."""
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
    """The baselines of these names, and persistence, without which no score says anything.

    Args:
        names: of `BASELINES`; none at all for the default ones, `none` for persistence alone.

    Raises:
        UsageError: there is no such baseline.
        MissingExtraError: what one of them needs is not installed.
    """
    if NO_BASELINE in names:
        if set(names) != {NO_BASELINE}:
            raise UsageError(f"--baseline {NO_BASELINE} does not go with another one")
        names = [PERSISTENCE]
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        known = ", ".join([*BASELINES, NO_BASELINE])
        raise UsageError(f"no baseline {unknown[0]!r}: give one of: {known}")
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
    """Those that there are readings enough to fit on.

    Args:
        baselines: to choose from.
        stretch: what they are to forecast.
        insist: whether to fail if there are too few for one.

    Returns:
        The baselines, and for each of the others a note that says why it is not there.

    Raises:
        UsageError: there are too few for one that is insisted on.
    """
    notes = [
        f"{baseline.name} is fitted on what comes before the evaluated stretch, on "
        f"{plural(MIN_TRAINING, 'reading')} at the least, and there are {stretch.start:,}"
        for baseline in baselines
        if not baseline.fits(stretch)
    ]
    if notes and insist:
        raise UsageError(f"{notes[0]}; begin later, by --from or --last")
    usable = [baseline for baseline in baselines if baseline.fits(stretch)]
    return usable, [f"{note}, so it is left out" for note in notes]
