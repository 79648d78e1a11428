"""Solar and battery columns beside the grid's power, compared with pandas and NumPy."""

import itertools
import json
import shlex
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import FormatError, SourceError, UnitError, UsageError
from streamer.readings import Notice, Reading
from streamer.readings.blocks import ReadingBlock
from streamer.sources.files import streams
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.joining import ChannelJoin
from tests.sources.files.test_blockrows import blocks_of

START = datetime(2024, 6, 1, 9)
MINUTE = timedelta(minutes=1)
MISSING = ("", "?", "NaN", "null", "unavailable")


def written(path, header, rows, step=MINUTE, start=START, delimiter=";"):
    """Write a table with a time in its first column."""
    lines = [
        delimiter.join([f"{start + i * step:%Y-%m-%d %H:%M:%S}", *map(str, row)])
        for i, row in enumerate(rows)
    ]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def collected(path, **options):
    """All readings, and the texts of all notices."""
    items = []
    with closing(open_replay(path, **options)) as source:
        while piece := source.read():
            items += piece
    readings = [item for item in items if isinstance(item, Reading)]
    return readings, [item.text for item in items if isinstance(item, Notice)]


def powers(readings):
    return [(each.kw, each.solar_kw, each.battery_kw) for each in readings]


def error_of(path, **options):
    with pytest.raises(UsageError) as caught:
        collected(path, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def expected(frame, per_kw):
    """The rows that are readings, with the nights filled, without looking at the parser."""
    grid, solar = frame["grid"] / per_kw, frame["pv"] / per_kw
    known = np.flatnonzero(solar.notna())
    filled = solar.to_numpy(copy=True)
    for before, after in itertools.pairwise(known):
        ends = solar.iloc[[before, after]]
        if after - before <= 1440 and (ends.abs() <= 0.01).all():
            filled[before + 1 : after] = 0.0
    kept = grid.notna().to_numpy() & ~np.isnan(filled)
    if "battery" in frame:
        kept &= frame["battery"].notna().to_numpy()
    return kept, grid.to_numpy(), filled


WATTS = st.one_of(
    st.sampled_from(MISSING), st.sampled_from([0, 0, 4, 10, 11]), st.integers(-2000, 9000)
)
SUN = st.one_of(st.sampled_from(MISSING), st.sampled_from([0, 0, 10, 11, -3, 2500]))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(SUN, WATTS, WATTS), min_size=3, max_size=30),
    st.sampled_from(["W", "kW"]),
    st.sampled_from([".", ","]),
    st.booleans(),
)
def test_any_columns_are_those_of_pandas(tmp_path_factory, rows, unit, decimal, has_battery):
    path = tmp_path_factory.getbasetemp() / "any-channels.csv"
    per_kw = {"W": 1000.0, "kW": 1.0}[unit]

    def shown(value):
        if isinstance(value, str):
            return value
        text = f"{value}.0" if unit == "W" else f"{value / 1000:.3f}"
        return text.replace(".", decimal)

    written(path, f"time;pv;grid;battery;P ({unit})", [(*map(shown, row), "1") for row in rows])
    text = path.read_text().replace(f"P ({unit})", "note")
    path.write_text(text)
    frame = pd.read_csv(
        StringIO(text), sep=";", decimal=decimal, na_values=[*MISSING], dtype={"time": str}
    ).astype({"pv": float, "grid": float, "battery": float})
    if not has_battery:
        frame = frame.drop(columns="battery")
    kept, grid, solar = expected(frame, per_kw)
    options = {"column": "grid", "solar": "pv", "unit": unit, "decimal": decimal}
    if has_battery:
        options["battery"] = "battery"
    try:
        readings, notices = collected(path, **options)
    except SourceError:
        assert not kept.any()
        return
    assert [(each.at - START) // MINUTE for each in readings] == np.flatnonzero(kept).tolist()
    assert [each.kw for each in readings] == grid[kept].tolist()
    assert [each.solar_kw for each in readings] == solar[kept].tolist()
    battery = (frame["battery"] / per_kw)[kept].tolist() if has_battery else [None] * kept.sum()
    assert [each.battery_kw for each in readings] == battery
    gaps = frame["grid"].notna().sum() - kept.sum()
    totals = [text for text in notices if text.startswith(path.name + ": ") and " gap" in text]
    assert sum(int(text.split()[1]) for text in totals) == gaps


def near_zero(kw):
    return kw is not None and abs(kw) <= 0.01


@given(
    st.lists(
        st.tuples(
            st.integers(1, 900),
            st.sampled_from([None, 0.5, -2.0]),
            st.sampled_from([None, None, 0.0, 0.01, 0.011, 3.0]),
            st.sampled_from([None, 1.0, 1.0, 1.0]),
        ),
        max_size=40,
    )
)
def test_a_minute_needs_all_channels_except_at_night(rows):
    join, found, at = ChannelJoin(["solar", "battery"]), [], START
    times = []
    for step, grid, solar, battery in rows:
        at += step * MINUTE
        times.append(at)
        found += join.add(at, grid, (solar, battery), f"house.csv:{len(times)}")
    found += join.finish("the end")
    assert [each.at for each in found] == [
        at for at, row in zip(times, rows, strict=True) if row[1] is not None
    ]
    for minute in found:
        place = times.index(minute.at)
        _, grid, solar, battery = rows[place]
        before = [i for i in range(place) if rows[i][2] is not None][-1:]
        after = [i for i in range(place + 1, len(rows)) if rows[i][2] is not None][:1]
        is_night = (
            solar is None
            and bool(before and after)
            and times[after[0]] - times[before[0]] <= timedelta(days=1)
            and near_zero(rows[before[0]][2])
            and near_zero(rows[after[0]][2])
        )
        assert minute.is_night == is_night
        solar = 0.0 if is_night else solar
        without = "solar" if solar is None else "battery" if battery is None else None
        where = f"house.csv:{place + 1}"
        assert minute == (minute.at, grid, where, solar, battery, without, is_night)


def house(days, seed=1, *, silent=False):
    """Minutes of a house with panels and a battery: rows of grid, solar and battery in W."""
    random = np.random.default_rng(seed)
    minute = np.arange(days * 1440)
    height = np.sin((minute % 1440 - 300) / 900 * np.pi)
    solar = np.round(4000 * np.maximum(height, 0.0) * random.uniform(0.3, 1.0, len(minute)), 1)
    battery = np.round(0.3 * solar - 200, 1)
    grid = np.round(random.uniform(200, 900, len(minute)) - solar + battery, 1)
    shown = [str(watts) for watts in solar]
    if silent:
        shown = ["" if up < -0.05 else text for up, text in zip(height, shown, strict=True)]
    return [*zip(grid.tolist(), shown, battery.tolist(), strict=True)]


def test_a_silent_night_is_reported(tmp_path):
    rows = house(3, silent=True)
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;battery_w", rows, start=START)
    readings, notices = collected(path, column="grid_w", solar="pv_w")
    silent = [text == "" for _, text, _ in rows]
    nights = [len(list(run)) for value, run in itertools.groupby(silent) if value]
    # That before the first value, and that after the last, do not begin or end at zero.
    filled = sum(nights[1:-1])
    assert len(readings) == len(rows) - nights[0] - nights[-1]
    assert sum(reading.solar_kw == 0.0 for reading in readings) >= filled
    assert notices[-2:] == [
        f"house.csv: {nights[0] + nights[-1]:,} minutes without solar power are gaps",
        f"house.csv: {filled:,} minutes without solar power at night, between values of at most "
        "10 W: taken for 0 W",
    ]
    assert "the minute is a gap" in notices[0]
    assert "taken for a night" in notices[1]


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("options", [{}, {"battery": "battery_w"}, {"battery": "-battery_w"}])
def test_blocks_are_the_rows(tmp_path, silent, options):
    rows = house(2, silent=silent)
    rows[700:703] = [("?", "1.0", "2"), ("", "?", "2"), ("?", "", "")]
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;battery_w", rows)
    options = {"column": "grid_w", "solar": "pv_w", **options}
    assert blocks_of(path, chunk_bytes=1 << 14, **options)
    start, end = START + 950 * MINUTE, START + 2000 * MINUTE
    blocks_of(path, chunk_bytes=1 << 14, start=start, end=end, **options)
    assert blocks_of(path, chunk_bytes=1 << 14, limit=1500, **options)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1.5", "0.25", "-2", "?", "", "1,5", "x", "1000000"]),
            st.sampled_from(["0", "0.004", "2.5", "?", "", "-0.02", "200"]),
        ),
        min_size=33,
        max_size=60,
    ),
    st.integers(1, 12),
)
def test_any_blocks_are_the_rows(tmp_path_factory, odd, place):
    plain = [("0.5", "1.0")] * 60
    rows = plain + odd[:place] + plain
    path = tmp_path_factory.getbasetemp() / "any-blocks.csv"
    written(path, "time;grid_kw;pv_kw", rows)
    blocks_of(path, chunk_bytes=1 << 10, column="grid_kw", solar="pv_kw")


