"""Scores of a stream as lines of its summary."""

from __future__ import annotations

from streamer.display.numbers import number, percent, plural
from streamer.display.verdict import UNCLEAR, began_later, verdict
from streamer.readings import BandScores, ErrorScores, Scores, skill


def score_lines(scores: Scores, shown: str = "adapted") -> list[str]:
    """The comparison with persistence, the errors of each forecaster, and scores of the bands.

    Args:
        scores: the scores.
        shown: what the forecasts shown are called: they may be more than adapted.
    """
    if not scores.settled:
        return ["no forecast settled yet: the first comes with the 50th reading"]
    frozen, point = scores.frozen, scores.point
    rows = [
        ("point", ErrorScores(point.mse_kw2, point.mae_kw)),
        ("mean", scores.model),
        *([] if frozen is None else [("frozen", frozen)]),
        ("persistence", scores.persistence),
    ]
    width = max(len(name) for name, _ in rows)
    sign, (words, _) = verdict(scores.skill, scores.skill_is_clear)
    return [
        f"{plural(scores.settled, 'forecast')} settled: "
        f"{words if sign == UNCLEAR else f'mean {words}'}",
        *(f"{name:<{width}}  {_errors(errors)}" for name, errors in rows),
        *_same_minutes(scores),
        *([] if frozen is None else [_gained(scores, frozen, shown)]),
        _band(scores.band),
    ]


def _same_minutes(scores: Scores) -> list[str]:
    """Errors of persistence in the minutes of the point forecast, if they are fewer."""
    point = scores.point
    if not began_later(point.persistence_mse_kw2, scores.persistence.mse_kw2):
        return []
    theirs = ErrorScores(point.persistence_mse_kw2, point.persistence_mae_kw)
    return [f"point is scored over fewer minutes: persistence there {_errors(theirs)}"]


def _gained(scores: Scores, frozen: ErrorScores, shown: str) -> str:
    """Gain of the mean shown over the frozen one, for the whole stream."""
    gain = skill(scores.model.mse_kw2, frozen.mse_kw2) or 0.0
    minutes = f"over all {plural(scores.settled, 'minute')}"
    share = percent(abs(gain), signed=False)
    if share == percent(0.0, signed=False):
        return f"{shown} mean: MSE as frozen, {minutes}"
    better = "better" if gain > 0 else "worse"
    return f"{shown} mean: MSE {share} {better} than frozen, {minutes}"


def _band(band: BandScores) -> str:
    return (
        f"{100 * band.confidence:g} % band: covered {percent(band.coverage, signed=False)}, "
        f"mean width {number(band.width_kw, '.3g')} kW, "
        f"Winkler score {number(band.winkler_kw, '.3g')} kW"
    )


def _errors(errors: ErrorScores) -> str:
    return (
        f"MSE {number(errors.mse_kw2, '.5f')} kW²  RMSE {number(errors.rmse_w, '.1f')} W"
        f"  MAE {number(errors.mae_w, '.1f')} W"
    )
