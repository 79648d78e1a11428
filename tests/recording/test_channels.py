"""Recorded channels: replayed, resumed, and left out where one is not known."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from streamer.errors import RecordError, UsageError
from streamer.readings import Reading
from streamer.recording.database import open_for_writing
from streamer.recording.future import set_future_aside
from streamer.recording.source import open_recording
from tests.recording.conftest import House, house

UNITS = {"voltage": "V", "reactive": "kvar"}
OTHERS = {"reactive": "kvar", "boiler": "kW"}


def _measured(count: int) -> list[Reading]:
    return [
        replace(reading, channels=(230.0 + minute % 7 / 3.0, reading.kw / 7.0))
        for minute, reading in enumerate(house(count))
    ]


def _read(path: Path, *names: str) -> list[Reading]:
    channels = {name: (UNITS | OTHERS)[name] for name in names}
    found: list[Reading] = []
    with closing(open_recording(path, channels=channels)) as source:
        while block := source.read():
            found += block
    return found


def _record(path: Path, readings: list[Reading], units: dict[str, str]) -> House:
    watcher = House(path, channels=units)
    watcher.watch(readings)
    watcher.close()
    return watcher


def test_channels_are_replayed_in_the_order_asked_for(db: Path) -> None:
    readings = _measured(1200)
    _record(db, readings, UNITS)
    assert _read(db, "voltage", "reactive") == readings
    turned = [replace(each, channels=each.channels[::-1]) for each in readings]
    assert _read(db, "reactive", "voltage") == turned
    assert _read(db) == [replace(each, channels=()) for each in readings]


def test_a_minute_without_one_of_the_channels_is_a_gap(db: Path) -> None:
    readings = _measured(900)
    _record(db, readings[:100], UNITS)
    _record(db, [replace(each, channels=()) for each in readings[100:800]], {})
    turned = [replace(each, channels=each.channels[::-1]) for each in readings]
    _record(db, turned[800:], OTHERS)
    assert _read(db, "voltage", "reactive") == readings[:100]
    assert _read(db, "reactive") == [
        replace(each, channels=each.channels[:1]) for each in turned[:100] + turned[800:]
    ]


def test_a_channel_that_is_not_recorded_is_named(db: Path) -> None:
    _record(db, _measured(3), UNITS)
    message = "house.db has no channel boiler, which the model takes; .*: voltage, reactive; choose"
    with pytest.raises(UsageError, match=message):
        open_recording(db, channels=OTHERS)
    message = "house.db has the channel reactive in kvar, but the model takes it in var; choose"
    with pytest.raises(UsageError, match=message):
        open_recording(db, channels={"reactive": "var"})


def test_a_channel_keeps_its_unit(db: Path) -> None:
    _record(db, _measured(3), UNITS)
    message = "house.db has the channel voltage in V, not in mV; record to another file"
    with pytest.raises(RecordError, match=message):
        House(db, channels={"voltage": "mV"})


def test_a_pipeline_is_resumed_with_channels(db: Path) -> None:
    readings = _measured(200)
    first = _record(db, readings[:120], UNITS)
    second = House(db, channels=UNITS)
    resumed = second.recorder.resume(second.pipeline)
    assert [step.reading for step in resumed.steps] == readings[:120]
    assert second.pipeline.state() == first.pipeline.state()
    second.watch(readings[120:])
    second.close()
    assert not second.texts
    assert _read(db, *UNITS) == readings


def test_channels_go_with_minutes_that_are_set_aside(db: Path) -> None:
    readings = _measured(30)
    _record(db, readings, UNITS)
    now = readings[0].at - (readings[-1].at - readings[0].at)
    with closing(open_for_writing(db)) as connection:
        aside = set_future_aside(connection, db, now)
        assert connection.execute("SELECT count(*) FROM channel_values").fetchone() == (0,)
    assert aside is not None
    assert _read(aside.path, *UNITS) == readings


@pytest.mark.parametrize("value", ["'high'", "x'00'"])
def test_a_value_that_is_no_number_is_damage(db: Path, value: str) -> None:
    _record(db, _measured(3), UNITS)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(f"UPDATE channel_values SET value = {value}")  # noqa: S608
    with pytest.raises(RecordError, match="is not the value of a channel"):
        _read(db, "voltage")


def test_too_many_channels_are_damage(db: Path) -> None:
    _record(db, _measured(3), UNITS)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.executemany(
            "INSERT INTO channels (name, unit) VALUES (?, 'V')", [(f"c{n}",) for n in range(200)]
        )
    with pytest.raises(RecordError, match="it has more than 100 channels"):
        _read(db, "voltage")
