"""Tests of `watch` with a clock that was ahead for a while, in this process."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from streamer.commands.rewinding import RememberedPast
from streamer.commands.watch import Watch
from streamer.feeds import FeedItem, Pace
from streamer.feeds.address import Address
from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Sample, Step
from streamer.sinks import Item
from streamer.sinks.summary import Summary
from streamer.sources.live import LiveSource
from streamer.stream.pacing import Pacer
from streamer.testing import FixedForecaster, ManualClock, readings

DATE = 1_774_745_940.0  # a full minute
DAY_S = 86_400.0

Happening = int | float
"""Seconds of samples, or seconds by which the clock is set."""


class _Feed:
    """A meter that sends its power each second, and things that happen to the clock.

    Attributes:
        source: its source; no sample is sent before it has taken the last one.
    """

    source: LiveSource

    def __init__(self, clock: ManualClock, happenings: Sequence[Happening]) -> None:
        self.name = "house"
        self.pace = Pace()
        self._script = self._items(clock, happenings)

    @staticmethod
    def _items(clock: ManualClock, happenings: Sequence[Happening]) -> Iterator[list[FeedItem]]:
        for each in happenings:
            if isinstance(each, float):
                clock.set_wall(clock.wall() + each)
                continue
            for _ in range(each):
                yield [Sample(1.0)]
                clock.advance(1.0)

    def read(self) -> Sequence[FeedItem]:
        while self.source._inbox:
            time.sleep(1e-4)
        return next(self._script, [])

    def close(self) -> None:
        pass


class _Sink:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def write(self, item: Item) -> None:
        self.items.append(item)

    def close(self) -> None:
        pass

    @property
    def minutes(self) -> list[int]:
        steps = [item for item in self.items if isinstance(item, Step)]
        return [round((step.reading.at.timestamp() - DATE) / 60) for step in steps]

    @property
    def warnings(self) -> list[str]:
        found = [item for item in self.items if isinstance(item, Notice)]
        return [notice.text for notice in found if notice.kind == Notice.WARNING]


def _watched(
    *happenings: Happening, record: Path | None = None, begin_s: float = 0.0
) -> tuple[_Sink, Summary]:
    clock = ManualClock(wall=DATE + begin_s, frozen=True)
    feed = _Feed(clock, happenings)
    feed.source = source = LiveSource(feed, stale_after_s=60.0, clock=clock)
    job = Watch(Address.parse("stdin:?unit=W"), record=record)
    sink, summary = _Sink(), Summary()
    job.run(source, [sink, summary], Pacer(), looking=[], opened=[])
    return sink, summary


@pytest.mark.parametrize("recorded", [True, False])
def test_a_clock_that_was_a_day_ahead_mutes_for_less_than_three_minutes(
    recorded: bool, tmp_path: Path
) -> None:
    record = tmp_path / "house.db" if recorded else None
    sink, summary = _watched(300, DAY_S, 140, -DAY_S, 400, record=record)
    day = round(DAY_S / 60)
    split = sink.minutes.index(day + 6) + 1
    assert sink.minutes[:split] == [0, 1, 2, 3, 4, day + 5, day + 6]
    again = sink.minutes[split:]
    # It is right again 440 s after the start.
    assert 60 * (again[0] + 1) + 5 <= 440 + 180
    assert again == list(range(again[0], 14))
    text = next(text for text in sink.warnings if "the clock was ahead" in text)
    assert "2 minutes from 2026-03-30 " in text
    lines = summary.lines()
    assert not any("recorded before" in line for line in lines)
    if record is not None:
        (aside,) = tmp_path.glob("house.db.future-*")
        assert aside.name in text
        assert len(_recorded(aside)) == 2
        assert _recorded(record) == [minute for minute in sink.minutes if minute < 1000]


def test_minutes_of_the_future_are_set_aside_after_a_restart(tmp_path: Path) -> None:
    record = tmp_path / "house.db"
    _watched(300, DAY_S, 140, record=record)
    before = _recorded(record)
    assert before[-1] > 1000
    sink, _ = _watched(400, record=record, begin_s=500.0)
    assert "no readings until" in next(text for text in sink.warnings if "ends 23 h" in text)
    assert 60 * (sink.minutes[0] + 1) + 5 <= 500 + 180
    assert _recorded(record) == [minute for minute in before if minute < 1000] + sink.minutes
    again, _ = _watched(200, record=record, begin_s=1000.0)
    assert again.warnings == [] or all("only" in text for text in again.warnings)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_clock_that_is_wrong_now_changes_nothing(recorded: bool, tmp_path: Path) -> None:
    """It is set back by half an hour for a while, into minutes that are recorded."""
    record = tmp_path / "house.db" if recorded else None
    sink, _ = _watched(3000, -1800.0, 300, 1800.0, 300, record=record)
    assert sink.minutes == sorted(set(sink.minutes))
    assert max(b - a for a, b in pairwise(sink.minutes)) <= 7
    assert not any("was ahead" in text for text in sink.warnings)
    if record is not None:
        assert _recorded(record) == sink.minutes
        assert not list(tmp_path.glob("*future*"))


def test_without_readings_there_is_nothing_to_rewind() -> None:
    past = RememberedPast(Pipeline(FixedForecaster()))
    assert past.rewind(datetime.fromtimestamp(DATE, UTC)) is None
    past.write(Link(Link.UP))
    past.close()
    assert past.rewind(datetime.fromtimestamp(DATE, UTC)) is None


def test_a_clock_that_was_ahead_from_the_start_is_forgotten() -> None:
    pipeline = Pipeline(FixedForecaster(window=3))
    fresh = pipeline.state()
    past = RememberedPast(pipeline)
    now = datetime.fromtimestamp(DATE, UTC)
    for reading in readings([0.3] * 5, start=datetime.fromtimestamp(DATE + DAY_S, UTC)):
        past.write(pipeline.push(reading))
    rewound = past.rewind(now)
    assert rewound is not None
    assert rewound.last_at is None
    assert pipeline.state() == fresh


def _recorded(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT at FROM steps ORDER BY at").fetchall()
    return [round((at - DATE) / 60) for (at,) in rows]
