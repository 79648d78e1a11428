"""Assessment of forecasts, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isclose
from typing import Any

import numpy as np

from streamer.evaluation.bands import Band, FixedBand, fixed_band
from streamer.evaluation.bootstrap import (
    CONFIDENCE,
    REPLICATES,
    SEED,
    Interval,
    day_sums,
    interval,
    skill_replicates,
)
from streamer.evaluation.breakdown import Part, break_down
from streamer.evaluation.demand.scores import DemandEvaluation
from streamer.evaluation.forecasts import Forecasts
from streamer.evaluation.means.scores import MeanEvaluation
from streamer.evaluation.metrics import Metrics, measure
from streamer.evaluation.stretch import Stretch
from streamer.readings.arrays import DoubleArray


@dataclass(frozen=True)
class Lead:
    """Difference in skill between the first forecaster and another.

    Attributes:
        skill: skill of the first less that of the other.
        interval: its confidence interval; None if unknown.
    """

    skill: float
    interval: Interval | None


@dataclass(frozen=True)
class Ratio:
    """Ratio of a forecaster's mean squared error to that of the one that it corrects.

    Attributes:
        ratio: below 1 the correction is an improvement.
        interval: its confidence interval; None if unknown.
    """

    ratio: float
    interval: Interval | None


@dataclass(frozen=True)
class Assessment:
    """All scores of one forecaster.

    Attributes:
        forecasts: its forecasts.
        metrics: scores over all scored minutes.
        skill_interval: confidence interval of its skill; None for too few days.
        lead: lead of the first forecaster over this one; None for the first itself, and if a
            skill is undefined.
        mse_to_frozen: for an adapted forecaster; None for the others, and if the frozen one
            has no error.
        fixed_band: fixed band about a frozen model's mean forecast, or about that of the
            frozen model that this one corrects; None for baselines.
    """

    forecasts: Forecasts
    metrics: Metrics
    skill_interval: Interval | None
    lead: Lead | None
    mse_to_frozen: Ratio | None = None
    fixed_band: FixedBand | None = None

    @property
    def name(self) -> str:
        """The forecaster's name, with "frozen" or "adapted" after that of a model."""
        return self.forecasts.title

    def to_fixed(self, band: Band) -> float | None:
        """Ratio of a band's Winkler score to that of the fixed band: below 1 is better.

        None if the fixed band has another confidence, or no width.
        """
        fixed = self.fixed_band
        if fixed is None or not isclose(fixed.band.confidence, band.confidence, abs_tol=1e-9):
            return None
        return band.winkler_kw / fixed.band.winkler_kw if fixed.band.winkler_kw else None


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    Attributes:
        stretch: the stretch that was forecast.
        assessments: one for each forecaster, in the order given.
        breakdowns: `hour`, `level`, `gap` and `month`; in each part one score for each
            forecaster, in the same order.
        days: number of calendar days with scored minutes.
        confidence: nominal coverage of the adapted and the fixed bands.
        notes: remarks for the reader, one line each.
        means: scores of the forecasts of the mean of the next minutes; empty without any.
        demand: scores of demand intervals by each model's forecasts; empty without any.
    """

    stretch: Stretch
    assessments: tuple[Assessment, ...]
    breakdowns: Mapping[str, tuple[Part, ...]]
    days: int
    confidence: float
    notes: tuple[str, ...] = ()
    means: MeanEvaluation = field(default_factory=MeanEvaluation)
    demand: tuple[DemandEvaluation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON values, in full precision; undefined values are None.

        Returns:
            ``file``, ``from`` and ``to`` (first and last scored minute), ``readings`` of
            the stretch, ``scored`` minutes, ``training_readings`` before the stretch,
            ``gaps`` and ``gap_minutes`` in it, ``days``; ``bootstrap`` (``replicates``,
            ``seed``, ``confidence``); ``notes``; ``forecasters``; ``fixed_band``;
            ``breakdowns``; ``horizons`` and ``quarter_hours``, as by `MeanEvaluation.to_json`;
            ``demand``, each as by `DemandEvaluation.to_json`.

            A forecaster has ``name``, ``kind`` (model or baseline), ``adapted`` (whether it
            corrects the frozen model before it), ``in_sample``, ``trained_from``,
            ``trained_to``; ``mse_kw2``, ``rmse_w``, ``mae_w``, ``median_mae_w``, ``bias_w``
            (forecast minus actual), ``r2``, ``skill``, ``skill_interval`` (``low``,
            ``high``); ``first_leads_by`` (``skill``: the
            first forecaster's less this one's, ``interval``); ``mse_to_frozen`` (``ratio``:
            an adapted forecaster's MSE over the frozen one's, ``interval``; None for the
            others); ``pinball_kw`` and ``reliability``, both by level; ``bands``, each with
            ``low``, ``high``, ``coverage``, ``width_kw``, ``winkler_kw``, ``week_coverage``
            (``low``, ``high``: over whole weeks; None without a whole week) and
            ``winkler_to_fixed`` (its Winkler score over that of the fixed band about the
            frozen mean; None if that has another confidence).

            ``fixed_band`` has the ``confidence`` of the adapted bands, too, and ``models``:
            for each frozen model's name the symmetric band of constant width about its mean
            forecast that contains that share of the readings, which is known only in
            hindsight: ``half_width_kw``, ``coverage``, ``width_kw``, ``winkler_kw``,
            ``week_coverage``.

            ``breakdowns`` has ``hour``, ``level`` (of the last reading), ``gap``
            and ``month``, each a list of ``part``, ``minutes`` and ``forecasters``, which
            has ``mse_kw2``, ``mae_w``, ``skill`` for each name.
        """
        stretch, missing = self.stretch, self.stretch.missing
        names = [assessment.name for assessment in self.assessments]
        return {
            "file": stretch.name,
            "from": str(stretch.scored_at[0]),
            "to": str(stretch.scored_at[-1]),
            "readings": len(stretch.kw) - stretch.start,
            "scored": stretch.minutes,
            "training_readings": stretch.start,
            "gaps": int(np.count_nonzero(missing)),
            "gap_minutes": int(missing.sum()),
            "days": self.days,
            "bootstrap": {"replicates": REPLICATES, "seed": SEED, "confidence": CONFIDENCE},
            "notes": list(self.notes),
            "forecasters": [_assessment_json(assessment) for assessment in self.assessments],
            "fixed_band": {
                "confidence": self.confidence,
                "models": {
                    assessment.forecasts.name: _fixed_json(assessment.fixed_band)
                    for assessment in self.assessments
                    if assessment.fixed_band is not None
                    and assessment.forecasts.adapted_from is None
                },
            },
            "breakdowns": {
                name: [_part_json(part, names) for part in parts]
                for name, parts in self.breakdowns.items()
            },
            **self.means.to_json(),
            "demand": [each.to_json() for each in self.demand],
        }


