"""A meter's log file: some weeks of a house, with typical errors."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

MINUTE_S = 60
BEGIN_S = 1_774_396_800
"""2026-03-25 00:00 UTC, some days before summer time begins in Europe."""

OPTIONS = ("--clock", "feed", "--stale-after", "45")
"""Options of the command for such a log. A value is valid until the next one arrives, but not
so long as to fill half of a minute without values."""


def make_log(sample_kw: Sequence[float], minutes: int, seed: int) -> tuple[bytes, list[int]]:
    """Make lines of time and watts, two a minute.

    The powers of a real house are repeated, with some hours of a constant value, missing
    minutes, and values that are out of order, duplicate or unreadable.

    Args:
        sample_kw: powers of the house in kW.
        minutes: length of the log, gaps included.
        seed: random seed.

    Returns:
        The log, and the times in Unix seconds of its minutes.
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
        error = rng.random()
        if error < 0.01:
            pair.insert(1, pair[0])
        elif error < 0.02:
            pair.append(b"no number\n")
        elif error < 0.05:
            pair.insert(1, b"%.1f %.1f\n" % (begin + second + 3, watts - ripple[minute]))
        lines += pair
    return b"".join(lines), at


class LogWriter:
    """Writes a log in pieces, up to a limit that can be raised.

    Args:
        path: the file.
        log: its final contents.
        rng: determines the size of the pieces.
    """

    def __init__(self, path: Path, log: bytes, rng: np.random.Generator) -> None:
        self._log = log
        self._rng = rng
        self._file = path.open("ab", buffering=0)
        self._written = 0
        self._limit = 0
        self._pause_s = 0.0
        self._allowed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """Share of the log that is written."""
        return self._written / len(self._log)

    def allow(self, minutes: int, pause_s: float) -> None:
        """Allow about so many more minutes, with a pause after each piece."""
        with self._allowed:
            self._limit = min(len(self._log), self._written + minutes * 2 * 19)
            self._pause_s = pause_s
            self._allowed.notify()

    def hold(self) -> None:
        """Allow no more."""
        with self._allowed:
            self._limit = self._written

    def finish(self) -> None:
        """Write the rest."""
        self.allow(len(self._log), 0.0)
        self._thread.join(30.0)

    def close(self) -> None:
        """Stop writing, and close the file."""
        with self._allowed:
            self._ended = True
            self._allowed.notify()
        self._thread.join(30.0)
        self._file.close()

    def _write(self) -> None:
        while not self._ended and self._written < len(self._log):
            with self._allowed:
                self._allowed.wait_for(lambda: self._ended or self._written < self._limit)
                end = min(self._limit, self._written + int(self._rng.integers(1, 2000)))
                self._written += self._file.write(self._log[self._written : end])
                self._allowed.wait_for(lambda: self._ended, self._pause_s)
