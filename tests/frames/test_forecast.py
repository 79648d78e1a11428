"""Tests of `forecast_frame`: its values are those of a pipeline that gets one reading at a time."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streamer import Pipeline, Reading, Step, forecast_frame, load_model, open_replay
from streamer.demand.settings import DemandRule
from streamer.errors import UsageError
from streamer.readings.gaps import GapRule
from streamer.sample import sample_path
from streamer.testing import FixedForecaster, readings
from tests.frames.conftest import Maker, columns_of, minutes, of_pandas, of_polars, rows_of

UCI = ["Global_active_power", "Global_reactive_power", "Voltage", "Global_intensity"]


def _sample(count: int) -> list[Reading]:
    found: list[Reading] = []
    with closing(open_replay(sample_path(), limit=count)) as source:
        while items := source.read():
            found += [item for item in items if isinstance(item, Reading)]
    return found


def _expected(step: Step, horizons: tuple[int, ...] = ()) -> dict[str, Any]:
    """What a row has of a step, by name, written down independently."""
    settled, ahead = step.settled, step.forecast
    found: dict[str, Any] = {"actual_kw": step.reading.kw, "error_kw": step.error_kw}
    for name, attribute in {
        "forecast_kw": "kw",
        "median_kw": "median_kw",
        "low_kw": "low_kw",
        "high_kw": "high_kw",
        "frozen_kw": "frozen_kw",
    }.items():
        found[name] = None if settled is None else getattr(settled, attribute)
    for attribute in ("kw", "median_kw", "low_kw", "high_kw"):
        found[f"next_{attribute}"] = None if ahead is None else getattr(ahead, attribute)
        for minute in horizons:
            mean = None if step.next_means is None else step.next_means.of(minute)
            name = f"next_{minute}_{attribute}"
            found[name] = None if mean is None else getattr(mean, attribute)
    found["alarms"] = " ".join(alarm.kind for alarm in step.alarms)
    return found


def _check(frame: Any, steps: list[Step], horizons: tuple[int, ...] = ()) -> None:
    rows = rows_of(frame)
    assert len(rows) == len(steps)
    for row, step in zip(rows, steps, strict=True):
        expected = _expected(step, horizons)
        assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-5, rel=0)
        assert set(row) <= {"at", *expected}


def test_values_are_those_of_one_reading_at_a_time(make: Maker) -> None:
    sample = _sample(400)
    frame = make(columns_of(sample))
    found = forecast_frame(frame, time="at", power="power_kw")
    assert type(found) is type(frame)
    pipeline = Pipeline(load_model())
    _check(found, [pipeline.push(reading) for reading in sample], (5, 15, 60))
    assert [pd.Timestamp(row["at"]) for row in rows_of(found)] == [each.at for each in sample]


@pytest.mark.parametrize("block", [1, 7, 50])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.frames.forecast._BLOCK", block)
    sample = _sample(120)
    found = forecast_frame(of_polars(columns_of(sample)), time="at", power="power_kw", horizons=())
    pipeline = Pipeline(load_model(), horizons=False)
    _check(found, [pipeline.push(reading) for reading in sample])


def test_settings_are_those_of_the_pipeline() -> None:
    sample = _sample(200)
    frame = of_polars(columns_of(sample))
    gaps = GapRule("reset", 0)
    part = frame.filter(pl.int_range(pl.len()) != 100)
    found = forecast_frame(
        part, time="at", power="power_kw", adapt=False, confidence=0.8, gaps=gaps, horizons=(2, 60)
    )
    pipeline = Pipeline(load_model(), adapt=False, confidence=0.8, gaps=gaps)
    steps = [pipeline.push(each) for row, each in enumerate(sample) if row != 100]
    assert steps[100].forecast is None
    _check(found, steps, (2, 60))


def test_missing_values_are_gaps_and_no_minute_is_made_up(make: Maker) -> None:
    model = FixedForecaster(window=2, spread_kw=0.1)
    columns = {"at": minutes(6), "power_kw": [0.1, 0.2, None, 0.4, None, 0.6]}
    rows = rows_of(forecast_frame(make(columns), time="at", power="power_kw", model=model))
    pipeline = Pipeline(model)
    known = readings([0.1, 0.2, math.nan, 0.4, math.nan, 0.6])
    steps = [pipeline.push(each) for each in known]
    assert [row["actual_kw"] for row in rows] == [0.1, 0.2, None, 0.4, None, 0.6]
    for place, step in zip((0, 1, 3, 5), steps, strict=True):
        expected = _expected(step)
        assert {key: rows[place][key] for key in expected} == pytest.approx(expected)
    for place in (2, 4):
        assert {value for key, value in rows[place].items() if key != "at"} == {None}
    assert [step.gap_minutes for step in steps] == [0, 0, 1, 1]


def test_a_nan_is_a_gap_in_every_library(make: Maker) -> None:
    columns = {"at": minutes(3), "power_kw": [0.1, math.nan, 0.3]}
    model = FixedForecaster(window=1)
    rows = rows_of(forecast_frame(make(columns), time="at", power="power_kw", model=model))
    assert [row["actual_kw"] for row in rows] == [0.1, None, 0.3]
    assert [row["forecast_kw"] for row in rows] == [None, None, 0.1]


def test_a_frame_without_any_reading_has_no_forecasts(make: Maker) -> None:
    columns = {"at": minutes(2), "power_kw": [math.nan, math.nan]}
    model = FixedForecaster(window=1)
    rows = rows_of(forecast_frame(make(columns), time="at", power="power_kw", model=model))
    assert len(rows) == 2
    assert {value for row in rows for key, value in row.items() if key != "at"} == {None}


def test_an_index_of_pandas_is_kept() -> None:
    frame = of_pandas({"at": minutes(3), "power_kw": [0.1, 0.2, 0.3]})
    model = FixedForecaster(window=1)
    found = forecast_frame(frame, time="at", power="power_kw", model=model)
    assert list(found.index) == [10, 13, 16]
    assert list(found.columns[:2]) == ["at", "actual_kw"]
    indexed = frame.set_index("at")
    found = forecast_frame(indexed, power="power_kw", model=model)
    assert found.index.equals(indexed.index)
    assert found.index.name == "at"
    assert list(found["forecast_kw"])[1:] == [0.1, 0.2]
    assert list(frame.columns) == ["at", "power_kw"]


@pytest.mark.parametrize(
    ("column", "unit", "factor"),
    [("power_kw", None, 1.0), ("grid_w", None, 1e3), ("p", "W", 1e3), ("p_w", "kW", 1.0)],
)
def test_units_are_given_or_in_the_name(column: str, unit: str | None, factor: float) -> None:
    frame = of_polars({"at": minutes(2), column: [0.25 * factor, -0.5 * factor]})
    model = FixedForecaster(window=1)
    found = forecast_frame(frame, time="at", power=column, unit=unit, model=model)
    assert found["actual_kw"].to_list() == [0.25, -0.5]


@pytest.mark.parametrize(
    "values", [[1, 2], [Decimal("1.0"), Decimal("2.0")], pl.Series([1.0, 2.0], dtype=pl.Float32)]
)
def test_numbers_of_other_types_are_taken(values: Any) -> None:
    frame = of_polars({"at": minutes(2), "kw": values})
    found = forecast_frame(frame, time="at", power="kw", model=FixedForecaster(window=1))
    assert found["actual_kw"].to_list() == [1.0, 2.0]


def test_nullable_numbers_of_pandas_are_taken() -> None:
    frame = of_pandas({"at": minutes(3), "kw": pd.array([1, None, 3], "Int64")})
    found = forecast_frame(frame, time="at", power="kw", model=FixedForecaster(window=1))
    assert found["actual_kw"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_clock_that_is_set_back_has_no_gap(library: Any) -> None:
    zone = ZoneInfo("Europe/Paris")
    start = datetime(2016, 10, 30, 0, 58, tzinfo=UTC)
    at = [(start + timedelta(minutes=each)).astimezone(zone) for each in range(4)]
    assert [each.hour for each in at] == [2, 2, 2, 2]
    model = FixedForecaster(window=1)
    frame = library({"at": at, "kw": [0.1, 0.2, 0.3, 0.4]})
    rows = rows_of(forecast_frame(frame, time="at", power="kw", model=model, horizons=()))
    assert [row["forecast_kw"] for row in rows] == [None, 0.1, 0.2, 0.3]
    assert [row["at"].utcoffset() / timedelta(hours=1) for row in rows] == [2, 2, 1, 1]


def test_solar_and_battery_power_are_taken(make: Maker) -> None:
    grid = [0.1 * each for each in range(8)]
    solar, battery = [0.5, 0.6, None, 0.8, 0.7, 0.6, 0.5, 0.4], [-0.1] * 8
    columns = {"at": minutes(8), "grid_w": [1e3 * kw for kw in grid], "pv_kw": solar}
    columns["battery"] = [1e3 * kw for kw in battery]
    model = FixedForecaster(window=2, spread_kw=0.2)
    found = forecast_frame(
        make(columns), time="at", power="grid_w", solar="pv_kw", battery="battery", model=model
    )
    pipeline = Pipeline(model)
    rows = rows_of(found)
    assert rows[2]["actual_kw"] is None
    for row, kw, sun, stored in zip(rows, grid, solar, battery, strict=True):
        if sun is None:
            continue
        at = pd.Timestamp(row["at"]).to_pydatetime()
        step = pipeline.push(Reading(at, kw, sun, stored))
        assert row["solar_kw"] == sun
        assert row["consumption_kw"] == pytest.approx(kw + sun - stored)
        if step.forecast is not None:
            assert row["next_kw"] == pytest.approx(step.forecast.kw)
            assert row["next_solar_kw"] == pytest.approx(step.forecast.solar_kw)
            assert row["next_consumption_kw"] == pytest.approx(step.forecast.consumption_kw)


def test_channels_of_the_published_table_are_found(make: Maker) -> None:
    table = pd.read_csv(sample_path(), sep=";", na_values="?", nrows=120)
    table["at"] = pd.to_datetime(table.pop("Date") + " " + table.pop("Time"), dayfirst=True)
    columns: dict[str, Any] = {name: table[name].tolist() for name in table}
    columns["at"] = [at.to_pydatetime() for at in table["at"]]
    found = forecast_frame(
        make(columns), time="at", power="Global_active_power", model="sceaux-channels", horizons=()
    )
    model = load_model("sceaux-channels")
    pipeline = Pipeline(model, horizons=False)
    with closing(open_replay(sample_path(), limit=120, channels=_requests(model))) as source:
        steps = [pipeline.push(item) for item in source.read() if isinstance(item, Reading)]
    _check_known(rows_of(found), steps)


def _requests(model: Any) -> Any:
    from streamer.sources.files.layout import ChannelRequest

    return [ChannelRequest(each.name, each.unit) for each in model.card.inputs[1:]]


def _check_known(rows: list[dict[str, Any]], steps: list[Step]) -> None:
    known = [row for row in rows if row["actual_kw"] is not None]
    assert len(known) == len(steps) > 100
    for row, step in zip(known, steps, strict=True):
        expected = _expected(step)
        assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-5, rel=0)


def test_channels_are_given_by_name_and_unit() -> None:
    table = pd.read_csv(sample_path(), sep=";", na_values="?", nrows=60)
    at = pd.to_datetime(table["Date"] + " " + table["Time"], dayfirst=True)
    own = pd.DataFrame({"at": at, "p": 1e3 * table[UCI[0]], "q": 1e3 * table[UCI[1]]})
    own["U1"], own["I_ma"] = table[UCI[2]], 1e3 * table[UCI[3]]
    for number in (1, 2, 3):
        own[f"s{number}_w"] = 60.0 * table[f"Sub_metering_{number}"]
    own["b"] = 0.0
    channels = {"reactive": ("q", "var"), "voltage": "U1", "current": "I_ma"}
    channels |= {f"sub_{number}": f"s{number}_w" for number in (1, 2, 3)}
    model = load_model("sceaux-channels")
    by_name = {"time": "at", "power": "p", "unit": "W", "model": model, "horizons": ()}
    found = forecast_frame(own, **by_name, channels=channels)
    table["at"] = at
    expected = forecast_frame(
        table, time="at", power="Global_active_power", model=model, horizons=()
    )
    pd.testing.assert_series_equal(found["next_kw"], expected["next_kw"], atol=1e-9)
    with pytest.raises(UsageError, match="the unit of column 'q' is not known; give channels="):
        forecast_frame(own, **by_name, channels=channels | {"reactive": "q"})
    with pytest.raises(UsageError, match="'q' is in 'V', but the model takes reactive in kvar"):
        forecast_frame(own, **by_name, channels=channels | {"reactive": ("q", "V")})
    with pytest.raises(UsageError, match=r"takes reactive \(kvar\) beside the power; give chan"):
        forecast_frame(own, **by_name)
    with pytest.raises(UsageError, match=r"channels\['boiler'\]: the model takes reactive, vol"):
        forecast_frame(own, **by_name, channels=channels | {"boiler": "b"})
    with pytest.raises(UsageError, match=r"channels\['voltage'\]: the model takes the power alon"):
        forecast_frame(own, **by_name | {"model": "sceaux"}, channels={"voltage": "U1"})


class Reverting:
    """A forecaster of one's own, with a channel."""

    window = 3
    channels = ("voltage",)

    def forecast(self, window: Any) -> float:
        return float(window.kw.mean() + window.channels["voltage"][-1] - 230.0)


