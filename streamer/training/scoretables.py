"""Tables of the scores of a training on the test parts."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from streamer.display.lines import one_line
from streamer.display.numbers import percent
from streamer.training.trained import Trained

_SHOWN = (2, 5, 10, 15, 30, 60)
"""Horizons that the table shows, as far as there are such."""


def score_tables(trained: Trained, houses: Sequence[str]) -> list[Table]:
    """Scores of the next reading, and of the horizons if there are any.

    Args:
        trained: result of `run_network`.
        houses: names of the houses.
    """
    tables = [_next_reading(trained, houses)]
    if trained.head is not None:
        tables.append(_horizons(trained, houses))
    return tables


def _next_reading(trained: Trained, houses: Sequence[str]) -> Table:
    table = Table(title=f"On {len(trained.targets):,} minutes not trained on")
    table.add_column("")
    for heading in ("MSE, kW²", "MAE, W"):
        table.add_column(heading, justify="right")
    parts = trained.by_house if len(houses) > 1 else [trained]
    for house, part in zip(houses, parts, strict=True):
        if len(houses) > 1:
            table.add_section()
            table.add_row(Text(one_line(house)))
        table.add_row("model", f"{part.mse_kw2:.5f}", f"{1000 * part.mae_kw:.1f}")
        persistence = f"{part.persistence_mse_kw2:.5f}", f"{1000 * part.persistence_mae_kw:.1f}"
        table.add_row("persistence", *persistence)
    skills = [percent(part.skill) for part in parts]
    table.caption = f"skill {', '.join(skills)}"
    return table


def _horizons(trained: Trained, houses: Sequence[str]) -> Table:
    """Skill and coverage of each horizon in each house."""
    table = Table(title="Mean of the next minutes")
    table.add_column("minutes", justify="right")
    for house in houses:
        table.add_column(Text(one_line(house)), justify="right")
    rows = zip(*trained.horizons, strict=True)
    for tests in rows:
        if tests[0].minutes in _SHOWN:
            values = [
                f"{percent(test.skill)}  {percent(test.coverage, signed=False)}" for test in tests
            ]
            table.add_row(str(tests[0].minutes), *values)
    table.caption = "skill, coverage of 90 %"
    return table
