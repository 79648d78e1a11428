"""The command `models`: list of the shipped models, and the card of one model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from streamer.display.console import PlainConsole
from streamer.display.numbers import NOTHING, number, percent
from streamer.models import find_model, load_card, shipped_models
from streamer.models.artefact import read_keras
from streamer.models.card import Card


def list_models() -> None:
    """Print the shipped models, one per line."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "layers", "trained", "skill", "on"):
        table.add_column(heading)
    for name in shipped_models():
        path = find_model(name)
        card = load_card(path)
        test = card.facts.get("test", {})
        layers = " ".join(map(str, read_keras(path).sizes))
        on = f"{test['minutes']:,} minutes after that" if "minutes" in test else NOTHING
        table.add_row(name, layers, _span(card), percent(test.get("skill")), on)
    PlainConsole().print(table)


def show_model(name_or_path: str, *, as_json: bool) -> None:
    """Print a model's card.

    Args:
        name_or_path: a shipped model's name, a folder, or a `.keras` file.
        as_json: print the card as JSON instead of a table.
    """
    path = find_model(name_or_path)
    card = load_card(path)
    if as_json:
        # Escaped, so that it is the same JSON on a terminal of any encoding.
        print(json.dumps(json.loads(card.to_json()), indent=2))
        return
    network = read_keras(path)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("model", card.name)
    table.add_row("network", f"LSTM layers and a Dense head, sizes {network.sizes}")
    table.add_row("weights", f"{network.parameters:,}, SHA-256 {card.sha256 or NOTHING}")
    table.add_row("window", f"{card.window} readings in kW, less {card.shift_kw:.6f} kW")
    table.add_row("forecasts", f"the next reading's {card.target}: {', '.join(card.outputs)}")
    table.add_row("trained on", _span(card))
    for key, value in card.facts.items():
        if key not in ("test", "limits"):
            table.add_row(key, _plain(value))
    console = PlainConsole()
    console.print(table)
    if "test" in card.facts:
        console.print(_scores(card.facts["test"]))
    for limit in card.facts.get("limits", ()):
        console.print(f"• {limit}")


def _span(card: Card) -> str:
    if card.trained_from is None or card.trained_to is None:
        return NOTHING
    return f"{card.trained_from:%Y-%m-%d} to {card.trained_to:%Y-%m-%d}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scores(test: Mapping[str, Any]) -> Table:
    table = Table(title=f"Scores on minutes not trained on, {test['from']} to {test['to']}")
    table.add_column("")
    for heading in ("minutes", "MSE, kW²", "persistence", "MAE, W", "persistence", "skill"):
        table.add_column(heading, justify="right")
    for name, scores in [*test.get("by_month", {}).items(), ("all", test)]:
        table.add_row(
            name,
            f"{scores['minutes']:,}",
            number(scores["mse_kw2"], ".5f"),
            number(scores["persistence_mse_kw2"], ".5f"),
            number(1000 * scores["mae_kw"], ".1f"),
            number(1000 * scores["persistence_mae_kw"], ".1f"),
            percent(scores["skill"]),
        )
    return table
