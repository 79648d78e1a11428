"""Solar and battery columns beside the grid's power, compared with pandas and row by row."""

import itertools
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import SourceError
from streamer.readings.blocks import ReadingBlock
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.joining import ChannelJoin
from tests.sources.files.houses import MINUTE, START, collected, house, powers, written
from tests.sources.files.test_blockrows import blocks_of

MISSING = ("", "?", "NaN", "null", "unavailable")


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
        assert minute == (minute.at, grid, where, solar, battery, (), without, is_night)


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


def test_rows_out_of_order_are_sorted(tmp_path):
    rows = house(1)
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w;battery_w", rows)
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(lines)]) + "\n")
    readings, _ = collected(path, column="grid_w", solar="pv_w", battery="battery_w")
    assert powers(readings) == [
        (grid / 1000, float(solar) / 1000, battery / 1000) for grid, solar, battery in rows
    ]


def test_a_long_silence_is_no_night(tmp_path):
    rows = [(500, 0)] + [(500, "")] * 1440 + [(500, 0)] * 10
    path = written(tmp_path / "house.csv", "time;grid_w;pv_w", rows)
    assert len(collected(path, column="grid_w", solar="pv_w")[0]) == 11


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
