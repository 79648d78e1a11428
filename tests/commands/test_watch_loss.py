"""Minutes that `streamer watch` could not record: an error with their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from streamer.commands.watch import Watch
from streamer.commands.watching import wait_for
from streamer.errors import RecordError
from streamer.feeds.address import Address
from streamer.readings import Link, Notice, Reading
from streamer.recording.recorder import Recorder
from streamer.sinks import Item
from streamer.sources.live import LiveSource
from streamer.sources.live.rewinding import Rewinder
from streamer.stream.pacing import Pacer
from tests.recording.conftest import house


class _Meter:
    """A source of a few minutes, during which another program locks the recording."""

    name = "meter"

    def __init__(self, other: sqlite3.Connection) -> None:
        self._other = other
        self._blocks = [house(2), house(3)[2:]]

    def resume_after(self, last_at: datetime | None) -> None:
        assert last_at is None

    def rewind_by(self, rewinder: Rewinder) -> None:
        """The clock is always right."""

    def read(self) -> list[Reading]:
        if not self._blocks:
            return []
        if len(self._blocks) == 1:
            self._other.execute("BEGIN EXCLUSIVE")
        return self._blocks.pop(0)

    def close(self) -> None:
        """Nothing is open."""


class _Notes:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, item: Item | Link) -> None:
        if isinstance(item, Notice):
            self.texts.append(item.text)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setattr("streamer.recording.connection._BUSY_S", 0.01)
    with closing(sqlite3.connect(tmp_path / "house.db", isolation_level=None)) as connection:
        yield connection


def test_minutes_that_stay_locked_out_are_an_error(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    db = tmp_path / "house.db"
    job, notes, opened = Watch(Address.parse("stdin:?unit=W"), record=db), _Notes(), []
    source = cast("LiveSource", _Meter(other))
    with pytest.raises(RecordError, match=r"house\.db: not recorded, and lost: 1 minute$"):
        job.run(source, [notes], Pacer(), looking=[], opened=opened)
    assert notes.texts[-1].endswith("waiting for up to 10 s, 1 minute waits to be written")
    # What the dashboard has not waited for is an error, too.
    with pytest.raises(RecordError, match="lost: 1 minute"):
        wait_for(opened)


def test_a_recording_that_is_still_open_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder.open(
        tmp_path / "house.db", settings={}, state=dict, notify=lambda notice: None
    )
    wait_for([recorder])
    assert recorder.is_closed
    assert capsys.readouterr().err == "streamer: writing the last minutes of the recording\n"
    wait_for([recorder])
    assert capsys.readouterr().err == ""
