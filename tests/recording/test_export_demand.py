"""Export of demand intervals."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RecordError, UsageError
from streamer.readings import MINUTE
from streamer.recording.demandread import DEMAND_COLUMNS
from streamer.recording.export import export
from tests.recording.test_demand import START, foreseen, over, step, write

COUNT = 40
LENGTH = 15 * MINUTE


@pytest.fixture
def expected(db: Path) -> list[dict[str, Any]]:
    """Some quarter-hours, one of them running, and the lines of the others."""
    steps, lines = [], []
    for number in range(COUNT):
        start = START + number * LENGTH
        warned_at = None if number % 3 else start + 7 * MINUTE
        values: dict[str, Any] = {
            "kw": 0.5 + number / 8,
            "export_kw": number / 64,
            "unknown_minutes": number % 2,
            "bound_kw": None if number < 2 else 2.25,
            "exceeded": None if number % 2 or number < 2 else number > 14,
        }
        steps += [foreseen(10, start=start)]
        came = over(start, **values, warned_at=warned_at)
        steps.append(step(start + 14 * MINUTE, settled_demand=[came]))
        lines.append(
            {"at": start.isoformat(), "minutes": 15, **values}
            | {"warned_at": None if warned_at is None else warned_at.isoformat()}
            | {"forecast_kw": 11.0, "low_kw": 0.5, "high_kw": 12.0, "p_raises_peak": 10 / 64}
        )
    write(db, *steps, foreseen(10, start=START + COUNT * LENGTH))
    return lines


def _json(db: Path, **options: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    count = export(db, out, format="json", demand=True, **options)
    lines = out.getvalue().splitlines()
    assert len(lines) == count
    return list(map(json.loads, lines))


def test_intervals_are_those_of_the_stream(db: Path, expected: list[dict[str, Any]]) -> None:
    found = _json(db)
    assert found == expected
    assert all(tuple(line) == ("at", *DEMAND_COLUMNS) for line in found)


def test_every_format_has_the_same_intervals(
    db: Path, expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "quarters.csv"
    assert export(db, out, format="csv", demand=True) == COUNT
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = {None: "", True: "true", False: "false"}
    for row, line in zip(rows, expected, strict=True):
        exceeded = words[line["exceeded"]]
        others = {key: "" if value is None else str(value) for key, value in line.items()}
        assert row == {**others, "exceeded": exceeded}
    parquet = pytest.importorskip("pyarrow.parquet")
    export(db, tmp_path / "quarters.parquet", format="parquet", demand=True)
    found = parquet.read_table(tmp_path / "quarters.parquet").to_pylist()
    for row, line in zip(found, expected, strict=True):
        for key in ("at", "warned_at"):
            line[key] = line[key] and datetime.fromisoformat(line[key])
        assert row.pop("utc_offset") == 3600
        assert row == line


def test_intervals_of_a_span_are_those_that_began_in_it(
    db: Path, expected: list[dict[str, Any]]
) -> None:
    naive = START.replace(tzinfo=None)
    start, end = naive + 2 * LENGTH, naive + 5 * LENGTH
    assert _json(db, start=start, end=end) == expected[2:5]
    assert _json(db, start=START + timedelta(days=9)) == []


def test_means_and_intervals_are_not_mixed(db: Path) -> None:
    with pytest.raises(UsageError, match="--means and --demand exclude each other"):
        export(db, io.StringIO(), format="csv", means=True, demand=True)


def test_without_intervals_there_is_a_heading(db: Path) -> None:
    write(db, step(START))
    out = io.StringIO()
    assert export(db, out, format="csv", demand=True) == 0
    assert out.getvalue() == ",".join(("at", *DEMAND_COLUMNS)) + "\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("minutes = 'x'", "'x' is not the length of a demand interval"),
        ("minutes = 0", "'0' is not the length of a demand interval"),
        ("utc_offset = 'x'", "is not a time that is recorded"),
        ("unknown_minutes = 15", "'15' is not a number of unknown minutes"),
        ("unknown_minutes = NULL", "'None' is not a number of unknown minutes"),
        ("warned_at = at - 1", "is not a time in its demand interval"),
        ("warned_at = 'x'", "'x' is not a time in its demand interval"),
    ],
)
@pytest.mark.usefixtures("expected")
def test_an_interval_that_no_recorder_writes_is_damage(db: Path, change: str, message: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(f"UPDATE demand_intervals SET {change}")  # noqa: S608 - constants
    with pytest.raises(RecordError, match=message):
        _json(db)
