"""Tests of the means of the next minutes in lines and in the summary."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.display.horizons import CHOICES, SHOWN
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Alarm, MeanScores, NextMeans, Reading, Step
from streamer.sinks.plain import plain_line
from streamer.sinks.summary import Summary
from streamer.sinks.text import KEYS, SOLAR_KEYS, TextSink, json_line, record
from streamer.testing import START, FixedForecaster, readings

MINUTES = (1, 2, 5, 15, 60)
VALUES = np.array(
    [
        [0.5, 0.4375, 0.25, 1.0],
        [0.5, 0.5, 0.25, 1.5],
        [0.75, 0.625, 0.125, 2.5],
        [1.25, 1.0, 0.5, 4.0],
        [12.5, 12.0, -0.5, 15.0],
    ]
)
MEANS = NextMeans(MINUTES, VALUES.copy())
_NAMES = ("kw", "median_kw", "low_kw", "high_kw")


def _scores(settled: int = 0) -> MeanScores:
    figures = np.full((len(MINUTES), 8), np.nan)
    if settled:
        figures[:, 0], figures[:, 2], figures[:, 6] = [0.9, 0.8, 0.75, 0.5, 1.25], 1.0, 0.875
    return MeanScores(MINUTES, np.full(len(MINUTES), settled), figures)


@pytest.fixture
def steps() -> list[Step]:
    """A step before the first forecast, and two with means."""
    found = Pipeline(FixedForecaster(kw=0.5, window=2, spread_kw=0.25)).push_many(
        readings([0.25, 0.5, 0.75])
    )
    return [
        replace(step, mean_scores=_scores(), next_means=MEANS if step.forecast else None)
        for step in found
    ]


def _written(form: str, steps: Sequence[Step], **options: Any) -> str:
    out = io.StringIO()
    sink = TextSink(out, form, **options)
    for step in steps:
        sink.write(step)
    sink.close()
    return out.getvalue()


def test_json_lines_have_the_horizons_that_are_shown(steps: list[Step]) -> None:
    lines = [json.loads(line) for line in _written("json", steps).splitlines()]
    assert list(lines[0]) == [*KEYS, "next_means", "demand"]
    assert lines[0]["next_means"] == []
    assert lines[2]["next_means"] == [
        {"minutes": 5, "kw": 0.75, "median_kw": 0.625, "low_kw": 0.125, "high_kw": 2.5},
        {"minutes": 15, "kw": 1.25, "median_kw": 1.0, "low_kw": 0.5, "high_kw": 4.0},
        {"minutes": 60, "kw": 12.5, "median_kw": 12.0, "low_kw": -0.5, "high_kw": 15.0},
    ]


def test_a_stream_has_the_same_keys_and_columns_from_its_first_reading_on() -> None:
    model = FixedForecaster(kw=0.5, window=2, spread_kw=0.25, horizons=(2, 15))
    steps = Pipeline(model).push_many(readings([0.25, 0.5, 0.75]))
    lines = [
        json.loads(line) for line in _written("json", steps, horizons=(1, 15, 60)).splitlines()
    ]
    assert [[one["minutes"] for one in line["next_means"]] for line in lines] == [
        [],
        [1, 15],
        [1, 15],
    ]
    assert lines[2]["next_means"][0]["kw"] == lines[2]["next_kw"]
    header, first, *_ = csv.reader(io.StringIO(_written("csv", steps, horizons=(15,))))
    assert header[len(KEYS) :] == [f"next_15_{name}" for name in _NAMES]
    assert first[len(KEYS) :] == [""] * 4


def test_json_lines_without_the_means_are_as_they_were(steps: list[Step]) -> None:
    plain = [replace(step, next_means=None, mean_scores=None) for step in steps]
    assert _written("json", steps, horizons=()) == _written("json", plain)
    assert "next_means" not in record(plain[-1])
    assert _written("csv", steps, horizons=()) == _written("csv", plain)


@given(
    kw=st.lists(st.floats(), min_size=4, max_size=4),
    horizons=st.sets(st.sampled_from(CHOICES)).map(sorted).map(tuple),
    minutes=st.sets(st.sampled_from(CHOICES), min_size=1).map(sorted).map(tuple),
)
def test_json_lines_equal_json_dumps_for_any_mean(
    kw: list[float], horizons: tuple[int, ...], minutes: tuple[int, ...]
) -> None:
    step = Pipeline(FixedForecaster(kw=0.5, window=1)).push(Reading(START, 0.25))
    means = NextMeans(minutes, np.array([kw] * len(minutes)))
    step = replace(step, next_means=means)
    line = json_line(step, horizons)
    assert line == json.dumps(record(step, horizons))
    found = json.loads(line, parse_constant=pytest.fail).get("next_means", [])
    assert [one["minutes"] for one in found] == [n for n in minutes if n in horizons]
    expected = [value if np.isfinite(value) else None for value in kw]
    assert all(list(one.values())[1:] == expected for one in found)


def test_csv_has_four_columns_a_horizon(steps: list[Step]) -> None:
    rows = list(csv.reader(io.StringIO(_written("csv", steps, horizons=(5, 30)))))
    expected = [f"next_{minutes}_{name}" for minutes in (5, 30) for name in _NAMES]
    assert rows[0] == [*KEYS, *expected]
    assert [row[len(KEYS) :] for row in rows[1:]] == [
        [""] * 8,
        ["0.75", "0.625", "0.125", "2.5", "", "", "", ""],
        ["0.75", "0.625", "0.125", "2.5", "", "", "", ""],
    ]


def test_csv_keeps_its_columns_when_solar_power_comes_or_goes(steps: list[Step]) -> None:
    sunny = replace(steps[2], reading=replace(steps[2].reading, solar_kw=2.5))
    for order in ([steps[1], sunny], [sunny, steps[1]]):
        header, *rows = csv.reader(io.StringIO(_written("csv", order, horizons=(60,))))
        assert header[-4:] == [f"next_60_{name}" for name in _NAMES]
        assert ("solar_kw" in header) == (order[0] is sunny)
        assert all(row[-4:] == ["12.5", "12.0", "-0.5", "15.0"] for row in rows)
        assert {len(row) for row in rows} == {len(header)}
    assert len(header) == len(KEYS + SOLAR_KEYS) + 4


def test_csv_of_a_model_without_means_has_no_columns_for_them(steps: list[Step]) -> None:
    plain = replace(steps[0], mean_scores=None)
    rows = list(csv.reader(io.StringIO(_written("csv", [plain, *steps[1:]]))))
    assert {len(row) for row in rows} == {len(KEYS)}


def test_plain_lines_end_with_the_mean_of_the_longest_horizon(steps: list[Step]) -> None:
    lines = _written("plain", steps).splitlines()
    assert "hour" not in lines[0]
    assert lines[2] == (
        "2010-03-19 17:02   0.750 kW  forecast  0.500 error +0.250  next  0.500 (0.25 to 0.75)"
        "  hour 12.50"
    )
    assert lines[1].index("hour") == lines[2].index("hour")
    assert plain_line(steps[2], horizons=(5, 15)).endswith("  15 min  1.25")
    assert plain_line(steps[2], horizons=(30,)) == plain_line(steps[2], horizons=())


@pytest.mark.parametrize("remark", ["", "  ALARM anomaly", "  ALARM anomaly  drift over"])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("solar", [None, 2.5])
@pytest.mark.parametrize("high_kw", [0.75, 10.75, 123456.75])
def test_plain_lines_with_a_mean_are_no_longer_than_100_columns(
    steps: list[Step], remark: str, gap: int, solar: float | None, high_kw: float
) -> None:
    assert steps[2].forecast is not None
    forecast = replace(steps[2].forecast, high_kw=high_kw, consumption_kw=1.0, solar_kw=solar)
    reading = replace(steps[2].reading, solar_kw=solar)
    step = replace(steps[2], reading=reading, forecast=forecast, gap_minutes=gap)
    without = plain_line(step, remark, horizons=())
    line = plain_line(step, remark)
    assert len(line) <= max(100, len(without))
    assert line.replace("  hour 12.50", "") == without
    assert not remark or line.endswith(remark)


def _summary(step: Step, **options: Any) -> list[str]:
    summary = Summary(**options)
    summary.write(step)
    return [line for line in summary.lines() if line.startswith("mean of the next")]


def test_the_summary_has_a_line_for_each_horizon(steps: list[Step]) -> None:
    step = replace(steps[2], mean_scores=_scores(1440))
    assert _summary(step) == [
        "mean of the next 5 min: skill +25.0 %, band covered 87.5 %",
        "mean of the next 15 min: skill +50.0 %, band covered 87.5 %",
        "mean of the next hour: skill -25.0 %, band covered 87.5 %",
    ]
    assert _summary(step, horizons=()) == []
    assert _summary(step, horizons=(3, 60)) == _summary(step)[-1:]


def test_the_summary_has_no_skill_of_less_than_a_day(steps: list[Step]) -> None:
    assert _summary(steps[2]) == []
    early = replace(steps[2], mean_scores=_scores(1439))
    assert _summary(early, horizons=(5,)) == [
        "mean of the next 5 min: too early to compare with persistence, band covered 87.5 %"
    ]


def test_alarms_and_means_are_on_the_same_line(steps: list[Step]) -> None:
    alarm = Alarm(Alarm.ANOMALY, START + 2 * MINUTE, "5 kW", 2.0)
    line = json.loads(json_line(replace(steps[2], alarms=(alarm,))))
    assert line["alarms"][0]["kind"] == "anomaly"
    assert [one["minutes"] for one in line["next_means"]] == list(SHOWN)
