"""Demand intervals of many meters in a shard, against those of one meter each."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from streamer.demand.light.demands import Demands
from streamer.demand.light.part import LightDemand
from streamer.demand.settings import DemandRule
from streamer.errors import StateError, UsageError
from streamer.fleet import FleetSettings, Shard
from streamer.fleet.demand import peak_columns, take
from streamer.fleet.zones import local_us
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster

HORIZONS = (1, 15, 60)
MINUTE_US = 60_000_000


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    return load_model(threads=1)


def _shown(demand: LightDemand, raised: bool) -> list[object]:
    """Values of the output columns by a single meter."""
    shown = demand.values().demand
    if shown is None:
        return [None, 0, *([np.nan] * 5), None, None]
    peak_at, alarm = shown.month_peak_at, demand.alarm
    numbers = [shown.kw, shown.low_kw, shown.high_kw, shown.p_raises_peak, shown.month_peak_kw]
    return [
        shown.start.astimezone(UTC).replace(tzinfo=None),
        shown.minutes_left,
        *(np.nan if each is None else each for each in numbers),
        None if peak_at is None else peak_at.astimezone(UTC).replace(tzinfo=None),
        None if alarm is None or not raised else (alarm.text, alarm.size),
    ]


@pytest.mark.parametrize(
    ("zone", "start", "demand"),
    [
        ("Europe/Brussels", datetime(2024, 3, 30, 22, 50, tzinfo=UTC), 15),  # forward at 01:00
        ("Europe/Brussels", datetime(2024, 10, 26, 22, 50, tzinfo=UTC), 60),  # back at 01:00
        ("Australia/Lord_Howe", datetime(2024, 4, 6, 13, 40, tzinfo=UTC), 60),  # back by half
        ("Asia/Kathmandu", datetime(2024, 2, 29, 17, 40, tzinfo=UTC), 15),  # a month ends
    ],
)
def test_columns_and_alarms_are_those_of_a_meter_each(
    zone: str, start: datetime, demand: int
) -> None:
    rng = np.random.default_rng(demand + len(zone))
    meters, minutes = 3, 170
    settings = FleetSettings(demand=demand, zone=zone, net=demand == 60, peak_floor_kw=0.4)
    rule = settings.demand_rule
    assert rule is not None
    fleet = Demands(rule, HORIZONS, confidence=settings.confidence)
    records = np.full(meters, fleet.first, fleet.first.dtype)
    records["highest"][:, 1] = 1.0
    singles = [LightDemand(rule, HORIZONS, confidence=settings.confidence) for _ in range(meters)]
    for single in singles:
        single._record["highest"][:, 1] = 1.0
    level = rng.choice([0.2, 2.0], (meters, minutes // 10)).repeat(10, axis=1)
    kw = level * rng.lognormal(0.0, 0.3, (meters, minutes)) - 0.2
    late = rng.random((meters, minutes)) < 0.05  # a second reading within the minute before
    there = rng.random((meters, minutes)) < 0.97
    first_us = round(start.timestamp()) * 1_000_000
    alarms = 0
    for minute in range(minutes):
        rows = np.flatnonzero(there[:, minute])
        at = first_us + MINUTE_US * minute - np.where(late[rows, minute], MINUTE_US - 1, 0)
        mean = 0.9 * kw[rows, minute, None] + np.array([0.0, 0.05, 0.1])
        issued = np.stack([mean, mean - 0.05, mean - 0.4, mean + 0.5], axis=1)
        issued[rng.random(len(rows)) < 0.1] = np.nan
        some = records[rows]
        columns, raised = take(
            fleet, some, at=at, local=local_us(at, zone), kw=kw[rows, minute], issued_kw=issued
        )
        records[rows] = some
        texts = {row: (alarm.text, alarm.size) for row, alarm in raised}
        alarms += len(raised)
        for row, meter in enumerate(rows.tolist()):
            local = datetime.fromtimestamp(at[row].item() // 1_000_000, ZoneInfo(zone))
            alarm = singles[meter].take(local, float(kw[meter, minute]), issued[row])
            expected = _shown(singles[meter], alarm is not None)
            found = [column[row].item() for column in columns.values()] + [texts.get(row)]
            np.testing.assert_equal(found, expected)
    assert alarms
    single_records = np.concatenate([single._record for single in singles])
    for name in records.dtype.names or ():
        # A number of the month is any.
        if name != "month":
            np.testing.assert_array_equal(records[name], single_records[name])
    shown = peak_columns(records)
    np.testing.assert_array_equal(shown["month_peak_kw"], records["peak"])
    assert np.isnat(shown["month_peak_at"]).tolist() == np.isnan(records["peak"]).tolist()


def _push(shard: Shard, minutes: range, kw: float) -> dict[str, np.ndarray]:
    start = np.datetime64("2026-02-01T00:00", "us")
    at = start + np.array(minutes) * np.timedelta64(1, "m")
    return shard.push(["a"] * len(at), at, np.full(len(at), kw)).columns


def test_a_summary_has_the_peak_of_the_month(model: NetworkForecaster) -> None:
    shard = Shard(model)
    columns = _push(shard, range(16), 1.5)
    assert columns["demand_start"][[0, 14, 15]].tolist() == [
        datetime(2026, 2, 1, 0, minute) for minute in (0, 0, 15)
    ]
    assert columns["demand_minutes_left"].tolist() == [*range(14, -1, -1), 14]
    assert np.isnan(columns["month_peak_kw"][:15]).all()
    assert columns["month_peak_kw"][15] == 1.5
    summary = shard.summary().columns
    assert summary["month_peak_kw"].tolist() == [1.5]
    assert summary["month_peak_at"].tolist() == [datetime(2026, 2, 1)]


def test_columns_are_empty_without_demand_intervals(model: NetworkForecaster) -> None:
    shard = Shard(model, FleetSettings(demand=0))
    columns = _push(shard, range(16), 1.5)
    assert np.isnat(columns["demand_start"]).all()
    assert np.isnan(columns["demand_kw"]).all()
    assert np.isnan(shard.summary().columns["month_peak_kw"]).all()
    assert "demand" not in (shard._table.records.dtype.names or ())


def test_intervals_of_another_length_begin_anew(model: NetworkForecaster) -> None:
    shard = Shard(model)
    _push(shard, range(40), 1.5)
    for settings in (FleetSettings(demand=60), FleetSettings(net=True)):
        other = Shard(model, settings)
        other.restore(shard.state())
        assert np.isnan(other.summary().columns["month_peak_kw"]).all()
    bound = Shard(model, FleetSettings(peak_floor_kw=2.5))
    bound.restore(shard.state())
    assert bound.summary().columns["month_peak_kw"].tolist() == [1.5]


def test_impossible_intervals_are_rejected(model: NetworkForecaster) -> None:
    shard = Shard(model)
    _push(shard, range(3), 1.5)
    shard._table.records["demand"]["passed"] = 16
    with pytest.raises(StateError, match="demand intervals"):
        Shard(model).restore(shard.state())


@pytest.mark.parametrize(
    "wrong", [{"demand": 30}, {"peak_floor_kw": -1.0}, {"peak_alarms": 4000.0}]
)
def test_wrong_settings_are_rejected(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        FleetSettings(**wrong)
    assert FleetSettings(demand=0).demand_rule is None
    assert FleetSettings().demand_rule == DemandRule()
