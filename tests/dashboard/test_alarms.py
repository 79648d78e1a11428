"""Tests of the alarms on the dashboard."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard import HistorySnapshot, render
from streamer.dashboard.alarms import banner
from streamer.readings import Alarm
from tests.dashboard.samples import VITALS, alarmed, house, make_steps, snapshot

NOW = datetime(2010, 3, 22, 17, 10)
DRIFT = Alarm(Alarm.DRIFT, datetime(2010, 3, 21, 9, 0), "the errors have doubled", 1.2)
STUCK = Alarm(Alarm.STUCK, datetime(2010, 3, 22, 16, 50), "0.3 kW 9 times in a row", 1.1)
ODD = Alarm(Alarm.ANOMALY, datetime(2010, 3, 22, 17, 3), "4.69 kW where 1.35 was expected", 1.8)
SIZES = [(20, 5), (40, 12), (60, 30), (72, 22), (80, 24), (100, 40), (130, 24), (200, 60)]


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (
            200,
            "! anomaly since 17:03 · 4.69 kW where 1.35 was expected"
            " · stuck since 16:50 · drift since 03-21 09:00",
        ),
        (64, "! anomaly since 17:03 · 4.69 kW where 1.35 was expected · 2 more"),
        (55, "! anomaly since 17:03 · 4.69 kW where 1.35 wa… · 2 more"),
        (40, "! anomaly since 17:03 +2"),
        (24, "! anomaly since 17:03 +2"),
        (23, "! anomaly +2"),
        (5, "! an…"),
    ],
)
def test_the_latest_alarm_is_named_and_the_others_as_far_as_they_fit(width: int, text: str) -> None:
    assert banner((DRIFT, STUCK, ODD), NOW, width).plain == text


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "! anomaly since 17:03 · 4.69 kW where 1.35 was expected"),
        (50, "! anomaly since 17:03 · 4.69 kW where 1.35 was ex…"),
        (30, "! anomaly since 17:03"),
        (12, "! anomaly"),
    ],
)
def test_a_single_alarm_is_cut_to_the_width(width: int, text: str) -> None:
    assert banner((ODD,), NOW, width).plain == text


@given(count=st.integers(1, 12), width=st.integers(1, 200), text=st.text(max_size=80))
def test_the_banner_fits_any_width(count: int, width: int, text: str) -> None:
    alarms = [replace(ODD, text=text)] * count
    assert banner(alarms, NOW, width).cell_len <= width


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_an_alarm_is_on_every_screen_with_a_word_and_a_sign(
    size: tuple[int, int], ascii_only: bool
) -> None:
    text = str(render(alarmed(), *size, ascii=ascii_only, speed="600×"))
    assert text.count("! anomaly") >= 1
    assert ("since 06:37" in text) == (size[0] > 20)
    assert any(others in text for others in ("+2", "2 more", "stuck since 06:18"))


@pytest.mark.parametrize("size", SIZES)
def test_an_alarm_that_is_over_is_not_shown(size: tuple[int, int]) -> None:
    steps = alarmed().steps
    odd, calm = snapshot(steps[:-1]), snapshot([*steps[:-1], replace(steps[-1], alarms=())])
    assert "! anomaly" in str(render(odd, *size)).split("events")[0]
    assert "! anomaly" not in str(render(calm, *size)).split("events")[0]


def test_on_a_small_screen_the_last_line_has_the_text_of_the_alarm() -> None:
    lines = str(render(alarmed(), 40, 12, speed="600×")).splitlines()
    assert lines[0].startswith("! anomaly since 06:37 +2")
    assert lines[-1] == "2.392 kW where 1.403 to 1.482 was expec…"
    in_sample = replace(alarmed(), in_sample=True)
    lines = str(render(in_sample, 40, 12, speed="600×")).splitlines()
    assert lines[0].startswith("! anomaly since 06:37 +2")
    assert "in sample" in lines[-1]


def test_control_characters_in_an_alarm_do_not_reach_the_terminal() -> None:
    step = replace(make_steps(house(1))[0], alarms=(replace(ODD, text="a\x1b[2J\n家"),))
    found = HistorySnapshot(steps=(step,), vitals=VITALS)
    assert not {"\x1b", "\t"} & set(str(render(found, 80, 24)))
    assert str(render(found, 80, 24, ascii=True)).isascii()
