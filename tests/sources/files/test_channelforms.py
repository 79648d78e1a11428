"""Forms of solar and battery columns: energies, units, signs, and what is asked about them."""

import shlex
from datetime import timedelta
from unittest.mock import patch

import numpy as np
import pytest

from streamer.errors import FormatError, SourceError, UnitError
from streamer.sources.files import streams
from tests.sources.files.houses import MINUTE, START, collected, error_of, powers, written
from tests.sources.files.test_blockrows import blocks_of


def hours(minutes):
    return minutes / 60


def test_energies_and_counters_become_powers(tmp_path):
    count, step = 300, 15
    random = np.random.default_rng(2)
    grid = random.uniform(-2, 3, count).round(3)
    height = np.maximum(np.sin(np.arange(count) * step / 1440 * 2 * np.pi), 0.0)
    solar = (4 * height * random.uniform(0.3, 1.0, count)).round(3)
    energy = (solar * hours(step) * 1000).round(6)
    forms = {
        "pv_wh": energy,
        "pv_total_kwh": 5000 + np.concatenate([[0.0], np.cumsum(energy)[:-1]]) / 1000,
    }
    day = np.arange(count) * step // 1440
    of_day = [energy[:i][day[:i] == day[i]].sum() / 1000 for i in range(count)]
    forms["pv_today_kwh"] = np.array(of_day)
    for name, values in forms.items():
        rows = zip(grid, values.round(6), strict=True)
        path = written(tmp_path / f"{name}.csv", f"time;grid_kw;{name}", rows, step * MINUTE)
        readings, notices = collected(path, column="grid_kw", solar=name, as_minutes=True)
        quarters = [(each.at - START) // (step * MINUTE) for each in readings]
        assert [each.kw for each in readings] == grid[quarters].tolist()
        np.testing.assert_allclose([each.solar_kw for each in readings], solar[quarters], atol=2e-5)
        # A counter does not show its last interval. That of a reset, at night, is zero.
        assert len(set(quarters)) == count - (name != "pv_wh")
        assert f"{name!r} is " in notices[0]
        assert notices[0].endswith(("converted to mean power", "likewise"))


def test_counters_of_both_become_powers(tmp_path):
    random = np.random.default_rng(3)
    used, sun = random.integers(1, 30, 200), random.integers(1, 40, 200)
    rows = zip(1000 + used.cumsum() / 1000, 500 + sun.cumsum() / 1000, strict=True)
    path = written(tmp_path / "counters.csv", "time;import kWh;pv kWh", rows)
    readings, notices = collected(path, column="import kWh", solar="pv kWh")
    assert [each.kw for each in readings] == pytest.approx((used[1:] * 0.06).tolist())
    assert [each.solar_kw for each in readings] == pytest.approx((sun[1:] * 0.06).tolist())
    assert "'pv kWh' is a counter in kWh" in notices[0]


def test_finer_rows_are_averaged_alike(tmp_path):
    rows = [(100 * i, 10 * i) for i in range(40)]
    path = written(tmp_path / "fine.csv", "time;grid_w;pv_w", rows, timedelta(seconds=15))
    readings, _ = collected(path, column="grid_w", solar="pv_w")
    means = [4 * i + 1.5 for i in range(10)]
    assert [each.kw for each in readings] == pytest.approx([0.1 * mean for mean in means])
    assert [each.solar_kw for each in readings] == pytest.approx([0.01 * mean for mean in means])


@pytest.mark.parametrize(
    ("header", "options", "solar"),
    [
        ("time;grid_w;pv (kW)", {}, 250.0),
        ("time;grid_w;pv", {"solar_unit": "kW"}, 250.0),
        ("time;grid;pv", {"unit": "W", "column": "grid"}, 0.25),
        ("time;grid;pv_w", {"unit": "kW", "column": "grid"}, 0.25),
        ("time;grid_w;PV_W", {"solar": "pv_w"}, 0.25),
        ("time;grid_w;pv_w", {"solar": "3"}, 0.25),
        ("time;grid_w;pv_w", {"solar": "pv_w+pv_w"}, 0.5),
    ],
)
def test_the_unit_is_that_of_the_column(tmp_path, header, options, solar):
    path = written(tmp_path / "house.csv", header, [(0.5, 250.0)] * 5)
    options = {"column": "grid_w", "solar": header.split(";")[2], "max_kw": 1000.0, **options}
    assert {each.solar_kw for each in collected(path, **options)[0]} == {solar}


def test_published_tables_have_one_unit(tmp_path):
    header = "time;battery_power;grid_power;load_power;solar_power"
    path = written(tmp_path / "powerwall.csv", header, [(-500, 300, 2800, 2000)] * 5)
    readings, _ = collected(path, solar="solar_power", battery="-battery_power")
    assert powers(readings) == [(0.3, 2.0, 0.5)] * 5


def test_the_grid_may_be_the_difference(tmp_path):
    path = written(tmp_path / "house.csv", "time;use_w;pv_w", [(300, 2000)] * 5)
    readings, _ = collected(path, column="use_w", minus="pv_w", solar="pv_w")
    assert powers(readings) == [(-1.7, 2.0, None)] * 5
    assert readings[0].consumption_kw == pytest.approx(0.3)


def test_a_key_of_json_is_a_column(tmp_path):
    path = tmp_path / "house.jsonl"
    path.write_text(
        "".join(
            f'{{"time": "{START + i * MINUTE}", "grid": {{"power_w": {i}}}, "pv": '
            f'{{"power_w": {"null" if i == 3 else 1000 + i}}}}}\n'
            for i in range(6)
        )
    )
    readings, notices = collected(path, column="grid.power_w", solar="pv.power_w")
    assert [each.solar_kw for each in readings] == [1.0, 1.001, 1.002, 1.004, 1.005]
    assert notices[-1] == "house.jsonl: 1 minute without solar power is a gap"


ERRORS = {
    "no such column": ({"solar": "sun"}, "time, grid_w, pv, battery_w; --solar 'sun' is not among"),
    "no such battery": ({"battery": "9"}, "--battery '9' is not among them"),
    "the grid's": ({"solar": "grid_w"}, "the power at the grid connection and the solar power"),
    "the time": ({"solar": "time"}, "the time and the solar power cannot be the same column"),
    "both": (
        {"solar": "battery_w", "battery": "battery_w"},
        "the solar power and the battery power cannot be the same column",
    ),
    "no unit": ({"solar": "pv"}, "'pv' has no unit (its median is 800): give --solar-unit W"),
    "several units": (
        {"solar": "grid_w+pv_kw", "column": "battery_w"},
        "columns of different units cannot be added ('grid_w' in W, 'pv_kw' in kW); convert them "
        "first, or if they are of one unit anyway, give --solar-unit",
    ),
    "several units of the grid": (
        {"column": "grid_w", "minus": "pv_kw"},
        "cannot be added ('grid_w' in W, 'pv_kw' in kW)",
    ),
    "a unit without a column": ({"solar_unit": "W"}, "--solar-unit needs the column"),
    "an unknown unit": ({"solar": "pv", "solar_unit": "VA"}, "--solar-unit 'VA' is unknown"),
    "a battery's unit alone": ({"battery_unit": "W"}, "--battery-unit needs the column"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_names_the_column_and_the_remedy(tmp_path, case):
    options, text = ERRORS[case]
    pv = "pv_kw" if "pv_kw" in str(options) else "pv"
    header = f"time;grid_w;{pv};battery_w"
    path = written(tmp_path / "house.csv", header, [(-500, 800, 100)] * 5)
    assert text in error_of(path, **{"column": "grid_w", **options})


def test_another_quantity_is_not_solar_power(tmp_path):
    path = written(tmp_path / "house.csv", "time;grid_w;irradiance", [(-500, 800)] * 5)
    text = error_of(path, column="grid_w", solar="irradiance")
    assert "is irradiance by its name" in text
    assert "--solar-unit" in text
    path = written(tmp_path / "volts.csv", "time;grid_w;pv", [(-500, "800 V")] * 5)
    assert "the power: --solar NAME" in error_of(path, column="grid_w", solar="pv")


def test_a_reversed_sign_is_asked_about(tmp_path):
    path = written(tmp_path / "house.csv", "time;grid_w;pv w", [(-500, -800 - i) for i in range(9)])
    text = error_of(path, column="grid_w", solar="pv w")
    (option,) = shlex.split(text[text.index("--solar=") :])
    readings, _ = collected(path, column="grid_w", solar=option.removeprefix("--solar="))
    assert readings[0].solar_kw == 0.8
    assert "--solar='pv w'" in error_of(
        written(tmp_path / "b.csv", "time;grid_w;pv w", [(1, 900)] * 9),
        column="grid_w", solar="-pv w",
    )  # fmt: skip


def test_an_energy_of_either_kind_is_asked_about(tmp_path):
    rows = [(100, 0.001 * (i // 2)) for i in range(30)]
    path = written(tmp_path / "house.csv", "time;grid_w;pv_kwh", rows)
    assert error_of(path, column="grid_w", solar="pv_kwh").endswith("give --quantity energy")
    as_energy, _ = collected(path, column="grid_w", solar="pv_kwh", quantity="energy")
    assert as_energy[-1].solar_kw == pytest.approx(14 * 0.06)
    as_counter, _ = collected(path, column="grid_w", solar="pv_kwh", quantity="counter")
    assert max(each.solar_kw for each in as_counter) == pytest.approx(0.03)
    assert {each.kw for each in as_energy + as_counter} == {0.1}


def test_solar_power_in_another_unit_is_an_error(tmp_path):
    rows = [(0.5, 1000 + i) for i in range(30)]
    path = written(tmp_path / "house.csv", "time;grid_kw;pv", rows)
    with pytest.raises(UnitError, match="give --solar-unit W"):
        collected(path, column="grid_kw", solar="pv", solar_unit="kW")
    late = written(tmp_path / "late.csv", "time;grid_kw;pv_kw", [(0.5, 1)] * 420 + rows[:5])
    readings, notices = collected(late, column="grid_kw", solar="pv_kw")
    assert len(readings) == 420
    assert "late.csv:422: solar power of 1000.0 kW is more than a house has" in notices[0]
    many = written(tmp_path / "many.csv", "time;grid_kw;pv_kw", [(0.5, 0)] * 9 + rows)
    with pytest.raises(UnitError, match=r"give --solar-unit"):
        collected(many, column="grid_kw", solar="pv_kw")


def test_a_value_that_is_not_a_number_is_malformed(tmp_path):
    rows = [(500, 100)] * 3 + [(500, "on")] + [(500, 100)] * 20
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", rows)
    readings, notices = collected(path, column="grid_w", solar="pv_w")
    assert len(readings) == 23
    assert notices == ["house.csv:5: solar power 'on' is not a number; row skipped"]
    with pytest.raises(FormatError, match="solar power 'on'"):
        collected(path, column="grid_w", solar="pv_w", strict=True)


def test_a_file_without_solar_power_has_no_reading(tmp_path):
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", [(500, "")] * 40)
    with pytest.raises(SourceError, match="40 minutes without solar or battery power") as caught:
        collected(path, column="grid_w", solar="pv_w")
    assert "give --solar" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([(500, 0)] * 400 + [(500, -800)] * 40, "'pv_w' is below -50 W in 30 minutes so far"),
        ([(500, 2000)] * 300, "'grid_w' is never below zero in the first 240 minutes"),
        ([(500, 2000)] * 239 + [(-1, 2000)] * 30, ""),
        ([(500, 1000)] * 300, ""),
    ],
)
def test_implausible_signs_are_reported_once(tmp_path, rows, text):
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", rows)
    blocks_of(path, chunk_bytes=1 << 12, column="grid_w", solar="pv_w")
    for size in (1 << 10, 1 << 17):
        with patch.object(streams, "CHUNK_BYTES", size):
            readings, notices = collected(path, column="grid_w", solar="pv_w")
        assert len(readings) == len(rows)
        assert len(notices) == bool(text)
        assert all(text in notice for notice in notices)


def test_a_battery_may_take_all_that_is_left(tmp_path):
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;bat_w", [(0, 2000, 1500)] * 300)
    _, notices = collected(path, column="grid_w", solar="pv_w", battery="bat_w")
    assert not [text for text in notices if "never below" in text]
