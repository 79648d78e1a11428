"""Panel of the challengers that run beside the model, where the screen has room for it."""

from __future__ import annotations

import math

from rich.cells import cell_len
from rich.text import Text

from streamer.dashboard.words import LABEL, choose, fit, heading, line, percent
from streamer.display.numbers import plural
from streamer.history import HistorySnapshot
from streamer.readings.challengers import ChallengerScores
from streamer.sinks.challengers import champion_text

_MAX_ROWS = 8
_TITLE = "challengers, on the minutes of both"
_MAX_NAME = 48
_FIGURES = 46
"""Width of what follows the name."""


def race(snapshot: HistorySnapshot, width: int, rows: int) -> list[Text]:
    """A heading, and a line for each challenger: its skill over persistence and over the model.

    Args:
        snapshot: state of the stream.
        width: columns of the terminal.
        rows: most lines; if they are too few for all, the best are shown, and with fewer than
            two none.

    Returns:
        The lines; none without challengers.
    """
    challengers = snapshot.last.challengers if snapshot.last else ()
    shown = min(rows - 1, len(challengers), _MAX_ROWS)
    if shown < 1:
        return []
    title, best = _TITLE, challengers
    if shown < len(challengers):
        title += f" · the best {shown} of {len(challengers)}"
        best = sorted(challengers, key=_mse)[:shown]
    name = min(max(cell_len(each.name) for each in best), _MAX_NAME, width - _FIGURES)
    champion = snapshot.last.champion if snapshot.last else None
    notes = []
    if champion is not None:
        notes = [f"shown: {text}" for text in (champion_text(champion), champion.name) if text]
    return [heading(title, width, notes=notes), *(_row(each, name, width) for each in best)]


def _row(each: ChallengerScores, name: int, width: int) -> Text:
    found = line(
        " ",
        fit(line((each.name, LABEL)), name),
        ("  skill", LABEL),
        _right(percent(each.skill), 11),
        _right(percent(each.over_model), 11),
        (" over the model", LABEL),
    )
    minutes = line(found, (f"  {plural(each.settled, 'minute')}", LABEL))
    absent = line(minutes, (f" · {each.absent:,} without a forecast", LABEL))
    return choose(width, *((absent, minutes) if each.absent else (minutes,)), found)


def _right(text: Text, width: int) -> Text:
    return line(" " * (width - text.cell_len), text)


def _mse(each: ChallengerScores) -> float:
    mse_kw2 = each.errors.mse_kw2
    return math.inf if mse_kw2 is None else mse_kw2