def test_blocks_have_the_channels(tmp_path):
    rows = house(2)
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;battery_w", rows)
    with closing(open_replay(path, column="grid_w", solar="pv_w", battery="-battery_w")) as source:
        blocks = [block for block in iter(source.read, []) if isinstance(block, ReadingBlock)]
    assert blocks
    solar = np.concatenate([block.solar_kw for block in blocks])
    battery = np.concatenate([block.battery_kw for block in blocks])
    at = np.concatenate([block.at for block in blocks])
    places = ((at - np.datetime64(START)) // np.timedelta64(60, "s")).astype(int)
    assert solar.tolist() == [float(rows[i][1]) / 1000 for i in places]
    assert battery.tolist() == [0.0 - rows[i][2] / 1000 for i in places]


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


def test_rows_out_of_order_are_sorted(tmp_path):
    rows = house(1)
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;battery_w", rows)
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(lines)]) + "\n")
    readings, _ = collected(path, column="grid_w", solar="pv_w", battery="battery_w")
    assert powers(readings) == [
        (grid / 1000, float(solar) / 1000, battery / 1000) for grid, solar, battery in rows
    ]


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


def test_a_long_silence_is_no_night(tmp_path):
    rows = [(500, 0)] + [(500, "")] * 1440 + [(500, 0)] * 10
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", rows)
    assert len(collected(path, column="grid_w", solar="pv_w")[0]) == 11


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


