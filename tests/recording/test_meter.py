"""Tests of recordings that are continued from another address."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from streamer.errors import RecordError
from streamer.readings import Notice
from streamer.recording.meter import OtherMeterError
from tests.recording.conftest import SETTINGS, House, house

ONE = {**SETTINGS, "source": "shelly://10.0.0.2", "meter": "shelly://10.0.0.2?id=1"}
OTHER = {**SETTINGS, "source": "shelly://10.0.0.3", "meter": "shelly://10.0.0.3?id=1"}


def recorded(db: Path, settings: dict[str, str] = ONE, *, minutes: int = 30) -> None:
    watcher = House(db, settings=settings)
    watcher.watch(house(minutes))
    watcher.close()


def settings_in(db: Path) -> dict[str, str]:
    with closing(sqlite3.connect(db)) as connection:
        return dict(connection.execute("SELECT key, value FROM settings").fetchall())


def events_in(db: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute("SELECT kind, text FROM events ORDER BY id").fetchall()


def test_another_meter_is_refused_with_both_addresses_and_the_way(db: Path) -> None:
    recorded(db)
    before = db.read_bytes()
    with pytest.raises(OtherMeterError) as caught:
        House(db, settings=OTHER)
    text = str(caught.value)
    assert "recorded from shelly://10.0.0.2?id=1, not from shelly://10.0.0.3?id=1" in text
    assert "--allow-other-meter" in text
    assert "\n" not in text
    assert caught.value.exit_code == 2
    assert db.read_bytes() == before
    House(db, settings=ONE).close()  # the refused one has released the file


@pytest.mark.parametrize("name", ["id=2", "component=em1&id=1"])
def test_another_option_is_another_meter(db: Path, name: str) -> None:
    recorded(db)
    with pytest.raises(RecordError, match="was recorded from"):
        House(db, settings={**ONE, "meter": f"shelly://10.0.0.2?{name}"})


def test_an_allowed_change_is_reported_recorded_and_then_known(db: Path) -> None:
    recorded(db)
    watcher = House(db, settings=OTHER, allow_other_meter=True)
    text = "the recording of shelly://10.0.0.2?id=1 is continued by shelly://10.0.0.3?id=1"
    assert watcher.notices == [Notice(Notice.WARNING, text)]
    resumed = watcher.recorder.resume(watcher.pipeline)
    assert resumed.readings == 30
    assert watcher.texts == [text]  # what was learnt is kept
    watcher.watch(house(40)[30:])
    watcher.close()
    assert events_in(db) == [("warning", text)]
    assert settings_in(db) == OTHER
    again = House(db, settings=OTHER)
    assert not again.texts
    again.close()


def test_the_same_meter_may_have_another_name(db: Path) -> None:
    recorded(db)
    watcher = House(db, settings={**ONE, "source": "shelly"})
    watcher.watch(house(31)[30:])
    watcher.close()
    assert not watcher.texts
    assert settings_in(db)["source"] == "shelly"


def test_a_recording_of_version_0_2_has_only_the_name(db: Path) -> None:
    former = {key: value for key, value in ONE.items() if key != "meter"}
    recorded(db, former)
    with pytest.raises(RecordError, match=r"recorded from shelly://10\.0\.0\.2, not from"):
        House(db, settings=OTHER)
    watcher = House(db, settings=ONE)
    watcher.recorder.resume(watcher.pipeline)
    watcher.watch(house(31)[30:])
    watcher.close()
    assert not watcher.texts
    assert settings_in(db) == ONE


def test_a_recording_without_a_minute_is_of_no_meter(db: Path) -> None:
    """As after a first try with a wrong address."""
    recorded(db, minutes=0)
    watcher = House(db, settings=OTHER)
    watcher.watch(house(3))
    watcher.close()
    assert settings_in(db) == OTHER
    assert not watcher.texts


def test_a_recording_locked_at_the_start_is_compared_when_it_is_read(db: Path) -> None:
    recorded(db)
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        watcher = House(db, settings=OTHER)
        other.execute("ROLLBACK")
    with pytest.raises(OtherMeterError):
        watcher.recorder.resume(watcher.pipeline)
    watcher.close()


def test_a_file_of_another_meter_put_in_place_is_not_written_to(db: Path, tmp_path: Path) -> None:
    """While it is being recorded: reported once, and the minutes wait."""
    elsewhere = tmp_path / "elsewhere.db"
    recorded(elsewhere)
    watcher = House(db, settings=OTHER)
    watcher.watch(house(20))
    db.unlink()
    elsewhere.rename(db)
    watcher.watch(house(50)[20:])
    assert [text for text in watcher.texts if "was recorded from" in text] == watcher.texts[-1:]
    watcher.close()
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT count(*) FROM steps").fetchone() == (30,)
