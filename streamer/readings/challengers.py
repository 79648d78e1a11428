"""Scores of challengers: other forecasters that run beside the model, on the same minutes."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.readings.scores import ErrorScores, skill


@dataclass(frozen=True, slots=True)
class ChallengerScores:
    """Forecast of a challenger, and its errors beside those of the model and of persistence.

    All errors are over the same minutes: those that both the model and the challenger had
    forecast.

    Attributes:
        name: name of the challenger.
        forecast_kw: its forecast of the next reading, mean grid power in kW; None without one.
        settled: number of these minutes.
        absent: number of minutes that the model had forecast, and the challenger had not.
        errors: errors of the challenger; like the next two, without those of the last hour and day.
        model: errors of the model's mean forecast, as shown.
        persistence: errors of the last reading.
    """

    name: str
    forecast_kw: float | None
    settled: int
    absent: int
    errors: ErrorScores
    model: ErrorScores
    persistence: ErrorScores

    @property
    def skill(self) -> float | None:
        """1 - MSE / MSE of persistence; None as long as the latter is zero."""
        return skill(self.errors.mse_kw2, self.persistence.mse_kw2)

    @property
    def model_skill(self) -> float | None:
        """That of the model on the same minutes."""
        return skill(self.model.mse_kw2, self.persistence.mse_kw2)

    @property
    def over_model(self) -> float | None:
        """1 - MSE / MSE of the model; None as long as the latter is zero."""
        return skill(self.errors.mse_kw2, self.model.mse_kw2)


@dataclass(frozen=True, slots=True)
class Champion:
    """Whose forecast is shown, where the best one is.

    Attributes:
        name: name of the challenger that the model's forecast is moved towards; None for the
            model's alone.
        weight: how far it is moved, from 0 to 1.
    """

    name: str | None = None
    weight: float = 0.0
