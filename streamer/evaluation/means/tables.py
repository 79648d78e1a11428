"""Tables of the scores of the next minutes' mean for the terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING, number
from streamer.display.tables import NAME_WIDTH, plain_table
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.means.models import LIGHTLY
from streamer.evaluation.means.scores import Horizon, MeanEvaluation, MeanScore

_MEANS = (
    "MSE in kW²; MAE in W, of a model that of its median forecast; Winkler score in\n"
    "kW: the width of the band plus misses. Skill: 1 − MSE / MSE of persistence."
)
_QUARTERS = "The known minutes are taken as they were, and the mean of the rest is forecast."


def mean_tables(evaluation: MeanEvaluation) -> Iterator[RenderableType]:
    """Tables of all horizons: one for each model, one of the baselines, one of quarter-hours.

    Args:
        evaluation: the scores; without any, there are no tables.
    """
    if not evaluation.horizons:
        return
    for frozen, adapted in _pairs(evaluation.horizons):
        yield ""
        mark = "*" if frozen.in_sample else ""
        name = one_line(frozen.name.removesuffix(", frozen"))
        # Not the title of the table, which would be wrapped to its width.
        yield Text(f"Mean of the next minutes: {name}{mark}", style="bold")
        yield _model(evaluation.horizons, frozen, adapted)
    yield ""
    yield Text(
        "Mean of the next minutes: baselines, and the skill of all but the first", style="bold"
    )
    yield _baselines(evaluation.horizons)
    yield Text(_MEANS)
    if evaluation.quarters:
        yield ""
        yield _quarters(evaluation)
        yield Text(_QUARTERS)


def _pairs(horizons: Sequence[Horizon]) -> list[tuple[MeanScore, MeanScore | None]]:
    """Each frozen model, whichever of the horizons it has, with each of those adapted from it."""
    found: dict[str, tuple[MeanScore, dict[str, MeanScore]]] = {}
    for horizon in horizons:
        adapted: dict[str, MeanScore] = {}
        for score in horizon.scores:
            if score.is_model and not score.adapted:
                _, adapted = found.setdefault(score.name, (score, {}))
            elif score.adapted:
                adapted[score.name] = score
    # Those of a fleet have few horizons, and come last.
    pairs: list[tuple[MeanScore, MeanScore | None]] = []
    for frozen, by_name in found.values():
        pairs += [(frozen, each) for each in sorted(by_name.values(), key=_is_light)]
        if not by_name:
            pairs.append((frozen, None))
    return pairs


def _is_light(score: MeanScore) -> bool:
    return score.name.endswith(LIGHTLY)


def _model(horizons: Sequence[Horizon], frozen: MeanScore, adapted: MeanScore | None) -> Table:
    """A row for each horizon: errors of the frozen and the adapted model, and the band."""
    headings = ["frozen\nMSE", "\nMAE", "\nskill"]
    if adapted is not None:
        word = "lightly" if _is_light(adapted) else "adapted"
        headings += [f"{word}\nMSE", "\nMAE", "\nskill", "\ncoverage", "\nWinkler"]
    table = plain_table("", *headings)
    for horizon in horizons:
        before = _score(horizon, frozen.name)
        cells = list(_errors(before))
        if adapted is not None:
            score = _score(horizon, adapted.name)
            if score is None and before is not None:
                continue
            cells += _errors(score)
            band = None if score is None else score.band
            cells.append(NOTHING if band is None else f"{100 * band.coverage:.1f} %")
            cells.append(NOTHING if band is None else f"{band.winkler_kw:.3f}")
        table.add_row(_label(horizon.minutes), *cells)
    return table


def _errors(score: MeanScore | None) -> Iterator[str]:
    yield number(None if score is None else score.mse_kw2, ".4f")
    yield number(None if score is None else score.mae_w, ".1f")
    yield _percent(None if score is None else score.skill)


def _baselines(horizons: Sequence[Horizon]) -> Table:
    """A row for each horizon: persistence, and the skill of the other baselines."""
    scores = [score for horizon in horizons for score in horizon.scores if not score.is_model]
    others = [name for name in dict.fromkeys(s.name for s in scores) if name != PERSISTENCE]
    headings = ["\nsettled", "persistence\nMSE", "\nMAE"]
    headings += [_in_two_lines(name) for name in others]
    table = plain_table("", *headings)
    for horizon in horizons:
        reference, *_ = (score for score in horizon.scores if score.name == PERSISTENCE)
        table.add_row(
            _label(horizon.minutes),
            f"{horizon.settled:,}",
            f"{reference.mse_kw2:.4f}",
            f"{reference.mae_w:.1f}",
            *[_percent(None if s is None else s.skill) for s in _scores(horizon, others)],
        )
    return table


def _quarters(evaluation: MeanEvaluation) -> Table:
    """A row for each forecaster: its error after each number of known minutes."""
    headings = [f"after {quarter.known}" for quarter in evaluation.quarters]
    table = plain_table("Mean of a quarter-hour, RMSE in W", *headings, first_width=2 * NAME_WIDTH)
    names = dict.fromkeys(score.name for quarter in evaluation.quarters for score in quarter.scores)
    for name in names:
        found = [
            next((score.rmse_w for score in quarter.scores if score.name == name), None)
            for quarter in evaluation.quarters
        ]
        table.add_row(Text(one_line(name)), *[number(each, ".1f") for each in found])
    return table


def _score(horizon: Horizon, name: str) -> MeanScore | None:
    return next((score for score in horizon.scores if score.name == name), None)


def _scores(horizon: Horizon, names: Sequence[str]) -> list[MeanScore | None]:
    return [_score(horizon, name) for name in names]


def _in_two_lines(name: str) -> str:
    first, between, last = name.rpartition(" ")
    return f"{first}\n{last}" if between else f"\n{name}"


def _label(minutes: int) -> str:
    return f"{minutes} min"


def _percent(share: float | None) -> str:
    # Adding zero turns -0.0 into 0.0.
    return NOTHING if share is None else f"{round(100 * share, 1) + 0.0:+.1f} %"
