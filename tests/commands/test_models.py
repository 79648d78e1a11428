"""Tests of `streamer models` and of names from models on the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streamer.cli import main
from streamer.models import load_model
from streamer.sample import sample_path
from tests.models.hostile import write

FOREIGN = "\x1b[2J[/boom] [red]\u202e\x9b\n$\\foo$"


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    printed = capsys.readouterr()
    assert caught.value.code == 0, printed.err
    return printed.out


def test_models_alone_lists(capsys: pytest.CaptureFixture[str]) -> None:
    listed = _printed(capsys, "models")
    assert listed == _printed(capsys, "models", "list")
    assert re.search(
        r"^sceaux +1 50 100 4 +2006-12-16 to 2010-02-19 +\+23.8 % +184,436", listed, re.MULTILINE
    )
    # A model of several houses has a line for the span of each.
    of_homes = listed[listed.index("homes") : listed.index("\nsceaux")].splitlines()
    assert [re.sub(r"\s.*", "", line.strip()) for line in of_homes[1:]] == [
        "2014-03-20",
        "2013-05-20",
    ]


def test_card_of_the_shipped_model_is_shown_with_its_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = _printed(capsys, "models", "show")
    scores = load_model().card.scores
    assert scores is not None
    assert f"│ all     │ {scores.minutes:,} │" in shown
    assert len(scores.by_month) == 5
    assert shown.count("• ") == len(load_model().card.limits) > 0


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder whose name and card are full of what a terminal should not get."""
    folder = tmp_path / FOREIGN.replace("/", "")
    folder.mkdir()
    test = {"from": FOREIGN, "minutes": 5, "by_month": {FOREIGN: {"minutes": 5}}}
    facts = {FOREIGN: {FOREIGN: [FOREIGN]}, "limits": [FOREIGN], "test": test}
    write(folder, name=FOREIGN, trained_from=None, trained_to=None, **facts)
    return folder


def test_foreign_text_of_a_card_is_shown_as_text(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _printed(capsys, "models", "show", str(foreign))
    assert all(line.isprintable() for line in shown.splitlines())
    assert shown.count("[/boom]") >= 6
    text = _printed(capsys, "models", "show", "--json", str(foreign))
    assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(text)["name"] == FOREIGN


def test_foreign_name_of_a_model_is_evaluated_and_replayed_as_text(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "scores.png"
    options = ("--baseline", "none", "--plot", str(plot), "--to", "2010-03-19T20:00")
    shown = _printed(capsys, "evaluate", str(sample_path()), *options, "--model", str(foreign))
    assert all(line.isprintable() for line in shown.splitlines())
    assert "?[2J[/boom]" in shown
    assert plot.exists()
    with pytest.raises(SystemExit):
        main(["replay", "--quiet", "--verbose", "--limit", "60", "--model", str(foreign)])
    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())
