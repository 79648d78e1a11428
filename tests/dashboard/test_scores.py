"""Tests of the scores on the dashboard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from streamer.dashboard import HistorySnapshot, render
from streamer.dashboard.scores import (
    ALL_ROWS,
    MIN_ROWS,
    TRIAL_MINUTES,
    WIDTH,
    adaptation_line,
    band_lines,
    comparison,
    more,
    scores,
)
from streamer.dashboard.words import BAD, GOOD
from streamer.online.adapter import Adapter
from streamer.readings import Adaptation, BandScores, ErrorScores, Lead, PointScores
from tests.dashboard.samples import ADAPTED, IN_SAMPLE, adapted, house, make_steps, snapshot, usual

BAND = BandScores(0.9, 0.9012, 0.8944, 0.3111, 0.2888)


def _lines(found: HistorySnapshot, width: int = WIDTH, rows: int = MIN_ROWS) -> list[str]:
    lines = [line.plain for line in scores(found, width, rows)]
    assert len(lines) <= rows
    return lines


@pytest.mark.parametrize(
    ("adaptation", "long", "short"),
    [
        (
            ADAPTED,
            "adapted, 4.1 % better than frozen over the last day",
            "adapted, 4.1 % better than frozen",
        ),
        (
            Adaptation(shown=True, day_gain=0.0004, learnt=1440),
            "adapted, hardly better than frozen over the last day",
            "adapted, hardly better than frozen",
        ),
        (
            Adaptation(shown=True, day_gain=-0.011, learnt=1440),
            "adapted, 1.1 % worse than frozen over the last day",
            "adapted, 1.1 % worse than frozen",
        ),
        (
            Adaptation(day_gain=-0.003, learnt=1440),
            "learning: no clear gain yet (−0.3 % over the last day)",
            "learning: no clear gain yet (−0.3 %)",
        ),
        (
            Adaptation(learnt=1440),
            "learning: no clear gain yet (– over the last day)",
            "learning: no clear gain yet (–)",
        ),
        (
            Adaptation(day_gain=0.2, learnt=420),
            "learning: 420 of 1440 minutes",
            "learning: 420 of 1440 minutes",
        ),
        (
            Adaptation(learnt=60, restarts=2),
            "learning anew: 60 of 1440 minutes",
            "learning anew: 60 of 1440 minutes",
        ),
    ],
)
def test_the_adaptation_line_names_what_is_shown_and_why(
    adaptation: Adaptation, long: str, short: str
) -> None:
    assert adaptation_line(adaptation, adaptation.day_gain, 80).plain == long
    assert adaptation_line(adaptation, adaptation.day_gain, WIDTH - 1).plain == short
    for width in range(1, 80):
        assert adaptation_line(adaptation, adaptation.day_gain, width).cell_len <= width


def test_trial_minutes_equal_those_of_the_adapter() -> None:
    adapter = Adapter()
    rng = np.random.default_rng(1)
    while not adapter.get().shown:
        minutes = adapter.room
        hidden = rng.normal(size=(minutes, 1)).astype(np.float32)
        nothing = np.zeros((minutes, 2))
        adapter.see(
            hidden=hidden,
            changes_kw=nothing,
            mean_kw=nothing[:, 0],
            quantiles_kw=nothing[:, :0],
        )
        adapter.settle(np.ones(minutes))
    assert adapter.get().learnt == TRIAL_MINUTES


def test_the_band_lines_have_coverage_and_width() -> None:
    assert [line.plain for line in band_lines(BAND, 80, brief=True)] == [
        "90 % band  covers 90.1 % (day 89.4 %) · 0.31 kW wide (day 0.29)"
    ]
    assert [line.plain for line in band_lines(BAND, 42, brief=True)] == [
        "90 % band  covers 90.1 % · 0.31 kW wide"
    ]
    assert [line.plain for line in band_lines(BAND, 42, brief=False)] == [
        "90 % band  covers 90.1 % (day 89.4 %)",
        "           0.31 kW wide (day 0.29)",
    ]
    assert band_lines(replace(BAND, confidence=0.955), 80, brief=True)[0].plain[:6] == "95.5 %"


def test_a_band_without_settled_forecasts_has_no_score() -> None:
    for brief in (True, False):
        lines = band_lines(BandScores(0.8), 42, brief=brief)
        assert [line.plain for line in lines] == ["80 % band  –"]


def test_each_forecaster_has_a_row_with_its_errors() -> None:
    found = _scored(
        model=ErrorScores(0.04, 0.1),
        frozen=ErrorScores(0.045, 0.11),
        persistence=ErrorScores(0.05, 0.075),
        point=PointScores(0.0602, 0.0441, 0.075, 0.05),
    )
    rows = [line.split() for line in _lines(found, rows=ALL_ROWS)[1:6]]
    assert rows == [
        ["MSE", "kW²", "RMSE", "W", "MAE", "W"],
        ["point", "0.044100", "210.0", "60.2"],
        ["mean", "0.040000", "200.0", "100.0"],
        ["frozen", "0.045000", "212.1", "110.0"],
        ["persistence", "0.050000", "223.6", "75.0"],
    ]
    assert "frozen" not in "".join(_lines(usual(), rows=ALL_ROWS))


def test_a_point_forecast_that_began_later_has_persistence_over_its_own_minutes() -> None:
    found = _scored(point=PointScores(0.0602, 0.0441, 0.075, 0.04))
    assert " point began later: persistence MAE 75.0 W" in _lines(found)


def test_small_screens_have_the_absolute_error_of_the_point_forecast() -> None:
    found = _scored(point=PointScores(0.0602, 0.0441, 0.075, 0.05))
    assert comparison(found, 40)[0].plain == "MAE 60.2 W, persistence 75.0 W"
    assert more(found, 60)[0].plain.startswith("MSE 0.04410 kW², mean ")


def test_less_important_lines_are_left_out_first() -> None:
    full = _lines(adapted(), rows=ALL_ROWS)
    assert [line.split()[0] for line in full] == [
        "too", "MSE", "point", "mean", "frozen", "persistence", "day", "hour", "90", "0.29",
        "adapted,",
    ]  # fmt: skip
    shortest = [line.split()[0] for line in _lines(adapted())]
    assert shortest == ["too", "MSE", "point", "mean", "persistence", "90", "adapted,"]


def _scored(**changes: Any) -> HistorySnapshot:
    found = usual()
    last = found.steps[-1]
    scores = replace(last.scores, **changes)
    return replace(found, steps=(*found.steps[:-1], replace(last, scores=scores)))


SURE, UNSURE = Lead(0.01, 0.02), Lead(-0.01, 0.02)


@pytest.mark.parametrize(
    ("lead", "words", "style"),
    [
        (None, "too early to compare with persistence", ""),
        (UNSURE, "no clear difference from persistence", ""),
        (SURE, "mean 20.0 % better than persistence", GOOD),
    ],
)
def test_skill_is_put_in_words_once_it_means_something(
    lead: Lead | None, words: str, style: str
) -> None:
    model, persistence = ErrorScores(0.04, 0.1), ErrorScores(0.05, 0.2)
    found = _scored(model=model, persistence=persistence, lead=lead)
    assert _lines(found)[0].strip() == words
    for size in ((40, 12), (60, 30), (80, 24), (120, 40), (200, 60)):
        frame = render(found, *size)
        assert words in str(frame)
        coloured = {GOOD, BAD} & {span.style for text in frame.lines for span in text.spans}
        assert coloured == ({style} if style else set())


def test_a_model_that_is_clearly_worse_is_said_to_be() -> None:
    model, persistence = ErrorScores(0.06, 0.1), ErrorScores(0.05, 0.2)
    found = _scored(model=model, persistence=persistence, lead=Lead(-0.02, -0.01))
    text = scores(found, WIDTH, MIN_ROWS)[0]
    assert text.plain == " mean 20.0 % worse than persistence"
    assert {span.style for span in text.spans} == {BAD}


def test_the_last_day_is_named_where_there_is_room() -> None:
    model, persistence = ErrorScores(0.04, 0.1, None, 0.02), ErrorScores(0.05, 0.2, None, 0.04)
    found = _scored(model=model, persistence=persistence, lead=SURE, day_lead=SURE)
    assert _lines(found, 80)[0] == (
        " mean 20.0 % better than persistence, 50.0 % better in the last day"
    )
    assert _lines(found)[0] == " mean 20.0 % better than persistence"


def test_the_warning_of_in_sample_scores_is_never_left_out() -> None:
    found = snapshot(make_steps(house(120), adaptation=ADAPTED), about=IN_SAMPLE)
    for rows in range(MIN_ROWS, ALL_ROWS + 1):
        lines = _lines(found, rows=rows)
        assert lines[-1] == " ! in sample: these scores flatter"
        assert any("adapted" in line for line in lines)
        assert any("band" in line for line in lines)


def test_adaptation_is_not_mentioned_without_it() -> None:
    for size in ((60, 30), (80, 24), (200, 60)):
        text = str(render(usual(), *size))
        assert "adapted" not in text
        assert "learning" not in text
