"""The command in its own process, and its recording."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]

STEPS = """
SELECT at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw, median_kw, frozen_kw,
  next_kw, next_low_kw, next_high_kw, gap_minutes
FROM steps ORDER BY at
"""
"""Query for all recorded columns of the minutes."""


class Watcher:
    """A `streamer watch` in Central European time.

    Args:
        folder: its working directory.
        arguments: arguments of the command, after `watch`.

    Attributes:
        began_s: time of the start, in Unix seconds.
        process: the process.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._stderr = folder / "stderr.txt"
        self._lines = folder / "lines.jsonl"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREAMER_")
        }
        # The rule itself, for machines without a database of time zones.
        environment["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
        environment["XDG_CONFIG_HOME"] = str(folder)
        self.began_s = time.time()
        with self._stderr.open("w") as errors, self._lines.open("w") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamer", "watch", *arguments, "--format", "json"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=errors,
                env=environment,
            )

    @property
    def stderr(self) -> str:
        """Standard error so far."""
        return self._stderr.read_text()

    def printed(self) -> list[dict[str, object]]:
        """Steps on standard output so far, complete lines only."""
        whole = self._lines.read_text().split("\n")[:-1]
        return [json.loads(line) for line in whole]

    def is_watching(self) -> bool:
        """Whether it has reached the end of the recording."""
        text = self.stderr
        ways = ("continuing after", "nothing is recorded yet", "starting without the recording")
        return any(way in text for way in ways)

    def until(
        self,
        condition: Callable[[], bool],
        what: str,
        *,
        timeout_s: float = 30.0,
        look_s: float = 0.002,
    ) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, f"it has ended: {self.stderr}"
            assert time.monotonic() < deadline, f"waited for {what} in vain: {self.stderr}"
            time.sleep(look_s)

    def kill(self) -> None:
        """Kill the process without warning, like a power cut."""
        self._end(signal.SIGKILL)
        assert self.process.returncode == -signal.SIGKILL, self.stderr

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process by a signal, and check that it ends properly."""
        self._end(number)
        assert self.process.returncode == 128 + number, self.stderr
        assert "Traceback" not in self.stderr

    def leave(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(20.0)


def rows_of(database: Path, query: str = STEPS) -> list[Row]:
    """Rows of a query in a recording, which may be written at the same time."""
    uri = f"{database.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as connection:
        return connection.execute(query).fetchall()


def last_minute(database: Path) -> int | None:
    """Time of the last recorded minute; None if there is none."""
    if not database.exists():
        return None
    try:
        last: int | None = rows_of(database, "SELECT max(at) FROM steps")[0][0]
    except sqlite3.OperationalError:
        return None  # it is being created
    return last
