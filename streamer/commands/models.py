"""The command `models`: list of the shipped models, and the card of one model.

A model may come from anywhere: its texts are printed without markup, and on one line each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from streamer.display.console import PlainConsole
from streamer.display.lines import one_line
from streamer.display.numbers import NOTHING, number, percent
from streamer.models import find_model, read_model, shipped_models
from streamer.models.card import Card
from streamer.models.cardscores import CardScores
from streamer.models.horizons import read_head
from streamer.models.inputs import Input


def list_models() -> None:
    """Print the shipped models, one per line."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "layers", "trained", "skill", "minutes scored"):
        table.add_column(heading)
    for name in shipped_models():
        card, weights = read_model(find_model(name))
        scores = card.scores or CardScores()
        scored = NOTHING if scores.minutes is None else f"{scores.minutes:,}"
        layers = " ".join(map(str, weights.sizes))
        table.add_row(name, layers, "\n".join(_spans(card)), percent(scores.skill), scored)
    PlainConsole().print(table)


def show_model(name_or_path: str, *, as_json: bool) -> None:
    """Print a model's card.

    Args:
        name_or_path: a shipped model's name, a folder, or a `.keras` file.
        as_json: print the card as JSON instead of a table.
    """
    path = find_model(name_or_path)
    card, weights = read_model(path)
    head = read_head(path, card.horizons, units=weights.lstm[-1].units)
    if as_json:
        # Escaped, so that it is the same JSON on a terminal of any encoding.
        print(json.dumps(json.loads(card.to_json()), indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "model": card.name,
        "network": f"LSTM layers and a Dense head, sizes {weights.sizes}",
        "weights": f"{weights.parameters:,}, SHA-256 {card.sha256 or NOTHING}",
        "window": f"{card.window} readings in kW, less {card.shift_kw:.6f} kW",
        "forecasts": f"the next reading's {card.target}: {', '.join(card.outputs)}",
        "trained on": ", ".join(_spans(card)),
    }
    if card.inputs:
        rows["window"] = f"{card.window} readings"
        rows["inputs"] = "; ".join(map(_scaled, card.inputs))
    if card.horizons is not None and head is not None:
        rows["horizons"] = (
            f"mean of the next {_ranges(card.horizons.minutes)} minutes: "
            f"{', '.join(card.horizons.outputs)}"
        )
        rows["their head"] = f"Dense layers on the hidden state and features, sizes {head.sizes}"
        rows["features"] = ", ".join(card.horizons.features) or NOTHING
    facts = {key: _plain(value) for key, value in card.others.items()}
    for key, value in [*rows.items(), *facts.items()]:
        table.add_row(Text(one_line(key)), Text(one_line(value)))
    console = PlainConsole()
    console.print(table)
    if card.scores is not None:
        console.print(_scores(card.scores))
    if card.horizon_scores is not None:
        console.print(*_horizons(card.horizon_scores))
    for limit in card.limits:
        console.print(Text(f"• {one_line(limit)}"))


def _scaled(given: Input) -> str:
    """An input with its unit, and how a value of it becomes one of the network's."""
    less = f"{given.name} in {given.unit}, less {given.shift:g}"
    return less if given.scale == 1.0 else f"({less}) / {given.scale:g}"


def _spans(card: Card) -> list[str]:
    """The span of each house that a model was trained on."""
    return [f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" for first, last in card.trained_spans] or [
        NOTHING
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in rising order, those in a row as a range.

    >>> _ranges([2, 3, 4, 15, 30])
    '2–4, 15, 30'
    """
    found: list[list[int]] = []
    for each in numbers:
        if found and each == found[-1][-1] + 1:
            found[-1][1:] = [each]
        else:
            found.append([each])
    return ", ".join("–".join(map(str, span)) for span in found)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    if isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        return "; ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scores(scores: CardScores) -> Table:
    title = "Scores on minutes not trained on"
    if scores.start or scores.end:
        title += f", {scores.start or NOTHING} to {scores.end or NOTHING}"
    table = Table(title=Text(one_line(title)))
    table.add_column("")
    for heading in ("minutes", "MSE, kW²", "persistence", "MAE, W", "persistence", "skill"):
        table.add_column(heading, justify="right")
    for name, each in [*scores.by_month.items(), *scores.by_house.items(), ("all", scores)]:
        table.add_row(
            Text(one_line(name)),
            NOTHING if each.minutes is None else f"{each.minutes:,}",
            number(each.mse_kw2, ".5f"),
            number(each.persistence_mse_kw2, ".5f"),
            number(_watts(each.mae_kw), ".1f"),
            number(_watts(each.persistence_mae_kw), ".1f"),
            percent(each.skill),
        )
    return table


def _horizons(scores: CardScores) -> list[Table]:
    """Skill and coverage of each horizon, side by side for each house; none without any."""
    houses = scores.by_house or {"": scores}
    shown = {name: each.horizons for name, each in houses.items() if each.horizons}
    if not shown:
        return []
    table = Table(title="Mean of the next minutes: skill, coverage")
    table.add_column("minutes", justify="right")
    for name in shown:
        table.add_column(Text(one_line(name)), justify="right")
    for row in zip(*shown.values(), strict=False):
        values = [f"{percent(each.skill)}  {percent(each.coverage, signed=False)}" for each in row]
        table.add_row(str(row[0].minutes), *values)
    return [table]


def _watts(kw: float | None) -> float | None:
    return None if kw is None else 1000.0 * kw
