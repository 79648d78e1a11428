"""Tests of the sources of readings, and of the cleaning of their values."""

from __future__ import annotations

import csv
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.firstbatch import check_first_batch
from streamer.fleet.spark.formats import StreamFormat, parse_stream
from streamer.fleet.spark.locations import Columns, Notation
from streamer.fleet.spark.sources import ReadingSource
from streamer.fleet.spark.storage import Storage
from streamer.fleet.spark.values import (
    NO_METER,
    NO_MINUTE,
    WRONG_MINUTE,
    WRONG_POWER,
    clean,
    rejected,
)

pytestmark = pytest.mark.xdist_group("spark")

FIRST_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""

MINUTE_US = 60_000_000
PLAIN = Notation()

Cleaned = list[tuple[str | None, int | None, float | None]]


def cleaned(
    spark: SparkSession, readings: ReadingSource, tmp_path: Path, notation: Notation = PLAIN
) -> Cleaned:
    """All readings of a source, read as a stream."""
    rows = clean(readings.open(spark), notation)
    query = (
        rows.writeStream.format("memory")
        .queryName("cleaned")
        .option("checkpointLocation", str(tmp_path / "ck"))
        .trigger(availableNow=True)
        .start()
    )
    try:
        assert query.awaitTermination(120)
        found = [tuple(row) for row in spark.table("cleaned").collect()]
    finally:
        query.stop()
        spark.catalog.dropTempView("cleaned")
    return sorted(found, key=str)


