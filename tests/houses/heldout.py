"""Scores of houses left out of the training as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any


def table(results: Sequence[dict[str, Any]]) -> str:
    """A row for each house and horizon, and one for the median over the houses.

    Args:
        results: for each house the result of `streamer evaluate --format json` for one model,
            and the name of the ``house``.
    """
    lines = [
        "| house | minutes | forecasts | skill frozen, % | adapted | coverage, % | Winkler, kW |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    rows = [row for result in results for row in _rows(result)]
    for horizon in sorted({row[1] for row in rows}):
        for house, minutes, count, *values in rows:
            if minutes == horizon:
                lines.append(_line(house, minutes, f"{count:,}", values))
        found = [row[3:] for row in rows if row[1] == horizon]
        lines.append(
            _line("median", horizon, "", [median(column) for column in zip(*found, strict=True)])
        )
    return "\n".join(lines) + "\n"


def _rows(result: dict[str, Any]) -> Iterator[tuple[str, int, int, float, float, float, float]]:
    """House, minutes, settled forecasts, then the figures of its line, for each horizon."""
    for horizon in result["horizons"]:
        frozen, adapted = [each for each in horizon["forecasters"] if each["kind"] == "model"]
        figures = frozen["skill"], adapted["skill"], adapted["coverage"], adapted["winkler_kw"]
        yield result["house"], horizon["minutes"], horizon["settled"], *figures


def _line(house: str, minutes: int, count: str, values: Sequence[float]) -> str:
    frozen, adapted, coverage, winkler = values
    return (
        f"| {house} | {minutes} | {count} | {100 * frozen:.1f} | {100 * adapted:.1f} "
        f"| {100 * coverage:.1f} | {winkler:.3f} |"
    )
