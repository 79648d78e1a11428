"""Challengers of a step in JSON lines, and in the summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from streamer.display.lines import one_line
from streamer.display.numbers import percent, plural
from streamer.readings import Step
from streamer.readings.challengers import ChallengerScores, Champion

Value: TypeAlias = str | float | int | None


def race_record(step: Step) -> dict[str, Any]:
    """The challengers as in a JSON line, and the champion if its forecast is shown.

    Values that are unknown or not finite are None. Empty without challengers.
    """
    found: dict[str, Any] = {}
    if step.challengers:
        found["challengers"] = _records(step.challengers)
    if step.champion is not None:
        found["champion"] = {"name": step.champion.name, "weight": step.champion.weight}
    return found


def _records(challengers: Sequence[ChallengerScores]) -> list[dict[str, Value]]:
    return [
        {
            "name": each.name,
            "next_kw": each.forecast_kw,
            "settled": each.settled,
            "absent": each.absent,
            "mse_kw2": each.errors.mse_kw2,
            "mae_kw": each.errors.mae_kw,
            "skill": _finite(each.skill),
            "model_skill": _finite(each.model_skill),
        }
        for each in challengers
    ]


def challenger_lines(
    challengers: Sequence[ChallengerScores], champion: Champion | None = None
) -> list[str]:
    """Lines of the summary: each challenger beside the model, on the same minutes.

    Args:
        challengers: the challengers.
        champion: whose forecast was shown last; None if it is always the model's.
    """
    if not challengers:
        return []
    names = [one_line(each.name) for each in challengers]
    width = max(map(len, names))
    return [
        "challengers, each on the minutes that it and the model had forecast:",
        *(
            f"{name:<{width}}  skill {percent(each.skill)}, the model {percent(each.model_skill)}, "
            f"over {plural(each.settled, 'minute')}" + _absent(each)
            for name, each in zip(names, challengers, strict=True)
        ),
        *([] if champion is None else [f"shown last: {champion_text(champion)}"]),
    ]


def champion_text(champion: Champion) -> str:
    """Whose forecast is shown.

    >>> champion_text(Champion("seasonal-naive", 0.634)), champion_text(Champion())
    ('seasonal-naive, with a weight of 63 %', 'the model')
    """
    if champion.name is None:
        return "the model"
    return f"{one_line(champion.name)}, with a weight of {100.0 * champion.weight:.0f} %"


def _absent(each: ChallengerScores) -> str:
    return f"; {plural(each.absent, 'minute')} without a forecast" if each.absent else ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