def test_csv_values_are_converted_or_null(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        "time,power,note,id",
        "2026-01-01T00:00:00Z,500,,a",
        "2026-01-01 00:01:00,1e3,,a",
        "2026-01-01T02:02:00+02:00,250,,a",
        "1767225780,0,,a",
        "1767225840.5,-20,,a",
        "2026-01-01T00:05,60,,a",
        "2026-01-01T00:06Z,70,,a",
        "2026-01-01 02:07+02:00,80,,a",
        "1767226020000,90,,d",
        "1767226080000000,100,,d",
        "1767226140000000000,110,,d",
        "2026-01-01T00:08,1,,",
        ",1,,b",
        "yesterday,1,,c",
        "12:30,1,,c",
        "T12:30:00,1,,c",
        "2026,1,,c",
        "2026-01-01T00:00,NaN,,e",
        "2026-01-01T00:00,inf,,f",
        '2026-01-01T00:00,"1,5",,g',
        "2026-01-01T00:00,,,h",
        "rubbish",
        "99999999999999999999999999,1,,i",
        f"{int(time.time()) + 2 * 86_400},1,,j",
    ]
    (folder / "0.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    readings = ReadingSource(str(folder), Columns("id", "time", "power"))
    found = cleaned(spark, readings, tmp_path, Notation("W"))
    whole = [row for row in found if None not in row]
    assert whole == [
        ("a", FIRST_US, 0.5),
        ("a", FIRST_US + MINUTE_US, 1.0),
        ("a", FIRST_US + 2 * MINUTE_US, 0.25),
        ("a", FIRST_US + 3 * MINUTE_US, 0.0),
        ("a", FIRST_US + 4 * MINUTE_US + 500_000, -0.02),
        ("a", FIRST_US + 5 * MINUTE_US, 0.06),
        ("a", FIRST_US + 6 * MINUTE_US, 0.07),
        ("a", FIRST_US + 7 * MINUTE_US, 0.08),
        ("d", FIRST_US + 7 * MINUTE_US, 0.09),
        ("d", FIRST_US + 8 * MINUTE_US, 0.1),
        ("d", FIRST_US + 9 * MINUTE_US, 0.11),
    ]
    assert len(found) == len(lines) - 1


def test_json_values_are_converted_or_null(spark: SparkSession, tmp_path: Path) -> None:
    lines: list[Any] = [
        {"meter": "a", "minute": "2026-01-01T00:00:00Z", "kw": 0.5, "more": {"x": 1}},
        {"meter": 7, "minute": 1767225660, "kw": "0.25"},
        {"meter": "a", "minute": None, "kw": 1},
        {"meter": ["a"], "minute": {}, "kw": True},
        [{"meter": "b"}, 1],
    ]
    text = "\n".join(map(json.dumps, lines)) + '\n{"meter": "a", "minu'
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0.jsonl").write_text(text)
    found = cleaned(spark, ReadingSource(str(folder)), tmp_path)
    whole = [row for row in found if None not in row]
    assert whole == [("7", FIRST_US + MINUTE_US, 0.25), ("a", FIRST_US, 0.5)]
    assert len(found) >= len(lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    "minute",
    [
        pa.array([FIRST_US, None], pa.timestamp("us", "UTC")),
        pa.array([FIRST_US // 1000, None], pa.timestamp("ms")),
        pa.array([FIRST_US // 1_000_000, None], pa.int64()),
        pa.array([FIRST_US / 1e6, 1e300], pa.float64()),
        pa.array([FIRST_US * 1000, None], pa.timestamp("ns")),
        pa.array([FIRST_US * 1000, None], pa.timestamp("ns", "UTC")),
        pa.array([FIRST_US // 1000, None], pa.int64()),
        pa.array(["2026-01-01T00:00:00Z", "?"], pa.string()),
    ],
    ids=["utc", "no zone", "seconds", "fractions", "ns", "ns utc", "ms", "text"],
)
def test_parquet_times_of_any_type_are_converted(
    spark: SparkSession, tmp_path: Path, minute: Any
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    table = pa.table({"meter": pa.array([1, 2]), "minute": minute, "kw": pa.array([1, 1.5])})
    pq.write_table(table, folder / "0.parquet")
    # Read as a batch, which is the same for the columns.
    rows = clean(spark.read.parquet(str(folder)), PLAIN).collect()
    assert [tuple(row) for row in rows] == [("1", FIRST_US, 1.0), ("2", None, 1.5)]


def test_a_unit_of_time_replaces_the_recognised_one(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1767225600, "1")], ["meter", "minute", "kw"])
    found = clean(rows, Notation(time_unit="ms")).collect()
    assert found[0]["minute"] == 1_767_225_600_000


NAMES = ['a,b "q"', 'x "q", y', "plain", ' "', "it's; this"]


@pytest.mark.slow
def test_names_are_read_as_pythons_csv_writes_them(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "0.csv").open("w", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["meter", "minute", "kw"])
        rows.writerows([name, "2026-01-01", "1,5"] for name in [*NAMES, "b"])
        rows.writerow(["c", "2026-01-01", "1.234,5"])
    source = ReadingSource(str(folder), delimiter=";")
    found = cleaned(spark, source, tmp_path, Notation(decimal=","))
    expected = [(name, FIRST_US, 1.5) for name in [*NAMES, "b"]] + [("c", FIRST_US, None)]
    assert found == sorted(expected, key=str)


@pytest.mark.slow
def test_each_csv_file_is_read_by_its_own_header(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {
        "0.csv": "meter,minute,kw\na,2026-01-01,1\n",
        "1.csv": "kw,note,minute,meter\r\n2,x,2026-01-01,b\r\n\r\n3,,2026-01-01,c\r\n",
        "2.csv": "meter,kw\nd,4\n",
        "3.csv": "",
        "4.csv": "unit,meter,minute,kw\n" + "W,e,2026-01-01,5\n" * 3000,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, newline="")
    found = cleaned(spark, ReadingSource(str(folder)), tmp_path)
    expected: Cleaned = [
        ("a", FIRST_US, 1.0),
        ("b", FIRST_US, 2.0),
        ("c", FIRST_US, 3.0),
        ("d", None, 4.0),
        *[("e", FIRST_US, 5.0)] * 3000,
    ]
    assert found == sorted(expected, key=str)


@pytest.mark.slow
def test_columns_of_json_and_parquet_may_be_added_and_reordered(
    spark: SparkSession, tmp_path: Path
) -> None:
    for form in ("json", "parquet"):
        folder = tmp_path / form
        folder.mkdir()
        for number, names in enumerate(
            (["meter", "minute", "kw"], ["unit", "kw", "minute", "meter"], ["meter", "minute"])
        ):
            values = {"meter": "a", "minute": "2026-01-01", "kw": 1.5, "unit": "kW"}
            row = {name: values[name] for name in names}
            path = folder / f"{number}.{form}"
            if form == "json":
                path.write_text(json.dumps(row))
            else:
                pq.write_table(pa.Table.from_pylist([row]), path)
        rows = ReadingSource(str(folder)).first_batch(spark)
        assert rows is not None
        found = sorted((tuple(row) for row in clean(rows, PLAIN).collect()), key=str)
        assert found == [("a", FIRST_US, 1.5)] * 2 + [("a", FIRST_US, None)]


@pytest.mark.slow
def test_unusable_rows_are_rejected_with_their_reasons(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "0 [a]{b,c}.csv").write_text(
        "meter,minute,kw\na,2026-01-01,1\n,2026-01-01,1\na,,1\na,2999-01-01,1\na,2026-01-01,1x\n"
    )
    first = ReadingSource(str(tmp_path)).first_batch(spark)
    assert first is not None
    rows = rejected(first, PLAIN)
    assert rows.columns == ["reason", "meter", "minute", "kw", "file"]
    assert [tuple(row)[:4] for row in rows.collect()] == [
        (NO_METER, None, "2026-01-01", "1"),
        (NO_MINUTE, "a", None, "1"),
        (WRONG_MINUTE, "a", "2999-01-01", "1"),
        (WRONG_POWER, "a", "2026-01-01", "1x"),
    ]


@pytest.mark.slow
def test_a_first_batch_with_too_many_unusable_rows_stops_the_run(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = ["id,time,kw", *(f"m{number % 3},2026-01-01,0.5" for number in range(20))]
    (tmp_path / "0.csv").write_text("\n".join([*lines, "a,31/12/2025 12:00,1"]))
    source = ReadingSource(str(tmp_path), Columns("id", "time"))
    assert check_first_batch(spark, source, PLAIN, 0.2) == 3
    with pytest.raises(UsageError, match=r"1 of 21 rows .* column 'time': .*31/12/2025 12:00"):
        check_first_batch(spark, source, PLAIN, 0.01)


def test_the_oldest_files_are_the_first_batch(spark: SparkSession, tmp_path: Path) -> None:
    for number, name in enumerate(("b.csv", "a.csv", "c.csv", "_d.csv")):
        (tmp_path / name).write_text("x" * 10)
        os.utime(tmp_path / name, (number, number))

    def names(files: int | None, size: int) -> list[str]:
        storage = Storage(spark, str(tmp_path))
        return [Path(url).name for url in storage.first_files(files, size)]

    assert names(None, 100) == ["b.csv", "a.csv", "c.csv"]
    assert names(2, 100) == names(None, 25) == ["b.csv", "a.csv"]
    assert names(None, 1) == ["b.csv"]


def test_a_format_of_spark_is_read_by_its_columns(spark: SparkSession) -> None:
    columns = Columns("timestamp", "timestamp", "value")
    rows = ReadingSource("rate", columns, stream=StreamFormat("rate")).open(spark)
    assert [kind for _, kind in rows.dtypes] == ["timestamp", "timestamp", "bigint", "string"]
    with pytest.raises(UsageError, match=r"^rate: no column 'meter' among timestamp, value: name"):
        ReadingSource("rate", stream=StreamFormat("rate")).open(spark)
    with pytest.raises(UsageError, match=r"^kafka://a:1/x: Spark .* with --packages org\.apache"):
        ReadingSource("x", stream=parse_stream("kafka://a:1/x", "source")).open(spark)


def test_a_missing_folder_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder not found"):
        ReadingSource(str(tmp_path / "none")).open(spark)


def test_a_file_in_place_of_a_folder_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_text("meter,minute,kw\n")
    with pytest.raises(UsageError, match=r"0\.csv is a file: give its folder"):
        ReadingSource(str(tmp_path / "0.csv")).open(spark)


def test_an_empty_folder_needs_a_format(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no files yet"):
        ReadingSource(str(tmp_path)).open(spark)
    for form, kind in (("csv", "string"), ("parquet", "timestamp")):
        readings = ReadingSource(str(tmp_path), Columns(minute="the time"), format=form)
        assert dict(readings.open(spark).dtypes)["minute"] == kind


def test_a_missing_column_is_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_text("meter,time,kw\na,0,1\n")
    with pytest.raises(UsageError, match="no column 'minute' among meter, time, kw: name them"):
        ReadingSource(f"{tmp_path}/*.csv").open(spark)


def test_a_damaged_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "0.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SparkError, match=r"0\.parquet") as error:
        ReadingSource(str(tmp_path)).open(spark)
    assert "\n" not in str(error.value)
