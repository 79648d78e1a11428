"""The blocks of code in README, CONTRIBUTING and docs: all are run, or marked with the reason.

A block that cannot be run is preceded by ``<!-- not run: REASON -->``. Its commands and options
are compared with the command line all the same. Doctests are run by pytest itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamer.sample import sample_path
from tests.docs.commands import problem, used
from tests.docs.pages import DOCS, RUN_PAGES, Block, block, blocks, read

SCRIPTS = blocks("sh")
RUN = [script for script in SCRIPTS if script.reason is None]
FIRST = {"README", "feeds", "getting-started", "watching"}
"""Pages that a newcomer follows, whose scripts the default run runs; `-m slow`, those of others."""
LANGUAGES = {"promql", "python", "sh", "text", "toml", "yaml"}

START = datetime(2026, 11, 2)
MINUTES = 200

SQLITE = """\
#!{python}
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
for row in connection.execute(sys.argv[2]):
    print(*row, sep="|")
"""
"""The queries of the shell sqlite3, which need not be installed."""


def _kw(minute: int) -> float:
    return 0.3 + 0.001 * (minute * 37 % 101) + 2.0 * (minute % 60 > 50)


def _times(format: str) -> list[str]:
    return [(START + minute * timedelta(minutes=1)).strftime(format) for minute in range(MINUTES)]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the files that the examples name, and no sign of who runs the tests."""
    home = tmp_path_factory.mktemp("house")
    power = [_kw(minute) for minute in range(MINUTES)]
    rows = zip(_times("%Y-%m-%dT%H:%M"), power, strict=True)
    (home / "house.csv").write_text(
        "timestamp,power_kw\n" + "".join(f"{at},{kw:.3f}\n" for at, kw in rows)
    )
    rows = zip(_times("%d.%m.%Y %H:%M"), power, strict=True)
    (home / "german.csv").write_text(
        "when;power_w\n" + "".join(f"{at};{1000 * kw:.0f}\n" for at, kw in rows)
    )
    sample = sample_path().read_text().splitlines(keepends=True)
    (home / "household_power_consumption.txt").write_text("".join(sample[:MINUTES]))
    settings = home / ".config" / "streamer"
    settings.mkdir(parents=True)
    (settings / "streamer.toml").write_text(
        block("toml", 'record = "~/house.db"\nquiet = true').text, encoding="utf-8"
    )
    (settings / "password").write_text("swordfish")
    programs = home / "bin"
    programs.mkdir()
    (programs / "sqlite3").write_text(SQLITE.format(python=sys.executable))
    (programs / "pip").write_text("#!/bin/sh\n")  # nothing is to be installed: it is here
    for program in programs.iterdir():
        program.chmod(0o755)
    rows = zip(_times("%Y-%m-%dT%H:%M:00+00:00"), power, strict=True)
    log = "".join(f"{at} {1000 * kw:.0f}\n" for at, kw in rows)
    done = _bash("streamer watch 'stdin:?unit=W' --clock feed -q --record house.db", home, log)
    assert done.returncode == 0, done.stderr
    return home


def _bash(script: str, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    paths = (home / "bin", Path(sys.executable).parent, os.environ["PATH"])
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("STREAMER_", "XDG_"))
    }
    # The configuration file of the documentation records all meters in one file.
    ours = {"HOME": str(home), "PATH": ":".join(map(str, paths)), "STREAMER_ALLOW_OTHER_METER": "1"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=home,
        env={**inherited, **ours},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _run_when(script: Block) -> Any:
    marks = () if script.page.stem in FIRST else pytest.mark.slow
    return pytest.param(script, marks=marks, id=str(script))


@pytest.mark.parametrize("script", [_run_when(script) for script in RUN])
def test_a_script_runs(script: Block, house: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(house, home)
    done = _bash(script.text, home)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_the_commands_and_options_of_a_script_exist(script: Block) -> None:
    assert not [why for call in used(script.text) if (why := problem(call))]


def test_the_scripts_of_most_pages_are_run() -> None:
    """A marker, or a fence that is not recognised, cannot leave out a whole page unseen."""
    assert len(RUN) >= 10
    assert {script.page.stem for script in RUN} >= {
        "evaluation",
        "feeds",
        "files",
        "fleets",
        "getting-started",
        "online-learning",
        "training",
        "watching",
    }
    assert sum(len(used(script.text)) for script in RUN) >= 20


def test_a_block_that_is_not_run_has_a_reason() -> None:
    skipped = [script for script in SCRIPTS if script.reason is not None]
    assert len(skipped) + len(RUN) == len(SCRIPTS)
    assert not [str(script) for script in skipped if len((script.reason or "").split()) < 3]


def test_every_fence_is_in_a_language_that_is_checked() -> None:
    fences = [
        (page.name, language)
        for page in RUN_PAGES
        for language in re.findall(r"^```(\w*)$", read(page), re.MULTILINE)
    ]
    opening = fences[::2]
    assert len(fences) == 2 * len(opening)
    assert len(opening) == sum(len(blocks(language)) for language in LANGUAGES)
    assert {language for _, language in opening} <= LANGUAGES


@pytest.mark.parametrize("code", blocks("python"), ids=str)
def test_python_is_a_doctest_or_runs(code: Block) -> None:
    assert code.reason is None
    if ">>> " in code.text:
        assert code.page in (RUN_PAGES[0], *DOCS)  # where pytest collects doctests
        assert code.text.startswith(">>> ")
    else:
        exec(compile(code.text, str(code), "exec"), {})  # noqa: S102 - that is the test


@pytest.mark.parametrize("code", blocks("toml"), ids=str)
def test_toml_is_valid(code: Block) -> None:
    assert tomllib.loads(code.text)


@pytest.mark.parametrize("code", blocks("yaml"), ids=str)
def test_yaml_is_valid(code: Block) -> None:
    class Loader(yaml.SafeLoader):
        """A loader that knows a tag of Home Assistant's."""

    Loader.add_constructor("!secret", lambda loader, node: loader.construct_scalar(node))
    assert yaml.load(code.text, Loader)  # noqa: S506 - a safe loader
