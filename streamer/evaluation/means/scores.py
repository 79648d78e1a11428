"""Scores of forecasts of the mean of the next minutes, and their JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from streamer.evaluation.bands import Band, score_band
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.bootstrap import Interval, day_sums, interval, skill_replicates
from streamer.evaluation.means.forecasts import (
    HIGH,
    KNOWN_OF_QUARTER,
    LOW,
    MEAN,
    MEDIAN,
    MeanForecasts,
)
from streamer.evaluation.means.targets import QUARTER, RULES, MeanTargets
from streamer.evaluation.metrics import W, mean_square
from streamer.evaluation.stretch import Stretch
from streamer.readings import skill
from streamer.readings.arrays import DoubleArray, IntArray, TimeArray

FROZEN_CONFIDENCE = 0.9
"""Nominal coverage of the band that a model's head makes."""

_MODEL_VALUES = 4


@dataclass(frozen=True)
class MeanScore:
    """Scores of one forecaster for one horizon.

    Attributes:
        name: the forecaster's, with "frozen" or "adapted" after that of a model.
        is_model: whether it is one of the models, rather than a baseline.
        adapted: whether it corrects the frozen model before it.
        in_sample: whether it was trained on some of these minutes.
        mse_kw2: mean squared error of the mean forecast in kW².
        mae_w: mean absolute error of a model's median forecast in W, of a baseline's forecast.
        bias_w: mean of forecast minus actual in W.
        skill: 1 − MSE / MSE of persistence; None if that has no error.
        skill_interval: its confidence interval; None for too few days.
        band: scores of a model's band; None for baselines.
    """

    name: str
    is_model: bool
    adapted: bool
    in_sample: bool
    mse_kw2: float
    mae_w: float
    bias_w: float
    skill: float | None
    skill_interval: Interval | None
    band: Band | None


@dataclass(frozen=True)
class Horizon:
    """Scores for the mean of the next so many minutes.

    Attributes:
        minutes: how many.
        settled: number of forecasts, the same for all: those whose minutes were all measured.
        scores: one for each forecaster that forecasts it.
    """

    minutes: int
    settled: int
    scores: tuple[MeanScore, ...]


@dataclass(frozen=True)
class QuarterScore:
    """Error of one forecaster for the mean of a quarter-hour.

    Attributes:
        name: the forecaster's.
        rmse_w: root mean squared error in W.
        skill: 1 − MSE / MSE of persistence; None if that has no error.
    """

    name: str
    rmse_w: float
    skill: float | None


@dataclass(frozen=True)
class Quarter:
    """Scores for the mean of quarter-hours of the clock, of which the first minutes are known.

    Attributes:
        known: how many minutes are known; they are taken as they were, and the rest is forecast.
        quarters: number of quarter-hours, all of whose minutes were measured.
        scores: one for each forecaster that forecasts the mean of the rest.
    """

    known: int
    quarters: int
    scores: tuple[QuarterScore, ...]


