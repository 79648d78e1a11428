"""Published and computed errors as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamer.evaluation import PERSISTENCE
from streamer.readings.arrays import TimeArray
from tests.literature.published import Published, Span
from tests.literature.scoring import Score

IN_SAMPLE = "in sample"


def table(
    span: Span, at: TimeArray, published: Sequence[Published], scores: Sequence[Score]
) -> str:
    """Errors on the minutes of a span.

    Args:
        span: the span.
        at: (minutes,) times that the computed errors are of.
        published: published errors.
        scores: computed ones, that of persistence among them.
    """
    first, last = (str(moment)[:16].replace("T", " ") for moment in at[[0, -1]])
    whole = at[-1].item() >= span.end - (at[1] - at[0]).item()
    reference = next(score.mse_kw2 for score in scores if score.forecaster == PERSISTENCE)
    lines = [
        f"### {span.name}",
        "",
        f"Computed on {len(at):,} minutes, {first} to {last}"
        + ("." if whole else ", which is as far as the file goes."),
        "",
        "| forecaster | source | MSE, kW² | RMSE, W | MAE, W | skill, % |",
        "|---|---|---:|---:|---:|---:|",
    ]
    # A published error is of all minutes: beside persistence on a part of them it means little.
    rows = [(each.forecaster, each.source, each.mse_kw2, each.mae_w, whole) for each in published]
    rows += [(each.forecaster, _source(each), each.mse_kw2, each.mae_w, True) for each in scores]
    for name, source, mse, mae, is_compared in sorted(rows, key=lambda row: row[2]):
        error = "" if mae is None else f"{mae:.1f}"
        skill = f"{100.0 * (1.0 - mse / reference):+.1f}" if is_compared else ""
        root = 1000.0 * float(np.sqrt(mse))
        lines.append(f"| {name} | {source} | {mse:.4f} | {root:.0f} | {error} | {skill} |")
    return "\n".join(lines) + "\n"


def _source(score: Score) -> str:
    return f"computed, {IN_SAMPLE}" if score.in_sample else "computed"