def test_forecasters_of_ones_own_are_taken() -> None:
    frame = of_polars({"at": minutes(6), "kw": [0.1, 0.2, 0.6, 0.4, 0.5, 0.9], "U": [230.25] * 6})
    found = forecast_frame(
        frame, time="at", power="kw", channels={"voltage": "U"}, model=Reverting(), adapt=False
    )
    expected = [0.3 + 0.25, 0.4 + 0.25, 0.5 + 0.25, 0.6 + 0.25]
    assert found["next_kw"].to_list() == [None, None, *map(pytest.approx, expected)]
    with pytest.raises(UsageError, match=r"takes voltage \(V\) beside the power; give channels="):
        forecast_frame(frame, time="at", power="kw", model=Reverting())
    with pytest.raises(UsageError, match="horizons has 5, but the model forecasts the mean of n"):
        forecast_frame(frame, time="at", power="kw", model=Reverting(), horizons=(5,))


def test_plug_ins_are_taken_by_their_names() -> None:
    frame = of_polars({"at": minutes(60), "kw": [0.1 * (each % 3) for each in range(60)]})
    found = forecast_frame(frame, time="at", power="kw", model="persistence", adapt=False)
    assert found["next_kw"].to_list()[50:] == frame["kw"].to_list()[50:]
    with pytest.raises(UsageError, match="no model 'nowhere'"):
        forecast_frame(frame, time="at", power="kw", model="nowhere")


