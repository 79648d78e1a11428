"""Property tests: a frame fits the screen for every size and every value."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from streamer.dashboard import History, HistorySnapshot, render
from streamer.display.numbers import fixed, significant
from streamer.readings import (
    Adaptation,
    Alarm,
    BandScores,
    Link,
    MeanScores,
    NextMeans,
    Notice,
    Sample,
)
from streamer.sinks.items import About, Vitals
from tests.dashboard.samples import (
    HORIZONS,
    SUMMER,
    alarmed,
    foreseeing,
    house,
    make_steps,
    snapshot,
    usual,
    watched,
    zoned,
)

USUAL, ALARMED = usual(), alarmed()
FORESEEING = snapshot(foreseeing(make_steps(house(120))))
LIVE = [
    watched(steps, link=state)
    for steps in (None, [], zoned(make_steps(house(12))), zoned(alarmed().steps))
    for state in (Link.UP, Link.LOST, Link.SILENT)
]
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
    found=st.sampled_from([USUAL, ALARMED, FORESEEING, *LIVE]),
)
def test_a_frame_fits_any_size(
    width: int, height: int, ascii_only: bool, show_help: bool, message: str, found: HistorySnapshot
) -> None:
    frame = render(
        found,
        width,
        height,
        ascii=ascii_only,
        help=show_help,
        speed="36000×",
        message=message,
        now=found.now,
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
def test_a_frame_fits_with_any_reading(
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


ANY = st.floats()
MAYBE = st.one_of(st.none(), ANY)
TIMES = st.one_of(st.none(), st.datetimes(timezones=st.just(SUMMER)))


@given(
    ends=st.tuples(ANY, ANY, ANY),
    band=st.tuples(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE),
    adaptation=st.builds(Adaptation, st.booleans(), MAYBE, st.integers(0), st.integers(0)),
    text=st.text(max_size=200),
    width=st.integers(1, 220),
    height=st.integers(1, 70),
)
def test_a_frame_fits_with_any_band_and_alarm(
    ends: tuple[float, float, float],
    band: tuple[float | None, ...],
    adaptation: Adaptation,
    text: str,
    width: int,
    height: int,
) -> None:
    steps = []
    for step in make_steps([0.5, 1.0, 0.5, 2.0], capacity=2, adaptation=adaptation):
        forecast = step.forecast and replace(
            step.forecast, low_kw=ends[0], high_kw=ends[1], frozen_kw=ends[2]
        )
        settled = step.settled and replace(step.settled, low_kw=ends[1], high_kw=ends[0])
        scores = replace(step.scores, band=BandScores(0.9, *band))
        alarms = (Alarm(text[:9], step.reading.at, text, ends[0]),)
        steps.append(
            replace(step, forecast=forecast, settled=settled, scores=scores, alarms=alarms)
        )
    history = History()
    for item in (About("a", "b"), *steps):
        history.write(item)
    frame = render(history.snapshot(), width, height, speed="max")
    _check("\n".join(line.plain for line in frame.lines), width, height)


@given(
    values=st.lists(st.tuples(ANY, ANY, ANY, ANY), min_size=17, max_size=17),
    figures=st.lists(ANY, min_size=8, max_size=8),
    settled=st.integers(0, 10**9),
    horizons=st.sets(st.sampled_from(HORIZONS)).map(sorted).map(tuple),
    width=st.integers(1, 220),
    height=st.integers(1, 70),
)
@settings(max_examples=40)
def test_a_frame_fits_with_any_means(
    values: list[tuple[float, ...]],
    figures: list[float],
    settled: int,
    horizons: tuple[int, ...],
    width: int,
    height: int,
) -> None:
    counts = np.full(len(HORIZONS), settled)
    step = replace(
        make_steps([0.5, 1.0], capacity=2)[-1],
        next_means=NextMeans(HORIZONS, np.array(values)),
        mean_scores=MeanScores(HORIZONS, counts, np.array([figures] * len(HORIZONS))),
    )
    history = History(horizons)
    history.write(step)
    frame = render(history.snapshot(), width, height, speed="max")
    _check("\n".join(line.plain for line in frame.lines), width, height)


@given(
    st.integers(72, 260), st.integers(22, 90), st.sampled_from([USUAL, ALARMED, FORESEEING, *LIVE])
)
@settings(max_examples=60)
@pytest.mark.slow
def test_a_full_screen_is_filled_to_the_last_line(
    width: int, height: int, found: HistorySnapshot
) -> None:
    assert len(render(found, width, height, now=found.now).lines) == height


@given(
    state=st.sampled_from([Link.UP, Link.LOST, Link.SILENT, ""]),
    texts=st.tuples(st.text(max_size=30), st.text(max_size=200)),
    times=st.tuples(TIMES, TIMES, TIMES),
    kw=ANY,
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    found=st.sampled_from(LIVE),
)
def test_a_frame_fits_with_any_link_and_sample(
    state: str,
    texts: tuple[str, str],
    times: tuple[datetime | None, datetime | None, datetime | None],
    kw: float,
    width: int,
    height: int,
    found: HistorySnapshot,
) -> None:
    since, retry_at, at = times
    found = replace(found, link=Link(state, *texts, since, retry_at), sample=Sample(kw, at))
    frame = render(found, width, height, speed="live", now=found.now)
    _check("\n".join(line.plain for line in frame.lines), width, height)


def test_what_is_not_finite_is_not_shown() -> None:
    assert fixed(float("nan"), 3) == "–"
    assert fixed(float("inf"), 3, signed=True) == "–"
    assert significant(float("nan")) == "–"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert fixed(-0.0004, 3, signed=True) == "0.000"
    assert fixed(0.0004, 3, signed=True) == "0.000"
