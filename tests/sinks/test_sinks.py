"""Tests of the text, note, summary and progress sinks."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings import (
    MINUTE,
    Alarm,
    BandScores,
    Counts,
    ErrorScores,
    Forecast,
    Lead,
    Link,
    Notice,
    PointScores,
    Reading,
    Sample,
    Scores,
    Step,
)
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.readings.demand import SwitchingEvent
from streamer.readings.gaps import GapRule
from streamer.sinks import BlockSink, Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.notes import NoteSink
from streamer.sinks.plain import plain_line
from streamer.sinks.progress import ProgressSink
from streamer.sinks.summary import Summary
from streamer.sinks.text import FORMATS, KEYS, SOLAR_KEYS, TextSink, record
from streamer.sinks.watch import AlarmWatch, OutageWatch
from streamer.testing import START, FixedForecaster, ManualClock, readings

ABOUT = About("house.csv", "sceaux", datetime(2006, 12, 16), datetime(2010, 2, 19))


EARLY = Step(
    Reading(START, 0.25),
    settled=None,
    forecast=Forecast(START + MINUTE, 0.5, 0.25, 0.5, None, -0.001, 0.75),
    scores=Scores(),
    gap_minutes=0,
    buffered=1,
    counts=Counts(1),
)
LATE = Step(
    Reading(START + 4 * MINUTE, 1.0),
    settled=Forecast(START + 2 * MINUTE, 0.5, 0.5, 0.625, 0.375, 0.25, 0.875),
    forecast=Forecast(START + 5 * MINUTE, 0.9, 1.0, 0.8, 0.7, -0.5, 10.5),
    scores=Scores(2, ErrorScores(0.125), ErrorScores(0.15625), band=BandScores(0.9, 0.5)),
    gap_minutes=2,
    buffered=3,
    counts=Counts(3, 1, 2),
)
NEXT_SPIKE = Alarm(Alarm.ANOMALY, START + MINUTE, "5 kW where less was expected", 2.0)
SPIKE = Alarm(Alarm.ANOMALY, START, 'a "spike", ä\\', 1.5)
DRIFT = Alarm(Alarm.DRIFT, START + MINUTE, "the errors grow", 1e308)


@pytest.fixture
def steps() -> list[Step]:
    kw = [0.25, 0.5, np.nan, np.nan, 1.0, 0.1 + 0.2]
    return Pipeline(FixedForecaster(kw=0.5, window=1)).push_many(readings(kw))


@pytest.fixture
def alarmed(steps: list[Step]) -> list[Step]:
    """The same steps with one alarm, two, only the second, none."""
    on: list[tuple[Alarm, ...]] = [(SPIKE,), (SPIKE, DRIFT), (DRIFT,), ()]
    return [replace(step, alarms=alarms) for step, alarms in zip(steps, on, strict=True)]


def test_records_have_the_documented_keys_and_values() -> None:
    nothing = dict.fromkeys(KEYS)
    assert record(EARLY) == nothing | {
        "at": "2010-03-19T17:00:00",
        "actual_kw": 0.25,
        "next_kw": 0.5,
        "next_low_kw": -0.001,
        "next_high_kw": 0.75,
        "settled": 0,
        "gap_minutes": 0,
        "alarms": [],
        "next_point_kw": 0.5,
        "demand": None,
    }
    assert list(record(LATE).items()) == [
        ("at", "2010-03-19T17:04:00"),
        ("actual_kw", 1.0),
        ("forecast_kw", 0.5),
        ("error_kw", 0.5),
        ("low_kw", 0.25),
        ("high_kw", 0.875),
        ("median_kw", 0.375),
        ("frozen_kw", 0.625),
        ("next_kw", 0.9),
        ("next_low_kw", -0.5),
        ("next_high_kw", 10.5),
        ("settled", 2),
        ("mse_kw2", 0.125),
        ("persistence_mse_kw2", 0.15625),
        ("skill", pytest.approx(0.2)),
        ("coverage", 0.5),
        ("gap_minutes", 2),
        ("alarms", []),
        ("point_kw", 0.375),
        ("next_median_kw", 0.7),
        ("next_point_kw", 0.7),
        ("demand", None),
    ]


SUNNY = replace(
    LATE,
    reading=Reading(START + 4 * MINUTE, -1.0, solar_kw=2.5, battery_kw=0.5),
    forecast=replace(LATE.forecast, consumption_kw=0.75, solar_kw=2.25),
)


def test_records_with_solar_power_have_more_keys() -> None:
    assert record(SUNNY) == record(LATE) | {
        "actual_kw": -1.0,
        "error_kw": -1.5,
        "solar_kw": 2.5,
        "battery_kw": 0.5,
        "consumption_kw": 1.0,
        "next_solar_kw": 2.25,
        "next_consumption_kw": 0.75,
    }
    assert tuple(record(SUNNY)) == (*KEYS, *SOLAR_KEYS, "demand")
    assert json.loads(_written("json", [SUNNY])) == record(SUNNY)
    without = replace(SUNNY, forecast=None)
    assert [record(without)[key] for key in SOLAR_KEYS] == [2.5, 0.5, 1.0, None, None]
    assert json.loads(_written("json", [without])) == record(without)


def test_csv_has_the_columns_of_its_first_reading() -> None:
    for first, keys in ((SUNNY, KEYS + SOLAR_KEYS), (LATE, KEYS)):
        rows = list(csv.reader(io.StringIO(_written("csv", [first, LATE, SUNNY]))))
        assert tuple(rows[0]) == keys
        assert {len(row) for row in rows} == {len(keys)}
    assert _written("csv", []) == ",".join(KEYS) + "\n"


def test_plain_lines_have_the_solar_power() -> None:
    assert plain_line(SUNNY) == (
        "2010-03-19 17:04  -1.000 kW  sun  2.500  forecast  0.375  next  0.700 (-0.50 to 10.50)"
        "  gap 2 min"
    )
    early = replace(SUNNY, settled=None)
    assert plain_line(early).index("next") == plain_line(SUNNY).index("next")
    assert len(plain_line(SUNNY, "  ALARM anomaly")) <= 100


def test_the_point_forecast_is_never_outside_its_band() -> None:
    for median_kw, shown in ((9.0, 0.875), (None, 0.25), (-9.0, 0.25)):
        forecast = Forecast(START, 0.1, 1.0, 0.1, median_kw, 0.25, 0.875)
        step = replace(LATE, settled=forecast, forecast=forecast)
        line = plain_line(step)
        assert f"forecast  {shown:.3f} error {1.0 - shown:+.3f}" in line
        assert f"next  {shown:.3f} (" in line
        assert record(step)["point_kw"] == record(step)["next_point_kw"] == shown


def test_json_lines_contain_the_alarms_that_are_on(alarmed: list[Step]) -> None:
    spike = {"kind": "anomaly", "at": "2010-03-19T17:00:00", "text": SPIKE.text, "size": 1.5}
    drift = {"kind": "drift", "at": "2010-03-19T17:01:00", "text": DRIFT.text, "size": 1e308}
    text = _written("json", alarmed)
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["alarms"] for line in lines] == [[spike], [spike, drift], [drift], []]
    assert text.splitlines() == [json.dumps(record(step)) for step in alarmed]


def test_csv_contains_the_kinds_of_the_alarms_that_are_on(alarmed: list[Step]) -> None:
    rows = csv.DictReader(io.StringIO(_written("csv", alarmed)))
    assert [row["alarms"] for row in rows] == ["anomaly", "anomaly drift", "drift", ""]


def test_plain_lines_report_alarms_raised_and_over(alarmed: list[Step], steps: list[Step]) -> None:
    lines = _written("plain", alarmed).splitlines()
    tails = [
        line.removeprefix(quiet.replace(" error +0.500", "") if "gap" in quiet else quiet)
        for line, quiet in zip(lines, _written("plain", steps).splitlines(), strict=True)
    ]
    # With a gap and an alarm there is no room for the error.
    assert tails == ["  ALARM anomaly", "  ALARM drift", "  anomaly over", "  drift over"]


LINES = {
    "plain": """\
