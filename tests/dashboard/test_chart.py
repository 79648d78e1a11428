"""Tests of the chart of the dashboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from streamer.dashboard import chart
from streamer.dashboard.chart import plot_columns
from streamer.dashboard.plot import SOLAR_GLYPH
from streamer.dashboard.words import BAND, FORECAST, HANGING
from streamer.history.columns import Column, latest
from streamer.readings import MINUTE, Alarm, Step
from tests.dashboard.decoding import read_chart
from tests.dashboard.samples import alarming, house, make_steps


def _banded(
    low_kw: float, high_kw: float, kw: float = 0.5, *, coming: tuple[float, float] | None = None
) -> Step:
    """A step of 1 kW with the band of its settled forecast, and that of the coming one."""
    step = make_steps([1.0, 1.0], capacity=2)[-1]
    assert step.settled is not None
    settled = replace(step.settled, kw=kw, low_kw=low_kw, high_kw=high_kw)
    after = step.forecast
    if coming is not None and after is not None:
        after = replace(after, kw=0.5, low_kw=coming[0], high_kw=coming[1])
    return replace(step, settled=settled, forecast=after)


def draw(steps: Sequence[Step], width: int, height: int, *, waiting: str) -> list[Text]:
    columns = latest(steps, plot_columns(width))
    return chart.draw(columns, width, height, waiting=waiting)


def _draw(values: list[float], width: int = 40, height: int = 12, **options: Any) -> list[str]:
    steps = make_steps(values, **options)
    return [line.plain.rstrip() for line in draw(steps, width, height, waiting="waiting")]


def test_a_chart_without_readings_shows_a_message() -> None:
    lines = _draw([])
    assert len(lines) == 12
    assert "".join(lines).strip() == "waiting"


def test_a_reading_is_one_column_beside_that_of_the_next_minute() -> None:
    lines = [line.plain for line in draw(make_steps([1.0]), 40, 12, waiting="")]
    assert lines[0] == " 1.0 ┤" + " " * 30 + "█   "
    assert [line[-4:] for line in lines[:10]] == ["█   "] * 10


def test_a_value_reaches_the_upper_edge_of_the_row_with_its_label() -> None:
    lines = _draw([0.6, 1.0])
    assert lines[0].endswith("   █")
    assert next(line for line in lines if line.startswith(" 0.6")).endswith("█ █")


def test_each_forecast_is_one_dot() -> None:
    seen = read_chart(draw(make_steps(house(60)), 40, 12, waiting=""))
    shown = [column.forecast_kw is not None for column in seen.columns]
    assert shown == [False] * (len(shown) - 12) + [True] * 12
    assert [column.kw is not None for column in seen.columns[-2:]] == [True, False]


def test_a_gap_is_a_column_between_its_neighbours() -> None:
    for line in _draw([1.0, 1.0, 1.0], gaps={2: 5})[:10]:
        assert line[-7:] == "█ █ ┊ █"


def test_negative_values_hang_from_the_zero_line() -> None:
    lines = draw(make_steps([1.0, -1.0]), 40, 7, waiting="")
    assert [line.plain[32:] for line in lines[:6]] == [
        "  █     ",
        "  █     ",
        "  █     ",
        "▔▔▔▔█▔▔▔",
        "    █   ",
        "    █   ",
    ]
    # A row of 0.25 kW is full, and a fifth of the next.
    lines = draw(make_steps([1.0, -0.3]), 40, 8, waiting="")
    spans = [(line, span) for line in lines for span in line.spans if span.style == HANGING]
    assert [line.plain[span.start : span.end] for line, span in spans] == ["▆"]


def test_a_reading_of_zero_is_visible() -> None:
    assert _draw([0.0])[9].endswith("▁")
    assert _draw([1.0, -1e-9])[-3].endswith("▔")


def test_the_axis_labels_round_times_and_a_new_date() -> None:
    labels = _draw(house(100), width=120)[-1]
    assert "23:40" in labels
    assert "2010-03-21" in labels
    assert labels.split()[0] == "kW"


def test_a_huge_forecast_is_clipped() -> None:
    step = make_steps(house(60))[-1]
    assert step.forecast is not None
    huge = replace(step, forecast=replace(step.forecast, kw=1e300))
    assert len(draw([huge], 40, 12, waiting="")) == 12


def test_a_band_does_not_affect_the_scale() -> None:
    narrow, wide = (
        [line.plain for line in draw([step], 40, 12, waiting="")]
        for step in (_banded(0.49, 0.51), _banded(-1e300, 1e300))
    )
    assert [line[:6] for line in narrow] == [line[:6] for line in wide]
    assert "".join(line[-3] for line in wide[:10]) == "⢸⢸⢸⢸⣸⢸⢸⢸⢸⢸"


def test_a_band_beyond_the_plot_is_not_drawn() -> None:
    columns = [Column(kw=0.5, band_kw=(2.0, 3.0)), Column()]
    drawn = "".join(line.plain for line in chart.draw(columns, 40, 12, waiting="")[:10])
    assert not any("\u2800" < glyph <= "\u28ff" for glyph in drawn)


def test_solar_power_has_a_mark_in_its_row_but_not_at_night_nor_on_a_low_chart() -> None:
    columns = [Column(kw=-1.0, solar_kw=2.6), Column(kw=0.5, solar_kw=0.0), Column(solar_kw=1.1)]
    lines = [line.plain for line in chart.draw(columns, 30, 12, waiting="")]
    rows = [row for row, text in enumerate(lines) if SOLAR_GLYPH in text]
    assert [lines[row].count(SOLAR_GLYPH) for row in rows] == [1, 1]
    labels = {text.split("┤")[0].strip(): row for row, text in enumerate(lines) if "┤" in text}
    assert rows[0] < labels["2"] <= rows[1] < labels["0"]
    low = [line.plain for line in chart.draw(columns, 30, 5, waiting="")]
    dark = [replace(column, solar_kw=None) for column in columns]
    assert low == [line.plain for line in chart.draw(dark, 30, 5, waiting="")]


@pytest.mark.parametrize("ends", [(float("nan"), 1.0), (0.0, float("nan")), (1.0, 0.0)])
def test_an_empty_or_undefined_band_is_not_drawn(ends: tuple[float, float]) -> None:
    seen = read_chart(draw([_banded(*ends)], 40, 12, waiting=""))
    assert seen.columns[-2].band_kw is None
    assert seen.columns[-2].forecast_kw is not None


def test_a_band_alone_is_less_prominent_than_a_forecast() -> None:
    for line in draw([_banded(0.2, 0.8, coming=(0.0, 1.0))], 40, 12, waiting=""):
        for span in line.spans:
            for glyph in line.plain[span.start : span.end]:
                if "\u2800" <= glyph <= "\u28ff":
                    has_forecast = bool((ord(glyph) - 0x2800) & 0x47)
                    assert span.style == (FORECAST if has_forecast else BAND)


POWER = st.one_of(st.floats(-9, 9), st.floats(0, 0.5), st.sampled_from([0.0, 1.0, 0.125]))


@given(
    values=st.lists(st.tuples(POWER, POWER, POWER, POWER), min_size=1, max_size=20),
    coming=st.tuples(POWER, POWER, POWER),
    width=st.integers(50, 61),
    height=st.integers(10, 40),
)
@example([(0.362, 0.368, 0.35, 0.39)], (0.37, 0.35, 0.4), 60, 14)
@example([(-0.362, -0.368, -0.35, -0.39), (2.0, 2.0, 1.9, 2.2)], (0.0, -3.0, 3.0), 60, 14)
def test_what_the_picture_says_is_right_to_an_eighth_of_a_row(
    values: list[tuple[float, float, float, float]],
    coming: tuple[float, float, float],
    width: int,
    height: int,
) -> None:
    at = datetime(2010, 3, 19, 17, 0)
    columns = [
        Column(at + index * MINUTE, kw, forecast, (min(ends), max(ends)))
        for index, (kw, forecast, *ends) in enumerate(values)
    ]
    columns.append(Column(None, None, coming[0], (min(coming), max(coming))))
    columns = [Column()] * (plot_columns(width) - len(columns)) + columns
    seen = read_chart(chart.draw(columns, width, height, waiting=""))
    tolerance = (1 / 8 + 1e-6) * seen.row_kw
    for column, shown in zip(columns[-len(seen.columns) :], seen.columns, strict=True):
        assert shown.kw == (None if column.kw is None else approx(column.kw, tolerance))
        assert shown.forecast_kw == (
            None if column.mark_kw is None else approx(column.mark_kw, tolerance)
        )
        low_kw, high_kw = column.band_kw or (math.inf, math.inf)
        if high_kw < seen.low_kw or low_kw > seen.high_kw:
            assert shown.band_kw is None
        elif shown.band_kw is not None or column.band_kw is not None:
            ends = max(low_kw, seen.low_kw), min(high_kw, seen.high_kw)
            assert shown.band_kw == approx(ends, tolerance)


def approx(value: object, tolerance: float) -> object:
    return pytest.approx(value, abs=tolerance, rel=0)


def test_the_minute_of_an_alarm_is_marked_on_the_axis() -> None:
    steps = make_steps(house(60))
    plain = [line.plain for line in draw(steps, 40, 12, waiting="")]
    steps = alarming(steps, Alarm(Alarm.ANOMALY, steps[-2].reading.at, "odd", 1.5))
    for height, row in ((12, 10), (7, 6)):
        marked = [line.plain for line in draw(steps, 40, height, waiting="")]
        assert marked[row][-6] == "!"
        assert "".join(marked).count("!") == 1
    assert plain[:10] == [line.plain for line in draw(steps, 40, 12, waiting="")][:10]


def test_on_a_low_chart_a_time_takes_precedence_over_an_alarm() -> None:
    steps = make_steps(house(60))
    at = datetime(2010, 3, 20, 23, 30)
    steps = alarming(steps, Alarm(Alarm.ANOMALY, at, "odd", 1.5))
    lines = [line.plain for line in draw(steps, 40, 7, waiting="")]
    assert "23:30" in lines[-1]
    assert "!" not in lines[-1]


@settings(max_examples=50)
@given(
    values=st.lists(st.floats(-50, 50), min_size=1, max_size=60),
    width=st.integers(1, 90),
    height=st.integers(1, 40),
)
def test_the_chart_has_the_given_height_and_fits_the_width(
    values: list[float], width: int, height: int
) -> None:
    lines = draw(make_steps(values, capacity=3), width, height, waiting="waiting")
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)


@given(values=st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30), height=st.integers(8, 60))
def test_the_scale_is_tight_and_its_ticks_are_round(values: list[float], height: int) -> None:
    lines = [line.plain for line in draw(make_steps(values), 60, height, waiting="")]
    ticks = [float(line.split("┤")[0]) for line in lines if "┤" in line]
    assert ticks
    step = ticks[-1]
    assert f"{step:.6e}"[0] in "125"
    assert f"{step:.6e}"[2:8] == "000000"
    rows = height - 2
    used = next(i for i, line in enumerate(lines) if set(line) & set("▁▂▃▄▅▆▇█"))
    assert rows - used >= rows // 3


@pytest.mark.parametrize(
    ("change", "offsets", "hours"),
    [
        (datetime(2026, 3, 29, 1, 0), (1, 2), "01:15 01:30 01:45 03:00 03:15 03:30 03:45 04:00"),
        (datetime(2026, 10, 25, 1, 0), (2, 1), "02:15 02:30 02:45 02:00 02:15 02:30 02:45 03:00"),
    ],
)
def test_the_time_axis_is_even_over_a_clock_change(
    change: datetime, offsets: tuple[int, int], hours: str
) -> None:
    before, after = (timezone(timedelta(hours=offset)) for offset in offsets)
    change = change.replace(tzinfo=UTC)
    steps = []
    for index, step in enumerate(make_steps(house(110))):
        at = change + (index - 45) * MINUTE
        zone = before if at < change else after
        steps.append(replace(step, reading=replace(step.reading, at=at.astimezone(zone))))
    lines = [line.plain for line in draw(steps, 228, 12, waiting="")]
    assert lines[-1].split() == ["kW", *hours.split()]
    # No column is missing, and none is added.
    ticks = [index for index, char in enumerate(lines[-2]) if char == "┬"]
    assert {after - before for before, after in pairwise(ticks)} == {30}
