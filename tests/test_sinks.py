from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings import About, Notice, Step, Vitals
from streamer.sinks.notes import NoteSink
from streamer.sinks.summary import Summary
from streamer.sinks.text import KEYS, TextSink, plain_line, record
from streamer.testing import FixedForecaster, readings

ABOUT = About("house.csv", "sceaux", datetime(2006, 12, 16), datetime(2010, 2, 19))


@pytest.fixture
def steps() -> list[Step]:
    kw = [0.25, 0.5, np.nan, np.nan, 1.0, 0.1 + 0.2]
    return Pipeline(FixedForecaster(kw=0.5, window=1)).push_many(readings(kw))


def test_records_have_the_documented_keys(steps: list[Step]) -> None:
    assert KEYS == (
        "at",
        "actual_kw",
        "forecast_kw",
        "error_kw",
        "next_kw",
        "settled",
        "mse_kw2",
        "persistence_mse_kw2",
        "skill",
        "gap_minutes",
    )
    assert record(steps[0]) == {
        "at": "2010-03-19T17:00:00",
        "actual_kw": 0.25,
        "forecast_kw": None,
        "error_kw": None,
        "next_kw": 0.5,
        "settled": 0,
        "mse_kw2": None,
        "persistence_mse_kw2": None,
        "skill": None,
        "gap_minutes": 0,
    }
    assert record(steps[2]) == {
        "at": "2010-03-19T17:04:00",
        "actual_kw": 1.0,
        "forecast_kw": 0.5,
        "error_kw": 0.5,
        "next_kw": 0.5,
        "settled": 2,
        "mse_kw2": 0.125,
        "persistence_mse_kw2": (0.0625 + 0.25) / 2,
        "skill": pytest.approx(0.2),
        "gap_minutes": 2,
    }


def test_json_lines_are_at_full_precision(steps: list[Step]) -> None:
    out = io.StringIO()
    sink = TextSink(out, "json")
    for item in (ABOUT, *steps, Notice(Notice.EVENT, "nothing")):
        sink.write(item)
    sink.close()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines == [record(step) for step in steps]
    assert lines[-1]["actual_kw"] == 0.1 + 0.2


def test_csv_has_the_same_columns(steps: list[Step]) -> None:
    out = io.StringIO()
    sink = TextSink(out, "csv")
    for step in steps:
        sink.write(step)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert tuple(rows[0]) == KEYS
    assert rows[0]["forecast_kw"] == ""
    assert [float(row["actual_kw"]) for row in rows] == [step.reading.kw for step in steps]


def test_plain_lines_have_columns(steps: list[Step]) -> None:
    out = io.StringIO()
    sink = TextSink(out, "plain")
    for step in steps:
        sink.write(step)
    lines = out.getvalue().splitlines()
    assert lines == [plain_line(step) for step in steps]
    assert {line.index("actual") for line in lines} == {18}
    assert {line.index("skill") for line in lines} == {lines[0].index("skill")}
    assert lines[2].endswith("after a gap of 2 min")


def test_what_is_written_comes_out_when_the_stream_rests(steps: list[Step]) -> None:
    class Buffered(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue())

    out = Buffered()
    sink = TextSink(out, "json")
    sink.write(steps[0])
    assert out.flushed == 0
    sink.write(Vitals(1.0, 1.0, 1.0))
    assert out.flushed == len(out.getvalue()) > 0


def _summary(*items: About | Step | Notice) -> list[str]:
    summary = Summary()
    for item in items:
        summary.write(item)
    return summary.lines()


def test_the_summary_of_a_replay(steps: list[Step]) -> None:
    lines = _summary(
        ABOUT, *steps, Notice(Notice.MALFORMED, "bad"), Notice(Notice.ORDER, "late", count=3)
    )
    assert lines == [
        "house.csv: 4 readings, 2010-03-19 17:00 to 2010-03-19 17:05",
        "1 gap of 2 minutes in all",
        "skipped: 1 malformed row, 3 rows out of order",
        "3 forecasts settled, skill +63.9 %",
        "sceaux       MSE 0.09667 kW²  RMSE 310.9 W  MAE 233.3 W",
        "persistence  MSE 0.26750 kW²  RMSE 517.2 W  MAE 483.3 W",
    ]


def test_the_summary_warns_of_flattering_scores(steps: list[Step]) -> None:
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 1))
    assert _summary(about, *steps)[-1].startswith("in sample")
    # A span that ends with the warm-up has not flattered any score.
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 0))
    assert not _summary(about, *steps)[-1].startswith("in sample")


def test_the_summary_of_nothing() -> None:
    assert _summary(ABOUT) == ["no readings"]


def test_the_summary_before_the_first_score(steps: list[Step]) -> None:
    assert _summary(ABOUT, steps[0])[-1] == (
        "no forecast settled yet: the first comes with the 50th reading"
    )


def test_notes_tell_the_first_of_a_kind_and_every_warning() -> None:
    out = io.StringIO()
    sink = NoteSink(out)
    for kind in (Notice.MALFORMED, Notice.MALFORMED, Notice.WARNING, Notice.WARNING):
        sink.write(Notice(kind, "text"))
    sink.close()
    assert out.getvalue().splitlines() == [
        "streamer: malformed: text",
        "streamer: warning: text",
        "streamer: warning: text",
    ]
