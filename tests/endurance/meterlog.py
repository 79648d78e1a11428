"""A log file that a meter's program writes: some weeks of a house, with what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

MINUTE_S = 60
BEGIN_S = 1_774_396_800
"""2026-03-25 00:00 UTC, some days before the clocks of Europe are put forward."""

OPTIONS = ("--clock", "feed", "--stale-after", "45")
"""Of the command, for such a log. A value stands long enough for the next one to come, and
not so long as to fill half of a minute without any."""


def make_log(sample_kw: Sequence[float], minutes: int, seed: int) -> tuple[bytes, list[int]]:
    """Lines of time and watts, two a minute.

    A real house's powers over and over, some stuck hours among them, minutes that are
    missing, values that change places, come twice or cannot be read.

    Args:
        sample_kw: what the house drew.
        minutes: how many the log is to be of, gaps included.
        seed: of what is random.

    Returns:
        The log, and the times in Unix seconds of the minutes that are in it.
    """
    rng = np.random.default_rng(seed)
    kw = np.resize(np.asarray(sample_kw), minutes)
    ripple = np.full(minutes, 7.0)
    stuck = slice(minutes // 3, minutes // 3 + min(300, minutes // 10))
    kw[stuck], ripple[stuck] = 0.25, 0.0
    missing = np.zeros(minutes, bool)
    for start in np.flatnonzero(rng.random(minutes) < 1 / 400):
        missing[start + 1 : start + 1 + int(rng.integers(1, 60))] = True
    missing[[0, -1]] = False
    lines: list[bytes] = []
    at: list[int] = []
    for minute in np.flatnonzero(~missing).tolist():
        begin = BEGIN_S + minute * MINUTE_S
        at.append(begin)
        first, second = rng.integers(0, 5) / 2, 30 + rng.integers(0, 5) / 2
        watts = 1000 * kw[minute]
        pair = [
            b"%.1f %.1f\n" % (begin + first, watts),
            b"%.1f %.1f\n" % (begin + second, watts + ripple[minute]),
        ]
        mishap = rng.random()
        if mishap < 0.01:
            pair.insert(1, pair[0])
        elif mishap < 0.02:
            pair.append(b"no number\n")
        elif mishap < 0.05:
            pair.insert(1, b"%.1f %.1f\n" % (begin + second + 3, watts - ripple[minute]))
        lines += pair
    return b"".join(lines), at


class LogWriter:
    """Writes a log, some bytes at a time, and not beyond where it is told to wait.

    Args:
        path: the file.
        log: what is to be in it in the end.
        rng: says how much at a time.
    """

    def __init__(self, path: Path, log: bytes, rng: np.random.Generator) -> None:
        self._log = log
        self._rng = rng
        self._file = path.open("ab", buffering=0)
        self._written = 0
        self._limit = 0
        self._pause_s = 0.0
        self._go_on = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """How much of the log is written."""
        return self._written / len(self._log)

    def allow(self, minutes: int, pause_s: float) -> None:
        """Let about so many more minutes be written, with a pause after each piece."""
        with self._go_on:
            self._limit = min(len(self._log), self._written + minutes * 2 * 19)
            self._pause_s = pause_s
            self._go_on.notify()

    def hold(self) -> None:
        """Wait to be allowed more."""
        with self._go_on:
            self._limit = self._written

    def finish(self) -> None:
        """Write all that is left."""
        self.allow(len(self._log), 0.0)
        self._thread.join(30.0)

    def close(self) -> None:
        """Stop."""
        with self._go_on:
            self._ended = True
            self._go_on.notify()
        self._thread.join(30.0)
        self._file.close()

    def _write(self) -> None:
        while not self._ended and self._written < len(self._log):
            with self._go_on:
                self._go_on.wait_for(lambda: self._ended or self._written < self._limit)
                end = min(self._limit, self._written + int(self._rng.integers(1, 2000)))
                self._written += self._file.write(self._log[self._written : end])
                self._go_on.wait_for(lambda: self._ended, self._pause_s)
