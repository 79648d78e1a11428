"""Forecasts of the mean of the next minutes, for every scored minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from streamer.errors import UsageError
from streamer.evaluation.means.targets import QUARTER
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray

DEFAULT_HORIZONS = (5, 15, 30, 60)

KNOWN_OF_QUARTER = (1, 5, 10)
"""Minutes of a quarter-hour after which its mean is forecast."""

MEAN, MEDIAN, LOW, HIGH = range(4)
"""Columns of the values of one horizon."""


@dataclass(frozen=True)
class MeanForecasts:
    """One forecaster's forecasts of the mean of the next minutes.

    Attributes:
        name: name of the forecaster; of a frozen model, the model's.
        minutes: its horizons, in rising order.
        values_kw: (issues, horizons, 1 or 4) the mean forecast in kW; of a model also the
            median, and the lower and upper end of its band.
        is_model: whether it is one of the models, rather than a baseline.
        adapted_from: name of the frozen forecaster that it corrects; None if not adapted.
        in_sample: whether it was trained on some of these minutes, judged by the clock.
    """

    name: str
    minutes: tuple[int, ...]
    values_kw: FloatArray
    is_model: bool = False
    adapted_from: str | None = None
    in_sample: bool = False

    @property
    def title(self) -> str:
        """The name, with "frozen" after that of a model whose forecasts are not corrected."""
        frozen = self.is_model and self.adapted_from is None
        return f"{self.name}, frozen" if frozen else self.name

    def of(self, minutes: int, issues: IntArray) -> DoubleArray | None:
        """(issues, 1 or 4) the values of one horizon in kW; None if it is not forecast."""
        if minutes not in self.minutes:
            return None
        values: DoubleArray = self.values_kw[issues, self.minutes.index(minutes)].astype(np.float64)
        return values


def shown_horizons(
    asked: tuple[int, ...] | None, offers: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    """Horizons to show, in rising order.

    Args:
        asked: the choice; None for those of `DEFAULT_HORIZONS` that a model forecasts.
        offers: by name of a model all horizons that it forecasts; none for a model without.

    Raises:
        UsageError: a model with horizons does not forecast one of those asked for, or none of
            the models has any.
    """
    if asked is None:
        return tuple(m for m in DEFAULT_HORIZONS if any(m in offer for offer in offers.values()))
    if asked and not any(offers.values()):
        name = next(iter(offers))
        raise UsageError(
            f"--horizons: model {name!r} does not forecast the mean of the next minutes; give a "
            "--model that does, or leave the option out"
        )
    for name, offer in offers.items():
        unknown = [minutes for minutes in asked if offer and minutes not in offer]
        if unknown:
            known = ", ".join(map(str, offer))
            raise UsageError(
                f"--horizons {unknown[0]}: model {name!r} forecasts the mean of the next {known} "
                "minutes; choose among these"
            )
    return tuple(sorted(set(asked)))


def needed_horizons(shown: tuple[int, ...], offered: tuple[int, ...]) -> tuple[int, ...]:
    """Horizons to forecast: of those offered the ones shown, and what completes a quarter-hour."""
    rest = {QUARTER - known for known in KNOWN_OF_QUARTER}
    return tuple(sorted({*shown, *rest} & set(offered)))
