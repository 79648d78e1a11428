"""Tests of demand intervals and switching events in lines and in the summary."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.energy.tariff import PeakCharge, Rate, Tariff
from streamer.pipeline import Pipeline
from streamer.readings import (
    MINUTE,
    DemandForecast,
    DemandScores,
    QuarterHour,
    SettledDemand,
    Step,
    SwitchingEvent,
)
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.sinks import Item
from streamer.sinks.demand import COLUMNS
from streamer.sinks.summary import Summary
from streamer.sinks.text import KEYS, TextSink, json_line, record
from streamer.testing import START, FixedForecaster, readings

QUARTER = 15 * MINUTE
DEMAND = DemandForecast(
    START,
    START + QUARTER,
    minutes_left=8,
    unknown_minutes=1,
    so_far_kw=3.25,
    kw=3.5,
    low_kw=3.25,
    high_kw=4.0,
    bound_kw=4.25,
    margin_kw=5.125,
    month_peak_kw=4.25,
    month_peak_at=START - timedelta(days=2),
    p_raises_peak=0.125,
)
PEAK = SettledDemand(START - QUARTER, START, 4.25, 0, 4.0, True, START - 8 * MINUTE)
CALM = SettledDemand(START - QUARTER, START, 0.5, 3, 4.0, None, export_kw=0.25)
SWITCHED = SwitchingEvent(START - 41 * MINUTE, 2.125, START)


@pytest.fixture
def step() -> Step:
    """A step with a forecast, and without demand intervals."""
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=2, spread_kw=0.25))
    return pipeline.push_many(readings([0.25, 0.5, 0.75]))[-1]


def _written(form: str, steps: Sequence[Step]) -> str:
    out = io.StringIO()
    sink = TextSink(out, form)
    for each in steps:
        sink.write(each)
    sink.close()
    return out.getvalue()


def test_a_json_line_has_the_running_interval(step: Step) -> None:
    line = json.loads(json_line(replace(step, demand=DEMAND)))
    assert list(line) == [*KEYS, "demand"]
    assert list(line["demand"].items()) == [
        ("from", "2010-03-19T17:00:00"),
        ("to", "2010-03-19T17:15:00"),
        ("so_far_kw", 3.25),
        ("kw", 3.5),
        ("low_kw", 3.25),
        ("high_kw", 4.0),
        ("margin_kw", 5.125),
        ("month_peak_kw", 4.25),
        ("p_raises_peak", 0.125),
        ("month_peak_at", "2010-03-17T17:00:00"),
        ("bound_kw", 4.25),
        ("minutes_left", 8),
        ("unknown_minutes", 1),
    ]


def test_a_stream_without_demand_intervals_has_none(step: Step) -> None:
    assert json.loads(json_line(step))["demand"] is None
    assert "demand_kw" not in _written("csv", [step])


def test_what_has_ended_is_in_the_line_of_its_reading_alone(step: Step) -> None:
    line = json.loads(
        json_line(replace(step, demand=DEMAND, settled_demand=(PEAK, CALM), switched=(SWITCHED,)))
    )
    assert list(line)[len(KEYS) :] == ["demand", "settled_demand", "switched"]
    assert line["settled_demand"] == [
        {
            "from": "2010-03-19T16:45:00",
            "to": "2010-03-19T17:00:00",
            "kw": 4.25,
            "export_kw": 0.0,
            "bound_kw": 4.0,
            "exceeded": True,
            "warned_at": "2010-03-19T16:52:00",
            "unknown_minutes": 0,
        },
        {
            "from": "2010-03-19T16:45:00",
            "to": "2010-03-19T17:00:00",
            "kw": 0.5,
            "export_kw": 0.25,
            "bound_kw": 4.0,
            "exceeded": None,
            "warned_at": None,
            "unknown_minutes": 3,
        },
    ]
    assert line["switched"] == [
        {
            "on_at": "2010-03-19T16:19:00",
            "kw": 2.125,
            "off_at": "2010-03-19T17:00:00",
            "minutes": 41,
        }
    ]


VALUES = st.one_of(st.none(), st.floats())


@given(so_far=st.floats(), values=st.lists(VALUES, min_size=7, max_size=7), ended=st.booleans())
def test_json_lines_equal_json_dumps_for_any_value(
    so_far: float, values: list[float | None], ended: bool
) -> None:
    names = ("kw", "low_kw", "high_kw", "bound_kw", "margin_kw", "month_peak_kw", "p_raises_peak")
    changes: dict[str, Any] = dict(zip(names, values, strict=True))
    demand = replace(DEMAND, so_far_kw=so_far, **changes)
    settled = (replace(PEAK, kw=so_far, bound_kw=values[0]),) if ended else ()
    found = replace(
        Pipeline(FixedForecaster(kw=0.5)).push(readings([1])[0]),
        demand=demand,
        settled_demand=settled,
        switched=(replace(SWITCHED, kw=so_far),),
    )
    line = json_line(found)
    assert line == json.dumps(record(found))
    json.loads(line, parse_constant=pytest.fail)


def test_csv_has_the_columns_from_its_first_line_on(step: Step) -> None:
    unknown = replace(DEMAND, kw=None, p_raises_peak=None)
    steps = [replace(step, demand=each) for each in (DEMAND, unknown, None)]
    rows = list(csv.reader(io.StringIO(_written("csv", steps))))
    assert rows[0] == [*KEYS, *COLUMNS]
    assert [row[len(KEYS) :] for row in rows[1:]] == [
        ["3.5", "3.25", "4.0", "5.125", "4.25", "0.125"],
        ["", "3.25", "4.0", "5.125", "4.25", ""],
        [""] * 6,
    ]


def test_a_plain_line_names_an_interval_above_its_bound(step: Step) -> None:
    exceeded = replace(step, demand=DEMAND, settled_demand=(PEAK, CALM))
    assert _written("plain", [exceeded]).endswith("  demand 4.25 kW, above 4.00\n")
    calm = replace(step, demand=DEMAND, settled_demand=(CALM,))
    assert _written("plain", [calm]) == _written("plain", [step])


def _summary(*items: Item, tariff: Tariff | None = None) -> list[str]:
    summary = Summary(tariff=tariff)
    for item in items:
        summary.write(item)
    return summary.lines()


def _quarters(at: datetime) -> tuple[QuarterHour, ...]:
    """Five hours of the day before, and of the same day."""
    first = at.replace(hour=12, minute=0)
    starts = [first - timedelta(days=1 - day) + i * QUARTER for day in (0, 1) for i in range(20)]
    return tuple(QuarterHour(start, 0.5, 0.125, 15) for start in starts)


SCORES = DemandScores(settled=96, exceeded=5, found=4, false_alarms=1, brier=0.01, base_brier=0.05)


def _evening(step: Step) -> list[Step]:
    rows = _quarters(step.reading.at)
    found = []
    peaks = [(2, 1, 5.0), (3, 2, 4.0), (3, 8, 3.0), (3, 9, 4.5)]
    for month, day, kw in peaks:
        start = datetime(2010, month, day, 18)
        ended = SettledDemand(start, start + QUARTER, kw, 0, 2.0, True)
        reading = replace(step.reading, kw=kw if month == 2 else -1.5)
        found.append(
            replace(
                step,
                reading=reading,
                demand=DEMAND,
                settled_demand=(ended, replace(ended, kw=9.0, unknown_minutes=1)),
                demand_scores=SCORES,
                quarter_hours=rows,
            )
        )
    return found


TARIFF = Tariff(
    "by hand",
    energy=Rate(fixed=Decimal("0.30")),
    feed_in=Rate(fixed=Decimal("0.10")),
    peak=PeakCharge(Decimal(60)),
)


def test_the_summary_has_energy_peaks_scores_and_costs(step: Step) -> None:
    lines = _summary(*_evening(step), tariff=TARIFF)
    assert [line for line in lines if line.startswith(("energy", "highest", "cost"))] == [
        "energy: 0.08 kWh in all (and 0.07 kWh fed in), "
        "10.00 kWh on 2010-03-19 (and 2.50 kWh fed in)",
        "highest quarter-hour of the month: 5.000 kW on 2010-02-01 18:00, "
        "4.500 kW on 2010-03-09 18:00",
        # 20 × 0.5 × 0.30 − 20 × 0.125 × 0.10; twice that, and a twelfth of 60 × 4.25
        "cost: 2.75 € on 2010-03-19, 26.75 € in the month so far without 26,343 unknown minutes, "
        "21.25 € of it for the peak",
    ]
    assert "5 peaks in 96 intervals: 4 with an alarm, 1 missed; 1 false alarm" in lines
    assert "probability of a peak: Brier score 0.01000 (base rate 0.05000)" in lines


def test_the_summary_of_blocks_is_the_same(step: Step) -> None:
    steps = _evening(step)
    one_by_one, blocks = Summary(tariff=TARIFF), Summary(tariff=TARIFF)
    for each in steps:
        one_by_one.write(each)
    counted = replace(steps[-1], counts=replace(step.counts, readings=len(steps)))
    block = ReadingBlock.of([each.reading for each in steps])
    settled = [ended for each in steps for ended in each.settled_demand]
    blocks.write_block(BlockResult(block, np.full(4, np.nan), counted, (), settled))
    ours, theirs = (
        [line for line in each.lines() if line.startswith(("energy", "highest", "cost"))]
        for each in (one_by_one, blocks)
    )
    assert ours == theirs
    assert len(ours) == 3


def test_the_summary_is_as_before_without_demand_intervals(step: Step) -> None:
    assert not any("energy" in line or "highest" in line for line in _summary(step, tariff=TARIFF))


def test_the_peaks_of_the_last_three_months_are_shown(step: Step) -> None:
    steps = []
    for month in range(1, 6):
        start = datetime(2010, month, 3, 18)
        ended = SettledDemand(start, start + QUARTER, 1.0 + month, 0, 2.0, True)
        steps.append(replace(step, demand=DEMAND, settled_demand=(ended,)))
    (line,) = [line for line in _summary(*steps) if line.startswith("highest")]
    assert line.count("kW on") == 3
    assert line.endswith("6.000 kW on 2010-05-03 18:00")