def assess(
    stretch: Stretch,
    forecasts: Sequence[Forecasts],
    notes: Sequence[str] = (),
    *,
    confidence: float = 0.9,
) -> Evaluation:
    """Score forecasts of the same minutes.

    Args:
        stretch: the stretch that was forecast.
        forecasts: one or more; the first is the one that the others are compared with. An
            adapted one follows the frozen one that it corrects.
        notes: remarks for the reader.
        confidence: nominal coverage of the adapted bands, and of the fixed reference bands.
    """
    actual, last = stretch.actual_kw, stretch.last_kw
    errors = [actual - each.mean_kw for each in forecasts]
    reference = actual - last
    sums = day_sums(stretch.scored_at, np.square(np.column_stack([*errors, reference])))
    metrics = [measure(each, actual, last) for each in forecasts]
    replicates = skill_replicates(sums[:, :-1], sums[:, -1])
    columns = {each.name: column for column, each in enumerate(forecasts)}
    fixed = {
        each.name: fixed_band(each.mean_kw, actual, confidence)
        for each in forecasts
        if each.is_frozen
    }
    return Evaluation(
        stretch=stretch,
        assessments=tuple(
            Assessment(
                forecasts=each,
                metrics=metrics[column],
                skill_interval=None if replicates is None else interval(replicates[:, column]),
                lead=_lead(metrics[0].skill, metrics[column].skill, replicates, column),
                mse_to_frozen=None
                if each.adapted_from is None
                else _ratio(metrics, replicates, column, columns[each.adapted_from]),
                fixed_band=fixed.get(each.adapted_from or each.name),
            )
            for column, each in enumerate(forecasts)
        ),
        breakdowns=break_down(stretch, errors, reference),
        days=len(sums),
        confidence=confidence,
        notes=tuple(notes),
    )


