"""Scores on a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamer.models.bounds import MAX_HORIZON_MINUTES, MAX_HORIZONS
from streamer.models.fields import Fields

_MAX_MONTHS = 1200
_MAX_HOUSES = 1000
_MAX_NAME = 1000
_MAX_MINUTES = 1 << 40
_MAX_ERROR = 1e300


@dataclass(frozen=True)
class CardHorizonScores:
    """Scores of the mean of the next minutes. None where the card has no value.

    Attributes:
        minutes: their number.
        skill: skill of the mean against persistence.
        coverage: share of the actual means inside the prediction interval.
    """

    minutes: int
    skill: float | None = None
    coverage: float | None = None


@dataclass(frozen=True)
class CardScores:
    """Scores on minutes that a model was not trained on. None where the card has no value.

    Attributes:
        start: first of the minutes, as the card writes it.
        end: the last.
        minutes: their number.
        mse_kw2: mean squared error in kW².
        mae_kw: mean absolute error in kW.
        persistence_mse_kw2: the same of persistence.
        persistence_mae_kw: the same of persistence.
        skill: skill against persistence.
        by_month: the same for each month.
        by_house: the same for each house, if the model was trained on several.
        horizons: scores of the mean of the next minutes, in the order of the card.
    """

    start: str | None = None
    end: str | None = None
    minutes: int | None = None
    mse_kw2: float | None = None
    mae_kw: float | None = None
    persistence_mse_kw2: float | None = None
    persistence_mae_kw: float | None = None
    skill: float | None = None
    by_month: Mapping[str, CardScores] = field(default_factory=dict)
    by_house: Mapping[str, CardScores] = field(default_factory=dict)
    horizons: tuple[CardHorizonScores, ...] = ()


def read_scores(card: Fields, key: str) -> CardScores | None:
    """The scores in a field of a card; None if it has none.

    Raises:
        ModelError: one of them has another type, or is out of bounds.
    """
    if not card.has(key):
        return None
    given = card.part(key)
    houses = given.each("houses", _MAX_HOUSES) if given.has("houses") else []
    by_house = {house.text("source", _MAX_NAME): _scores(house) for house in houses}
    return replace(_scores(given), by_house=by_house)


def _scores(given: Fields, *, of_month: bool = False) -> CardScores:
    def error(name: str) -> float | None:
        return given.number(name, 0.0, _MAX_ERROR) if given.has(name) else None

    has_months = not of_month and given.has("by_month")
    months = given.parts("by_month", _MAX_MONTHS) if has_months else {}
    horizons = given.each("horizons", MAX_HORIZONS) if given.has("horizons") else []
    return CardScores(
        start=given.text("from") if given.has("from") else None,
        end=given.text("to") if given.has("to") else None,
        minutes=given.whole("minutes", 0, _MAX_MINUTES) if given.has("minutes") else None,
        mse_kw2=error("mse_kw2"),
        mae_kw=error("mae_kw"),
        persistence_mse_kw2=error("persistence_mse_kw2"),
        persistence_mae_kw=error("persistence_mae_kw"),
        skill=_skill(given),
        by_month={name: _scores(month, of_month=True) for name, month in months.items()},
        horizons=tuple(map(_horizon, horizons)),
    )


def _skill(given: Fields) -> float | None:
    return given.number("skill", -_MAX_ERROR, 1.0) if given.has("skill") else None


def _horizon(given: Fields) -> CardHorizonScores:
    return CardHorizonScores(
        minutes=given.whole("minutes", 1, MAX_HORIZON_MINUTES),
        skill=_skill(given),
        coverage=given.number("coverage", 0.0, 1.0) if given.has("coverage") else None,
    )
