"""Tests of several meters in one process: their streams, recordings and failures."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streamer.commands.forecasting import Forecasting
from streamer.commands.meters import MeterSummaries
from streamer.commands.meterset import with_parts
from streamer.commands.supervision import Supervisor
from streamer.commands.watch import Watch
from streamer.errors import ConfigError, ModelError, UnitError
from streamer.feeds.address import Address
from streamer.publishing import Report, WatchedMeter
from streamer.readings import Notice, Step
from streamer.sinks import Item, Sink
from streamer.sinks.shared import SharedSinks
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.standard import ReaderGoneError

START_S = 1_790_000_040
MINUTES = 60
FORECASTING = Forecasting("homes", engine="numpy")


def _log(path: Path, watts: Callable[[int], int], missing: Sequence[int] = ()) -> str:
    """A log of samples with times, in the address of a feed that reads it from its start."""
    lines = [
        f"{START_S + 60 * minute + second} {watts(minute)}"
        for minute in range(MINUTES)
        for second in (0, 30)
        if minute not in missing
    ]
    path.write_text("\n".join([*lines, f"{START_S + 60 * MINUTES + 10} 0"]) + "\n")
    return f"tail:{path}?unit=W&from=start"


def _grid(minute: int) -> int:
    return 400 + 37 * (minute % 7) + 5 * minute


def _solar(minute: int) -> int:
    return 11 * (minute % 13)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Watch]:
    """Grid, solar with a gap, and the house derived from them, all of them recorded."""
    urls = {
        "grid": _log(tmp_path / "grid.log", _grid),
        "solar": _log(tmp_path / "solar.log", _solar, missing=range(20, 25)),
    }
    found = [
        Watch(
            None if name == "house" else Address.parse(urls[name]),
            FORECASTING,
            record=tmp_path / f"{name}.db",
            by="feed",
            name=name,
        )
        for name in ("grid", "solar", "house")
    ]
    return with_parts(found, [{}, {}, {"derive": "grid + 2*solar"}])


class _Steps:
    """Collects the steps of all meters, and waits for their numbers."""

    def __init__(self, count: int) -> None:
        self.items: list[list[Item]] = [[] for _ in range(count)]
        self.failures: dict[int, str] = {}
        self._condition = threading.Condition()

    def sinks(self, place: int) -> Sequence[Sink]:
        return [_Collector(self.items[place], self._condition)]

    def looking(self, place: int) -> Sequence[Sink]:
        return ()

    def failed(self, place: int, text: str) -> None:
        with self._condition:
            self.failures[place] = text
            self._condition.notify_all()

    def steps(self, place: int) -> list[Step]:
        return [item for item in self.items[place] if isinstance(item, Step)]

    def wait_for(self, *counts: int) -> None:
        with self._condition:
            assert self._condition.wait_for(
                lambda: all(len(self.steps(place)) >= count for place, count in enumerate(counts)),
                30,
            )


class _Collector:
    def __init__(self, items: list[Item], condition: threading.Condition) -> None:
        self._items = items
        self._condition = condition

    def write(self, item: Item) -> None:
        with self._condition:
            self._items.append(item)
            self._condition.notify_all()

    def close(self) -> None:
        """Nothing is open."""


class _Running:
    """A supervisor that runs in a thread, until its context ends."""

    def __init__(self, jobs: Sequence[Watch], background: Any = None) -> None:
        self.supervisor = Supervisor(jobs)
        self.seen = _Steps(len(jobs))
        self.error: BaseException | None = None
        self._background = background
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.supervisor.run(self.seen, self._background)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def __enter__(self) -> _Running:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.supervisor.pacer.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


def _rows(path: Path | None) -> list[tuple[Any, ...]]:
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM steps ORDER BY at").fetchall()


def _alone(job: Watch, count: int) -> list[tuple[Any, ...]]:
    """The recorded rows of a meter that is watched by itself."""
    source, seen = job.open(), _Steps(1)
    pacer = Pacer(MAX, on_stop=source.close)
    thread = threading.Thread(
        target=lambda: job.run(source, seen.sinks(0), pacer, looking=[], opened=[]), daemon=True
    )
    thread.start()
    seen.wait_for(count)
    pacer.stop()
    thread.join(30)
    return _rows(job.record)


def test_recorded_rows_are_those_of_single_runs(jobs: list[Watch], tmp_path: Path) -> None:
    with _Running(jobs) as running:
        running.seen.wait_for(MINUTES, MINUTES - 5, MINUTES - 5)
    assert running.error is None
    assert running.supervisor.exit_code == 0
    for job, count in zip(jobs[:2], (MINUTES, MINUTES - 5), strict=True):
        alone = replace(job, record=tmp_path / f"{job.name}-alone.db")
        assert _rows(job.record) == _alone(alone, count)


def test_derived_rows_are_those_of_the_sums(jobs: list[Watch], tmp_path: Path) -> None:
    with _Running(jobs) as running:
        running.seen.wait_for(MINUTES, MINUTES - 5, MINUTES - 5)
    url = _log(tmp_path / "sum.log", lambda at: _grid(at) + 2 * _solar(at), missing=range(20, 25))
    alone = replace(jobs[0], address=Address.parse(url), record=tmp_path / "sum.db")
    assert _rows(jobs[2].record) == _alone(alone, MINUTES - 5)


def test_a_derived_meter_continues_from_the_recordings_of_its_parts(
    jobs: list[Watch], tmp_path: Path
) -> None:
    """Minutes that the parts recorded before a power cut, and the derived meter did not."""
    whole = [replace(job, record=tmp_path / f"whole-{job.name}.db") for job in jobs]
    with _Running(whole) as running:
        running.seen.wait_for(MINUTES, MINUTES - 5, MINUTES - 5)
    with _Running(jobs[:2]) as running:
        running.seen.wait_for(MINUTES, MINUTES - 5)
    with _Running(jobs) as running:
        running.seen.wait_for(0, 0, MINUTES - 5)
    assert _rows(jobs[2].record) == _rows(whole[2].record)
    with _Running(jobs) as running:
        pass
    assert _rows(jobs[2].record) == _rows(whole[2].record)


def test_a_meter_that_fails_leaves_the_others_unharmed(jobs: list[Watch], tmp_path: Path) -> None:
    url = _log(tmp_path / "broken.log", lambda _: 500_000_000)
    broken = replace(jobs[1], address=Address.parse(url), name="broken", record=None)
    free = replace(jobs[1], name="free", record=None)
    found = with_parts(
        [jobs[0], broken, replace(jobs[2], derived=None), free],
        [{}, {}, {"derive": "grid + broken"}, {}],
    )
    with _Running(found) as running:
        running.seen.wait_for(MINUTES, 0, 0, MINUTES - 5)
        streams = running.supervisor.streams
        assert isinstance(streams[1].failure, UnitError)
        assert list(running.seen.failures) == [1]
        assert "all of the first 20 values are above" in running.seen.failures[1]
    assert running.supervisor.exit_code == 1
    assert running.error is None
    assert [each.failure for each in streams if each is not streams[1]] == [None] * 3
    texts = [item.text for item in running.seen.items[2] if isinstance(item, Notice)]
    assert "house: no further minutes, since broken has ended" in texts


def test_an_error_in_the_program_is_raised_at_the_end(
    jobs: list[Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(item: Item) -> None:
        raise ZeroDivisionError

    with _Running(jobs) as running:
        stream = running.supervisor.streams[1]
        monkeypatch.setattr(stream.source, "read", lambda: broken(Notice(Notice.EVENT, "x")))
        running.seen.wait_for(MINUTES)
    assert isinstance(running.error, ZeroDivisionError)


class _Gone:
    """A sink whose output has no reader."""

    def write(self, item: Item) -> None:
        if isinstance(item, Step):
            raise ReaderGoneError("standard output")

    def close(self) -> None:
        """Nothing is open."""


def test_all_end_when_what_they_write_has_no_reader(jobs: list[Watch]) -> None:
    supervisor, seen = Supervisor(jobs), _Steps(3)
    seen.sinks = lambda place: [_Gone()] if place == 1 else []  # type: ignore[method-assign]
    with pytest.raises(ReaderGoneError):
        supervisor.run(seen)
    assert supervisor.pacer.stopped


def test_nothing_stays_open_after_a_wrong_setting(
    jobs: list[Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(
        "streamer.sources.live.LiveSource.close", lambda source: closed.append(source.name)
    )
    wrong = replace(jobs[1], stale_after_s=-1.0, where="a.toml: [[watch]] 2 (solar)")
    with pytest.raises(Exception, match=r"a\.toml: \[\[watch\]\] 2 \(solar\): --stale-after -1"):
        Supervisor([jobs[0], wrong, jobs[2]])
    assert len(closed) == 1


class _Background:
    """Publishers that keep what they are given."""

    def __init__(self) -> None:
        self.meters: dict[str, list[Item | None]] = {}
        self.late: dict[str, Callable[[], float]] = {}
        self.report: Report = print

    def sink(self, meter: WatchedMeter, late_s: Callable[[], float]) -> Sink:
        self.late[meter.key] = late_s
        items = self.meters[meter.key] = []
        sink = SharedSinks([_Collector(items, threading.Condition())])  # type: ignore[arg-type]
        sink.close = lambda: items.append(None)  # type: ignore[method-assign]
        return sink

    def report_to(self, report: Report) -> None:
        self.report = report

    def keeping(self, meter: WatchedMeter, kept: object) -> AbstractContextManager[None]:
        assert meter.record is not None
        assert kept is not None
        return nullcontext()


def test_each_meter_is_published_under_its_key_and_marked_as_ended(jobs: list[Watch]) -> None:
    background = _Background()
    with _Running(jobs, background) as running:
        running.seen.wait_for(MINUTES, MINUTES - 5, MINUTES - 5)
        background.report(Notice(Notice.WARNING, "mqtt://broker: gone"))
    assert background.meters.keys() == {"grid", "solar", "house"}
    assert all(items[-1] is None for items in background.meters.values())
    assert all(items.count(None) == 1 for items in background.meters.values())
    # A log has a sample each half minute: a minute is known with the sample after it.
    assert {key: late() for key, late in background.late.items()} == dict.fromkeys(
        ("grid", "solar", "house"), 5.0 + 30.0 + 5.0
    )
    assert background.report is not print
    noted = [
        [each.text for each in items if isinstance(each, Notice)] for items in running.seen.items
    ]
    assert ["mqtt://broker: gone" in texts for texts in noted] == [True, False, False]


def test_summaries_are_below_the_names(jobs: list[Watch]) -> None:
    summaries = MeterSummaries(jobs[:2])
    assert not summaries.begun
    summaries.failed(1, "refused")
    assert summaries.begun
    assert summaries.lines() == [
        "grid:",
        "  no readings",
        "solar:",
        "  no readings",
        "  failed: refused",
    ]


def test_a_formula_of_an_unknown_meter_is_an_error(jobs: list[Watch]) -> None:
    with pytest.raises(ConfigError):
        with_parts([replace(jobs[2], derived=None)], [{"derive": "grid"}])


CONFIG = """
[all]
clock = "feed"
format = "json"
[[watch]]
name = "Grid"
url = "{grid}"
[[watch]]
name = "Solar roof"
url = "{solar}"
[[watch]]
name = "House"
derive = "Grid + solar_roof"
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that watches three meters."""
    file = tmp_path / "a.toml"
    grid, solar = (_log(tmp_path / name, watts) for name, watts in (("g", _grid), ("s", _solar)))
    file.write_text(CONFIG.format(grid=grid, solar=solar), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("STREAMER_")}
    with subprocess.Popen(
        [sys.executable, "-m", "streamer", "watch", "--config", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept,
    ) as process:
        yield process
        process.kill()


def test_a_signal_ends_all_in_good_order(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    found = [json.loads(child.stdout.readline()) for _ in range(3 * MINUTES)]
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    for key in ("grid", "solar_roof", "house"):
        assert sum(line["meter"] == key for line in found) == MINUTES
    assert "Solar roof:\n  tail:" in errors
    assert "House:\n  House = grid + solar_roof: 60 readings" in errors


class _Broken(Forecasting):
    """A model that cannot be loaded, which is not found out before."""

    def prepare(self, source: str, *, live: bool = False) -> Any:
        raise ModelError(f"{source}: the weights are damaged")


def test_a_meter_that_fails_before_it_begins_is_published_as_ended(jobs: list[Watch]) -> None:
    background = _Background()
    broken = replace(jobs[1], forecasting=_Broken())
    with _Running([jobs[0], broken], background) as running:
        running.seen.wait_for(MINUTES, 0)
    assert "the weights are damaged" in running.seen.failures[1]
    assert background.meters["solar"] == [None]
    assert background.meters["grid"][-1] is None
