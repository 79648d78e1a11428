"""Tests of leaving out a house, with commands that are answered at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import StreamerError, UsageError
from tests.houses import leaveout
from tests.houses.heldout import table
from tests.houses.leaveout import Experiment, House


def _result(skill: float) -> dict[str, Any]:
    def score(kind: str, plus: float, coverage: float | None) -> dict[str, Any]:
        return {"kind": kind, "skill": skill + plus, "coverage": coverage, "winkler_kw": 0.5}

    scores = [score("model", 0.0, 0.89), score("model", 0.1, 0.9), score("baseline", 0.0, None)]
    return {
        "horizons": [{"minutes": n, "settled": 1000 * n, "forecasters": scores} for n in (5, 60)]
    }


class Commands:
    """Fake of the commands, which remembers them and fails so many times."""

    def __init__(self) -> None:
        self.given: list[tuple[str, ...]] = []
        self.failures = 0

    def __call__(self, *arguments: str) -> str:
        self.given.append(arguments)
        if arguments[0] == "train":
            # An interrupted training writes a model, too.
            folder = Path(arguments[arguments.index("--out") + 1])
            (folder / "card.json").write_text("{}")
        if self.failures:
            self.failures -= 1
            raise StreamerError("streamer train ended with exit code 130")
        return json.dumps(_result(0.1 * len(self.given)))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    found = Commands()
    monkeypatch.setattr(leaveout, "_streamer", found)
    return found


def _experiment(folder: Path, **fields: object) -> Experiment:
    houses = tuple(House.parse(text) for text in ("a=a.csv", "b.csv.gz", "data/c.csv"))
    given: dict[str, Any] = {
        "recipe": "homes", "windows": 500, "seed": 1, "last": "9d", **fields
    }  # fmt: skip
    return Experiment(houses, folder, **given)


def test_each_house_is_left_out_of_the_training_once(commands: Commands, tmp_path: Path) -> None:
    found = _experiment(tmp_path).run()
    assert [result["house"] for result in found] == ["a", "b", "c"]
    trained = [given for given in commands.given if given[0] == "train"]
    assert [given[1:3] for given in trained] == [
        ("b.csv.gz", "data/c.csv"), ("a.csv", "data/c.csv"), ("a.csv", "b.csv.gz")
    ]  # fmt: skip
    assert all(given[-2:] == ("--windows", "500") for given in trained)
    scored = [given for given in commands.given if given[0] == "evaluate"]
    assert [given[1] for given in scored] == ["a.csv", "b.csv.gz", "data/c.csv"]
    for given, name in zip(scored, "abc", strict=True):
        assert given[given.index("--model") + 1] == str(tmp_path / name)
        assert given[-2:] == ("--last", "9d")


def test_what_is_finished_is_not_done_again(commands: Commands, tmp_path: Path) -> None:
    commands.failures = 1
    with pytest.raises(StreamerError, match="exit code 130"):
        _experiment(tmp_path).run()
    first = _experiment(tmp_path).run()
    done = len(commands.given)
    assert done == 1 + 3 * 2
    assert _experiment(tmp_path).run() == first
    (tmp_path / "b" / "scores.json").unlink()
    _experiment(tmp_path).run()
    assert [given[0] for given in commands.given[done:]] == ["evaluate"]


def test_a_folder_of_other_settings_is_left_alone(commands: Commands, tmp_path: Path) -> None:
    _experiment(tmp_path).run()
    done = len(commands.given)
    with pytest.raises(UsageError, match="other settings; give another --out"):
        _experiment(tmp_path, windows=None).run()
    assert len(commands.given) == done


def test_the_table_has_a_line_for_each_house_and_the_median() -> None:
    skills = {"a": 0.1, "b": 0.2, "c": 0.4}
    results = [{"house": name, **_result(skill)} for name, skill in skills.items()]
    lines = table(results).splitlines()
    assert len(lines) == 2 + 2 * 4
    assert lines[2] == "| a | 5 | 5,000 | 10.0 | 20.0 | 90.0 | 0.500 |"
    assert lines[5] == "| median | 5 |  | 20.0 | 30.0 | 90.0 | 0.500 |"
    assert lines[9].startswith("| median | 60 |")


def test_a_failed_command_is_an_error() -> None:
    with pytest.raises(StreamerError, match="streamer models ended with exit code 2"):
        leaveout._streamer("models", "show", "nobody")
