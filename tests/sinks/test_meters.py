"""Tests of the lines of several meters in one output."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO

from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Step
from streamer.sinks.notes import NoteSink
from streamer.sinks.text import KEYS, MeterLabel, TextSink, json_line
from streamer.testing import FixedForecaster, readings

GRID = MeterLabel("grid", "grid ", is_first=True)
ROOF = MeterLabel("roof_e", "Roof ")


def _steps() -> list[Step]:
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=1, spread_kw=0.25))
    return pipeline.push_many(readings([0.25, 0.75]))


def _text(format: str, *labels: MeterLabel) -> str:
    """The lines of two steps of each meter, in turn."""
    out = StringIO()
    sinks = [TextSink(out, format, meter=label) for label in labels]
    for step in _steps():
        for sink in sinks:
            sink.write(step)
    for sink in sinks:
        sink.close()
    return out.getvalue()


def test_json_lines_have_the_key_of_the_meter_first() -> None:
    found = [json.loads(line) for line in _text("json", GRID, ROOF).splitlines()]
    wanted = [json.loads(json_line(step)) for step in _steps()]
    assert [next(iter(line)) for line in found] == ["meter"] * 4
    assert [line.pop("meter") for line in found] == ["grid", "roof_e"] * 2
    assert found == [wanted[0], wanted[0], wanted[1], wanted[1]]


def test_plain_lines_begin_with_the_name() -> None:
    lines = _text("plain", GRID, ROOF).splitlines()
    assert [line[:7] for line in lines] == ["grid   ", "Roof   "] * 2
    assert lines[0][7:] == lines[1][7:]
    assert lines[0][7:].startswith("2010-03-19 17:00   0.250 kW")


def test_csv_has_one_header_with_the_columns_of_all() -> None:
    out = StringIO()
    first, second = (
        TextSink(out, "csv", horizons=(5,), meter=replace(label, demand=True))
        for label in (GRID, ROOF)
    )
    plain, sunny = _steps()
    first.write(plain)
    second.write(replace(sunny, reading=replace(sunny.reading, solar_kw=2.0)))
    for sink in (first, second):
        sink.close()
    rows = list(csv.DictReader(StringIO(out.getvalue())))
    assert list(rows[0])[: len(KEYS) + 1] == ["meter", *KEYS]
    assert list(rows[0])[-6:-4] == ["demand_kw", "demand_low_kw"]
    assert [row["meter"] for row in rows] == ["grid", "roof_e"]
    assert [row["solar_kw"] for row in rows] == ["", "2.0"]
    assert [row["next_5_kw"] for row in rows] == ["", ""]
    assert [None in row for row in rows] == [False, False]


def test_csv_without_any_reading_has_its_header_alone() -> None:
    out = StringIO()
    for label in (GRID, ROOF):
        TextSink(out, "csv", meter=label).close()
    assert out.getvalue().count("\n") == 1


def test_notes_name_the_meter() -> None:
    out = StringIO()
    sink = NoteSink(out, "Roof")
    sink.write(Notice(Notice.WARNING, "odd\nvalue"))
    sink.write(Link(Link.LOST, "broker", "timed out"))
    assert out.getvalue().splitlines() == [
        "streamer: Roof: warning: odd value",
        "streamer: Roof: link: broker away: timed out",
    ]
