"""Tests of minutes in the future, which a clock that was ahead has left in a recording."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamer.readings import MINUTE, Reading, Step
from streamer.recording import future
from streamer.recording.future import set_future_aside
from streamer.recording.source import open_recording
from tests.recording.conftest import COLUMNS, House, columns_of, house, pipeline

DAY = timedelta(days=1)


def _rows(path: Path) -> list[tuple[float, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        query = f"SELECT {COLUMNS} FROM steps ORDER BY at"  # noqa: S608 - a constant
        return connection.execute(query).fetchall()


def _ahead(readings: list[Reading], by: timedelta = DAY) -> list[Reading]:
    return [Reading(reading.at + by, reading.kw) for reading in readings]


def _recorded(path: Path, readings: list[Reading], **options: object) -> list[Step]:
    watcher = House(path, **options)
    watcher.recorder.resume(watcher.pipeline)
    steps = watcher.watch(readings)
    watcher.close()
    return steps


@pytest.mark.parametrize("every", [20, 1000])
def test_the_recording_continues_as_if_the_clock_had_been_right(db: Path, every: int) -> None:
    readings = house(260)
    undisturbed = pipeline()
    expected = [undisturbed.push(reading) for reading in readings]
    watcher = House(db, snapshot_every=every)
    fresh = watcher.pipeline.state()
    watcher.watch(readings[:200])
    watcher.watch(_ahead(readings[200:203]))
    now = readings[203].at
    found = watcher.recorder.rewind(watcher.pipeline, fresh, now)
    assert found is not None
    aside, resumed = found
    assert (aside.minutes, resumed.readings, resumed.last_at) == (3, 200, readings[199].at)
    assert resumed.steps[-1] == expected[199]
    rest = [each for each in readings[200:] if each.at > now]
    restarted = pipeline()
    for reading in [*readings[:200], *rest]:
        restarted.push(reading)
    watcher.watch(rest)
    assert watcher.pipeline.state() == restarted.state()
    watcher.close()
    assert _rows(db)[:200] == [columns_of(step) for step in expected[:200]]
    assert len(_rows(db)) == 200 + len(rest)
    assert len(_rows(aside.path)) == 3
    with closing(open_recording(aside.path)) as source:
        assert source.read() == _ahead(readings[200:203])
    # The next start finds nothing unusual.
    again = House(db)
    assert again.recorder.resume(again.pipeline).readings == 200 + len(rest)
    assert again.pipeline.state() == restarted.state()
    assert not again.texts
    again.close()


def test_an_alarm_that_ended_in_the_future_is_active_again(db: Path) -> None:
    flat = [Reading(each.at, 0.25) for each in _even(20)]
    watcher = House(db)
    fresh = watcher.pipeline.state()
    watcher.watch(flat)
    before = _alarms(db)
    assert before[-1][-1] is None
    watcher.watch(_ahead([Reading(flat[-1].at + MINUTE, 1.0)]))
    assert _alarms(db)[len(before) - 1][-1] is not None
    assert watcher.recorder.rewind(watcher.pipeline, fresh, flat[-1].at + 2 * MINUTE)
    assert _alarms(db) == before
    (step,) = watcher.watch([Reading(flat[-1].at + 3 * MINUTE, 1.0)])
    assert _alarms(db)[len(before) - 1][-1] == step.reading.at.timestamp()
    watcher.close()


def _alarms(path: Path) -> list[tuple[float | None, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT at, over_at FROM alarms ORDER BY at").fetchall()


@pytest.mark.parametrize(
    ("before", "ahead", "later", "elapsed", "is_set_aside"),
    [
        pytest.param(100, DAY, 2, 3 * MINUTE, True, id="two minutes, a day ahead"),
        pytest.param(100, DAY, 1400, 3 * MINUTE, True, id="most of a day, a day ahead"),
        pytest.param(0, DAY, 2, 3 * MINUTE, True, id="only two minutes of the future"),
        pytest.param(100, DAY, 0, 3 * MINUTE, False, id="no future"),
        pytest.param(100, 8 * MINUTE, 2, MINUTE, False, id="a few minutes ahead"),
        pytest.param(100, MINUTE, 200, -30 * MINUTE, False, id="a clock that is behind now"),
        pytest.param(0, DAY, 100, timedelta(0), False, id="only the future"),
        pytest.param(100, DAY, 1500, 3 * MINUTE, False, id="more than a day of it"),
    ],
)
def test_minutes_are_left_alone_if_the_clock_may_be_wrong_now(
    before: int, ahead: timedelta, later: int, elapsed: timedelta, is_set_aside: bool, db: Path
) -> None:
    readings = _even(before + later)
    last = readings[max(0, before - 1)].at
    _recorded(db, [*readings[:before], *_ahead(readings[before:], ahead)])
    rows = _rows(db)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        aside = set_future_aside(connection, db, last + elapsed)
    assert (aside is not None) == is_set_aside
    if aside is not None:
        assert _rows(db) == rows[:before]
        assert _rows(aside.path) == rows[before:]
    else:
        assert _rows(db) == rows
        assert not [path for path in db.parent.iterdir() if "future" in path.name]


def _even(count: int) -> list[Reading]:
    """Readings without gaps."""
    readings = house(count)
    return [
        Reading(readings[0].at + minute * MINUTE, reading.kw)
        for minute, reading in enumerate(readings)
    ]


@pytest.mark.parametrize("step", ["open_for_writing", "_copy", "_delete"])
def test_if_a_file_cannot_be_written_nothing_is_changed(
    step: str, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(future, step)

    def full(*arguments: object) -> None:
        if step == "_copy":
            real(*arguments)
        raise sqlite3.OperationalError("the disk is full")

    readings = house(100)
    watcher = House(db)
    fresh = watcher.pipeline.state()
    watcher.watch([*readings, *_ahead(readings[-2:])])
    state, rows = watcher.pipeline.state(), _rows(db)
    monkeypatch.setattr(future, step, full)
    now = readings[-1].at + 2 * MINUTE
    assert watcher.recorder.rewind(watcher.pipeline, fresh, now) is None
    assert "minutes in the future are not set aside" in watcher.texts[-1]
    assert "the disk is full" in watcher.texts[-1]
    assert watcher.pipeline.state() == state
    assert _rows(db) == rows
    assert not list(db.parent.glob("*future*"))
    monkeypatch.undo()
    assert watcher.recorder.rewind(watcher.pipeline, fresh, now) is not None
    watcher.close()


def test_a_zone_does_not_matter(db: Path) -> None:
    _recorded(db, [*house(100), *_ahead(house(2), timedelta(days=2))])
    last = house(100)[-1].at
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        aside = set_future_aside(connection, db, (last + MINUTE).astimezone(UTC))
    assert aside is not None
    assert aside.minutes == 2
    assert datetime.fromtimestamp(aside.first, UTC) == house(1)[0].at + timedelta(days=2)