def test_demand_intervals_are_forecast() -> None:
    sample = _sample(120)
    rule = DemandRule(15, limit_kw=1.0)
    frame = of_polars(columns_of(sample))
    rows = rows_of(forecast_frame(frame, time="at", power="power_kw", demand=rule, horizons=()))
    pipeline = Pipeline(load_model(), demand=rule)
    for row, reading in zip(rows, sample, strict=True):
        demand = pipeline.push(reading).demand
        assert demand is not None
        assert row["demand_margin_kw"] == pytest.approx(demand.margin_kw, abs=1e-5)
        assert row["demand_kw"] == pytest.approx(demand.kw, abs=1e-5)
        assert row["p_raises_peak"] == pytest.approx(demand.p_raises_peak, abs=1e-4)
    assert "next_5_kw" not in rows[0]


def test_alarms_are_named() -> None:
    kw = [0.3] * 400 + [9.0]
    frame = of_polars({"at": minutes(401), "kw": kw})
    model = FixedForecaster(window=1, spread_kw=0.1)
    found = forecast_frame(frame, time="at", power="kw", model=model)
    assert "anomaly" in found["alarms"][400].split()


def test_values_that_a_model_makes_infinite_are_null() -> None:
    frame = of_polars({"at": minutes(3), "kw": [0.1, 0.2, 0.3]})
    model = FixedForecaster(math.inf, window=1)
    found = forecast_frame(frame, time="at", power="kw", model=model, adapt=False)
    assert found["next_kw"].null_count() == 3