@dataclass(frozen=True)
class MeanEvaluation:
    """Scores of models with horizons, beside baselines, over the same minutes.

    Attributes:
        horizons: one for each horizon that is shown.
        quarters: one for each number of known minutes whose rest a model forecasts.
    """

    horizons: tuple[Horizon, ...] = ()
    quarters: tuple[Quarter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The scores as plain JSON values; undefined ones are None.

        Returns:
            ``horizons``: for each ``minutes``, ``settled``, and ``forecasters``, each with
            ``name``, ``kind`` (model or baseline), ``adapted``, ``in_sample``, ``mse_kw2``,
            ``rmse_w``, ``mae_w`` (of a model's median), ``bias_w``, ``skill``,
            ``skill_interval`` (``low``, ``high``), ``coverage``, ``width_kw`` and
            ``winkler_kw`` of a model's band. ``quarter_hours``: for each ``known_minutes``,
            ``quarters``, and ``forecasters``, each with ``name``, ``rmse_w`` and ``skill``.
        """
        return {
            "horizons": [
                {
                    "minutes": horizon.minutes,
                    "settled": horizon.settled,
                    "forecasters": [_score_json(score) for score in horizon.scores],
                }
                for horizon in self.horizons
            ],
            "quarter_hours": [
                {
                    "known_minutes": quarter.known,
                    "quarters": quarter.quarters,
                    "forecasters": [asdict(score) for score in quarter.scores],
                }
                for quarter in self.quarters
            ],
        }


def assess_means(
    stretch: Stretch,
    forecasts: Sequence[MeanForecasts],
    horizons: Sequence[int],
    *,
    confidence: float = 0.9,
) -> MeanEvaluation:
    """Score forecasts of the mean of the next minutes beside the baselines.

    Args:
        stretch: the stretch that was forecast.
        forecasts: those of models with horizons, and of fitted baselines; may be empty.
        horizons: the horizons to score, in rising order.
        confidence: nominal coverage of the adapted bands; that of frozen ones is
            `FROZEN_CONFIDENCE`.
    """
    if not forecasts:
        return MeanEvaluation()
    targets = MeanTargets(stretch)
    issued_at = stretch.at[stretch.first - 1 : -1]
    return MeanEvaluation(
        tuple(
            _horizon(targets, forecasts, minutes, issued_at, confidence)
            for minutes in horizons
            if len(targets.settled(minutes))
        ),
        tuple(
            _quarter(targets, forecasts, known)
            for known in KNOWN_OF_QUARTER
            if any(QUARTER - known in each.minutes for each in forecasts)
            and len(targets.in_quarter(known))
        ),
    )


def _horizon(
    targets: MeanTargets,
    forecasts: Sequence[MeanForecasts],
    minutes: int,
    issued_at: TimeArray,
    confidence: float,
) -> Horizon:
    issues = targets.settled(minutes)
    actual = targets.actual_kw(minutes, issues)
    values = _values(targets, forecasts, minutes, issues)
    errors = {name: actual - kw[:, MEAN] for name, kw in values.items()}
    reference = list(errors).index(PERSISTENCE)
    squares = np.square(np.column_stack(list(errors.values())))
    sums = day_sums(issued_at[issues], squares)
    replicates = skill_replicates(sums, sums[:, reference])
    mse = squares.mean(axis=0).tolist()
    models = {each.title: each for each in forecasts}
    scores = []
    for column, (name, kw) in enumerate(values.items()):
        model = models.get(name)
        adapted = model is not None and model.adapted_from is not None
        middle = kw[:, MEDIAN] if kw.shape[1] == _MODEL_VALUES else kw[:, MEAN]
        scores.append(
            MeanScore(
                name=name,
                is_model=model is not None and model.is_model,
                adapted=adapted,
                in_sample=model is not None and model.in_sample,
                mse_kw2=mse[column],
                mae_w=W * float(np.abs(actual - middle).mean()),
                bias_w=-W * float(errors[name].mean()),
                skill=skill(mse[column], mse[reference]),
                skill_interval=None if replicates is None else interval(replicates[:, column]),
                band=_band(kw, actual, confidence if adapted else FROZEN_CONFIDENCE),
            )
        )
    return Horizon(minutes, len(issues), tuple(scores))


def _quarter(targets: MeanTargets, forecasts: Sequence[MeanForecasts], known: int) -> Quarter:
    minutes = QUARTER - known
    issues = targets.in_quarter(known)
    actual = targets.actual_kw(minutes, issues)
    mse = {
        name: (minutes / QUARTER) ** 2 * mean_square(actual - kw[:, MEAN])
        for name, kw in _values(targets, forecasts, minutes, issues).items()
    }
    scores = [
        QuarterScore(name, W * float(np.sqrt(each)), skill(each, mse[PERSISTENCE]))
        for name, each in mse.items()
    ]
    return Quarter(known, len(issues), tuple(scores))


def _values(
    targets: MeanTargets, forecasts: Sequence[MeanForecasts], minutes: int, issues: IntArray
) -> dict[str, DoubleArray]:
    """(issues, 1 or 4) in kW by name: of models, of the plain baselines, of fitted ones."""
    given = [(each, each.of(minutes, issues)) for each in forecasts]
    return {
        **{each.title: kw for each, kw in given if kw is not None and each.is_model},
        **{name: rule(targets, minutes, issues)[:, None] for name, rule in RULES.items()},
        **{each.title: kw for each, kw in given if kw is not None and not each.is_model},
    }


def _band(kw: DoubleArray, actual_kw: DoubleArray, confidence: float) -> Band | None:
    if kw.shape[1] != _MODEL_VALUES:
        return None
    tail = (1.0 - confidence) / 2.0
    return score_band(tail, 1.0 - tail, kw[:, LOW], kw[:, HIGH], actual_kw)


def _score_json(score: MeanScore) -> dict[str, Any]:
    band, spread = score.band, score.skill_interval
    return {
        "name": score.name,
        "kind": "model" if score.is_model else "baseline",
        "adapted": score.adapted,
        "in_sample": score.in_sample,
        "mse_kw2": score.mse_kw2,
        "rmse_w": W * float(np.sqrt(score.mse_kw2)),
        "mae_w": score.mae_w,
        "bias_w": score.bias_w,
        "skill": score.skill,
        "skill_interval": None if spread is None else asdict(spread),
        "coverage": None if band is None else band.coverage,
        "width_kw": None if band is None else band.width_kw,
        "winkler_kw": None if band is None else band.winkler_kw,
    }