def test_a_repeated_hour_is_shifted_with_its_channels(tmp_path):
    start = datetime(2024, 10, 27, 1)
    rows = [(i, 2 * i) for i in range(300)]
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", rows, start=start)
    lines = path.read_text().splitlines()
    lines[121:] = [
        line.replace(line[:19], f"{datetime.fromisoformat(line[:19]) - timedelta(hours=1)}")
        for line in lines[121:]
    ]
    path.write_text("\n".join(lines) + "\n")
    options = {"column": "grid_w", "solar": "pv_w"}
    assert blocks_of(path, chunk_bytes=1 << 11, **options)
    readings, _ = collected(path, **options)
    assert [(each.at - start) // MINUTE for each in readings] == [*range(300)]
    assert [each.solar_kw for each in readings] == [2 * i / 1000 for i in range(300)]


def second_by_second(random, seconds, values):
    """A power that changes now and then: its changes, and its value in each second, in W."""
    at = np.unique([0, *random.integers(1, seconds, 400)])
    watts = random.choice(values, len(at))
    return [*zip(at.tolist(), watts.tolist(), strict=True)], np.repeat(
        watts, np.diff(at, append=seconds)
    )


@pytest.mark.parametrize("is_sorted", [True, False])
def test_channels_may_be_series_of_one_column(tmp_path, is_sorted):
    """The history of Home Assistant, which has a row for each change of an entity."""
    random, seconds = np.random.default_rng(5), 4 * 3600
    rows, means = [], {}
    for entity, values in (
        ("sensor.grid_power", [-1500, -200, 300]),
        ("sensor.pv_power_w", [0, 8, 900, 2500]),
        ("sensor.battery", [-500, 0, 700]),
    ):
        changes, watts = second_by_second(random, seconds, values)
        rows += [(second, entity, value) for second, value in changes]
        means[entity] = watts.reshape(-1, 60).mean(axis=1) / 1000
    if is_sorted:
        rows.sort()
    lines = [
        f"{entity},{value},{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.000Z}"
        for second, entity, value in rows
    ]
    path = tmp_path / "history.csv"
    path.write_text("\n".join(["entity_id,state,last_changed", *lines]) + "\n")
    options = {
        "where": ["entity_id=sensor.grid_power"],
        "solar": "entity_id=sensor.pv_power_w",
        "battery": "-entity_id=sensor.battery",
        "battery_unit": "W",
        "unit": "W",
    }
    readings, _ = collected(path, **options)
    assert len(readings) > 200
    minutes = [(each.at.replace(tzinfo=None) - START) // MINUTE for each in readings]
    assert minutes == [*range(len(minutes))]
    # How long the last values are valid is not known.
    minutes.pop()
    for of, entity, sign in (
        ("kw", "sensor.grid_power", 1),
        ("solar_kw", "sensor.pv_power_w", 1),
        ("battery_kw", "sensor.battery", -1),
    ):
        found = [getattr(each, of) for each in readings[:-1]]
        np.testing.assert_allclose(found, sign * means[entity][minutes], atol=1e-9)
    assert "a row for each change" in collected(path, **options)[1][0]


def test_a_night_without_changes_has_been_measured(tmp_path):
    """A value that does not change is not written again; that of a grid changes often."""
    night = timedelta(hours=9)
    rows = [(START + i * 10 * MINUTE, "grid", 300 + i) for i in range(70)]
    rows += [(START, "pv", 500), (START + MINUTE, "pv", 4), (START + night, "pv", 900)]
    rows += [(START + night + i * MINUTE, "pv", 900 + i) for i in range(1, 30)]
    rows.sort()
    text = "".join(f"{name},{value},{at:%Y-%m-%dT%H:%M:%S}Z\n" for at, name, value in rows)
    path = tmp_path / "history.csv"
    path.write_text("entity_id,state,last_changed\n" + text)
    options = {"where": ["entity_id=grid"], "solar": "entity_id=pv", "unit": "W"}
    assert "give --solar-unit" in error_of(path, **options)
    readings, _ = collected(path, **options, solar_unit="W")
    assert [each.solar_kw for each in readings[:540]] == [0.5, *[0.004] * 539]


@pytest.mark.parametrize("count", [60, 480])
def test_states_of_home_assistant_have_units_of_their_own(tmp_path, count):
    def states(entity, unit, values):
        first = {"entity_id": entity, "attributes": {"unit_of_measurement": unit}}
        return [
            {"state": str(value), "last_changed": f"{START + i * timedelta(seconds=40)}Z"}
            | (first if i == 0 else {})
            for i, value in enumerate(values)
        ]

    history = [
        states("sensor.grid", "W", range(-500, count - 500)),
        states("sensor.pv", "kW", [2 + i / 1000 for i in range(count)]),
    ]
    path = tmp_path / "history.json"
    path.write_text(json.dumps(history))
    options = {"where": ["entity_id=sensor.grid"], "solar": "entity_id=sensor.pv"}
    if count > 200:  # the other entity is not among the first rows
        assert error_of(path, **options).endswith("has no unit: give --solar-unit kW")
        options["solar_unit"] = "kW"
    readings, _ = collected(path, **options)
    assert len(readings) == count * 2 // 3
    assert readings[0].solar_kw == pytest.approx(readings[0].kw + 2.5)
    assert readings[-1].solar_kw == pytest.approx(readings[-1].kw + 2.5)


def test_minutes_of_several_series_are_joined(tmp_path):
    rows = []
    for i in range(30):
        rows += [("house", "grid", 100 + i), ("house", "sun", 2 * i), ("shed", "sun", 7)]
    lines = [
        f"{place};{name};{START + i // 3 * MINUTE + (i % 3) * timedelta(seconds=7)};{watts}"
        for i, (place, name, watts) in enumerate(rows)
    ]
    path = tmp_path / "series.csv"
    path.write_text("place;meter;time;power_w\n" + "\n".join(lines) + "\n")
    where = ["place=house", "meter=grid"]
    readings, notices = collected(path, where=where, solar="meter=sun")
    assert [each.at for each in readings[:29]] == [START + i * MINUTE for i in range(29)]
    # The sun's rows are 7 seconds later, and each is valid for a minute.
    shifted = [(53 * 2 * i + 7 * 2 * max(i - 1, 0)) / 60 for i in range(29)]
    shifted[0] = 0.0
    assert [1000 * each.solar_kw for each in readings[:29]] == pytest.approx(shifted)
    assert [each.kw for each in readings[:29]] == [(100 + i) / 1000 for i in range(29)]
    assert notices[0] == "series.csv: each power is in rows of its own, joined by minutes"


def test_series_of_both_powers_must_be_chosen(tmp_path):
    lines = [f"{name};{START + i * MINUTE};{i}" for i in range(9) for name in ("grid", "sun")]
    path = tmp_path / "series.csv"
    path.write_text("meter;time;power_w\n" + "\n".join(lines) + "\n")
    assert error_of(path, solar="meter=sun").endswith("give --where meter=grid")
    assert "choose another one" in error_of(path, solar="meter=sun", where=["meter=sun"])
    assert "--solar 'name' is not among them" in error_of(path, solar="name=sun")
    with pytest.raises(SourceError, match="9 minutes without solar or battery power"):
        collected(path, solar="meter=moon", where=["meter=grid"])
