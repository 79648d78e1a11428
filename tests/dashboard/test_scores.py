"""Tests of the scores on the dashboard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamer.dashboard import HistorySnapshot, render
from streamer.dashboard.scores import (
    ALL_ROWS,
    BROAD,
    MIN_ROWS,
    NARROW,
    TRIAL_MINUTES,
    adaptation_line,
    band_lines,
    scores,
)
from streamer.online.adapter import Adapter
from streamer.readings import Adaptation, BandScores
from tests.dashboard.samples import ADAPTED, IN_SAMPLE, adapted, house, make_steps, snapshot, usual

BAND = BandScores(0.9, 0.9012, 0.8944, 0.3111, 0.2888)


def _lines(found: HistorySnapshot, width: int = NARROW, rows: int = MIN_ROWS) -> list[str]:
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
            Adaptation(day_gain=-0.003, learnt=1440),
            "frozen network: correction not surely better (−0.3 % over the last day)",
            "frozen: not surely better (−0.3 %)",
        ),
        (
            Adaptation(learnt=1440),
            "frozen network: correction not surely better (– over the last day)",
            "frozen: not surely better (–)",
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
    assert adaptation_line(adaptation, 80).plain == long
    assert adaptation_line(adaptation, NARROW - 1).plain == short
    for width in range(1, 80):
        assert adaptation_line(adaptation, width).cell_len <= width


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


def test_the_frozen_network_has_a_column_if_it_fits_and_forecasts_are_adapted() -> None:
    assert "frozen" in _lines(adapted(), BROAD)[0]
    assert "frozen" not in _lines(adapted(), NARROW)[0]
    assert "frozen" not in _lines(usual(), BROAD)[0]
    heading, mse = _lines(adapted(), BROAD)[:2]
    found = adapted().steps[-1].scores
    assert found.frozen is not None
    assert found.frozen.mse_kw2 is not None
    end = heading.index("frozen") + len("frozen")
    assert mse[:end].endswith(f" {found.frozen.mse_kw2:.5f}")


def test_less_important_lines_are_left_out_first() -> None:
    full = _lines(adapted(), rows=ALL_ROWS)
    assert [line.split()[0] for line in full] == [
        "model", "MSE", "hour", "day", "RMSE", "MAE", "90", "0.29", "adapted,", "skill:",
    ]  # fmt: skip
    assert [line.split()[0] for line in _lines(adapted(), rows=9)][4:7] == ["RMSE", "MAE", "90"]
    shortest = [line.split()[0] for line in _lines(adapted())]
    assert shortest == ["model", "MSE", "hour", "day", "MAE", "90", "adapted,"]


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
        assert "frozen" not in text
        assert "adapted" not in text
        assert "learning" not in text
