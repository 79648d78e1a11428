"""Tests of the command `train`: what it says about the result, and Ctrl-C."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.commands import train as command
from streamer.commands.files import FileOptions
from streamer.commands.models import show_model
from streamer.errors import ModelError, UsageError
from streamer.models import load_model
from streamer.sample import sample_path
from streamer.training import RECIPES, Recipe, Trained, run_network


def _job(out: Path, **changes: Any) -> command.TrainJob:
    settings: dict[str, Any] = {
        "files": (str(sample_path()),),
        "options": FileOptions(limit=1500),
        "recipe": "tutorial",
        "out": out,
        "warm": None,
        "ratio": 1.0,
        "epochs": None,
        "windows": None,
        "seed": 1234,
    }
    return command.TrainJob(**{**settings, **changes})


@pytest.mark.slow
def test_model_worse_than_persistence_is_called_that_and_ctrl_c_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    def interrupted(*args: Any, **options: Any) -> Trained:
        return run_network(*args, **{**options, "on_progress": interrupt})

    monkeypatch.setattr(command, "run_network", interrupted)
    out = tmp_path / "house"
    assert command.train(_job(out)) == 130
    printed = capsys.readouterr().out
    assert f"Interrupted after 512 of 1,239 windows, saved in {out / 'checkpoint.npz'}" in printed
    assert load_model(out).card.facts["recipe"]["interrupted"] is True
    monkeypatch.undo()
    assert command.train(_job(out)) == 0
    printed = capsys.readouterr().out
    assert f"Continuing from {out / 'checkpoint.npz'}: 512 windows are done" in printed
    assert f"Written to {out}, but it forecasts worse than persistence (skill -" in printed
    assert "try it" not in printed
    assert not (out / "checkpoint.npz").exists()


def _short(name: str) -> Callable[..., Recipe]:
    """`find_recipe` of a few small windows."""

    def find(*_: Any, **__: Any) -> Recipe:
        return replace(RECIPES[name], windows=96, batch=32, copies=min(RECIPES[name].copies, 1))

    return find


@pytest.mark.slow
def test_several_houses_are_learnt_and_a_head_alone_leaves_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    lines = [f"2013-03-02T{minute // 60:02}:{minute % 60:02},0.{minute}" for minute in range(1000)]
    other.write_text("\n".join(["timestamp,power_kw", *lines]))
    files = (str(sample_path()), str(other))
    homes = tmp_path / "homes"
    monkeypatch.setattr(command, "find_recipe", _short("homes"))
    assert command.train(_job(homes, files=files, licences=("by the author, CC0",))) == 0
    printed = capsys.readouterr().out
    assert re.search(r"House : .*other.csv: 851 training windows of 50, 1 copies, 100", printed)
    assert "Mean of the next minutes" in printed
    model = load_model(homes)
    assert model.horizons is not None
    assert model.horizons.minutes == RECIPES["homes"].horizons
    one, two = model.card.facts["data"]["houses"]
    assert (one["licence"], two["licence"]) == ("by the author, CC0", "unknown")
    assert two["trained_to"] == "2013-03-02T14:59:00"
    assert one["weight"] + two["weight"] == pytest.approx(1.0)
    tests = model.card.facts["test"]["houses"]
    assert [test["minutes"] for test in tests] == [150, 100]
    assert [each["minutes"] for each in tests[1]["horizons"]] == list(RECIPES["homes"].horizons)
    assert tests[1]["horizons"][-1]["settled"] == 41
    scores = model.card.scores
    assert scores is not None
    assert list(scores.by_house) == [one["source"], two["source"]]
    assert [house.minutes for house in scores.by_house.values()] == [150, 100]
    head = tmp_path / "head"
    monkeypatch.setattr(command, "find_recipe", _short("horizons"))
    assert command.train(_job(head, warm=str(homes))) == 0
    assert (head / "model.keras").read_bytes() == (homes / "model.keras").read_bytes()
    assert (head / "horizons.keras").read_bytes() != (homes / "horizons.keras").read_bytes()
    card = load_model(head).card
    assert (card.sha256, card.shift_kw) == (model.card.sha256, model.card.shift_kw)
    assert card.facts["data"] == model.card.facts["data"]
    assert card.facts["horizons_recipe"]["name"] == "horizons"
    assert len(card.limits) == len(model.card.limits)
    apart = card.horizon_scores
    assert apart is not None
    assert apart != card.scores
    assert [each.minutes for each in apart.horizons] == list(RECIPES["horizons"].horizons)
    capsys.readouterr()
    show_model(str(homes), as_json=False)
    show_model(str(head), as_json=False)
    printed = capsys.readouterr().out
    assert printed.count("Mean of the next minutes") == 2
    assert "horizons_test" not in printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "horizons"}, "recipe 'horizons' trains on an existing model; add --from"),
        ({"files": ("a.csv", "b.csv")}, "recipe 'tutorial' trains on one file, not on 2"),
        ({"licences": ("one", "two")}, "2 times --licence for 1 of FILE"),
    ],
)
def test_options_that_do_not_fit_are_refused_at_once(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        command.train(_job(tmp_path / "house", **changes))
    assert not (tmp_path / "house").exists()


def test_diverged_training_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diverged = Trained(None, np.ones(3), np.full(3, np.nan), np.ones(3), 1.0, 512, False)
    monkeypatch.setattr(command, "run_network", lambda *args, **options: diverged)
    with pytest.raises(ModelError, match=r"the training diverged: its error is nan; nothing was"):
        command.train(_job(tmp_path / "house"))
    assert list((tmp_path / "house").iterdir()) == []
