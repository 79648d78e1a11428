"""Notifications in a recording: written with the minutes, and read after a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streamer.errors import RecordError
from streamer.readings import Alarm, Step
from streamer.recording.notifications import (
    MAX_TEXT,
    Delivery,
    KeptNotifications,
    Notification,
    RecordedAlarm,
)
from tests.recording.conftest import House, house, metered

AT = 1_774_742_400

FIRST = Notification(
    key="house:anomaly:1",
    kind="anomaly",
    created=AT,
    expires=AT + 86_400,
    title="House: unusual power",
    text="At 12:00: ünusual.\nAnd more.",
    size=float("inf"),
    deliveries=(Delivery("0a1b2c3d"), Delivery("ffffffff", 3, AT + 60)),
)
SECOND = replace(
    FIRST, key="house:back:2", created=AT + 5, size=None, state=Notification.WITHHELD, deliveries=()
)


def _kept(watcher: House) -> KeptNotifications:
    return KeptNotifications(watcher.path, watcher.recorder.keep)


def _read(watcher: House, since: int = 0) -> list[Notification]:
    return list(_kept(watcher).read(since, 0).notifications)


def test_they_are_read_as_they_were_written(db: Path) -> None:
    watcher = House(db)
    assert _kept(watcher).write([FIRST, SECOND])
    assert _read(watcher) == [FIRST, SECOND]
    assert _read(watcher, AT + 1) == [SECOND]
    sent = replace(
        FIRST,
        state=Notification.SENT,
        deliveries=(Delivery("0a1b2c3d", 1, AT + 9), FIRST.deliveries[1]),
    )
    assert _kept(watcher).write([sent])
    assert _read(watcher) == [sent, SECOND]
    watcher.close()
    assert not watcher.texts
    after = House(db)
    assert _read(after) == [sent, SECOND]
    after.close()


def test_long_texts_are_cut(db: Path) -> None:
    watcher = House(db)
    _kept(watcher).write([replace(FIRST, text="x" * 10 * MAX_TEXT)])
    assert len(_read(watcher)[0].text) == MAX_TEXT
    watcher.close()


def test_a_full_disk_holds_nothing_up_and_they_are_written_when_there_is_room(db: Path) -> None:
    watcher = House(db)
    store = watcher.recorder._target.store
    assert store is not None
    (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
    store.connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [replace(FIRST, key=f"house:anomaly:{n}", text="x" * 2000) for n in range(20)]
    assert not _kept(watcher).write(many)
    (text,) = watcher.texts
    assert text.startswith(f"not recording: {db}: the disk is full; watching continues")
    assert not _kept(watcher).write([replace(many[0], state=Notification.SENT)])
    store.connection.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    watcher.watch(house(1))
    assert [each.state for each in _read(watcher)] == ["sent"] + ["waiting"] * 19
    watcher.close()


def test_a_damaged_file_does_not_lose_them(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(30))
    assert _kept(watcher).write([FIRST])
    with db.open("r+b") as file:
        file.write(b"\0" * 4096)
    watcher.watch(house(31)[30:])
    assert any("set aside as" in text for text in watcher.texts)
    assert _read(watcher) == [FIRST]
    watcher.close()


def test_nothing_is_written_after_the_end(db: Path) -> None:
    watcher = House(db)
    watcher.close()
    assert not _kept(watcher).write([FIRST])
    assert _read(watcher) == []


def test_many_that_wait_are_bounded(db: Path) -> None:
    watcher = House(db)
    backlog = watcher.recorder._backlog
    backlog.keep(replace(FIRST, key=str(number)) for number in range(5000))
    assert len(backlog.notifications) == 1000
    assert "4999" in backlog.notifications
    watcher.close()


def _alarmed(step: Step, *kinds: str) -> Step:
    alarms = tuple(Alarm(kind, step.reading.at, f"{kind}!", 2.0) for kind in kinds)
    return replace(step, alarms=alarms)


def test_recorded_alarms_are_read_with_the_end_of_their_interval(db: Path) -> None:
    reader = metered()
    watcher = House(db, pipeline=reader)
    steps = [reader.push(reading) for reading in house(200)]
    place = 150
    steps[place] = _alarmed(steps[place], Alarm.ANOMALY, Alarm.PEAK)
    for step in steps:
        watcher.recorder.write(step)
    at = steps[place].reading.at
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(
            "UPDATE demand_intervals SET warned_at = ? WHERE at <= ? AND ? < at + 60 * minutes",
            (int(at.timestamp()),) * 3,
        )
        connection.commit()
    kept = _kept(watcher).read(0, int(at.timestamp()))
    until = int(at.timestamp()) // 900 * 900 + 900
    found = [each for each in kept.alarms if each.at == at]
    assert found == [
        RecordedAlarm("anomaly", at, "anomaly!", 2.0, until),
        RecordedAlarm("peak", at, "peak!", 2.0, until),
    ]
    assert found[0].at.utcoffset() == at.utcoffset()
    assert kept.last_at == steps[-1].reading.at
    watcher.close()


def test_a_recording_without_any_has_none(db: Path) -> None:
    watcher = House(db)
    kept = _kept(watcher).read(0, 0)
    assert (kept.notifications, kept.alarms, kept.last_at) == ([], [], None)
    watcher.close()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE notifications SET state = 'odd'", "'odd' is not the state"),
        ("UPDATE notifications SET created = 2.5", "'2.5' is not a whole number"),
        ("UPDATE notifications SET size = 'large'", "'large' is not the size"),
        ("UPDATE deliveries SET attempts = 'many'", "'many' is not a whole number"),
        ("UPDATE deliveries SET sent_at = x'00'", "is not a whole number"),
        ("UPDATE notifications SET text = zeroblob(1000000)", "bigger than any"),
    ],
)
def test_what_no_recorder_writes_is_damage(db: Path, change: str, complaint: str) -> None:
    watcher = House(db)
    _kept(watcher).write([FIRST])
    watcher.close()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(RecordError, match=complaint):
        KeptNotifications(db, lambda _: False).read(0, 0)


_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
_TIME = st.integers(0, 2**40)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    rows=st.lists(
        st.builds(
            Notification,
            key=_TEXT,
            kind=_TEXT,
            created=_TIME,
            expires=_TIME,
            title=_TEXT,
            text=_TEXT,
            size=st.none() | st.floats(1.0, allow_nan=False),
            state=st.sampled_from(["waiting", "sent", "expired", "withheld"]),
            deliveries=st.lists(
                st.builds(Delivery, _TEXT, st.integers(0, 1000), st.none() | _TIME),
                max_size=4,
                unique_by=lambda each: each.receiver,
            ).map(lambda found: tuple(sorted(found, key=lambda each: each.receiver.encode()))),
        ),
        unique_by=lambda each: each.key,
        max_size=6,
    )
)
def test_any_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Notification]
) -> None:
    watcher = House(tmp_path_factory.mktemp("any") / "house.db")
    assert _kept(watcher).write(rows)
    found = _read(watcher)
    watcher.close()
    assert sorted(found, key=lambda each: each.key) == sorted(rows, key=lambda each: each.key)
    assert [each.created for each in found] == sorted(each.created for each in rows)
