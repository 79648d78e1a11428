"""Recorded demand intervals and switching events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from streamer.demand.settings import DemandRule
from streamer.readings import MINUTE, Reading, Step
from streamer.readings.demand import DemandForecast, SettledDemand, SwitchingEvent
from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.recording.schema import COLUMNS
from tests.recording.conftest import DEMAND, House, house, metered, pipeline

_STEP = pipeline().push(house(1)[0])
START = _STEP.reading.at.replace(hour=18, minute=0, day=30)
AT = int(START.timestamp())
QUARTER = 15 * MINUTE


def rows(path: Path, table: str = "demand_intervals") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        columns = COLUMNS.get(table, "*")
        return connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608


def intervals_of(steps: Iterable[Step]) -> list[tuple[Any, ...]]:
    """Rows of the demand intervals of steps, as recorded once each."""
    found: dict[tuple[int, int], list[Any]] = {}
    for each in steps:
        demand = each.demand
        if demand is not None:
            length = (demand.end - demand.start) // MINUTE
            if demand.minutes_left == 2 * length // 3 and demand.low_kw is not None:
                row = found.setdefault((_unix(demand.start), length), _begun(demand.start))
                row[7:] = demand.kw, demand.low_kw, demand.high_kw, demand.p_raises_peak
        for came in each.settled_demand:
            length = (came.end - came.start) // MINUTE
            row = found.setdefault((_unix(came.start), length), _begun(came.start))
            row[1:7] = (
                *(came.kw, came.export_kw, came.unknown_minutes, came.bound_kw, came.exceeded),
                None if came.warned_at is None else _unix(came.warned_at),
            )
    return [(*key, *row) for key, row in sorted(found.items())]


def loads_of(steps: Iterable[Step]) -> list[tuple[int, float, int | None]]:
    """Rows of the loads of steps: those that are off, and those that are on."""
    found: list[tuple[int, float, int | None]] = []
    for each in steps:
        for load in each.switched:
            on_at = _unix(load.on_at)
            found = [row for row in found if (row[0], row[2]) != (on_at, None)]
            found.append((on_at, load.kw, None if load.off_at is None else _unix(load.off_at)))
    return sorted(found)


def _begun(start: datetime) -> list[Any]:
    offset = start.utcoffset()
    assert offset is not None
    return [offset.total_seconds(), *[None] * 10]


def _unix(at: datetime) -> int:
    return int(at.timestamp())


def write(path: Path, *steps: Step) -> None:
    watcher = House(path)
    for each in steps:
        watcher.pipeline.push(each.reading)
        watcher.recorder.write(each)
    watcher.close()
    assert not watcher.texts


def step(at: datetime, **parts: Any) -> Step:
    return replace(_STEP, reading=replace(_STEP.reading, at=at), **parts)


def foreseen(left: int, minutes: int = 15, start: datetime = START) -> Step:
    """The step at which so many minutes of an interval are left, with forecasts of its own."""
    end = start + minutes * MINUTE
    demand = DemandForecast(
        start, end, left, 0, 0.5, 1.0 + left, 0.5, 2.0 + left, 1.25, p_raises_peak=left / 64
    )
    return step(end - (left + 1) * MINUTE, demand=demand)


def over(start: datetime = START, minutes: int = 15, **values: Any) -> SettledDemand:
    return SettledDemand(
        start, start + minutes * MINUTE, **{"kw": 1.5, "unknown_minutes": 0} | values
    )


def test_an_interval_has_what_came_and_its_forecast_after_a_third(db: Path) -> None:
    came = over(bound_kw=1.25, exceeded=True, warned_at=START + 6 * MINUTE, export_kw=0.25)
    steps = [foreseen(left) for left in range(14, 0, -1)]
    write(db, *steps, step(START + 14 * MINUTE, settled_demand=[came]))
    assert rows(db) == [
        (AT, 15, 3600, 1.5, 0.25, 0, 1.25, 1, AT + 360, 11.0, 0.5, 12.0, 10 / 64),
    ]
    assert rows(db, "demand")[0][0] == "2026-03-30 18:00"


@pytest.mark.parametrize(("minutes", "left"), [(15, 10), (60, 40)])
def test_a_running_interval_has_its_forecast_alone(db: Path, minutes: int, left: int) -> None:
    write(db, foreseen(left + 1, minutes), foreseen(left, minutes), foreseen(left - 1, minutes))
    ((at, length, _, kw, *_, p),) = rows(db)
    assert (at, length, kw, p) == (AT, minutes, None, left / 64)
    assert rows(db, "demand") == rows(db, "month_peaks") == []


def test_without_a_forecast_there_is_what_came(db: Path) -> None:
    bare = replace(foreseen(10), demand=DemandForecast(START, START + QUARTER, 10, 3, 0.5))
    write(db, bare, step(START + QUARTER, settled_demand=[over(unknown_minutes=3)]))
    assert rows(db) == [(AT, 15, 3600, 1.5, 0.0, 3, *(None,) * 7)]


def test_an_interval_that_is_settled_again_is_replaced(db: Path) -> None:
    write(db, foreseen(10), step(START + 11 * MINUTE, settled_demand=[over(unknown_minutes=9)]))
    write(db, step(START + QUARTER, settled_demand=[over(kw=2.5, exceeded=False)]))
    assert rows(db) == [(AT, 15, 3600, 2.5, 0.0, 0, None, 0, None, 11.0, 0.5, 12.0, 10 / 64)]


def test_a_minute_that_is_already_recorded_changes_no_interval(db: Path) -> None:
    write(db, step(START + QUARTER, settled_demand=[over()]))
    before = rows(db)
    watcher = House(db)
    again = step(START + QUARTER, settled_demand=[over(kw=9.0)])
    watcher.pipeline.push(again.reading)
    watcher.recorder.write(again)
    watcher.close()
    assert rows(db) == before


def test_hours_and_quarters_are_kept_apart(db: Path) -> None:
    hour = over(minutes=60, kw=0.5)
    write(db, step(START + 14 * MINUTE, settled_demand=[over()]))
    write(db, step(START + 59 * MINUTE, settled_demand=[hour]))
    assert [row[:4] for row in rows(db)] == [(AT, 15, 3600, 1.5), (AT, 60, 3600, 0.5)]
    assert [row[:3] for row in rows(db, "month_peaks")] == [
        ("2026-03", 15, 1.5),
        ("2026-03", 60, 0.5),
    ]


def test_the_hour_that_comes_twice_has_its_intervals_twice(db: Path) -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    again = first.replace(tzinfo=timezone(timedelta(hours=1)))
    for start in (first, again):
        write(db, step(start + 14 * MINUTE, settled_demand=[over(start)]))
    assert [row[0] for row in rows(db, "demand")] == ["2026-10-25 02:30"] * 2
    assert [row[0] for row in rows(db)] == [int(first.timestamp()), int(again.timestamp())]


def test_the_peak_of_a_month_is_at_least_that_of_an_incomplete_interval(db: Path) -> None:
    for number, (kw, unknown) in enumerate([(1.5, 0), (3.0, 5), (9.0, 14)]):
        start = START + number * QUARTER
        write(
            db,
            step(start + 14 * MINUTE, settled_demand=[over(start, kw=kw, unknown_minutes=unknown)]),
        )
    april = START + timedelta(days=2)
    write(db, step(april, settled_demand=[over(april - QUARTER, kw=0.75)]))
    assert rows(db, "month_peaks") == [
        ("2026-03", 15, 2.0, "2026-03-30 18:15", AT + 900),
        ("2026-04", 15, 0.75, "2026-04-01 17:45", AT + 2 * 86_400 - 900),
    ]


def _switched(*events: SwitchingEvent) -> list[Step]:
    return [step(START + (40 + n) * MINUTE, switched=(each,)) for n, each in enumerate(events)]


def test_a_load_is_recorded_once(db: Path) -> None:
    on = SwitchingEvent(START, 2.0)
    off = SwitchingEvent(START, 2.25, START + 41 * MINUTE)
    write(db, *_switched(on))
    assert rows(db, "switching_events") == [(AT, 2.0, None)]
    write(db, *_switched(on, off)[1:])
    assert rows(db, "switching_events") == [(AT, 2.25, AT + 2460)]


def test_two_loads_of_the_same_minute_have_a_row_each(db: Path) -> None:
    ends = [SwitchingEvent(START, kw, START + n * MINUTE) for kw, n in ((1.5, 20), (0.75, 50))]
    write(db, step(START), *_switched(SwitchingEvent(START, 2.25), *ends))
    assert rows(db, "switching_events") == [(AT, 1.5, AT + 1200), (AT, 0.75, AT + 3000)]
    assert rows(db, "switching") == [
        ("2026-03-30 18:00", AT, 1.5, 20),
        ("2026-03-30 18:00", AT, 0.75, 50),
    ]


def _watch(path: Path, readings: list[Reading], rule: DemandRule | None = DEMAND) -> House:
    """Resume a recording and extend it."""
    watcher = House(path, pipeline=metered(rule), snapshot_every=50)
    watcher.recorder.resume(watcher.pipeline)
    watcher.watch(readings)
    watcher.close()
    assert not watcher.texts
    return watcher


def test_the_intervals_of_a_stream_are_recorded(db: Path) -> None:
    undisturbed = metered()
    readings = house(400)
    _watch(db, readings[:200])
    _watch(db, readings[200:])
    steps = [undisturbed.push(reading) for reading in readings]
    expected = intervals_of(steps)
    assert rows(db) == expected
    assert sorted(rows(db, "switching_events")) == loads_of(steps)
    assert len(loads_of(steps)) > 5
    assert len([row for row in expected if None not in row[:6]]) > 20
    assert any(row[5] for row in expected)
    assert any(row[9] is not None for row in expected)


def test_minutes_of_the_future_leave_no_interval_double(db: Path) -> None:
    readings = house(260)
    watcher = House(db, pipeline=metered())
    fresh = watcher.pipeline.state()
    watcher.watch(readings[:200])
    ahead = [replace(each, at=each.at + timedelta(days=1)) for each in readings[200:240]]
    watcher.watch(ahead)
    now = readings[203].at
    found = watcher.recorder.rewind(watcher.pipeline, fresh, now)
    assert found is not None
    rest = [each for each in readings[200:] if each.at > now]
    watcher.watch(rest)
    watcher.close()
    undisturbed = metered()
    steps = [undisturbed.push(reading) for reading in [*readings[:200], *rest]]
    expected = intervals_of(steps)
    # One that had its forecast before the minutes were set aside is settled without it.
    running = readings[203].at - readings[203].at.minute % 15 * MINUTE
    found_rows = {row[0]: row for row in rows(db)}
    assert [row[:9] for row in rows(db)] == [row[:9] for row in expected]
    assert all(found_rows[row[0]] == row for row in expected if row[0] != _unix(running))
    assert watcher.pipeline.state() == undisturbed.state()
    others = rows(found[0].path)
    assert min(row[0] for row in others) >= _unix(running)


@pytest.mark.parametrize("former", [None, DemandRule(60), DemandRule(15, limit_kw=9.0)])
def test_a_recording_continues_with_another_rule(db: Path, former: DemandRule | None) -> None:
    readings = house(420)
    _watch(db, readings[:300], former)
    watcher = House(db, pipeline=metered())
    resumed = watcher.recorder.resume(watcher.pipeline)
    assert not watcher.texts
    assert not resumed.rebuilt
    undisturbed = metered()
    for reading in readings[:300]:
        undisturbed.push(reading)
    for reading in readings[300:]:
        step, expected = watcher.pipeline.push(reading), undisturbed.push(reading)
        assert step.quarter_hours == expected.quarter_hours
    assert step.demand is not None
    assert expected.demand is not None
    assert step.demand.month_peak_kw == pytest.approx(expected.demand.month_peak_kw, abs=1e-5)
    assert step.demand.month_peak_at == expected.demand.month_peak_at
    assert step.demand.bound_kw == pytest.approx(expected.demand.bound_kw, abs=1e-5)
    watcher.close()


def test_a_recording_without_intervals_has_those_of_its_minutes_at_once(db: Path) -> None:
    """Also in the steps from before the last saved state, and where that is the last minute."""
    readings = house(301)
    _watch(db, readings[:300], None)
    watcher = House(db, pipeline=metered())
    resumed = watcher.recorder.resume(watcher.pipeline)
    undisturbed = metered()
    expected = [undisturbed.push(reading) for reading in readings[:300]]
    for step, whole in zip(reversed(resumed.steps), reversed(expected), strict=False):
        assert step.quarter_hours == whole.quarter_hours
        assert step.demand is not None
        assert whole.demand is not None
        assert step.demand.month_peak_at == whole.demand.month_peak_at
        assert step.demand.so_far_kw == whole.demand.so_far_kw
    assert len(resumed.steps) >= 50
    watcher.close()


def _metered_by_itself(readings: list[Reading]) -> list[Reading]:
    """Readings with the registers of a meter that has seen every minute, and more."""
    found, peak, past = [], MonthPeak(readings[0].at - QUARTER, 1.0), []
    for number, reading in enumerate(readings):
        so_far_kw = (1 + reading.at.minute % 15) / 8.0
        if number % 90 == 0:
            peak = MonthPeak(reading.at - QUARTER, 2.0 + number / 256)
        if number == 100:
            past = [MonthPeak(reading.at - timedelta(days=30 * n), 4.0 + n) for n in (3, 2)]
        demand = MeterDemand(so_far_kw if number % 7 else None, peak, tuple(past))
        found.append(reading if number % 50 == 20 else replace(reading, meter_demand=demand))
    return found


def test_registers_of_the_meter_are_resumed_bit_by_bit(db: Path) -> None:
    readings = _metered_by_itself(house(250))
    undisturbed = metered()
    expected = [undisturbed.push(reading) for reading in readings]
    steps: list[Step] = []
    for end in (80, 121, 250):
        watcher = House(db, pipeline=metered(), snapshot_every=50)
        resumed = watcher.recorder.resume(watcher.pipeline, steps=20)
        assert [*resumed.steps] == steps[len(steps) - len(resumed.steps) :]
        steps += watcher.watch(readings[len(steps) : end])
        watcher.close()
    assert steps == expected
    assert watcher.pipeline.state() == undisturbed.state()
    # Those of two earlier months are known from the registers alone.
    assert sorted(kw for kw, _ in undisturbed.state()["demand"]["peaks"])[1:] == [6.0, 7.0]
    with closing(sqlite3.connect(db)) as connection:
        count, peaks = connection.execute(
            "SELECT count(*), count(peaks) FROM meter_registers"
        ).fetchone()
    assert count == sum(reading.meter_demand is not None for reading in readings)
    # Those that changed, and the first after each start.
    assert peaks == 3 + 1 + 2


@pytest.mark.parametrize(
    "value", ["'x'", "'[1]'", "'[null,[[1,2]]]'", "'[[\"2026-01-01\",-1.0],[]]'"]
)
def test_registers_that_no_recorder_writes_are_damage(db: Path, value: str) -> None:
    _watch(db, _metered_by_itself(house(30)))
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("DELETE FROM snapshots")
        connection.execute(f"UPDATE meter_registers SET peaks = {value}")  # noqa: S608 - constants
    watcher = House(db, pipeline=metered())
    watcher.recorder.resume(watcher.pipeline)
    watcher.close()
    assert "is damaged" in watcher.texts[0]
