"""Scores on a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamer.models.fields import Fields

_MAX_MONTHS = 1200
_MAX_MINUTES = 1 << 40
_MAX_ERROR = 1e300


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


def read_scores(card: Fields, key: str) -> CardScores | None:
    """The scores in a field of a card; None if it has none.

    Raises:
        ModelError: one of them has another type, or is out of bounds.
    """
    if not card.has(key):
        return None
    given = card.part(key)
    months = given.parts("by_month", _MAX_MONTHS) if given.has("by_month") else {}
    return _scores(given, {name: _scores(month, {}) for name, month in months.items()})


def _scores(given: Fields, by_month: Mapping[str, CardScores]) -> CardScores:
    def error(name: str) -> float | None:
        return given.number(name, 0.0, _MAX_ERROR) if given.has(name) else None

    return CardScores(
        start=given.text("from") if given.has("from") else None,
        end=given.text("to") if given.has("to") else None,
        minutes=given.whole("minutes", 0, _MAX_MINUTES) if given.has("minutes") else None,
        mse_kw2=error("mse_kw2"),
        mae_kw=error("mae_kw"),
        persistence_mse_kw2=error("persistence_mse_kw2"),
        persistence_mae_kw=error("persistence_mae_kw"),
        skill=given.number("skill", -_MAX_ERROR, 1.0) if given.has("skill") else None,
        by_month=by_month,
    )
