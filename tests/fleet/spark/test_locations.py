"""Tests of the notation of --columns, and of the format of files."""

from __future__ import annotations

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark.locations import Columns, format_of


@pytest.mark.parametrize(
    "text", ["", "id", "meter=", "meters=id", "meter=a,meter=b", "meter=a,kw=a", "meter=kw"]
)
def test_malformed_columns_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="--columns"):
        Columns.parse(text)


def test_columns_as_text_are_parsed_to_the_same() -> None:
    columns = Columns.parse(" kw = power , minute=time")
    assert columns == Columns("meter", "time", "power")
    assert Columns.parse(str(columns)) == columns


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["a.parquet", "b.snappy.parquet"], "parquet"),
        (["a.csv", "b.csv.gz"], "csv"),
        (["a.jsonl", "b.json"], "json"),
        (["_metadata.txt", ".x.csv", "a.PARQUET"], "parquet"),
    ],
)
def test_the_format_is_found_by_the_names(names: list[str], form: str) -> None:
    assert format_of(names, "in") == form


@pytest.mark.parametrize("names", [[], ["_SUCCESS"], ["a.csv", "a.json"], ["a.xlsx"], ["day=1"]])
def test_names_without_a_single_format_are_rejected(names: list[str]) -> None:
    with pytest.raises(UsageError, match="--format"):
        format_of(names, "in")
