"""Hostile recordings: one line each from every reader, and nothing in them is run."""

from __future__ import annotations

import io
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from streamer.energy.tariff import PeakCharge, Rate, Tariff
from streamer.errors import SourceError, StreamerError
from streamer.recording.export import export
from streamer.recording.source import open_recording
from streamer.reporting import render_report
from tests.recording.conftest import SPRING, House, house
from tests.recording.hostile import CODE, MINUTES, VALUES, make

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_TARIFF = Tariff("t", energy=Rate(fixed=Decimal("0.3")), peak=PeakCharge(Decimal(60)))

_MAX_BYTES = 25_000_000
_LONG_AGO = SPRING.replace(year=1970)


def _replay(db: Path) -> None:
    with closing(open_recording(db)) as source:
        while source.read():
            pass


def _replay_channels(db: Path) -> None:
    with closing(open_recording(db, channels={"voltage": "V"})) as source:
        while source.read():
            pass


def _replay_nothing(db: Path) -> None:
    with suppress(SourceError):
        open_recording(db, start=SPRING.replace(year=2090)).close()


def _export(db: Path) -> None:
    for format in ("csv", "json"):
        export(db, io.StringIO(), format=format)


def _export_means(db: Path) -> None:
    for format in ("csv", "json"):
        export(db, io.StringIO(), format=format, means=True)


def _export_demand(db: Path) -> None:
    for format in ("csv", "json"):
        export(db, io.StringIO(), format=format, demand=True)


def _export_challengers(db: Path) -> None:
    for format in ("csv", "json"):
        export(db, io.StringIO(), format=format, challengers=True)


def _export_local(db: Path) -> None:
    export(db, io.StringIO(), format="csv", start=SPRING.replace(tzinfo=None))


def _report(db: Path) -> None:
    render_report(db, period="month", tariff=_TARIFF)


def _resume(db: Path) -> None:
    watcher = House(db)
    watcher.recorder.resume(watcher.pipeline)
    watcher.close()


READERS = (
    *(_replay, _replay_channels, _replay_nothing),
    *(_export, _export_means, _export_demand, _export_challengers, _export_local, _report),
)


def _line(action: Callable[[], object]) -> str:
    """The line that an action costs; empty if it succeeds."""
    try:
        action()
    except StreamerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", [*CODE, *VALUES])
def test_a_hostile_recording_costs_a_reader_one_line(db: Path, name: str) -> None:
    before = make(db, name).read_bytes()
    for read in READERS:
        line = _line(partial(read, db))
        assert line or name not in CODE
        assert line.replace(ELLIPSIS, "").isprintable()
        assert len(line) < 400
    assert db.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in VALUES if "big" in name or "many" in name])
def test_a_hostile_recording_costs_little_memory(db: Path, name: str) -> None:
    make(db, name)
    tracemalloc.start()
    try:
        for read in (*READERS, _resume):
            _line(partial(read, db))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < _MAX_BYTES


@pytest.mark.parametrize("name", CODE)
def test_code_in_a_recording_is_never_run(db: Path, name: str) -> None:
    before = make(db, name).read_bytes()
    if _line(lambda: House(db).close()):
        assert db.read_bytes() == before
        return
    (aside,) = db.parent.glob("house.db.corrupt-*")
    assert aside.read_bytes() == before
    assert _count(db) == 0


@pytest.mark.parametrize("name", VALUES)
def test_hostile_values_do_not_end_watching(db: Path, name: str) -> None:
    make(db, name)
    watcher = House(db)
    watcher.recorder.resume(watcher.pipeline)
    last_at = datetime.fromisoformat(watcher.pipeline.state()["last_at"] or str(_LONG_AGO))
    later = [reading for reading in house(MINUTES + 5) if reading.at > last_at]
    watcher.watch(later)
    watcher.close()
    assert all(text.replace(ELLIPSIS, "").isprintable() for text in watcher.texts)
    assert watcher.recorder.lost == 0
    assert _count(db) >= len(later)


def _count(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    return int(count)
