"""`streamer watch --record`, killed at random moments: nothing recorded is lost or changed."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from streamer.commands.forecasting import Forecasting
from streamer.readings import Notice
from streamer.recording.lock import lock_path
from streamer.recording.recorder import Recorder
from streamer.recording.source import open_recording
from tests.endurance import seed
from tests.endurance.meterlog import OPTIONS, LogWriter, make_log
from tests.endurance.watcher import STEPS, Row, Watcher, last_minute, rows_of
from tests.endurance.writeahead import WriteAheadLog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills and looks as on Linux")

URL = "tail:meter.log?unit=W&from=start"
_ALARMS = "SELECT at, kind, text, size, over_at FROM alarms ORDER BY at, kind"
_DEMAND = "SELECT * FROM demand_intervals ORDER BY at, minutes"
_SWITCHED = "SELECT at, kw, off_at FROM switching_events ORDER BY at, off_at"
_LOOK_S = 0.0001
_QUIET_S = 3.0

_WRITTEN = {"minute": 100, "snapshot": 1500, "checkpoint": 1200}
"""Kinds of writes to the disk, each with an upper bound of the minutes until one occurs."""


class House:
    """A house whose meter writes a log, and whose watcher is killed repeatedly.

    Attributes:
        rows: recorded rows at the last examination.
        kills: number of kills by the phase in which they fell.
    """

    def __init__(
        self, folder: Path, log: bytes, expected: list[int], rng: np.random.Generator
    ) -> None:
        self.folder = folder
        self.database = folder / "house.db"
        self.rows: list[Row] = []
        self.kills: Counter[str] = Counter()
        self.rng = rng
        self.writer = LogWriter(folder / "meter.log", log, rng.spawn(1)[0])
        self._expected = expected
        self._scratch = folder / "scratch"
        self._scratch.mkdir()

    def start(self) -> Watcher:
        return Watcher(self.folder, URL, *OPTIONS, "--record", self.database.name)

    def kill(self, aim: str) -> None:
        """Start a watcher, kill it, and examine the files that it leaves."""
        watcher = self.start()
        try:
            _AIMS[aim](self, watcher)
            watcher.kill()
            self.writer.hold()
            self.kills[self._phase(watcher)] += 1
            self._examine(watcher)
        finally:
            watcher.leave()

    def end(self, number: signal.Signals) -> None:
        """Start a watcher, and stop it by a signal while it is working."""
        before = len(self.rows)
        watcher = self.start()
        try:
            _AIMS["recording"](self, watcher)
            watcher.stop(number)
            self.writer.hold()
            assert not self._beside("-wal").exists()
            assert not lock_path(self.database).exists()
            self._examine(watcher)
            assert len(watcher.printed()) == len(self.rows) - before
        finally:
            watcher.leave()

    def finish(self) -> None:
        """Record the rest of the log."""
        self.writer.finish()
        watcher = self.start()
        try:
            # Everything may be recorded already; the watcher must have started before it ends.
            watcher.until(watcher.is_watching, "what it has recorded")
            watcher.until(self._is_done, "the end of the log", timeout_s=300.0, look_s=0.02)
            watcher.stop()
            self._examine(watcher)
        finally:
            watcher.leave()

    def is_fresh(self) -> bool:
        """Whether the recording exists, is complete and has no rows."""
        try:
            return self.database.exists() and not rows_of(self.database)
        except sqlite3.OperationalError:
            return False

    def remove_recording(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._beside(suffix).unlink(missing_ok=True)

    def locked_by(self, watcher: Watcher) -> bool:
        try:
            return lock_path(self.database).read_text().strip() == str(watcher.process.pid)
        except FileNotFoundError:
            return False

    def _is_done(self) -> bool:
        return last_minute(self.database) == self._expected[-1]

    def _examine(self, watcher: Watcher) -> None:
        notices = watcher.stderr
        for word in (
            "Traceback",
            "damaged",
            "corrupt",
            "not recording",
            "learning again",
            "starting without",
            "Error",
        ):
            assert word not in notices, notices
        if "continuing after" in notices:
            assert f"continuing after {len(self.rows):,} recorded minute" in notices
        rows = self._recorded()
        assert rows[: len(self.rows)] == self.rows, "what was recorded is gone, or another"
        assert [row[0] for row in rows] == self._expected[: len(rows)]
        self.rows = rows
        by_time = {row[0]: row for row in rows[-2000:]}
        for line in watcher.printed()[-1000:]:
            at = datetime.fromisoformat(str(line["at"])).timestamp()
            assert by_time[at][2] == line["actual_kw"]
            assert by_time[at][8] == line["next_kw"]

    def _recorded(self) -> list[Row]:
        """Rows of the recording, mostly of a copy, since opening the file would clean it up."""
        if not self.database.exists():
            return []
        copy = self._scratch / "copy.db"
        for suffix in ("", "-wal", "-journal"):
            (self._scratch / f"copy.db{suffix}").unlink(missing_ok=True)
            if self._beside(suffix).exists():
                shutil.copy(self._beside(suffix), self._scratch / f"copy.db{suffix}")
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                return []
            rows = connection.execute(STEPS).fetchall()
        if rows and self.rng.random() < 0.2:
            with closing(open_recording(self.database)) as source:
                count = sum(len(block) for block in iter(source.read, []))
            assert count == len(rows)
        return rows

    def _phase(self, watcher: Watcher) -> str:
        """Phase of the watcher at the kill."""
        if not self.locked_by(watcher):
            return "starting"
        if not self.database.exists() or self._beside("-journal").exists():
            return "beginning a file"
        if not watcher.is_watching():
            return "resuming"
        with WriteAheadLog(self.database, watcher.began_s) as log:
            busy = log.busy_with
        return f"writing: {busy}" if busy else "between two writes"

    def _beside(self, suffix: str) -> Path:
        return self.database.with_name(self.database.name + suffix)


def _begin(house: House, watcher: Watcher) -> None:
    if house.is_fresh():
        house.remove_recording()
    watcher.until(lambda: house.locked_by(watcher), "its lock", look_s=_LOOK_S)
    time.sleep(house.rng.uniform(0.0, 0.004))


def _start(house: House, watcher: Watcher) -> None:
    time.sleep(house.rng.uniform(0.0, 1.2))


def _resume(house: House, watcher: Watcher) -> None:
    watcher.until(lambda: house.locked_by(watcher), "its lock")
    time.sleep(house.rng.uniform(0.0, 0.7))


def _record(house: House, watcher: Watcher) -> None:
    house.writer.allow(int(house.rng.integers(10, 300)), house.rng.uniform(0.0, 0.02))
    watcher.until(watcher.is_watching, "what it has recorded")
    time.sleep(house.rng.uniform(0.0, 1.5))


def _write(what: str, minutes: int) -> Callable[[House, Watcher], None]:
    """Kill during a write of a kind; after so many minutes without one, kill anyway."""

    def write(house: House, watcher: Watcher) -> None:
        house.writer.allow(minutes, house.rng.uniform(0.0, 0.002))
        watcher.until(watcher.is_watching, "what it has recorded")
        skipped = house.rng.integers(0, 40) if what == "minute" else 0
        heard_s = time.monotonic()
        with WriteAheadLog(house.database, watcher.began_s) as log:
            busy = None
            while time.monotonic() < heard_s + _QUIET_S:
                was_busy, busy = busy, log.busy_with
                if busy:
                    heard_s = time.monotonic()
                if busy == what != was_busy:
                    skipped -= 1
                    if skipped < 0:
                        break
                time.sleep(_LOOK_S)
        # During the write, or a little later.
        if house.rng.random() < 0.4:
            time.sleep(house.rng.uniform(0.0, 0.003))

    return write


_AIMS: dict[str, Callable[[House, Watcher], None]] = {
    "beginning": _begin,
    "starting": _start,
    "resuming": _resume,
    "recording": _record,
    **{what: _write(what, minutes) for what, minutes in _WRITTEN.items()},
}


@contextmanager
def living_in(folder: Path, sample_kw: np.ndarray, minutes: int, chosen: int) -> Iterator[House]:
    """A house, compared at the end with an undisturbed watcher of the same log."""
    log, at = make_log(sample_kw.tolist(), minutes, chosen)
    # The last minute is incomplete.
    expected = at[:-1]
    for name in ("disturbed", "undisturbed"):
        (folder / name).mkdir()
    (folder / "undisturbed/meter.log").write_bytes(log)
    undisturbed = Watcher(folder / "undisturbed", URL, *OPTIONS, "--record", "house.db")
    house = House(folder / "disturbed", log, expected, np.random.default_rng(chosen))
    try:
        yield house
        house.finish()
        other = folder / "undisturbed/house.db"
        undisturbed.until(
            lambda: last_minute(other) == expected[-1], "its end", timeout_s=300.0, look_s=0.02
        )
        undisturbed.stop()
        assert rows_of(house.database) == rows_of(other)
        assert len(house.rows) == len(expected)
        alarms = rows_of(other, _ALARMS)
        assert rows_of(house.database, _ALARMS) == alarms
        assert alarms or minutes < 5000
        for query in (_DEMAND, _SWITCHED):
            assert rows_of(house.database, query) == rows_of(other, query)
        assert _state_of(house.database) == _state_of(other)
    finally:
        undisturbed.leave()
        house.writer.close()


def _state_of(database: Path) -> dict[str, object]:
    """State of a pipeline that resumes a recording."""
    forecasting = Forecasting(model="homes")  # the default of watch
    pipeline, _ = forecasting.prepare("test")
    notices: list[Notice] = []
    recorder = Recorder.open(
        database, settings=forecasting.fingerprint(), state=pipeline.state, notify=notices.append
    )
    recorder.resume(pipeline)
    recorder.close()
    assert not notices
    return pipeline.state()


@pytest.mark.slow
def test_two_kills_lose_nothing(tmp_path: Path, sample_kw: np.ndarray) -> None:
    chosen = seed()
    print(f"STREAMER_TEST_SEED={chosen}")
    with living_in(tmp_path, sample_kw, 400, chosen) as house:
        for aim in ("beginning", "minute"):
            house.kill(aim)


@pytest.mark.endurance
def test_a_hundred_kills_lose_nothing(
    tmp_path: Path, sample_kw: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = seed()
    with capsys.disabled():
        print(f"\nSTREAMER_TEST_SEED={chosen}")
    rng = np.random.default_rng(chosen)
    aims = ["starting"] * 10 + ["resuming"] * 15 + ["recording"] * 20
    aims += ["minute"] * 20 + ["snapshot"] * 14 + ["checkpoint"] * 13
    rng.shuffle(aims)
    aims = ["beginning"] * 8 + aims
    assert len(aims) == 100
    began = time.monotonic()
    with living_in(tmp_path, sample_kw, 40_000, chosen) as house:
        for number, aim in enumerate(aims, start=1):
            house.kill(aim)
            if number % 12 == 0:
                house.end(signal.SIGTERM if rng.random() < 0.5 else signal.SIGINT)
        killed = len(house.rows)
    assert house.kills.total() == 100
    with capsys.disabled():
        for phase, count in sorted(house.kills.items()):
            print(f"{count:4} {phase}")
        print(
            f"{killed:,} of {len(house.rows):,} minutes recorded under {len(aims)} kills; "
            f"{time.monotonic() - began:.0f} s"
        )
    aimed_at = {"starting", "resuming", *(f"writing: {what}" for what in _WRITTEN)}
    assert house.kills.keys() >= aimed_at
