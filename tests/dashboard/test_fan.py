"""Tests of the fan beside the chart, read off the drawn lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from streamer.dashboard.chart import draw
from streamer.dashboard.fan import Fan, find_fan
from streamer.dashboard.words import BAND, FORECAST
from streamer.history.columns import Column
from streamer.readings import NextMeans
from tests.dashboard.decoding import read_chart, read_dots
from tests.dashboard.samples import HORIZONS

WIDTHS = {80: 1, 120: 2, 200: 3}


def _means(values: Sequence[Sequence[float]], minutes: tuple[int, ...] = HORIZONS) -> NextMeans:
    return NextMeans(minutes, np.array(values, float))


def _rising(minutes: tuple[int, ...] = HORIZONS) -> NextMeans:
    n = np.array(minutes) / 60.0
    return _means(np.column_stack([1.0 + n, 1.0 + n, 1.0 - 0.5 * n, 1.0 + 2.0 * n]), minutes)


def _fan(means: NextMeans, width: int = 80, longest: int = 60) -> Fan:
    fan = find_fan(means, (longest,), width)
    assert fan is not None
    return fan


def _drawn(fan: Fan | None, width: int = 80, height: int = 24, kw: float = 3.0) -> list[Text]:
    columns = [Column(kw=kw / 2), Column(kw=kw), Column(mark_kw=kw / 3)]
    return draw(columns, width, height, waiting="", fan=fan)


@pytest.mark.parametrize("width", WIDTHS)
def test_each_horizon_shows_its_mean_and_its_band(width: int) -> None:
    means = _rising()
    fan = _fan(means, width)
    lines = _drawn(fan, width)
    scale = read_chart([text[: width - fan.width] for text in lines])
    plot = [text.plain[width - fan.width + 2 :] for text in lines[:-2]]
    quarter = scale.row_kw / 4
    for mean, (first, after) in zip(means, fan.places, strict=True):
        assert after - first == max(WIDTHS[width], 2 if mean.minutes > 15 else 1)
        for cell in range(first, after):
            marks, bands = read_dots([row[cell] for row in plot])
            (mark,) = (scale.high_kw - down * scale.row_kw for down in marks)
            ends = [scale.high_kw - down * scale.row_kw for down in (max(bands), min(bands))]
            assert mark == pytest.approx(mean.kw, abs=quarter)
            assert ends == pytest.approx([mean.low_kw, mean.high_kw], abs=quarter)


def test_the_axis_is_interrupted_between_horizons_that_are_apart() -> None:
    *plot, ticks, names = (text.plain[-25:] for text in _drawn(_fan(_rising())))
    assert names == "  1   5    10   15 30  60"
    assert ticks == " └┬───┬────┬────┬  ┬─  ┬─"
    for row in plot:
        assert row[17:19] == row[21:23] == "  "


def test_a_low_chart_has_the_labels_on_the_axis_itself() -> None:
    assert _drawn(_fan(_rising()), height=6)[-1].plain[-25:] == " └1   5    10   15 30  60"


def test_labels_fit_whatever_horizons_a_model_has() -> None:
    for minutes, names in {
        (1, 5, 15, 60): "  1   5   15  60",
        (2, 3): "  2 ",
        (60,): "  60",
        (9, 10, 11): "  9  ",
        (10,): "  10",
    }.items():
        fan = _fan(_rising(minutes))
        assert fan.axis(2)[1].plain == names
        assert fan.width == len(names)


def test_the_fan_ends_with_the_longest_horizon_that_is_shown() -> None:
    assert len(_fan(_rising(), longest=15).columns) == 15
    assert _fan(_rising(), longest=15).axis(2)[1].plain.split() == ["1", "5", "10"]
    assert find_fan(_rising(), (), 80) is None
    assert find_fan(None, (60,), 80) is None
    assert find_fan(_rising((30, 60)), (5, 15), 80) is None


def test_the_chart_keeps_half_of_the_width() -> None:
    every = _rising(tuple(range(1, 61)))
    assert {width: _fan(every, width).width for width in (124, 240, 248)} == {
        124: 62,
        240: 62,
        248: 122,
    }
    assert find_fan(every, (60,), 123) is None


@pytest.mark.parametrize(
    ("means", "kw", "ends"),
    [
        # Means of 1 to 2 kW with bands from 0.5 to 3 kW beside readings up to so much.
        (_rising(), 4.0, (0.0, 4.0)),
        (_rising(), 2.0, (0.0, 3.0)),
        (_means([[0.5, 0.5, 0.0, 9.0]] * len(HORIZONS)), 2.0, (0.0, 4.0)),
        (_means([[3.0, 3.0, 0.0, 9.0]] * len(HORIZONS)), 1.0, (0.0, 6.0)),
        (_means([[-1.0, -1.0, -9.0, 1.0]] * len(HORIZONS)), 2.0, (-4.0, 2.0)),
    ],
)
def test_the_scale_fits_the_means_and_their_bands_up_to_the_height_of_the_rest(
    means: NextMeans, kw: float, ends: tuple[float, float]
) -> None:
    fitted = _fan(means).fitted([kw / 2, kw])
    assert (min(fitted), max(fitted)) == ends
    drawn = read_chart([text[:55] for text in _drawn(_fan(means), kw=kw)])
    assert drawn.low_kw <= ends[0] < ends[1] <= drawn.high_kw + 1e-9


def test_a_line_of_zero_continues_through_the_fan_of_a_house_that_exports() -> None:
    means = _means([[-0.5, -0.5, -1.0, -0.25]] * len(HORIZONS))
    lines = _drawn(_fan(means), kw=-2.0)
    (line,) = (text.plain for text in lines if "▔" in text.plain)
    assert line.endswith(23 * "▔")
    assert all(text.cell_len == 80 for text in lines)


def test_means_and_bands_have_their_own_styles() -> None:
    fan = _fan(_rising())
    found = {
        style
        for text in _drawn(fan)[:-2]
        for span in text.spans
        if (style := span.style) in (FORECAST, BAND) and span.start >= 80 - fan.width
    }
    assert found == {FORECAST, BAND}


@given(
    st.lists(st.tuples(*[st.floats()] * 4), min_size=len(HORIZONS), max_size=len(HORIZONS)),
    st.integers(72, 220),
    st.integers(6, 60),
    st.floats(-20, 20),
)
@settings(max_examples=60)
def test_any_means_fit(values: list[Sequence[float]], width: int, height: int, kw: float) -> None:
    lines = _drawn(_fan(_means(values), width), width, height, kw)
    assert len(lines) == height
    assert all(text.cell_len == width for text in lines)
