"""Resumption of recordings, compared with an uninterrupted run."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Notice
from streamer.readings.gaps import GapRule
from streamer.recording.resume import Resumed
from tests.recording.conftest import SETTINGS, House, house, pipeline


def test_an_empty_recording_leaves_the_pipeline_fresh(db: Path) -> None:
    watcher = House(db)
    assert watcher.recorder.resume(watcher.pipeline) == Resumed()
    assert watcher.pipeline.state() == pipeline().state()
    watcher.close()


@settings(max_examples=12)
@given(cuts=st.lists(st.integers(0, 300), max_size=3), every=st.sampled_from([7, 60, 1000]))
def test_interrupted_runs_give_the_same_steps_as_an_uninterrupted_one(
    cuts: list[int], every: int
) -> None:
    readings = house(300)
    undisturbed = pipeline()
    expected = [undisturbed.push(reading) for reading in readings]
    with tempfile.TemporaryDirectory() as folder:
        steps = []
        for end in [*sorted(cuts), 300]:
            watcher = House(Path(folder, "house.db"), snapshot_every=every)
            resumed = watcher.recorder.resume(watcher.pipeline)
            assert resumed.readings == len(steps)
            given_again = list(resumed.steps)
            assert given_again == steps[len(steps) - len(given_again) :]
            if steps:
                assert resumed.last_at == steps[-1].reading.at
                assert resumed.last_at.utcoffset() == steps[-1].reading.at.utcoffset()
            steps += watcher.watch(readings[len(steps) : end])
            assert not watcher.texts
            watcher.close()
    assert steps == expected
    assert watcher.pipeline.state() == undisturbed.state()


def test_the_shipped_model_is_resumed_bit_by_bit(db: Path) -> None:
    model = load_model("sceaux")
    readings = house(420)
    undisturbed = Pipeline(model, gaps=GapRule("reset", 30))
    expected = [undisturbed.push(reading) for reading in readings]
    steps = []
    for end in (30, 260, 420):
        again = Pipeline(model, gaps=GapRule("reset", 30))
        watcher = House(db, pipeline=again, snapshot_every=100)
        resumed = watcher.recorder.resume(again)
        assert list(resumed.steps) == steps[-len(resumed.steps) :]
        steps += watcher.watch(readings[len(steps) : end])
        watcher.close()
    assert steps == expected
    assert again.state() == undisturbed.state()


def test_last_steps_may_precede_the_last_snapshot(db: Path) -> None:
    watcher = House(db, snapshot_every=100)
    steps = watcher.watch(house(451))
    watcher.close()
    # States were saved at readings 1, 101, 201, 301 and 401; the last two are kept.
    for wanted, given_again in [(1000, 150), (150, 150), (120, 120), (40, 40)]:
        again = House(db)
        resumed = again.recorder.resume(again.pipeline, steps=wanted)
        assert list(resumed.steps) == steps[-given_again:]
        assert again.pipeline.state() == watcher.pipeline.state()
        assert not resumed.rebuilt
        assert "451 recorded minutes" in resumed.text
        again.close()


def test_readings_pushed_in_blocks_are_resumed_from_the_snapshot(db: Path) -> None:
    watcher = House(db, snapshot_every=50)
    readings = house(300)
    for start in range(0, 300, 100):
        for step in watcher.pipeline.push_many(readings[start : start + 100]):
            watcher.recorder.write(step)
    watcher.close()
    again = House(db)
    resumed = again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    assert len(resumed.steps) == 100
    again.close()


def test_other_settings_rebuild_the_state_from_the_readings(db: Path) -> None:
    readings = house(300)
    watcher = House(db, snapshot_every=50)
    watcher.watch(readings[:250])
    watcher.close()
    other = {**SETTINGS, "confidence": "0.8"}
    undisturbed = pipeline(confidence=0.8)
    expected = [undisturbed.push(reading) for reading in readings]
    again = House(db, settings=other, pipeline=pipeline(confidence=0.8), snapshot_every=100)
    resumed = again.recorder.resume(again.pipeline)
    assert again.texts == ["learning again from 250 recorded readings: confidence is 0.8, was 0.9"]
    assert again.notices[0].kind == Notice.EVENT
    assert list(resumed.steps) + again.watch(readings[250:]) == expected
    again.close()
    third = House(db, settings=other, pipeline=pipeline(confidence=0.8))
    assert not third.recorder.resume(third.pipeline).rebuilt
    assert not third.texts
    assert third.pipeline.state() == undisturbed.state()
    third.close()


def _spoil(db: Path, statement: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE snapshots SET state = zeroblob(9) WHERE at = (SELECT max(at) FROM snapshots)",
            None,
        ),
        ("UPDATE snapshots SET checksum = 'no'", "2 saved states damaged"),
        ("UPDATE snapshots SET state = NULL", None),
        ("DELETE FROM snapshots", None),
    ],
)
def test_a_damaged_snapshot_is_replaced_by_an_older_one_or_the_readings(
    db: Path, statement: str, reason: str | None
) -> None:
    watcher = House(db, snapshot_every=50)
    steps = watcher.watch(house(220))
    watcher.close()
    try:
        _spoil(db, statement)
    except sqlite3.IntegrityError:
        _spoil(db, "UPDATE snapshots SET state = 'text'")
        reason = "2 saved states damaged"
    again = House(db)
    resumed = again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    assert list(resumed.steps) == steps[-len(resumed.steps) :]
    assert again.texts == (
        [f"learning again from 220 recorded readings: {reason}"] if reason else []
    )
    again.close()


def test_a_state_of_another_version_is_not_used(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = House(db, snapshot_every=50)
    watcher.watch(house(220))
    watcher.close()
    monkeypatch.setattr("streamer.online.position._STATE_VERSION", 99)
    again = House(db, snapshot_every=50)
    resumed = again.recorder.resume(again.pipeline)
    assert resumed.rebuilt
    (text,) = again.texts
    assert text.startswith("learning again from 220 recorded readings: saved state has version")
    # The next reading saves a state of this version.
    again.watch(house(221)[220:])
    again.close()
    third = House(db, snapshot_every=50)
    assert not third.recorder.resume(third.pipeline).rebuilt
    assert third.pipeline.state() == again.pipeline.state()
    third.close()


def test_many_readings_are_pushed_in_blocks(db: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(house(3100))
    watcher.close()
    _spoil(db, "DELETE FROM snapshots")
    again = House(db)
    resumed = again.recorder.resume(again.pipeline)
    assert again.texts == ["learning again from 3,100 recorded readings: no state was saved"]
    assert resumed.rebuilt
    assert len(resumed.steps) == 1000
    for step, before in zip(resumed.steps, steps[-1000:], strict=True):
        assert step.reading == before.reading
        assert step.forecast is not None
        assert before.forecast is not None
        assert step.forecast.kw == pytest.approx(before.forecast.kw, abs=1e-6)
    again.close()


def test_an_invalid_reading_is_damage(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(50))
    watcher.close()
    _spoil(db, "UPDATE steps SET actual_kw = 9e999 WHERE at = (SELECT max(at) FROM steps)")
    again = House(db)
    assert again.recorder.resume(again.pipeline) == Resumed()
    assert again.pipeline.state() == pipeline().state()
    (text,) = again.texts
    assert "is damaged (reading at" in text
    assert "set aside" in text
    again.watch(house(60)[50:])
    again.close()


def test_a_recording_that_ends_in_the_future_causes_a_warning(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(50))
    watcher.close()
    last = house(50)[-1].at.timestamp()
    for now, count in [(last - 3000.0, 0), (last - 4000.0, 1)]:
        again = House(db, wall=lambda now=now: now)
        again.recorder.resume(again.pipeline)
        assert len(again.texts) == count
        again.close()
    assert "nothing earlier can be recorded until it is set aside: check this" in again.texts[0]