2010-03-19 17:00   0.250 kW                                next  0.500 (0.00 to 0.75)
2010-03-19 17:04   1.000 kW  forecast  0.375 error +0.625  \
next  0.700 (-0.50 to 10.50)  gap 2 min
""",
    "json": """\
{"at": "2010-03-19T17:00:00", "actual_kw": 0.25, "forecast_kw": null, "error_kw": null, \
"low_kw": null, "high_kw": null, "median_kw": null, "frozen_kw": null, \
"next_kw": 0.5, "next_low_kw": -0.001, "next_high_kw": 0.75, "settled": 0, "mse_kw2": null, \
"persistence_mse_kw2": null, "skill": null, "coverage": null, "gap_minutes": 0, "alarms": [], \
"point_kw": null, "next_median_kw": null, "next_point_kw": 0.5, "demand": null}
{"at": "2010-03-19T17:04:00", "actual_kw": 1.0, "forecast_kw": 0.5, "error_kw": 0.5, \
"low_kw": 0.25, "high_kw": 0.875, "median_kw": 0.375, "frozen_kw": 0.625, \
"next_kw": 0.9, "next_low_kw": -0.5, "next_high_kw": 10.5, "settled": 2, "mse_kw2": 0.125, \
"persistence_mse_kw2": 0.15625, "skill": 0.19999999999999996, "coverage": 0.5, \
"gap_minutes": 2, "alarms": [], "point_kw": 0.375, "next_median_kw": 0.7, \
"next_point_kw": 0.7, "demand": null}
""",
    "csv": """\
