"""Recorded forecasts of challengers: written, resumed, set aside and exported."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from streamer.errors import RecordError, UsageError
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Step
from streamer.readings.gaps import GapRule
from streamer.recording.database import open_for_writing
from streamer.recording.export import CHALLENGER_KEYS, export
from streamer.recording.future import set_future_aside
from streamer.testing import FixedForecaster
from tests.models.plugins.own import Leaning, Spoilt
from tests.recording.conftest import House, house

Row: TypeAlias = tuple[Any, ...]
"""Time of issue, name, forecast, forecast of the model, and the reading that came."""

NAMES = ("leaning", "absent")


def _racing(names: Sequence[str] = NAMES) -> Pipeline:
    known = {"leaning": Leaning(), "absent": Spoilt(lambda window: None, 0.25)}
    return Pipeline(
        FixedForecaster(window=5, spread_kw=0.3),
        gaps=GapRule("reset", 10),
        challengers={name: known[name] for name in names},
    )


def race_rows_of(path: Path) -> list[Row]:
    """The view `race`, as any program sees it."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT at, name, next_kw, shown_kw, actual_kw FROM race ORDER BY at, name DESC"
        ).fetchall()


def race_of(steps: list[Step]) -> list[Row]:
    """The same from the steps."""
    found: list[Row] = []
    for step, after in pairwise([*steps, None]):
        assert step is not None
        actual_kw = None if after is None or after.settled is None else after.reading.kw
        for each in step.challengers:
            kw = each.forecast_kw
            model_kw = None if step.forecast is None else step.forecast.kw
            near = kw if kw is None else pytest.approx(kw, rel=0, abs=0.00005001)
            found.append((int(step.reading.at.timestamp()), each.name, near, model_kw, actual_kw))
    return found


@pytest.fixture
def steps(db: Path) -> list[Step]:
    watcher = House(db, pipeline=_racing())
    steps = watcher.watch(house(200))
    watcher.close()
    return steps


def test_forecasts_are_recorded_beside_the_reading_that_came(db: Path, steps: list[Step]) -> None:
    found = race_rows_of(db)
    assert found == race_of(steps)
    # A gap that empties the window leaves what was forecast before it without a reading.
    assert sum(step.gap_minutes > 10 for step in steps)
    assert sum(row[-1] is None for row in found[60:-2])
    assert sum(row[2] is None and row[-1] is not None for row in found) > 20


def test_a_race_is_resumed(db: Path, tmp_path: Path) -> None:
    readings = house(200)
    undisturbed = House(tmp_path / "other.db", pipeline=_racing(), snapshot_every=50)
    expected = undisturbed.watch(readings)
    undisturbed.close()
    steps = []
    for first, last in ((0, 45), (45, 46), (46, 130), (130, 200)):
        watcher = House(db, pipeline=_racing(), snapshot_every=50)
        watcher.recorder.resume(watcher.pipeline, steps=0)
        steps += watcher.watch(readings[first:last])
        watcher.close()
        assert not watcher.texts
    assert steps == expected
    assert race_rows_of(db) == race_rows_of(tmp_path / "other.db")


def test_challengers_may_change(db: Path) -> None:
    readings = house(60)
    steps: list[Step] = []
    for names, part in ((NAMES, slice(0, 20)), ((), slice(20, 40)), (NAMES[::-1], slice(40, 60))):
        watcher = House(db, pipeline=_racing(names))
        watcher.recorder.resume(watcher.pipeline)
        steps += watcher.watch(readings[part])
        watcher.close()
    by_time_and_name = itemgetter(0, 1)
    assert sorted(race_rows_of(db), key=by_time_and_name) == sorted(
        race_of(steps), key=by_time_and_name
    )
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT id, name FROM challengers").fetchall() == [
            (1, "leaning"),
            (2, "absent"),
        ]


def test_what_no_recording_can_hold_is_left_out(db: Path) -> None:
    watcher = House(db, pipeline=_racing(("leaning",)))
    step = watcher.pipeline.push(house(1)[0])
    strange = [
        replace(step.challengers[0], name=name, forecast_kw=kw)
        for name, kw in (("a\x1b[2J\ud800", 1e300), ("b" * 900, float("inf")), ("c", -0.25))
    ]
    watcher.recorder.write(replace(step, challengers=strange))
    watcher.close()
    assert [row[1:3] for row in sorted(race_rows_of(db))] == [
        ("a?[2J?", None),
        ("b" * 200, None),
        ("c", -0.25),
    ]


def test_a_race_goes_with_minutes_that_are_set_aside(db: Path) -> None:
    watcher = House(db, pipeline=_racing())
    readings = house(40)
    late = [replace(each, at=each.at + timedelta(days=2)) for each in readings]
    steps = watcher.watch(readings + late)
    watcher.close()
    with closing(open_for_writing(db)) as connection:
        aside = set_future_aside(connection, db, readings[-1].at + MINUTE)
    assert aside is not None
    assert race_rows_of(db) == race_of(steps[:40])
    assert race_rows_of(aside.path) == race_of(steps[40:])


def _json(db: Path, **options: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    count = export(db, out, format="json", challengers=True, **options)
    lines = out.getvalue().splitlines()
    assert len(lines) == count
    return list(map(json.loads, lines))


def test_an_export_has_the_rows_of_therace_rows_of(db: Path, steps: list[Step]) -> None:
    found = _json(db)
    assert {tuple(line) for line in found} == {CHALLENGER_KEYS}
    times = [int(datetime.fromisoformat(line["at"]).timestamp()) for line in found]
    rows = [(at, *list(line.values())[1:]) for at, line in zip(times, found, strict=True)]
    assert rows == race_rows_of(db)
    begin = steps[100].reading.at
    assert _json(db, start=begin, end=begin + MINUTE) == [
        line for line in found if line["at"] == begin.isoformat()
    ]


def test_every_format_has_the_same_rows(db: Path, steps: list[Step], tmp_path: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("UPDATE challengers SET name = '=1+1' WHERE id = 2")
    lines = _json(db)
    out = io.StringIO()
    assert export(db, out, format="csv", challengers=True) == len(lines) == 2 * len(steps)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert {row["challenger"] for row in rows} == {"leaning", "'=1+1"}
    for row, line in zip(rows, lines, strict=True):
        values = {key: "" if value is None else str(value) for key, value in line.items()}
        assert {**row, "challenger": row["challenger"].removeprefix("'")} == values
    parquet = pytest.importorskip("pyarrow.parquet")
    export(db, tmp_path / "race.parquet", format="parquet", challengers=True)
    for found, line in zip(
        parquet.read_table(tmp_path / "race.parquet").to_pylist(), lines, strict=True
    ):
        assert found.pop("at") == datetime.fromisoformat(line.pop("at"))
        found.pop("utc_offset")
        assert found == line


def test_a_recording_without_challengers_has_no_rows(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(10))
    watcher.close()
    assert _json(db) == []


def test_one_kind_of_row_is_exported_at_a_time(db: Path) -> None:
    with pytest.raises(UsageError, match="--means and --challengers exclude each other"):
        _json(db, means=True)


@pytest.mark.parametrize("change", ["next = 'x'", "next = 0.5", f"next = {2**62}", "next = x'00'"])
def test_forecasts_that_no_recorder_writes_are_damage(
    db: Path, steps: list[Step], change: str
) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(f"UPDATE challenger_forecasts SET {change}")  # noqa: S608 - constants
    with pytest.raises(RecordError, match="is not the forecast of a challenger"):
        _json(db)
