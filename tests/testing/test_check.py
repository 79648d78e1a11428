"""Tests of the command that checks forecasters and sinks by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streamer.testing.check import main

OWN = """
import math


class Fine:
    window = 3

    def forecast(self, window):
        return [window[-1], 0.1, 0.9]

    levels = (0.1, 0.9)


class Wired(Fine):
    levels = ()
    channels = ("voltage",)

    def forecast(self, window):
        return window.channels["voltage"][-1]

    def learn(self, window, actual_kw):
        pass


class Broken(Fine):
    levels = ()

    def forecast(self, window):
        return math.nan


class Lamp:
    def write(self, item):
        pass

    def close(self):
        pass


class Once(Lamp):
    closed = False

    def close(self):
        assert not self.closed, "closed before"
        self.closed = True
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_checked.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_checked", raising=False)


def test_each_check_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["own_checked:Fine", "own_checked:Wired", "--sink", "own_checked:Lamp"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "forecaster own_checked:Fine",
        "  traits: a window of 3 readings, quantiles 0.1, 0.9, channels none",
        "  answers: 151 of 153 readings forecast, each as finite numbers",
        "  repetition: made anew and in blocks of 64, the same forecasts",
        "  state: made anew and given it after 76 readings, the same forecasts",
        "  passed",
        "forecaster own_checked:Wired",
        "  traits: a window of 3 readings, quantiles none, channels voltage",
        "  answers: 151 of 153 readings forecast, each as finite numbers",
        "  repetition: made anew and in blocks of 64, the same forecasts",
        "  state: it has none, so that what it learns begins anew after a restart",
        "  passed",
        "sink own_checked:Lamp",
        "  write: 10 items of the kinds About, Link, Notice, Sample, Step, Vitals",
        "  close: twice, as it may be",
        "  passed",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["own_checked:Broken"], 1, "  failed: model Broken: forecast() gave nan kW"),
        (["--sink", "own_checked:Once"], 1, "  failed: close() raised AssertionError: closed bef"),
        (["own_checked:None"], 2, "  cannot be checked: no forecaster 'own_checked:None': own_che"),
        (["--sink", "nothing"], 2, "  cannot be checked: no sink 'nothing': give module:object"),
        (["river"], 2, "  cannot be checked: river: give a class of it"),
    ],
)
def test_the_status_tells_the_worst_result_and_the_others_are_checked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert main(["persistence", *arguments]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[:1] + lines[5:6] == ["forecaster persistence", "  passed"]
    assert lines[-1].startswith(said)
    assert lines.count("  passed") == 1


def test_each_shipped_adapter_without_a_file_passes() -> None:
    pytest.importorskip("river")
    names = ["persistence", "seasonal-naive", "river:LinearRegression"]
    assert main([*names, "river:HoltWinters(alpha=0.3)"]) == 0


def test_it_runs_as_a_module_and_asks_for_a_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamer.testing"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "give a forecaster, such as river:LinearRegression, or --sink SINK" in done.stderr
