"""Scores of forecasts and prediction intervals as immutable values, and the skill score."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorScores:
    """Errors of one forecaster, over all settled minutes.

    All are None until a forecast has been settled.

    Attributes:
        mse_kw2: running mean squared error in kW².
        mae_kw: running mean absolute error in kW.
        hour_mse_kw2: mean squared error of the last 60 settled minutes in kW².
        day_mse_kw2: mean squared error of the last 1440 settled minutes in kW².
    """

    mse_kw2: float | None = None
    mae_kw: float | None = None
    hour_mse_kw2: float | None = None
    day_mse_kw2: float | None = None

    @property
    def rmse_w(self) -> float | None:
        """Running root mean squared error in W."""
        return None if self.mse_kw2 is None else 1000.0 * math.sqrt(self.mse_kw2)

    @property
    def mae_w(self) -> float | None:
        """Running mean absolute error in W."""
        return None if self.mae_kw is None else 1000.0 * self.mae_kw


@dataclass(frozen=True, slots=True)
class PointScores:
    """Errors of the point forecast, and of persistence over the same minutes.

    The point forecast is `Forecast.point_kw`, which every view shows as the next value. All
    are None until a forecast has been settled.

    Attributes:
        mae_kw: running mean absolute error in kW.
        mse_kw2: running mean squared error in kW².
        persistence_mae_kw: mean absolute error of persistence in kW.
        persistence_mse_kw2: mean squared error of persistence in kW².
    """

    mae_kw: float | None = None
    mse_kw2: float | None = None
    persistence_mae_kw: float | None = None
    persistence_mse_kw2: float | None = None

    @property
    def mae_w(self) -> float | None:
        """Running mean absolute error in W."""
        return None if self.mae_kw is None else 1000.0 * self.mae_kw

    @property
    def persistence_mae_w(self) -> float | None:
        """Mean absolute error of persistence in W."""
        return None if self.persistence_mae_kw is None else 1000.0 * self.persistence_mae_kw

    @property
    def skill(self) -> float | None:
        """1 − MSE/MSE of persistence: 0 equals persistence, below 0 is worse."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)

    @property
    def mae_skill(self) -> float | None:
        """1 − MAE/MAE of persistence."""
        return skill(self.mae_kw, self.persistence_mae_kw)


@dataclass(frozen=True, slots=True)
class BandScores:
    """Coverage and width of the bands, over all settled minutes.

    All but the confidence are None until a band has been settled.

    Attributes:
        confidence: nominal coverage.
        coverage: share of the readings inside, ends included.
        day_coverage: the same of the last 1440 settled minutes.
        width_kw: mean width in kW.
        day_width_kw: the same of the last 1440 settled minutes.
        winkler_kw: mean interval score in kW: the width, and for a reading outside
            ``2 / (1 - confidence)`` times its distance on top (Winkler 1972).
    """

    confidence: float
    coverage: float | None = None
    day_coverage: float | None = None
    width_kw: float | None = None
    day_width_kw: float | None = None
    winkler_kw: float | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """Lead of the forecasts over persistence: a 95 % interval of the difference of their MSE.

    Attributes:
        low_kw2: low end in kW²; above zero, the forecasts are better than persistence.
        high_kw2: high end in kW²; below zero, they are worse.
    """

    low_kw2: float
    high_kw2: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero, so that the sign of the skill means something."""
        return self.low_kw2 > 0.0 or self.high_kw2 < 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Errors of the forecasts, beside those of persistence over the same minutes.

    Attributes:
        settled: number of settled forecasts.
        model: errors of the mean forecasts, adapted or not.
        persistence: errors of "next = last".
        frozen: errors of the network alone; None if nothing is adapted.
        band: scores of the bands.
        point: errors of the point forecast.
        lead: lead over persistence in all settled minutes; None until a day is settled.
        day_lead: the same in the last 24 hours of them.
    """

    settled: int = 0
    model: ErrorScores = ErrorScores()
    persistence: ErrorScores = ErrorScores()
    frozen: ErrorScores | None = None
    band: BandScores = BandScores(0.9)
    point: PointScores = PointScores()
    lead: Lead | None = None
    day_lead: Lead | None = None

    @property
    def skill(self) -> float | None:
        """1 − MSE/MSE of persistence: 0 equals persistence, below 0 is worse."""
        return skill(self.model.mse_kw2, self.persistence.mse_kw2)

    @property
    def skill_is_clear(self) -> bool | None:
        """Whether the sign of the skill means something; None until that is known."""
        return None if self.lead is None else self.lead.is_clear

    @property
    def hour_skill(self) -> float | None:
        """Skill over the last 60 settled minutes."""
        return skill(self.model.hour_mse_kw2, self.persistence.hour_mse_kw2)

    @property
    def day_skill(self) -> float | None:
        """Skill over the last 1440 settled minutes."""
        return skill(self.model.day_mse_kw2, self.persistence.day_mse_kw2)

    def _repr_html_(self) -> str:
        """The errors of each forecaster as a table, as a notebook shows it."""
        from streamer.display.notebook import html_table
        from streamer.display.numbers import fixed, percent, plural

        named = {"forecasts": self.model, "persistence": self.persistence}
        if self.frozen is not None:
            named["network alone"] = self.frozen
        rows = [
            (name, fixed(each.mse_kw2, 5), fixed(each.rmse_w, 1), fixed(each.mae_w, 1))
            for name, each in named.items()
        ]
        nominal, covered = self.band.confidence, self.band.coverage
        band = f"the {percent(nominal, signed=False)} band covered {percent(covered, signed=False)}"
        return html_table(
            f"{plural(self.settled, 'minute')} scored",
            ("", "MSE, kW²", "RMSE, W", "MAE, W"),
            rows,
            [f"Skill {percent(self.skill)}; {band}."],
        )


def skill(mse: float | None, reference_mse: float | None) -> float | None:
    """Skill score of a mean squared, or absolute, error against that of a reference.

    The mean squared error skill score of Murphy (1988), Monthly Weather Review 116:
    ``1 − mse / reference_mse``.

    Args:
        mse: mean squared error of the forecasts; None if nothing is settled.
        reference_mse: mean squared error of the reference, in the same unit.

    Returns:
        The skill, or None where it is undefined: nothing is settled, or the reference
        has no error at all.

    >>> skill(0.75, 1.0)
    0.25
    >>> skill(0.5, 0.0) is None
    True
    """
    if mse is None or not reference_mse:
        return None
    return 1.0 - mse / reference_mse