def _lead(
    first: float | None, other: float | None, replicates: DoubleArray | None, column: int
) -> Lead | None:
    if column == 0 or first is None or other is None:
        return None
    # Both over the same days drawn, so that days that are hard for both cancel out.
    spread = None if replicates is None else interval(replicates[:, 0] - replicates[:, column])
    return Lead(first - other, spread)


def _ratio(
    metrics: Sequence[Metrics], replicates: DoubleArray | None, column: int, frozen: int
) -> Ratio | None:
    if not metrics[frozen].mse_kw2:
        return None
    spread = None
    if replicates is not None:
        # 1 − skill is the error relative to that of persistence, over the same days drawn.
        errors = 1.0 - replicates
        if errors[:, frozen].all():
            spread = interval(errors[:, column] / errors[:, frozen])
    return Ratio(metrics[column].mse_kw2 / metrics[frozen].mse_kw2, spread)


def _assessment_json(assessment: Assessment) -> dict[str, Any]:
    forecasts, metrics = assessment.forecasts, assessment.metrics
    spread, lead, ratio = assessment.skill_interval, assessment.lead, assessment.mse_to_frozen
    spans = (forecasts.trained_from, forecasts.trained_to)
    begin, end = (None if moment is None else moment.isoformat() for moment in spans)
    return {
        "name": assessment.name,
        "kind": "model" if forecasts.is_model else "baseline",
        "adapted": forecasts.adapted_from is not None,
        "in_sample": forecasts.in_sample,
        "trained_from": begin,
        "trained_to": end,
        "mse_kw2": metrics.mse_kw2,
        "rmse_w": metrics.rmse_w,
        "mae_w": metrics.mae_w,
        "median_mae_w": metrics.median_mae_w,
        "bias_w": metrics.bias_w,
        "r2": metrics.r2,
        "skill": metrics.skill,
        "skill_interval": None if spread is None else asdict(spread),
        "first_leads_by": None if lead is None else asdict(lead),
        "mse_to_frozen": None if ratio is None else asdict(ratio),
        "pinball_kw": {f"{level:.12g}": loss for level, loss in metrics.pinball_kw.items()},
        "reliability": {f"{level:.12g}": share for level, share in metrics.reliability.items()},
        "bands": [
            asdict(band) | {"winkler_to_fixed": assessment.to_fixed(band)} for band in metrics.bands
        ],
    }


def _fixed_json(fixed: FixedBand) -> dict[str, Any]:
    scores = asdict(fixed.band)
    kept = ("coverage", "width_kw", "winkler_kw", "week_coverage")
    return {"half_width_kw": fixed.half_width_kw} | {key: scores[key] for key in kept}


def _part_json(part: Part, names: Sequence[str]) -> dict[str, Any]:
    scores = zip(names, part.scores, strict=True)
    return {
        "part": part.label,
        "minutes": part.minutes,
        "forecasters": {name: asdict(score) for name, score in scores},
    }
