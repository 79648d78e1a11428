"""Tests of the measuring: figures against loops over the same minutes, tables, and files."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from streamer import Forecaster, StreamerError
from streamer.readings import Forecast
from streamer.testing import FixedForecaster
from streamer.training.additions import HouseSeries
from tests.houses import __main__ as command
from tests.houses import traces
from tests.houses.cases import KINDS, MEASURED, STANDARD, House, cases, read_house, read_irradiance
from tests.houses.measures import figures
from tests.houses.tables import compared, report
from tests.houses.traces import Trace, trace

DAY = 1440
MINUTES = 9 * DAY


def _minutes(count: int) -> np.ndarray:
    return np.datetime64("2013-06-01T00:00:00") + np.arange(count) * np.timedelta64(60, "s")


@pytest.fixture(scope="module")
def made() -> Trace:
    """A trace of random numbers with a gap in its forecasts, and alarms in both weeks."""
    rng = np.random.default_rng(1)
    actual = np.round(rng.gamma(2.0, 2.5, MINUTES), 3)
    mean, median, point, frozen, last = actual + rng.standard_normal((5, MINUTES))
    low, high = mean - 1.0, mean + 2.0
    for column in (mean, median, point, frozen, last, low, high):
        column[3000:3050] = np.nan
    anomalies = np.zeros(MINUTES, np.bool_)
    anomalies[[100, 7 * DAY + 5, 7 * DAY + 900, 8 * DAY + 2]] = True
    stuck = np.zeros(MINUTES, np.bool_)
    stuck[-144:] = True
    return Trace(
        at=_minutes(MINUTES),
        actual_kw=actual,
        mean_kw=mean,
        median_kw=median,
        point_kw=point,
        frozen_kw=frozen,
        last_kw=last,
        low_kw=low,
        high_kw=high,
        raised={"anomaly": anomalies},
        active={"anomaly": anomalies, "stuck": stuck},
    )


def _chosen(made: Trace, part: str) -> list[int]:
    """Rows of a part, by a loop over all minutes."""
    rows = []
    for row in range(DAY, MINUTES):
        hour = row // 60 % 24
        inside = {
            "all": True,
            "night": hour < 6,
            "day": 10 <= hour < 16,
            "above 9 kW": made.last_kw[row] > 9.0,
        }
        if not np.isnan(made.mean_kw[row]) and inside[part]:
            rows.append(row)
    return rows


@pytest.mark.parametrize("part", ["all", "night", "day", "above 9 kW"])
def test_scores_agree_with_a_loop(made: Trace, part: str) -> None:
    found = figures(made)[part]
    rows = _chosen(made, part)
    errors, reference, winkler, inside, outside = [], [], [], [], []
    for row in rows:
        actual, low, high = made.actual_kw[row], made.low_kw[row], made.high_kw[row]
        errors.append(actual - made.point_kw[row])
        reference.append(actual - made.last_kw[row])
        beyond = low - actual if actual < low else max(actual - high, 0.0)
        winkler.append(high - low + 20.0 * beyond)
        inside.append(low <= actual <= high)
        outside.append(not low <= made.point_kw[row] <= high)
    assert found["minutes"] == len(rows)
    assert found["mae_w"]["point"] == pytest.approx(1000 * np.mean(np.abs(errors)))
    assert found["mse_kw2"]["persistence"] == pytest.approx(np.mean(np.square(reference)))
    skill = 1.0 - np.mean(np.square(errors)) / np.mean(np.square(reference))
    assert found["skill"]["point"] == pytest.approx(skill)
    assert found["winkler_kw"] == pytest.approx(np.mean(winkler))
    assert found["coverage"] == pytest.approx(np.mean(inside))
    assert found["outside"] == {"mean": 0.0, "point": pytest.approx(np.mean(outside))}


def test_thirds_are_ordered_by_the_change_of_twenty_readings_before(made: Trace) -> None:
    found = figures(made)
    total = found["all"]["minutes"]
    change = np.abs(np.diff(made.actual_kw))
    before = {row: change[row - 21 : row - 1].mean() for row in _chosen(made, "all")}
    ordered = sorted(before, key=lambda row: before[row])
    thirds = np.array_split(np.array(ordered), 3)
    for name, third in zip(("calm", "middle", "rough"), thirds, strict=True):
        mae = 1000.0 * np.abs(made.actual_kw - made.mean_kw)[third].mean()
        assert found[name]["minutes"] == pytest.approx(total / 3, abs=1)
        assert found[name]["mae_w"]["mean"] == pytest.approx(mae, rel=1e-3)


def test_hours_add_up(made: Trace) -> None:
    found = figures(made)
    assert len(found["hours"]) == 24
    assert sum(hour["minutes"] for hour in found["hours"]) == found["all"]["minutes"]


def test_alarms_are_counted_after_the_first_week(made: Trace) -> None:
    alarms = figures(made)["alarms"]
    assert alarms["anomaly"] == {
        "a_day": 1.5,
        "worst_day": 2,
        "active": 3 / (2 * DAY),
        "first_week": 1,
    }
    assert alarms["stuck"]["active"] == 144 / (2 * DAY)
    assert alarms["unit"]["a_day"] == 0.0


def test_charge_starts_that_raise_an_alarm_are_counted(made: Trace) -> None:
    car = np.zeros(MINUTES)
    for start in (99, 2000, 4000, 7 * DAY + 3, 7 * DAY + 901):
        car[start : start + 60] = 11.0
    assert figures(made, car)["charge starts"] == {
        "starts": 5,
        "alarmed": 2,
        "alarmed_after_third": 1,
    }


def test_parts_without_minutes_are_empty(made: Trace) -> None:
    calm = dataclasses.replace(made, last_kw=np.minimum(made.last_kw, 8.0))
    found = figures(calm)
    assert found["above 9 kW"] is None
    row = {"house": "a", "kind": "b", "figures": found}
    assert "| a | b |  |  |  |  |" in report([row])


def _series() -> HouseSeries:
    rng = np.random.default_rng(3)
    return HouseSeries(_minutes(200), rng.uniform(0.2, 0.6, 200), np.zeros(200))


def test_trace_has_the_forecasts_that_were_settled() -> None:
    series = _series()
    found = trace(FixedForecaster(kw=0.5), series)
    assert found is not None
    warm_up = 49
    assert np.isnan(found.mean_kw[:warm_up]).all()
    np.testing.assert_allclose(found.frozen_kw[warm_up:], 0.5)
    np.testing.assert_array_equal(found.last_kw[warm_up:], series.grid_kw[warm_up - 1 : -1])
    assert (found.low_kw[warm_up:] <= found.high_kw[warm_up:]).all()
    assert found.actual_kw is series.grid_kw


def test_horizons_have_a_table(made: Trace) -> None:
    count = 300
    grid = np.random.default_rng(2).random(count)
    series = HouseSeries(_minutes(count), grid, None)
    found = trace(FixedForecaster(window=2, spread_kw=0.2, horizons=(5, 60)), series)
    assert found is not None
    assert [each.minutes for each in found.means] == [1, 5, 60]
    means = figures(found)["means"]
    assert list(means) == ["1", "5", "60"]
    assert means["5"]["settled"] == count - 1 - 5
    assert "Mean of the next" not in report([_row("sun", made)])
    text = report([_row("sun", dataclasses.replace(made, means=found.means))])
    table = text[text.index("### Mean of the next minutes, adapted") :].splitlines()
    cells = [cell.strip() for cell in table[4].split("|")][3:]
    assert cells[0] == f"{100 * means['5']['skill']:.1f}"
    assert cells[1] == ""  # no horizon of 15 minutes
    assert cells[8] == f"{means['60']['winkler_kw']:.3f}"


def test_a_forecast_of_an_earlier_release_shows_its_mean() -> None:
    now = Forecast(datetime(2013, 6, 1), 0.5, 0.3, 0.6, 0.4, 0.1, 0.9)
    names = ("kw", "last_kw", "frozen_kw", "median_kw", "low_kw", "high_kw")
    earlier: Any = SimpleNamespace(**{name: getattr(now, name) for name in names})
    assert traces._values(now) == [0.5, 0.4, 0.4, 0.6, 0.3, 0.1, 0.9]
    assert traces._values(earlier) == [0.5, 0.4, 0.5, 0.6, 0.3, 0.1, 0.9]


def test_a_channel_that_is_not_measured_is_left_out() -> None:
    series = dataclasses.replace(_series(), solar_kw=None)
    assert trace(FixedForecaster(kw=0.5), series, channel=True) is None


def test_cases_have_the_same_additions_in_each() -> None:
    kw = np.full(2 * DAY, 0.4)
    house = House("a", _minutes(2 * DAY), kw)
    measured = np.full(DAY, 250.0)
    found = {case.kind: case for case in cases(house, STANDARD, 1, measured)}
    suns = {kind + MEASURED for kind, wanted in KINDS.items() if "panels" in wanted}
    assert set(found) == {*KINDS, *suns}
    parts = [found[kind].series.grid_kw - kw for kind in ("sun", "car", "heat pump")]
    together = found["all three"].series.grid_kw - kw
    np.testing.assert_allclose(together, sum(parts), atol=0.003)
    car = found["car"].car_kw
    assert car is not None
    np.testing.assert_allclose(parts[1], car, atol=0.001)
    assert found["sun"].car_kw is None
    battery = found["sun and battery"].series
    assert battery.battery_kw is not None
    np.testing.assert_allclose(battery.grid_kw - battery.battery_kw, kw + parts[0], atol=0.003)
    shone = found["sun" + MEASURED].series.solar_kw
    assert shone is not None
    np.testing.assert_allclose(shone, 1.0)


def _write_house(path: Path, days: int) -> np.ndarray:
    kw = np.round(np.random.default_rng(5).uniform(0.1, 3.0, days * DAY), 3)
    at = np.datetime64("2013-05-31T12:00:00") + np.arange(len(kw)) * np.timedelta64(60, "s")
    rows = [f"{when},{value}" for when, value in zip(at, kw, strict=True)]
    path.write_text("\n".join(["timestamp,power_kw", *rows]) + "\n")
    return kw


def test_a_house_begins_at_midnight_or_on_the_day_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "some.house.csv"
    kw = _write_house(path, 4)
    house = read_house(str(path), 2)
    assert house.name == "some 2013-06-01"
    np.testing.assert_array_equal(house.kw, kw[720 : 720 + 2 * DAY])
    later = read_house(f"mine={path}@2013-06-02", 1)
    assert later.name == "mine 2013-06-02"
    np.testing.assert_array_equal(later.kw, kw[720 + DAY : 720 + 2 * DAY])
    assert later.at[0] == np.datetime64("2013-06-02T00:00:00")


@pytest.mark.parametrize(
    ("day", "text"),
    [("@2013-13-01", "'2013-13-01' is not a date"), ("@2015-01-01", "no reading found")],
)
def test_a_house_without_such_days_is_refused(tmp_path: Path, day: str, text: str) -> None:
    path = tmp_path / "house.csv"
    _write_house(path, 1)
    with pytest.raises(StreamerError, match=text):
        read_house(f"{path}{day}", 2)


def _irradiance(path: Path, count: int, value: str = "10") -> Path:
    rows = [f"{str(when).replace('T', ' ')},{value}" for when in _minutes(count)]
    path.write_text("\n".join(["timestamp,ghi_w_m2", *rows]) + "\n")
    return path


def test_irradiance_is_read_in_whole_days(tmp_path: Path) -> None:
    at, irradiance = read_irradiance(_irradiance(tmp_path / "sun.csv", DAY))
    assert at[-1] == np.datetime64("2013-06-01T23:59")
    np.testing.assert_array_equal(irradiance, np.full(DAY, 10.0))


@pytest.mark.parametrize(
    ("count", "value", "text"),
    [(DAY - 1, "10", "whole days"), (DAY, "nan", "missing"), (DAY, "bright", "bright")],
)
def test_irradiance_that_cannot_be_used_is_refused(
    tmp_path: Path, count: int, value: str, text: str
) -> None:
    with pytest.raises(StreamerError, match=text):
        read_irradiance(_irradiance(tmp_path / "sun.csv", count, value))


def _row(kind: str, made: Trace) -> dict[str, Any]:
    return {"house": "house", "kind": kind, "figures": figures(made)}


def test_report_has_every_table_and_the_goals_missed(made: Trace) -> None:
    text = report([_row("sun", made), _row("car", made)], hours=True)
    for title in ("Errors", "Intervals", "Squared error", "Alarms", "By hour: house, car"):
        assert f"### {title}" in text
    assert "| more than 1.2 anomalies a day | 2 of 2 | house: sun; house: car |" in text
    assert "| a `unit` alarm | 0 of 2 |  |" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| house | sun")}
    heads = {line.count("|") for line in text.splitlines() if line.startswith("| house | add")}
    assert widths == heads
    assert "None" not in text


def test_another_series_is_not_compared(made: Trace) -> None:
    other = dataclasses.replace(made, last_kw=made.last_kw + 0.1)
    assert "| other readings |" in compared([_row("sun", other)], [_row("sun", made)])


def test_ranges_are_over_the_houses(made: Trace) -> None:
    wide = dataclasses.replace(made, low_kw=made.low_kw - 100.0, high_kw=made.high_kw + 100.0)
    rows = [_row("sun", made), _row("sun", wide), _row("car", wide)]
    ranges = report(rows).split("### ")[1].splitlines()
    coverage = rows[0]["figures"]["night"]["coverage"]
    assert ranges[4].split(" | ")[5] == f"{100 * coverage:.1f} to 100.0"
    assert ranges[5].split(" | ")[5] == "100.0"


def test_before_and_after_stand_side_by_side(made: Trace) -> None:
    worse = dataclasses.replace(made, mean_kw=made.actual_kw + 2 * (made.mean_kw - made.actual_kw))
    before = json.loads(json.dumps([_row("sun", made)]))
    text = compared(before, [_row("sun", worse), _row("car", made)])
    assert "| house | sun | +300.00 |" in text
    assert "| house | car |  |" in text


def test_command_measures_every_series_and_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Trace
) -> None:
    _write_house(tmp_path / "house.csv", 4)
    _irradiance(tmp_path / "sun.csv", DAY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "load_model", _loaded)
    monkeypatch.setattr(command, "read_house", _day_and_hour)
    before = {"house": "house 2013-06-01", "kind": "car", "figures": figures(made)}
    Path("before.json").write_text(json.dumps([before]))
    files = ["--irradiance", "sun.csv", "--before", "before.json", "--json", "found.json"]
    done = _run("--data", "house.csv", "--drawn", *files)
    assert done.exit_code == 0, done.output
    found = json.loads(Path("found.json").read_text())
    kinds = {row["kind"] for row in found}
    assert kinds >= {*KINDS, "sun" + MEASURED, "all three" + MEASURED}
    assert {row["figures"]["all"]["minutes"] for row in found} == {60}
    changed = done.stdout.split("### Before → after")[1]
    rows = re.findall(r"^\| house 2013-06-01 \| ([^|]+) \| other", changed, re.MULTILINE)
    assert rows == ["car"]


@pytest.mark.parametrize("text", ["", "3", '["a"]', '[{"house": "a"}]'])
def test_command_refuses_figures_that_are_not(tmp_path: Path, text: str) -> None:
    figures_file = tmp_path / "found.json"
    figures_file.write_text(text)
    done = _run("--data", "none.csv", "--before", str(figures_file))
    assert done.exit_code == 1
    assert "found.json: not figures" in done.stderr


def test_command_reports_a_file_that_is_missing() -> None:
    done = _run("--data", "none.csv")
    assert done.exit_code == 1
    assert "none.csv" in done.stderr
    assert _run("--data", "none.csv", "--irradiance", "none.csv").exit_code == 2


def _run(*arguments: str) -> Result:
    app = Typer()
    app.command()(command.main)
    return CliRunner().invoke(app, arguments)


def _day_and_hour(spec: str, _: int) -> House:
    house = read_house(spec, 2)
    return House(house.name, house.at[: DAY + 60], house.kw[: DAY + 60])


def _loaded(name: str) -> Forecaster:
    assert name == "sceaux"
    return FixedForecaster(kw=0.5)
