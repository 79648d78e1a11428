from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.chart import draw
from tests.dashboard.samples import house, make_steps


def _draw(values: list[float], width: int = 40, height: int = 12, **options: object) -> list[str]:
    steps = make_steps(values, **options)  # type: ignore[arg-type]
    return [line.plain.rstrip() for line in draw(steps, width, height, waiting="waiting")]


def test_without_readings_it_says_so() -> None:
    lines = _draw([])
    assert len(lines) == 12
    assert "".join(lines).strip() == "waiting"


def test_one_reading_is_one_column_beside_that_of_the_next_minute() -> None:
    lines = _draw([1.0])
    assert lines[0] == " 1.0 ┤" + " " * 32 + "█"
    assert [line[-1] for line in lines[:10]] == ["█"] * 10


def test_a_value_reaches_the_upper_edge_of_the_row_with_its_label() -> None:
    lines = _draw([0.6, 1.0])
    assert lines[0].endswith(" █")
    assert next(line for line in lines if line.startswith(" 0.6")).endswith("██")


def test_the_marks_have_glyphs_of_their_own() -> None:
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


def test_a_reading_of_nothing_can_be_told_from_no_reading() -> None:
    assert _draw([0.0])[9].endswith("▁")
    assert _draw([1.0, -1e-9])[-3].endswith("▔")


def test_the_axis_names_round_times_and_a_new_date() -> None:
    labels = _draw(house(100), width=100)[-1]
    assert "23:30" in labels
    assert "2010-03-21" in labels
    assert labels.split()[0] == "kW"


def test_a_wild_forecast_does_no_harm() -> None:
    step = make_steps(house(60))[-1]
    assert step.forecast is not None
    wild = replace(step, forecast=replace(step.forecast, kw=1e300))
    assert len(draw([wild], 40, 12, waiting="")) == 12


@given(
    values=st.lists(st.floats(-50, 50), min_size=1, max_size=60),
    width=st.integers(1, 90),
    height=st.integers(1, 40),
)
def test_it_always_has_the_height_it_was_given(
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
    used = next(i for i, line in enumerate(lines) if line[6:].strip(" •◆"))
    assert rows - used >= rows // 3
