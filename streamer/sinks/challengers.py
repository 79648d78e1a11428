"""Challengers of a step in JSON lines, and in the summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from streamer.display.lines import one_line
from streamer.display.numbers import percent, plural
from streamer.readings.challengers import ChallengerScores

KEY = "challengers"

Value: TypeAlias = str | float | int | None


def challenger_records(challengers: Sequence[ChallengerScores]) -> list[dict[str, Value]]:
    """The challengers as in a JSON line; None for values that are unknown or not finite."""
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


def challenger_lines(challengers: Sequence[ChallengerScores]) -> list[str]:
    """Lines of the summary: each challenger beside the model, on the same minutes."""
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
    ]


def _absent(each: ChallengerScores) -> str:
    return f"; {plural(each.absent, 'minute')} without a forecast" if each.absent else ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
