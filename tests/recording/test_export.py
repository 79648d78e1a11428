"""Export of recordings, compared with the lines of the recorded stream."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import MissingExtraError, RecordError, UsageError
from streamer.readings import Step
from streamer.recording.export import KEYS, export
from streamer.sinks.text import record
from tests.children import read_meanwhile
from tests.recording.conftest import House, house


@pytest.fixture
def steps(db: Path) -> list[Step]:
    watcher = House(db)
    steps = watcher.watch(house(1100))
    watcher.close()
    assert any(step.alarms for step in steps)
    return steps


def _records(steps: list[Step]) -> list[dict[str, Any]]:
    """Values in the lines of a stream, as far as they are recorded."""
    return [{key: record(step)[key] for key in KEYS} for step in steps]


def test_json_lines_are_those_of_the_stream(db: Path, steps: list[Step]) -> None:
    out = io.StringIO()
    assert export(db, out, format="json") == len(steps)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == _records(steps)


def test_csv_is_that_of_the_stream(db: Path, steps: list[Step], tmp_path: Path) -> None:
    out = tmp_path / "house.csv"
    assert export(db, out, format="csv") == len(steps)
    with out.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(KEYS)
    for row, expected in zip(rows, _records(steps), strict=True):
        expected["alarms"] = " ".join(alarm["kind"] for alarm in expected["alarms"])
        assert row == ["" if value is None else str(value) for value in expected.values()]


def test_text_in_csv_is_no_formula(db: Path, steps: list[Step]) -> None:
    kinds = ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "a\r\n\x1b[2Jb"]
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("DELETE FROM alarms")
        connection.executemany(
            "INSERT INTO alarms VALUES (?, ?, 'text', 1.0, ?)",
            [(_at(steps[place]), kind, _at(steps[place + 1])) for place, kind in enumerate(kinds)],
        )
    out = io.StringIO()
    export(db, out, format="csv")
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    cells = [row["alarms"] for row in rows[: len(kinds) + 1]]
    assert cells == ["'=1+1", "'+1", "'-1", "'@sum(a1)", "'=1", "a ?[2Jb", ""]
    # A number may begin with a sign.
    assert any(row["error_kw"].startswith("-") for row in rows)


def _at(step: Step) -> int:
    return int(step.reading.at.timestamp())


def test_parquet_has_the_same_values(db: Path, steps: list[Step], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "house.parquet"
    assert export(db, str(out), format="parquet") == len(steps)
    table = parquet.read_table(out)
    assert str(table.schema.field("at").type) == "timestamp[ms, tz=UTC]"
    rows = table.to_pylist()
    for row, expected in zip(rows, _records(steps), strict=True):
        at = datetime.fromisoformat(str(expected.pop("at")))
        assert row.pop("at") == at
        assert timedelta(seconds=row.pop("utc_offset")) == at.utcoffset()
        kinds = [alarm["kind"] for alarm in expected.pop("alarms")]
        assert row.pop("alarms") == kinds
        assert row == expected


def test_a_span_is_in_the_houses_local_time(db: Path, steps: list[Step]) -> None:
    start, end = datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 4, 0)
    out = io.StringIO()
    export(db, out, format="json", start=start, end=end)
    expected = [step for step in steps if start <= step.reading.at.replace(tzinfo=None) < end]
    assert any(step.alarms for step in expected)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == _records(expected)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_an_empty_span_gives_an_empty_table(db: Path, tmp_path: Path, kind: str) -> None:
    watcher = House(db)
    watcher.watch(house(5))
    watcher.close()
    out = tmp_path / "out"
    assert export(db, out, format=kind, start=datetime(2030, 1, 1)) == 0
    if kind == "parquet":
        assert pytest.importorskip("pyarrow.parquet").read_table(out).num_rows == 0
    else:
        assert len(out.read_text().splitlines()) == (kind == "csv")


def test_numbers_that_are_not_finite_are_left_out(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(20))
    assert watcher.recorder._target.store is not None
    watcher.recorder._target.store.connection.execute(
        "UPDATE steps SET forecast_kw = 9e999, low_kw = 'x'"
    )
    out = io.StringIO()
    export(db, out, format="json")
    watcher.close()
    for line in out.getvalue().splitlines():
        found = json.loads(line)
        assert (found["forecast_kw"], found["error_kw"], found["low_kw"]) == (None, None, None)


def test_a_recording_is_exported_while_it_is_written(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(50))
    out = io.StringIO()
    assert export(db, out, format="csv") == 50
    watcher.watch(house(60)[50:])
    assert not watcher.texts
    watcher.close()


def test_a_file_appears_whole_or_not_at_all(db: Path, steps: list[Step], tmp_path: Path) -> None:
    out = tmp_path / "house.csv"
    out.write_text("what was there before")
    with db.open("r+b") as file:
        size = db.stat().st_size
        file.seek(size // 2)
        file.write(bytes(size // 4))
    with pytest.raises(RecordError, match="is damaged"):
        export(db, out, format="csv")
    assert out.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house.csv", "house.db"]


def test_the_target_of_a_link_and_a_pipe_are_written_directly(db: Path, tmp_path: Path) -> None:
    watcher = House(db)
    watcher.watch(house(5))
    watcher.close()
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    export(db, link, format="csv")
    assert link.is_symlink()
    assert len(target.read_text().splitlines()) == 6
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with read_meanwhile(pipe) as read:
        assert export(db, pipe, format="csv") == 5
    assert pipe.is_fifo()
    assert read == [target.read_text()]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_recording_itself_is_not_overwritten(db: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("pyarrow")
    watcher = House(db)
    watcher.watch(house(5))
    watcher.close()
    before = db.read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(db)
    for out in (db, db.parent / "." / db.name, link):
        with pytest.raises(RecordError, match="is the recording itself; give another name"):
            export(db, out, format=kind)
    assert db.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"format": "xml"}, UsageError, "give one of: csv, json, parquet"),
        (
            {"format": "csv", "start": datetime(2026, 3, 29), "end": datetime(2026, 3, 29)},
            UsageError,
            "--from 2026-03-29 00:00:00 must be before --to",
        ),
        (
            {
                "format": "csv",
                "start": datetime(2026, 3, 29),
                "end": datetime.fromisoformat("2026-03-30T00:00Z"),
            },
            UsageError,
            "both have a zone offset, or neither",
        ),
        ({"format": "parquet"}, UsageError, "give --out FILE"),
    ],
)
def test_contradictory_options_are_usage_errors(
    db: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    House(db).close()
    with pytest.raises(error, match=message):
        export(db, io.StringIO(), **options)


def test_a_missing_folder_or_recording_is_reported(db: Path, tmp_path: Path) -> None:
    House(db).close()
    with pytest.raises(RecordError, match=r"house\.csv cannot be written: No such file"):
        export(db, tmp_path / "nowhere" / "house.csv", format="csv")
    with pytest.raises(RecordError, match="the recording does not exist"):
        export(tmp_path / "other.db", tmp_path / "other.csv", format="csv")
    out = io.StringIO()
    with pytest.raises(RecordError, match="the recording does not exist"):
        export(tmp_path / "other.db", out, format="csv")
    assert not out.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["house.db"]


def test_without_pyarrow_the_extra_is_named(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    House(db).close()
    with pytest.raises(MissingExtraError, match=r"streamer-forecaster\[parquet\]"):
        export(db, tmp_path / "house.parquet", format="parquet")