at,actual_kw,forecast_kw,error_kw,low_kw,high_kw,median_kw,frozen_kw,\
next_kw,next_low_kw,next_high_kw,settled,mse_kw2,persistence_mse_kw2,skill,coverage,\
gap_minutes,alarms,point_kw,next_median_kw,next_point_kw
2010-03-19T17:00:00,0.25,,,,,,,0.5,-0.001,0.75,0,,,,,0,,,,0.5
2010-03-19T17:04:00,1.0,0.5,0.5,0.25,0.875,0.375,0.625,0.9,-0.5,10.5,2,0.125,0.15625,\
0.19999999999999996,0.5,2,,0.375,0.7,0.7
""",
}


@pytest.mark.parametrize("form", FORMATS)
def test_lines_have_the_documented_text(form: str) -> None:
    assert _written(form, [EARLY, LATE]) == LINES[form]


def _issued(step: Step) -> Forecast:
    assert step.forecast is not None
    return step.forecast


@pytest.mark.parametrize("kw", [np.nan, np.inf, -np.inf, 1e-300, 1e308, 1e22, np.float64(0.1), 1])
def test_json_lines_equal_json_dumps_for_any_value(kw: float) -> None:
    made = Pipeline(FixedForecaster(kw=0.5, window=1)).push_many(readings([1, 0.3, 0.2]))
    steps = [replace(step, forecast=replace(_issued(step), kw=kw)) for step in made]
    steps[2] = replace(steps[2], alarms=(replace(SPIKE, size=kw),))
    text = _written("json", steps)
    assert text == "".join(json.dumps(record(step)) + "\n" for step in steps)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    expected = kw if np.isfinite(kw) else None
    assert [line["next_kw"] for line in lines] == [expected] * 3
    assert lines[2]["alarms"][0]["size"] == expected


def _written(form: str, items: Iterable[Item]) -> str:
    out = io.StringIO()
    sink = TextSink(out, form)
    for item in items:
        sink.write(item)
    sink.close()
    return out.getvalue()


def test_json_lines_have_full_precision(steps: list[Step]) -> None:
    text = _written("json", [ABOUT, *steps, Notice(Notice.EVENT, "nothing")])
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines == [record(step) for step in steps]
    assert lines[-1]["actual_kw"] == 0.1 + 0.2


def test_csv_has_the_keys_as_columns(steps: list[Step]) -> None:
    rows = list(csv.DictReader(io.StringIO(_written("csv", steps))))
    assert tuple(rows[0]) == KEYS
    assert rows[0]["forecast_kw"] == ""
    assert [float(row["actual_kw"]) for row in rows] == [step.reading.kw for step in steps]


def test_plain_lines_are_aligned(steps: list[Step]) -> None:
    lines = _written("plain", steps).splitlines()
    assert lines == [plain_line(step) for step in steps]
    for word in ("kW", "forecast", "error"):
        assert len({line.index(word) for line in lines[1:]}) == 1
    assert len({line.index("next") for line in lines}) == 1
    assert lines[2].endswith("gap 2 min")


def test_plain_lines_without_a_forecast_have_the_reading_and_one_remark() -> None:
    kw = [0.25, 0.5, 0.75, 1.0, *[np.nan] * 3, 1.25, 1.5, 1.75, 2.0]
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=3), gaps=GapRule("reset", max_gap=2))
    steps = pipeline.push_many(readings(kw))
    lines = _written("plain", [replace(ABOUT, capacity=4), *steps]).splitlines()
    assert [line[16:44].rstrip() for line in lines] == [
        "   0.250 kW  forecast in 2 r",
        "   0.500 kW",
        "   0.750 kW",
        "   1.000 kW  forecast  0.500",
        "   1.250 kW  gap 3 min  fore",
        "   1.500 kW",
        "   1.750 kW",
        "   2.000 kW  forecast  0.500",
    ]
    assert lines[0].endswith("forecast in 2 readings")
    assert lines[4].endswith("gap 3 min  forecast in 2 readings")
    assert "–" not in "".join(lines)


def test_plain_lines_fit_in_100_columns() -> None:
    step = replace(LATE, forecast=replace(LATE.forecast, low_kw=0.25, high_kw=9.75))
    both = {"alarms": (SPIKE,), "gap_minutes": 2027}
    for remark in (both, {"alarms": (SPIKE, DRIFT), "gap_minutes": 3}, {}):
        text = _written("plain", [replace(step, **({"gap_minutes": 0} | remark)), EARLY])
        assert max(map(len, text.splitlines())) <= 100


def test_lines_are_flushed_when_the_stream_pauses(steps: list[Step]) -> None:
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


@pytest.mark.parametrize("form", FORMATS)
def test_only_steps_are_written_as_lines(form: str) -> None:
    asides = [Link(Link.UP), Sample(0.5), Link(Link.LOST), Notice(Notice.EVENT, "nothing")]
    assert _written(form, [*asides, EARLY, *asides, LATE, *asides]) == LINES[form]


def _summary(*items: Item) -> list[str]:
    summary = Summary()
    for item in items:
        summary.write(item)
    return summary.lines()


def test_the_summary_contains_counts_and_scores(steps: list[Step]) -> None:
    lines = _summary(
        ABOUT, *steps, Notice(Notice.MALFORMED, "bad"), Notice(Notice.ORDER, "late", count=3)
    )
    assert lines[:-1] == [
        "house.csv: 4 readings, 2010-03-19 17:00 to 2010-03-19 17:05",
        "1 gap of 2 minutes in all",
        "skipped: 1 malformed row, 3 rows out of order",
        "no alarms",
        "3 forecasts settled: too early to compare with persistence",
        "point        MSE 0.09667 kW²  RMSE 310.9 W  MAE 233.3 W",
        "mean         MSE 0.09667 kW²  RMSE 310.9 W  MAE 233.3 W",
        "frozen       MSE 0.09667 kW²  RMSE 310.9 W  MAE 233.3 W",
        "persistence  MSE 0.26750 kW²  RMSE 517.2 W  MAE 483.3 W",
        "adapted mean: MSE as frozen, over all 3 minutes",
    ]
    assert re.fullmatch(
        r"90 % band: covered 66\.7 %, mean width [\d.]+ kW, Winkler score [\d.]+ kW", lines[-1]
    )


def test_the_summary_separates_new_readings_from_recorded_ones() -> None:
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=1))
    steps = pipeline.push_many(readings([0.25, np.nan, 0.5, 0.75, np.nan, 1.0, 0.5]))
    lines = _summary(ABOUT, Notice(Notice.MALFORMED, "bad"), *steps[3:])
    assert lines[:6] == [
        "house.csv: 2 readings, 2010-03-19 17:05 to 2010-03-19 17:06",
        "skipped: 1 malformed row",
        "no alarms",
        "with the 3 recorded before:",
        "2 gaps of 2 minutes in all",
        "4 forecasts settled: too early to compare with persistence",
    ]
    summary = Summary()
    summary.write_block(
        BlockResult(
            ReadingBlock.of([step.reading for step in steps[3:]]), np.full(2, np.nan), steps[-1]
        )
    )
    assert summary.lines()[0] == lines[0].replace("house.csv", "stream")
    assert "with the 3 recorded before:" in summary.lines()


def _summary_of(**changes: Any) -> list[str]:
    """The scores in the summary of 1,200 minutes."""
    point = PointScores(0.08, 0.045, 0.2, 0.05)
    lead = Lead(0.005, 0.015)
    scores = Scores(1200, ErrorScores(0.04, 0.1), ErrorScores(0.05, 0.2), point=point, lead=lead)
    last = replace(LATE, scores=replace(scores, **changes), counts=Counts(1))
    return _summary(ABOUT, last)[3:]


def test_the_summary_reports_the_gain_of_adapting() -> None:
    band = BandScores(0.995, 0.9012, 0.8, 0.3147, 0.3, 12.64)
    assert _summary_of(frozen=ErrorScores(0.05, 0.15), band=band) == [
        "1,200 forecasts settled: mean 20.0 % better than persistence",
        "point        MSE 0.04500 kW²  RMSE 212.1 W  MAE 80.0 W",
        "mean         MSE 0.04000 kW²  RMSE 200.0 W  MAE 100.0 W",
        "frozen       MSE 0.05000 kW²  RMSE 223.6 W  MAE 150.0 W",
        "persistence  MSE 0.05000 kW²  RMSE 223.6 W  MAE 200.0 W",
        "adapted mean: MSE 20.0 % better than frozen, over all 1,200 minutes",
        "99.5 % band: covered 90.1 %, mean width 0.315 kW, Winkler score 12.6 kW",
    ]
    worse = _summary_of(frozen=ErrorScores(0.032, 0.1))
    assert "adapted mean: MSE 25.0 % worse than frozen, over all 1,200 minutes" in worse
    for mse_kw2 in (0.04, 0.04001):
        same = _summary_of(frozen=ErrorScores(mse_kw2, 0.1))
        assert "adapted mean: MSE as frozen, over all 1,200 minutes" in same
    flawless = _summary_of(model=ErrorScores(0.0, 0.0), frozen=ErrorScores(0.0, 0.0))
    assert "adapted mean: MSE as frozen, over all 1,200 minutes" in flawless


@pytest.mark.parametrize(
    ("lead", "words"),
    [
        (None, "too early to compare with persistence"),
        (Lead(-0.01, 0.02), "no clear difference from persistence"),
    ],
)
def test_the_summary_has_no_skill_that_means_nothing(lead: Lead | None, words: str) -> None:
    assert _summary_of(lead=lead)[0] == f"1,200 forecasts settled: {words}"


def test_the_summary_compares_a_point_forecast_that_began_later_over_its_minutes() -> None:
    lines = _summary_of(point=PointScores(0.08, 0.045, 0.19, 0.04))
    assert lines[4] == (
        "point is scored over fewer minutes: persistence there "
        "MSE 0.04000 kW²  RMSE 200.0 W  MAE 190.0 W"
    )


def test_the_summary_has_no_adapted_row_without_adapting() -> None:
    lines = _summary_of()
    names = [line.split()[0] for line in lines]
    assert names == ["1,200", "point", "mean", "persistence", "90"]


def test_the_summary_has_the_energy_of_a_house_with_panels() -> None:
    readings = [
        Reading(START + minute * MINUTE, kw, solar_kw=solar)
        for minute, (kw, solar) in enumerate([(0.6, 0.0), (-1.2, 1.8), (-0.6, 1.2)])
    ]
    steps = [replace(LATE, reading=reading, gap_minutes=0) for reading in readings]
    expected = "solar 0.05 kWh, consumption 0.03 kWh, import 0.01 kWh, export 0.03 kWh in 3 minutes"
    assert expected in _summary(ABOUT, *steps)
    summary = Summary()
    block = ReadingBlock.of(readings)
    summary.write_block(BlockResult(block, np.full(3, np.nan), steps[-1]))
    assert expected in summary.lines()


def test_the_summary_counts_alarms_by_kind(alarmed: list[Step]) -> None:
    summary = Summary()
    for step in alarmed:
        summary.write(step)
    assert "alarms: 1 anomaly, 1 drift" in summary.lines()
    block = ReadingBlock.of([step.reading for step in alarmed])
    summary.write_block(BlockResult(block, np.full(4, np.nan), alarmed[-1], (DRIFT, DRIFT)))
    assert "alarms: 3 drift, 1 anomaly" in summary.lines()


def test_the_summary_reports_how_often_the_connection_was_lost(steps: list[Step]) -> None:
    def reported(*links: Link) -> list[str]:
        found = [line for line in _summary(ABOUT, *links, *steps) if "broker" in line]
        return found or [line for line in _summary(*links, *steps) if "connection" in line]

    up, silent, lost = ((lambda at, s=s: _link(s, at)) for s in ("up", "silent", "lost"))
    assert reported() == reported(up(0)) == reported(up(0), silent(50), up(90)) == []
    assert reported(lost(0), lost(2), up(60)) == []
    assert reported(up(0), lost(60), lost(61), up(90)) == ["connection lost 1 time, 30 s in all"]
    twice = [up(0), lost(60), up(360), lost(400), silent(580)]
    assert reported(*twice) == ["connection lost 2 times, 8 min in all"]
    assert reported(*twice, lost(600), lost(700)) == [
        "connection lost 3 times, 8 min in all, the last since 2026-07-01 06:10"
    ]
    assert reported(lost(0), lost(5)) == ["broker never reached: connection refused"]
    assert _summary(ABOUT, lost(0)) == ["no readings", "broker never reached: connection refused"]


def test_the_summary_warns_of_in_sample_scores(steps: list[Step]) -> None:
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 1))
    assert _summary(about, *steps)[-1].startswith("in sample")
    # A training span that ends with the warm-up affects no score.
    about = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 3, 19, 17, 0))
    assert not _summary(about, *steps)[-1].startswith("in sample")
    # A model of several houses: what lies between their spans was not seen.
    years = (datetime(2009, 1, 1), datetime(2009, 12, 31)), (datetime(2011, 1, 1),) * 2
    around = About("house.csv", "homes", years[0][0], years[1][1], trained_spans=years)
    assert not _summary(around, *steps)[-1].startswith("in sample")


def test_the_summary_without_readings_is_one_line() -> None:
    assert _summary(ABOUT) == ["no readings"]


def test_the_summary_before_the_first_score_names_the_50th_reading(steps: list[Step]) -> None:
    assert _summary(ABOUT, steps[0])[-1] == (
        "no forecast settled yet: the first comes with the 50th reading"
    )


def test_notes_report_the_first_skipped_row_of_a_kind_and_every_warning() -> None:
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


def test_notes_report_alarms_raised_and_over(alarmed: list[Step]) -> None:
    out = io.StringIO()
    sink = NoteSink(out)
    for step in alarmed:
        sink.write(step)
    assert out.getvalue().splitlines() == [
        f"streamer: alarm: anomaly at 2010-03-19 17:00: {SPIKE.text}",
        "streamer: alarm: drift at 2010-03-19 17:01: the errors grow",
        "streamer: alarm: anomaly over at 2010-03-19 17:04",
        "streamer: alarm: drift over at 2010-03-19 17:05",
    ]


def _link(state: str, at_s: float) -> Link:
    text = {"lost": "connection refused", "silent": "nothing for 1 min"}.get(state, "")
    zone = timezone(timedelta(hours=2))
    since = datetime(2026, 7, 1, 6, 0, tzinfo=zone) + timedelta(seconds=at_s)
    return Link(state, "broker", text, since)


def test_notes_report_loads_that_were_switched(alarmed: list[Step]) -> None:
    out = io.StringIO()
    step = replace(alarmed[0], alarms=())
    at = step.reading.at
    short = SwitchingEvent(at - 41 * MINUTE, 2.13, at)
    since_yesterday = SwitchingEvent(at - 1440 * MINUTE, 11.0)
    NoteSink(out).write(replace(step, switched=(short, since_yesterday)))
    now = f"streamer: switched at {at:%Y-%m-%d %H:%M}: "
    assert out.getvalue().splitlines() == [
        f"{now}step of 2.1 kW at {at - 41 * MINUTE:%H:%M}, on for 41 min",
        f"{now}step of 11.0 kW at {at - 1440 * MINUTE:%Y-%m-%d %H:%M}, still on",
    ]


def test_notes_report_a_connection_lost_and_back_but_no_retries() -> None:
    out = io.StringIO()
    sink = NoteSink(out)
    states = ["lost", "lost", "up", "up", "silent", "silent", "up", "silent", "lost", "up", "lost"]
    for minute, state in enumerate(states):
        sink.write(_link(state, 60.0 * minute))
        sink.write(Sample(0.5))
    assert out.getvalue().splitlines() == [
        "streamer: link at 2026-07-01 06:00: broker away: connection refused",
        "streamer: link at 2026-07-01 06:02: broker reached after 2 min",
        "streamer: link at 2026-07-01 06:04: meter silent: nothing for 1 min",
        "streamer: link at 2026-07-01 06:06: meter heard again after 2 min",
        "streamer: link at 2026-07-01 06:07: meter silent: nothing for 1 min",
        "streamer: link at 2026-07-01 06:08: broker away: connection refused",
        "streamer: link at 2026-07-01 06:09: broker back after 1 min",
        "streamer: link at 2026-07-01 06:10: broker away: connection refused",
    ]


def test_connection_changes_are_reported_without_times_and_reasons() -> None:
    watch = OutageWatch()
    links = [Link(Link.UP), Link(Link.LOST), Link(Link.SILENT), Link(Link.UP)]
    assert [watch.see(link) for link in links] == [
        [],
        [(Link.LOST, "meter away")],
        [(Link.UP, "meter back"), (Link.SILENT, "meter silent")],
        [(Link.UP, "meter heard again")],
    ]
    assert (watch.lost, watch.away_s, watch.away) == (1, 0.0, None)


def test_a_clock_set_back_gives_no_negative_outage() -> None:
    watch = OutageWatch()
    for link in (_link("up", 0), _link("lost", 100), _link("up", 40)):
        changes = watch.see(link)
    assert changes == [(Link.UP, "broker back after 0 s")]
    assert watch.away_s == 0.0


def test_an_alarm_may_directly_follow_another_of_its_kind(steps: list[Step]) -> None:
    watch = AlarmWatch()
    assert watch.see(replace(steps[0], alarms=(SPIKE,))) == ([SPIKE], [])
    assert watch.see(replace(steps[1], alarms=(NEXT_SPIKE,))) == ([NEXT_SPIKE], [SPIKE])
    # At the first step, all alarms that are on are reported as raised.
    assert AlarmWatch().see(replace(steps[2], alarms=(NEXT_SPIKE,))) == ([NEXT_SPIKE], [])


class Terminal(io.StringIO):
    """A terminal that keeps its text; `line` is the text of its last line."""

    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        last = self.getvalue().split("\n")[-1].split("\r")[-1]
        assert not last or last.endswith("\x1b[0K"), "the old text is not erased"
        return last.removesuffix("\x1b[0K")


class Watched:
    """A progress sink on a terminal, and its clock."""

    def __init__(self, out: Terminal | None = None) -> None:
        self.clock = ManualClock()
        self.out = Terminal() if out is None else out
        self.sink = ProgressSink(self.out, now=self.clock.now)
        self.sink.write(ABOUT)

    def after(self, seconds: float, item: Item) -> str:
        """The line after an item that is written so much later."""
        self.clock.advance(seconds)
        self.sink.write(item)
        return self.out.line


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def watched(terminal: None) -> Watched:
    return Watched()


HALF_WAY = Vitals(27_345.2, 0.1, 0.2, readings=1_024_640, progress=0.5, left_s=83.2)
LIVE = Vitals(0.5, 0.1, 0.2, readings=1_024_640)


def test_the_bar_has_figures_beside_it(watched: Watched) -> None:
    assert isinstance(watched.sink, BlockSink)
    shown = watched.after(1, HALF_WAY)
    figures = "  50 %  1,024,640 readings  27,345/s  1:24 left"
    assert shown == "━" * 15 + "─" * 15 + figures
    assert watched.after(1, LIVE) == "1,024,640 readings  0.5/s"


@pytest.mark.parametrize("vitals", [HALF_WAY, LIVE, Vitals(1, 1, 1, 1, 0.0), Vitals(1, 1, 1, 0)])
def test_the_bar_fits_and_leaves_room_for_the_echo_of_ctrl_c(
    vitals: Vitals, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in range(1, 130):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = Watched().after(1, vitals)
        assert len(shown) <= max(0, columns - 3)
        if vitals is HALF_WAY and columns >= 40:
            assert shown.endswith("27,345/s  1:24 left")
            assert shown.count("━") >= 2


def test_a_short_replay_shows_no_bar(watched: Watched) -> None:
    watched.after(0.2, HALF_WAY)
    watched.sink.close()
    assert watched.out.getvalue() == ""


def test_the_time_to_load_the_model_does_not_count(watched: Watched) -> None:
    watched.clock.advance(10)
    watched.sink.write(ABOUT)
    assert watched.after(0.2, HALF_WAY) == ""
    assert watched.after(0.2, HALF_WAY) != ""


def test_the_bar_is_drawn_at_most_ten_times_per_second(watched: Watched) -> None:
    for _ in range(1000):
        watched.after(0.001, HALF_WAY)
    assert watched.out.getvalue().count(" left") in (7, 8)


def test_the_bar_is_erased_for_a_note(watched: Watched) -> None:
    notes = NoteSink(watched.out)
    watched.after(1, HALF_WAY)
    for sink in (watched.sink, notes):
        sink.write(Notice(Notice.WARNING, "the meter is hot"))
    assert watched.out.getvalue().endswith("\r\x1b[0Kstreamer: warning: the meter is hot\n")
    watched.after(1, HALF_WAY)
    for sink in (watched.sink, notes):
        sink.write(Link(Link.LOST))
    assert watched.out.getvalue().endswith("\r\x1b[0Kstreamer: link: meter away\n")
    assert watched.after(1, HALF_WAY).endswith("1:24 left")


def test_the_bar_is_erased_for_an_alarm(watched: Watched, alarmed: list[Step]) -> None:
    notes = NoteSink(watched.out)
    for step in (alarmed[0], alarmed[3]):
        watched.after(1, HALF_WAY)
        for sink in (watched.sink, notes):
            sink.write(step)
        assert re.search(r"\r\x1b\[0Kstreamer: alarm: .*\n$", watched.out.getvalue())
    shown = watched.after(1, HALF_WAY)
    assert watched.after(1, alarmed[3]) == shown
    load = SwitchingEvent(START, 2.0, START + 9 * MINUTE)
    for sink in (watched.sink, notes):
        sink.write(replace(alarmed[3], switched=(load,)))
    assert re.search(r"\r\x1b\[0Kstreamer: switched .*\n$", watched.out.getvalue())


def test_closing_erases_the_bar_and_no_mode_is_changed(watched: Watched) -> None:
    watched.after(1, HALF_WAY)
    watched.sink.close()
    watched.sink.close()
    assert watched.out.line == ""
    assert "\n" not in watched.out.getvalue()
    # No colour is set, and no mode is changed, not even that of the cursor.
    assert set(re.findall(r"\x1b\[.*?[a-zA-Z]", watched.out.getvalue())) == {"\x1b[0K"}


def test_an_ascii_terminal_gets_ascii_only(terminal: None) -> None:
    class AsciiTerminal(Terminal):
        encoding = "ascii"  # type: ignore[assignment]

    watched = Watched(AsciiTerminal())
    for vitals in (HALF_WAY, LIVE, Vitals(1, 1, 1, 1, 0.0)):
        assert watched.after(1, vitals).isascii()


def test_a_closed_terminal_does_not_end_the_replay(terminal: None) -> None:
    class ClosedTerminal(Terminal):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    watched = Watched(ClosedTerminal())
    for item in (HALF_WAY, HALF_WAY, Notice(Notice.EVENT, "still running")):
        watched.after(1, item)
    watched.sink.close()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX job control")
def test_nothing_is_drawn_in_the_background(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched.out, "fileno", lambda: 2)
    foreground = os.getpgrp() + 1
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: foreground)
    assert watched.after(1, HALF_WAY) == ""
    foreground = os.getpgrp()
    shown = watched.after(1, HALF_WAY)
    assert shown.endswith("left")
    foreground += 1
    watched.sink.close()
    assert watched.out.line == shown
