"""Tests of the files of simulated readings."""

from __future__ import annotations

import csv
import errno
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import MissingExtraError, UsageError
from streamer.fleet.files import COLUMNS, FORMATS, ReadingFiles
from streamer.fleet.simulate import Faults, SimulatedReadings, Simulation

Row = tuple[str, datetime, float]

SERIES = np.array([0.0, 0.1, 1.234, 0.02, np.nan, 2.5])


def _simulation() -> Simulation:
    return Simulation(SERIES, meters=40, minutes=35, faults=Faults(late=0.1, doubled=0.1))


def _rows(readings: SimulatedReadings, names: np.ndarray) -> list[Row]:
    times = [at.replace(tzinfo=UTC) for at in readings.minute.tolist()]
    return list(zip(names[readings.meter].tolist(), times, readings.kw.tolist(), strict=True))


def _read(path: Path) -> list[Row]:
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(path)
        return list(zip(*(table.column(name).to_pylist() for name in COLUMNS), strict=True))
    with path.open(newline="") as file:
        dicts = csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file)
        return [
            (row["meter"], datetime.fromisoformat(row["minute"]), float(row["kw"])) for row in dicts
        ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_contains_the_written_rows(tmp_path: Path, form: str) -> None:
    simulation = _simulation()
    files = ReadingFiles(tmp_path / "new" / "folder", form)
    for block in simulation.blocks():
        path = files.write(block.start, block.readings, simulation.names)
        assert path.name == f"readings-{block.start.item():%Y%m%dT%H%M}.{form}"
        assert _read(path) == _rows(block.readings, simulation.names)
    assert files.files == 5


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_readings_give_the_same_bytes(tmp_path: Path, form: str) -> None:
    for name in "ab":
        simulation, files = _simulation(), ReadingFiles(tmp_path / name, form)
        for block in simulation.blocks():
            files.write(block.start, block.readings, simulation.names)
    paths = sorted((tmp_path / "a").iterdir())
    assert len(paths) == 5
    for path in paths:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_parquet_columns_have_the_types_that_spark_expects(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    simulation = _simulation()
    block = next(simulation.blocks())
    path = ReadingFiles(tmp_path, "parquet").write(block.start, block.readings, simulation.names)
    schema = parquet.read_schema(path)
    assert [(field.name, str(field.type)) for field in schema] == [
        ("meter", "string"),
        ("minute", "timestamp[us, tz=UTC]"),
        ("kw", "double"),
    ]


def test_text_has_no_superfluous_digits_or_spaces(tmp_path: Path) -> None:
    readings = SimulatedReadings(
        np.array([1, 0], np.int32),
        np.array(["2026-01-01T00:00", "2025-12-31T23:59"], "datetime64[us]"),
        np.array([0.25, 1.0]),
    )
    names = np.array(["m000000", "m000001"], object)
    start = np.datetime64("2026-01-01T00:00")
    as_csv = ReadingFiles(tmp_path / "csv", "csv").write(start, readings, names)
    assert as_csv.read_text() == (
        "meter,minute,kw\nm000001,2026-01-01T00:00:00Z,0.25\nm000000,2025-12-31T23:59:00Z,1.0\n"
    )
    as_json = ReadingFiles(tmp_path / "json", "json").write(start, readings, names)
    assert as_json.read_text().splitlines()[0] == (
        '{"meter":"m000001","minute":"2026-01-01T00:00:00Z","kw":0.25}'
    )


def test_files_are_ordered_by_modification_time_and_by_name(tmp_path: Path) -> None:
    simulation, files = _simulation(), ReadingFiles(tmp_path, "csv")
    paths = [files.write(b.start, b.readings, simulation.names) for b in simulation.blocks(1)]
    assert len(paths) > 35
    assert sorted(paths) == paths
    # Spark compares milliseconds.
    modified = [path.stat().st_mtime_ns // 1_000_000 for path in paths]
    assert sorted(set(modified)) == modified


def test_a_file_is_hidden_until_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    utime = os.utime

    def look(path: int, *, ns: tuple[int, int]) -> None:
        seen.append([entry.name for entry in tmp_path.iterdir()])
        utime(path, ns=ns)

    monkeypatch.setattr(os, "utime", look)
    simulation = _simulation()
    block = next(simulation.blocks())
    path = ReadingFiles(tmp_path, "csv").write(block.start, block.readings, simulation.names)
    assert seen == [[f".{path.name}.{os.getpid()}.part"]]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_leaves_no_partial_file_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    simulation, files = _simulation(), ReadingFiles(tmp_path, form)
    blocks = simulation.blocks()
    first, second = next(blocks), next(blocks)
    whole = files.write(first.start, first.readings, simulation.names)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "utime", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write(second.start, second.readings, simulation.names)
    assert caught.value.filename == str(tmp_path / f"readings-20260101T0010.{form}")
    assert list(tmp_path.iterdir()) == [whole]
    assert files.files == 1


@pytest.mark.parametrize("name", ["readings-20260101T0000.csv", "_spark_metadata", "house.db"])
def test_a_folder_that_is_not_empty_is_rejected(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=rf"is not empty \({name} is in it\)"):
        ReadingFiles(tmp_path, "csv")


def test_hidden_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    assert ReadingFiles(tmp_path, "csv").files == 0


def test_a_file_in_place_of_the_folder_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    path.touch()
    with pytest.raises(UsageError, match="is a file"):
        ReadingFiles(path, "csv")


def test_an_unknown_format_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of parquet, csv, json"):
        ReadingFiles(tmp_path, "xml")


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"streamer-forecaster\[parquet\]"):
        ReadingFiles(tmp_path / "new", "parquet")
    assert not (tmp_path / "new").exists()
