"""Tests of the end of a stream by a signal or a hangup, on pseudo-terminals."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.terminals import ENTER, OnTerminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and terminals")

START_S = 1_790_000_040
MINUTES = 5
METER = "".join(f"{START_S + 10 * tenth} 300\n" for tenth in range(6 * MINUTES + 1))
"""Five whole minutes, and their allowed lateness."""

ROWS = "timestamp,power_kw\n" + "".join(
    f"2026-03-01T00:{minute:02}:00,0.3\n" for minute in range(MINUTES)
)
BAD = "what is this\n" * 3
WATCH = ("watch", "stdin:?unit=W", "--clock", "feed")


def _replay_of_a_file(tmp_path: Path, *arguments: str) -> OnTerminal:
    return OnTerminal("replay", "--speed", "60", *arguments)


def _replay_of_a_pipe(tmp_path: Path, *arguments: str) -> OnTerminal:
    child = OnTerminal("replay", "-", *arguments)
    child.feed(ROWS + BAD)
    return child


def _watch(tmp_path: Path, *arguments: str) -> OnTerminal:
    child = OnTerminal(*WATCH, *arguments, "--record", str(tmp_path / "house.db"))
    child.feed(METER + f"{START_S + 60 * MINUTES + 10} 300\n" + BAD)
    return child


MODES: dict[str, tuple[Callable[..., OnTerminal], tuple[str, ...], str]] = {
    "replay of a file, lines": (_replay_of_a_file, ("--format", "json"), '{"at"'),
    "replay of a file, dashboard": (_replay_of_a_file, (), "2010-03-19 1"),
    "replay of a pipe, lines": (_replay_of_a_pipe, ("--format", "json"), "malformed"),
    "watch, lines": (_watch, ("--format", "json"), "malformed"),
    "watch, notes": (_watch, ("--quiet",), "malformed"),
    "watch, dashboard": (_watch, (), "malformed"),
}
"""Ways to run a stream: how, with which arguments, and what shows that it is under way."""

CTRL_BACKSLASH = "\x1c"

CASES = [
    ("replay of a file, lines", "SIGTERM"),
    ("replay of a file, dashboard", "SIGQUIT"),
    ("replay of a pipe, lines", "SIGHUP"),
    ("watch, lines", "SIGINT"),
    ("watch, notes", "SIGHUP"),
    ("watch, dashboard", "SIGTERM"),
]


@pytest.mark.parametrize(("mode", "name"), CASES)
def test_the_first_signal_ends_a_stream_in_good_order(mode: str, name: str, tmp_path: Path) -> None:
    start, arguments, marker = MODES[mode]
    number = signal.Signals[name]
    with start(tmp_path, *arguments) as child:
        child.until(marker)
        if mode == "replay of a file, dashboard":
            child.press(CTRL_BACKSLASH)
        else:
            child.process.send_signal(number)
        assert child.end() == 128 + number, child.seen
        assert child.is_restored()
        assert (ENTER in child.seen) == ("dashboard" in mode)
    summary = re.search(r"\w: (\d+) readings?, 20.*", child.seen, re.DOTALL)
    assert summary is not None
    assert "Traceback" not in child.seen
    if "file" not in mode:
        assert summary[1] == str(MINUTES)
        assert "skipped: 3 malformed rows" in summary[0]
    if "watch" in mode:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["house.db"]
        with closing(sqlite3.connect(tmp_path / "house.db")) as connection:
            assert connection.execute("SELECT count(*) FROM steps").fetchone() == (MINUTES,)


@pytest.mark.parametrize("arguments", [("--format", "json"), ()], ids=["lines", "dashboard"])
def test_a_terminal_that_hangs_up_ends_watching_in_good_order(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    database = tmp_path / "house.db"
    with notes.open("w", encoding="utf-8") as file:
        child = OnTerminal(*WATCH, *arguments, "--record", str(database), stderr=file)
    with child:
        child.feed(METER + f"{START_S + 60 * MINUTES + 10} 300\n")
        _wait_for_minutes(child, database)
        child.hang_up()
        assert child.end() == 129, notes.read_text(encoding="utf-8")
    assert not database.with_name("house.db-wal").exists()
    text = notes.read_text(encoding="utf-8")
    assert "Traceback" not in text
    if arguments:
        assert f"stdin: {MINUTES} readings" in text


def _wait_for_minutes(child: OnTerminal, database: Path) -> None:
    """Wait until all minutes are recorded; what the terminal shows meanwhile is read."""
    while True:
        child.look()
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
                if connection.execute("SELECT count(*) FROM steps").fetchone() == (MINUTES,):
                    return
        except sqlite3.OperationalError:
            pass  # it is being created
