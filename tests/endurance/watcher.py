"""The command in a process of its own, and what it has recorded."""

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
"""All that is recorded of the minutes."""


class Watcher:
    """A `streamer watch` that runs by a Central European clock.

    Args:
        folder: where it finds what its arguments name.
        arguments: of the command, after `watch`.

    Attributes:
        began_s: when it was started, in Unix seconds.
        process: it.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._said = folder / "said.txt"
        self._lines = folder / "lines.jsonl"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREAMER_")
        }
        # The rule itself, for machines that have no time zones.
        environment["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
        environment["XDG_CONFIG_HOME"] = str(folder)
        self.began_s = time.time()
        with self._said.open("w") as said, self._lines.open("w") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamer", "watch", *arguments, "--format", "json"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=said,
                env=environment,
            )

    @property
    def said(self) -> str:
        """What it has written to its standard error."""
        return self._said.read_text()

    def printed(self) -> list[dict[str, object]]:
        """The steps that it has written to its standard output, as far as they are whole."""
        whole = self._lines.read_text().split("\n")[:-1]
        return [json.loads(line) for line in whole]

    def is_watching(self) -> bool:
        """Whether it has come to where the recording ends."""
        said = self.said
        ways = ("going on after", "nothing is recorded yet", "beginning without what is recorded")
        return any(way in said for way in ways)

    def until(
        self,
        condition: Callable[[], bool],
        what: str,
        *,
        timeout_s: float = 30.0,
        look_s: float = 0.002,
    ) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, f"it has ended: {self.said}"
            assert time.monotonic() < deadline, f"waited for {what} in vain: {self.said}"
            time.sleep(look_s)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)
        assert self.process.returncode == -signal.SIGKILL, self.said

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and see that it does so in good order."""
        self._end(number)
        assert self.process.returncode == 128 + number, self.said
        assert "Traceback" not in self.said

    def leave(self) -> None:
        """End it, whatever it is about, if it has not ended."""
        if self.process.poll() is None:
            self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(20.0)


def rows_of(database: Path, query: str = STEPS) -> list[Row]:
    """What a query finds in a recording that somebody may be writing."""
    uri = f"{database.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as connection:
        return connection.execute(query).fetchall()


def last_minute(database: Path) -> int | None:
    """When the last recorded minute was, if there is one."""
    if not database.exists():
        return None
    try:
        last: int | None = rows_of(database, "SELECT max(at) FROM steps")[0][0]
    except sqlite3.OperationalError:
        return None  # it is in the making
    return last
