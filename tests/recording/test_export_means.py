"""Export of the forecasts of the next minutes' mean, and of channels."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RecordError
from streamer.readings import Step
from streamer.recording.export import KEYS, MEAN_KEYS, SOLAR_KEYS, export
from streamer.sinks.text import record
from tests.recording.conftest import Foreseeing, House, house

CHANNELS = {"voltage": "V", "at": "A"}


@pytest.fixture
def steps(db: Path) -> list[Step]:
    watcher = House(db, pipeline=Foreseeing())
    steps = watcher.watch(house(200))
    watcher.close()
    return steps


def _json(db: Path, **options: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    count = export(db, out, format="json", **options)
    lines = out.getvalue().splitlines()
    assert len(lines) == count
    return list(map(json.loads, lines))


def _expected(steps: list[Step]) -> list[dict[str, Any]]:
    """The recorded forecasts of steps, without the mean that came."""
    return [
        {
            "at": step.reading.at.isoformat(),
            "minutes": mean.minutes,
            **{
                key: pytest.approx(getattr(mean, key), rel=0, abs=0.00005001)
                for key in MEAN_KEYS[2:-1]
            },
        }
        for step in steps
        for mean in step.next_means or ()
        if mean.minutes in (5, 15, 60)
    ]


def test_means_are_those_of_the_stream(db: Path, steps: list[Step]) -> None:
    found = _json(db, means=True)
    assert all(tuple(line) == MEAN_KEYS for line in found)
    with closing(sqlite3.connect(db)) as connection:
        settled = "SELECT actual_kw FROM means ORDER BY at, minutes"
        assert [line.pop("actual_kw") for line in found] == [
            kw for (kw,) in connection.execute(settled)
        ]
    assert found == _expected(steps)


def test_every_format_has_the_same_means(db: Path, steps: list[Step], tmp_path: Path) -> None:
    lines = _json(db, means=True)
    out = tmp_path / "means.csv"
    assert export(db, out, format="csv", means=True) == len(lines)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {key: "" if value is None else str(value) for key, value in line.items()} for line in lines
    ]
    parquet = pytest.importorskip("pyarrow.parquet")
    export(db, tmp_path / "means.parquet", format="parquet", means=True)
    for row, line in zip(
        parquet.read_table(tmp_path / "means.parquet").to_pylist(), lines, strict=True
    ):
        at = datetime.fromisoformat(line.pop("at"))
        assert row.pop("at") == at
        offset = at.utcoffset()
        assert offset is not None
        assert row.pop("utc_offset") == offset.total_seconds()
        assert row == line


def test_means_of_a_span_are_those_issued_in_it(db: Path, steps: list[Step]) -> None:
    start, end = datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 3, 30)
    found = _json(db, means=True, start=start, end=end)
    inside = [step for step in steps if start <= step.reading.at.replace(tzinfo=None) < end]
    for line in found:
        del line["actual_kw"]
    assert found == _expected(inside)


def test_without_means_there_are_no_lines(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(60))
    watcher.close()
    out = io.StringIO()
    assert export(db, out, format="csv", means=True) == 0
    assert out.getvalue() == ",".join(MEAN_KEYS) + "\n"


@pytest.mark.parametrize(
    "change", ["mean = 'x'", "low = 0.5", "minutes = 9000000000 + minutes", "high = x'00'"]
)
def test_means_that_no_recorder_writes_are_damage(db: Path, steps: list[Step], change: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(f"UPDATE mean_forecasts SET {change}")  # noqa: S608 - constants
    with pytest.raises(RecordError, match="has no place in a forecast of a mean"):
        _json(db, means=True)


def test_channels_are_the_last_columns(db: Path) -> None:
    watcher = House(db, channels=CHANNELS)
    readings = [
        replace(reading, solar_kw=0.25, channels=(230.0 + n, n / 3.0))
        for n, reading in enumerate(house(20))
    ]
    steps = watcher.watch(readings[:10])
    watcher.close()
    plain = House(db)
    plain.recorder.resume(plain.pipeline)
    steps += plain.watch(replace(reading, channels=()) for reading in readings[10:])
    plain.close()
    keys = KEYS + SOLAR_KEYS
    expected = [
        {key: record(step)[key] for key in keys}
        | dict(zip(("voltage", "channel_at"), step.reading.channels or (None, None), strict=True))
        for step in steps
    ]
    assert _json(db) == expected
    assert [tuple(line) for line in _json(db)] == [tuple(line) for line in expected]
    # Of minutes without any, there is no column.
    assert [set(line) for line in _json(db, start=readings[10].at)] == [set(keys)] * 10


def test_the_name_of_a_channel_is_no_formula(db: Path) -> None:
    watcher = House(db, channels={"=1+1": "V"})
    watcher.watch(replace(reading, channels=(1.0,)) for reading in house(3))
    watcher.close()
    out = io.StringIO()
    export(db, out, format="csv")
    assert out.getvalue().splitlines()[0].split(",")[-1] == "'=1+1"
