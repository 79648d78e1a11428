"""Whatever the size and whatever the values: the frame fits, exactly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from streamer.dashboard import History, render
from streamer.dashboard.words import number, significant
from streamer.readings import About, Notice, Vitals
from tests.dashboard.samples import make_steps, usual

USUAL = usual()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POWER = st.one_of(FINITE, st.floats(-20, 20), st.sampled_from([0.0, -0.0, 1e-300, 0.5]))


def _check(frame_text: str, width: int, height: int) -> None:
    lines = frame_text.split("\n")
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


@given(
    width=st.integers(1, 260),
    height=st.integers(1, 90),
    ascii_only=st.booleans(),
    show_help=st.booleans(),
    message=st.text(max_size=90),
)
@settings(max_examples=150)
def test_any_size_fits(
    width: int, height: int, ascii_only: bool, show_help: bool, message: str
) -> None:
    frame = render(
        USUAL, width, height, ascii=ascii_only, help=show_help, speed="36000×", message=message
    )
    text = "\n".join(line.plain for line in frame.lines)
    _check(text, width, height)
    assert text.isascii() or not ascii_only


@given(
    values=st.lists(POWER, max_size=70),
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    gaps=st.dictionaries(st.integers(0, 69), st.integers(1, 99_999), max_size=5),
    source=st.text(max_size=40),
    figures=st.tuples(FINITE, FINITE, FINITE),
    share=st.one_of(st.none(), st.floats(0, 1)),
)
@settings(max_examples=150)
def test_any_value_fits(
    values: list[float],
    width: int,
    height: int,
    gaps: dict[int, int],
    source: str,
    figures: tuple[float, float, float],
    share: float | None,
) -> None:
    history = History()
    history.write(About(source, source))
    for step in make_steps(values, gaps=gaps, capacity=5):
        history.write(step)
    history.write(Notice(Notice.WARNING, source))
    history.write(Vitals(*figures, progress=share, left_s=abs(figures[0])))
    frame = render(history.snapshot(), width, height, speed="max")
    _check("\n".join(line.plain for line in frame.lines), width, height)


@given(st.integers(72, 260), st.integers(22, 90))
@settings(max_examples=60)
def test_a_full_screen_is_filled_to_the_last_line(width: int, height: int) -> None:
    assert len(render(USUAL, width, height).lines) == height


def test_what_is_not_finite_is_not_shown() -> None:
    assert number(float("nan"), 3) == "–"
    assert number(float("inf"), 3, signed=True) == "–"
    assert significant(float("nan")) == "–"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert number(-0.0004, 3, signed=True) == "0.000"
    assert number(0.0004, 3, signed=True) == "0.000"
