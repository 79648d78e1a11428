"""Tests of the command `train`: what it says about the result, and Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.commands import train as command
from streamer.commands.files import FileOptions
from streamer.errors import ModelError
from streamer.models import load_model
from streamer.sample import sample_path
from streamer.training import Trained, run_network


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


def test_diverged_training_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diverged = Trained(None, np.ones(3), np.full(3, np.nan), np.ones(3), 1.0, 512, False)
    monkeypatch.setattr(command, "run_network", lambda *args, **options: diverged)
    with pytest.raises(ModelError, match=r"the training diverged: its error is nan; nothing was"):
        command.train(_job(tmp_path / "house"))
    assert list((tmp_path / "house").iterdir()) == []
