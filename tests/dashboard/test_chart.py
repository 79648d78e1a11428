"""Tests of the chart of the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from streamer.dashboard import chart
from streamer.dashboard.chart import plot_columns
from streamer.dashboard.columns import latest
from streamer.dashboard.words import ACTUAL, BAND
from streamer.readings import MINUTE, Alarm, Step
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


def _columns(step: Step, height: int = 12) -> tuple[str, str]:
    """The last two columns of a chart from the top down, in rows of 0.1 kW."""
    lines = [line.plain for line in draw([step], 40, height, waiting="")][: height - 2]
    return "".join(line[-2] for line in lines), "".join(line[-1] for line in lines)


def _draw(values: list[float], width: int = 40, height: int = 12, **options: Any) -> list[str]:
    steps = make_steps(values, **options)
    return [line.plain.rstrip() for line in draw(steps, width, height, waiting="waiting")]


def test_a_chart_without_readings_shows_a_message() -> None:
    lines = _draw([])
    assert len(lines) == 12
    assert "".join(lines).strip() == "waiting"


def test_a_reading_is_one_column_beside_that_of_the_next_minute() -> None:
    lines = _draw([1.0])
    assert lines[0] == " 1.0 ┤" + " " * 32 + "█"
    assert [line[-1] for line in lines[:10]] == ["█"] * 10


def test_a_value_reaches_the_upper_edge_of_the_row_with_its_label() -> None:
    lines = _draw([0.6, 1.0])
    assert lines[0].endswith(" █")
    assert next(line for line in lines if line.startswith(" 0.6")).endswith("██")


def test_settled_and_coming_forecasts_have_different_glyphs() -> None:
    lines = _draw(house(60))
    text = "\n".join(lines)
    assert text.count("◆") == 1
    assert text.count("•") == 60 - 49
    assert any(line.endswith("◆") for line in lines)


def test_a_gap_is_a_column_between_its_neighbours() -> None:
    for line in _draw([1.0, 1.0, 1.0], gaps={2: 5})[:10]:
        assert line[-4:] == "██┊█"


def test_negative_values_hang_from_the_zero_line() -> None:
    lines = _draw([1.0, -1.0], height=7)
    assert [line[36:] for line in lines[:6]] == [" █", " █", " █", "▔▔█▔", "  █", "  █"]


def test_a_reading_of_zero_is_visible() -> None:
    assert _draw([0.0])[9].endswith("▁")
    assert _draw([1.0, -1e-9])[-3].endswith("▔")


def test_the_axis_labels_round_times_and_a_new_date() -> None:
    labels = _draw(house(100), width=100)[-1]
    assert "23:30" in labels
    assert "2010-03-21" in labels
    assert labels.split()[0] == "kW"


def test_a_huge_forecast_is_clipped() -> None:
    step = make_steps(house(60))[-1]
    assert step.forecast is not None
    huge = replace(step, forecast=replace(step.forecast, kw=1e300))
    assert len(draw([huge], 40, 12, waiting="")) == 12


def test_a_band_is_a_lighter_area_and_a_shading_above_it() -> None:
    settled, coming = _columns(_banded(0.2, 0.8, coming=(0.3, 1.0)))
    assert settled == "██▓▓▓•▓▓██"
    assert coming == "░░░░░◆░   "
    step = _banded(0.2, 0.8, coming=(0.3, 1.0))
    assert _columns(replace(step, reading=replace(step.reading, kw=0.4)))[0] == "•░▓▓▓▓████"


def test_a_band_does_not_affect_the_scale() -> None:
    narrow, wide = (
        [line.plain for line in draw([step], 40, 12, waiting="")]
        for step in (_banded(0.49, 0.51), _banded(-1e300, 1e300))
    )
    assert [line[:6] for line in narrow] == [line[:6] for line in wide]
    assert _columns(_banded(-1e300, 1e300))[0] == "▓▓▓▓▓•▓▓▓▓"


def test_a_band_narrower_than_a_row_shows_only_the_mark() -> None:
    settled, _ = _columns(_banded(0.46, 0.54))
    assert settled == "█████•████"


@pytest.mark.parametrize("ends", [(float("nan"), 1.0), (0.0, float("nan")), (1.0, 0.0)])
def test_an_empty_or_undefined_band_is_not_drawn(ends: tuple[float, float]) -> None:
    assert "▓" not in _columns(_banded(*ends))[0]


def test_a_band_does_not_hide_the_zero_line() -> None:
    step = _banded(-1.0, 1.0, kw=1.0)
    step = replace(step, reading=replace(step.reading, kw=-1.0), forecast=None)
    lines = [line.plain for line in draw([step], 40, 12, waiting="")]
    assert [line[-2] for line in lines if line[-1] == "▔"] == ["▓"]
    step = replace(step, reading=replace(step.reading, kw=1.0))
    wide = [*make_steps([-1.0, 1.0])[:1], step]
    row = next(line.plain for line in draw(wide, 40, 12, waiting="") if line.plain[-1] == "▔")
    assert row[-3:] == "█▔▔"


def test_a_band_is_dim_and_marks_are_not() -> None:
    for line in draw([_banded(0.2, 0.8, coming=(0.0, 1.0))], 40, 12, waiting=""):
        for index, glyph in enumerate(line.plain):
            styles = [span.style for span in line.spans if span.start <= index < span.end]
            if glyph in "░▓◆":
                assert (BAND in styles) == (glyph == "░")
                assert (ACTUAL in styles) == (glyph == "▓")


def test_the_minute_of_an_alarm_is_marked_on_the_axis() -> None:
    steps = make_steps(house(60))
    plain = [line.plain for line in draw(steps, 40, 12, waiting="")]
    steps = alarming(steps, Alarm(Alarm.ANOMALY, steps[-5].reading.at, "odd", 1.5))
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
    used = next(i for i, line in enumerate(lines) if line[6:].strip(" •◆░"))
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
    lines = [line.plain for line in draw(steps, 117, 12, waiting="")]
    assert lines[-1].split() == ["kW", *hours.split()]
    # No column is missing, and none is added.
    ticks = [index for index, char in enumerate(lines[-2]) if char == "┬"]
    assert {after - before for before, after in pairwise(ticks)} == {15}
