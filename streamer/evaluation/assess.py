"""Everything that is to be said of forecasts, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

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
from streamer.evaluation.forecasts import Forecasts
from streamer.evaluation.metrics import Metrics, measure
from streamer.evaluation.stretch import DoubleArray, Stretch


@dataclass(frozen=True)
class Lead:
    """How far the first forecaster is ahead of another.

    Attributes:
        skill: its skill less the other's.
        interval: of that, or None where it is not known.
    """

    skill: float
    interval: Interval | None


@dataclass(frozen=True)
class Verdict:
    """All scores of one forecaster.

    Attributes:
        forecasts: what it said.
        metrics: over all scored minutes.
        skill_interval: where its skill lies; None with too few days to tell.
        lead: of the first forecaster over this one; None for the first itself, and if a
            skill is undefined.
    """

    forecasts: Forecasts
    metrics: Metrics
    skill_interval: Interval | None
    lead: Lead | None

    @property
    def name(self) -> str:
        """The forecaster's name."""
        return self.forecasts.name


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        stretch: what was forecast.
        verdicts: one for each forecaster, in the order they were given in.
        breakdowns: `hour`, `level`, `gap` and `month`; in each part one score for each
            forecaster, in the same order.
        days: calendar days with scored minutes.
        notes: what a reader should know, a line each.
    """

    stretch: Stretch
    verdicts: tuple[Verdict, ...]
    breakdowns: Mapping[str, tuple[Part, ...]]
    days: int
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, in full precision; what is undefined is None.

        Returns:
            ``file``, ``from`` and ``to`` (first and last scored minute), ``readings`` of
            the stretch, ``scored`` minutes, ``training_readings`` before the stretch,
            ``gaps`` and ``gap_minutes`` in it, ``days``; ``bootstrap`` (``replicates``,
            ``seed``, ``confidence``); ``notes``; ``forecasters``; ``breakdowns``.

            A forecaster has ``name``, ``kind`` (model or baseline), ``in_sample``,
            ``trained_from``, ``trained_to``; ``mse_kw2``, ``rmse_w``, ``mae_w``,
            ``median_mae_w``, ``bias_w`` (forecast minus actual), ``r2``, ``skill``,
            ``skill_interval`` (``low``, ``high``); ``first_leads_by`` (``skill``: the
            first forecaster's less this one's, ``interval``); ``pinball_kw`` and
            ``reliability``, both by level; ``bands``, each with ``low``, ``high``,
            ``coverage``, ``width_kw``, ``winkler_kw``.

            In ``breakdowns`` there are ``hour``, ``level`` (of the last reading), ``gap``
            and ``month``, each a list of ``part``, ``minutes`` and ``forecasters``, which
            has ``mse_kw2``, ``mae_w``, ``skill`` for each name.
        """
        stretch, missing = self.stretch, self.stretch.missing
        names = [verdict.name for verdict in self.verdicts]
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
            "forecasters": [_verdict_json(verdict) for verdict in self.verdicts],
            "breakdowns": {
                name: [_part_json(part, names) for part in parts]
                for name, parts in self.breakdowns.items()
            },
        }


def assess(
    stretch: Stretch, forecasts: Sequence[Forecasts], notes: Sequence[str] = ()
) -> Evaluation:
    """Score forecasts of the same minutes.

    Args:
        stretch: what was forecast.
        forecasts: one or more, the first being what the others are compared with.
        notes: what a reader should know.
    """
    actual, last = stretch.actual_kw, stretch.last_kw
    errors = [actual - each.mean_kw for each in forecasts]
    reference = actual - last
    sums = day_sums(stretch.scored_at, np.square(np.column_stack([*errors, reference])))
    metrics = [measure(each, actual, last) for each in forecasts]
    replicates = skill_replicates(sums[:, :-1], sums[:, -1])
    return Evaluation(
        stretch=stretch,
        verdicts=tuple(
            Verdict(
                forecasts=each,
                metrics=metrics[column],
                skill_interval=None if replicates is None else interval(replicates[:, column]),
                lead=_lead(metrics[0].skill, metrics[column].skill, replicates, column),
            )
            for column, each in enumerate(forecasts)
        ),
        breakdowns=break_down(stretch, errors, reference),
        days=len(sums),
        notes=tuple(notes),
    )


def _lead(
    first: float | None, other: float | None, replicates: DoubleArray | None, column: int
) -> Lead | None:
    if column == 0 or first is None or other is None:
        return None
    # Both over the same days drawn, so that days which are hard for both cancel out.
    spread = None if replicates is None else interval(replicates[:, 0] - replicates[:, column])
    return Lead(first - other, spread)


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    forecasts, metrics = verdict.forecasts, verdict.metrics
    spread, lead = verdict.skill_interval, verdict.lead
    spans = (forecasts.trained_from, forecasts.trained_to)
    begin, end = (None if moment is None else moment.isoformat() for moment in spans)
    return {
        "name": verdict.name,
        "kind": "model" if forecasts.is_model else "baseline",
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
        "pinball_kw": {f"{level:g}": loss for level, loss in metrics.pinball_kw.items()},
        "reliability": {f"{level:g}": share for level, share in metrics.reliability.items()},
        "bands": [asdict(band) for band in metrics.bands],
    }


def _part_json(part: Part, names: Sequence[str]) -> dict[str, Any]:
    scores = zip(names, part.scores, strict=True)
    return {
        "part": part.label,
        "minutes": part.minutes,
        "forecasters": {name: asdict(score) for name, score in scores},
    }
