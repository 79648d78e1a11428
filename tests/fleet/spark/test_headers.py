"""Tests of CSV files with different headers."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.fleet.spark.headers import FieldReader

NAMES = ["meter", "minute", "kw"]
LINE_ENDS = "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
FIELDS = st.text(st.characters(exclude_characters=LINE_ENDS, exclude_categories=["Cs"]), min_size=1)


def written(row: list[str], delimiter: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerow(row)
    return file.getvalue()


@given(row=st.lists(FIELDS, min_size=3, max_size=5), order=st.permutations(range(3)))
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_fields_are_found_by_their_names(row: list[str], order: list[int], delimiter: str) -> None:
    header = [NAMES[place] for place in order] + ["note"] * (len(row) - 3)
    reader = FieldReader(written(header, delimiter), NAMES, delimiter)
    expected = tuple(row[order.index(place)] for place in range(3))
    assert reader.fields(written(row, delimiter)) == expected


@given(st.text(), st.text())
def test_any_line_has_a_field_or_none_for_each_name(header: str, line: str) -> None:
    assert len(FieldReader(header, NAMES, ",").fields(line)) == 3


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        ("kw,meter,minute", "1.5,a,0", ("a", "0", "1.5")),
        ("\ufeffmeter,minute,kw,unit", "a,0,1.5,kW", ("a", "0", "1.5")),
        ("meter,minute", "a,0,1.5", ("a", "0", None)),
        ("meter,minute,kw", "a,0", ("a", "0", None)),
        ("meter,minute,kw", "a,,1.5,9,9", ("a", None, "1.5")),
        ("meter,minute,kw", '"a,0,1.5', ("a,0,1.5", None, None)),
        ('"meter","kw","minute"', '"a ""b""",1,0', ('a "b"', "0", "1")),
    ],
)
def test_files_of_any_header_are_read(header: str, line: str, expected: tuple[str, ...]) -> None:
    assert FieldReader(header, NAMES, ",").fields(line) == expected


def test_a_field_that_is_too_long_for_a_csv_file_is_missing() -> None:
    reader = FieldReader("meter,minute,kw", NAMES, ",")
    assert reader.fields('"' + "a" * 200_000 + '",0,1') == (None, None, None)
