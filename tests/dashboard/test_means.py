"""Tests of the line with the means of the next minutes and their skill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamer.dashboard import HistorySnapshot, render
from streamer.dashboard.means import means
from streamer.dashboard.words import BAD, GOOD
from streamer.readings import MeanScores
from tests.dashboard.samples import foreseeing, house, make_steps, snapshot, usual

FOUND = snapshot(foreseeing(make_steps(house(60))))
EARLY = snapshot(foreseeing(make_steps(house(60)), settled=1439))


def _text(found: HistorySnapshot, width: int = 200) -> str:
    (line,) = means(found, width)
    return " ".join(line.plain.split())


def test_powers_have_their_bands_and_skills() -> None:
    assert _text(FOUND) == (
        "mean of the next 5 min 2.27 kW (2.20 to 2.63) 15 min 1.86 kW (1.74 to 2.49) "
        "hour 0.90 kW (0.65 to 2.15) skill 5 min +31.5 %, 15 min +40.0 %, hour +60.0 %"
    )


def test_every_width_has_what_fits() -> None:
    for width in range(1, 220):
        (line,) = means(FOUND, width)
        assert line.cell_len <= width
    assert _text(FOUND, 79) == (
        "mean of next 5 min 2.27, 15 min 1.86, hour 0.90 skill +31.5, +40.0, +60.0 %"
    )
    assert _text(FOUND, 55) == "mean of next hour 0.90 (0.65 to 2.15) skill +60.0 %"
    assert _text(FOUND, 40) == "mean of next hour 0.90 (0.65 to 2.15)"
    assert _text(FOUND, 20) == "next hour 0.90"


def test_a_skill_is_shown_after_a_day() -> None:
    assert _text(EARLY).endswith("hour 0.90 kW (0.65 to 2.15) skill after a day")
    unscored = replace(FOUND.steps[-1], mean_scores=None)
    assert _text(replace(FOUND, steps=(unscored,))).endswith("skill after a day")


def test_a_skill_below_zero_is_in_the_style_of_bad_ones() -> None:
    last = FOUND.steps[-1]
    scores = last.mean_scores
    assert scores is not None
    values = scores.values.copy()
    values[-1, 0] = 1.5
    worse = replace(last, mean_scores=MeanScores(scores.minutes, scores.settled.copy(), values))
    (line,) = means(replace(FOUND, steps=(worse,)), 200)
    styles = {line.plain[span.start : span.end]: span.style for span in line.spans}
    assert styles["−50.0 %"] == BAD
    assert styles["+31.5 %"] == GOOD


@pytest.mark.parametrize(
    ("horizons", "shown"),
    [((60,), "hour"), ((2, 15), "2 min"), ((45, 60), "hour")],
)
def test_the_horizons_that_are_chosen_are_shown(horizons: tuple[int, ...], shown: str) -> None:
    text = _text(replace(FOUND, horizons=horizons))
    assert text.startswith(f"mean of the next {shown}")
    assert text.count(" kW") == len({*horizons} - {45})


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
def test_nothing_is_shown_without_means_or_without_horizons(size: tuple[int, int]) -> None:
    plain = replace(
        FOUND, steps=tuple(replace(s, next_means=None, mean_scores=None) for s in FOUND.steps)
    )
    assert means(plain, 80) == means(usual(), 80) == means(snapshot(), 80) == []
    assert str(render(replace(FOUND, horizons=()), *size)) == str(render(plain, *size))
