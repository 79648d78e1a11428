"""Tests of the energy of the day and the skill over it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from rich.text import Text

from streamer.dashboard.trend import trend
from streamer.history.day import NO_DAY, SLOTS_PER_SKILL, SLOTS_SHOWN, Day, DayView
from streamer.readings import Step
from tests.dashboard.samples import START, house, make_steps, sunny


def _day(steps: list[Step]) -> DayView:
    day = Day()
    for step in steps:
        day.add(step)
    return day.view()


def test_the_energy_is_that_of_the_minutes_seen_since_midnight() -> None:
    steps = make_steps(house(300), gaps={70: 45, 200: 3})
    today = [step.reading for step in steps if step.reading.at.date() != START.date()]
    found = _day(steps)
    assert found.kwh == pytest.approx(sum(reading.kw for reading in today) / 60)
    assert found.minutes == len(today)
    midnight = datetime.combine(today[-1].at.date(), datetime.min.time())
    assert found.elapsed == (today[-1].at - midnight) / timedelta(minutes=1) + 1
    # The longer gap lies across midnight: the part of it since then is missing, too.
    assert found.elapsed - found.minutes == (today[0].at - midnight) / timedelta(minutes=1) + 3
    assert not found.exported


def test_exported_power_is_noticed() -> None:
    assert _day(make_steps([0.5, -0.25])).exported
    assert _day(make_steps([0.5, -0.25])).kwh == pytest.approx(0.25 / 60)


def test_export_and_solar_energy_are_those_since_midnight() -> None:
    steps = sunny(make_steps(house(300)))
    today = [step.reading for step in steps if step.reading.at.date() != START.date()]
    found = _day(steps)
    exported = sum(-reading.kw for reading in today if reading.kw < 0) / 60
    assert found.exported_kwh == pytest.approx(exported)
    assert found.solar_kwh == pytest.approx(sum(r.solar_kw or 0.0 for r in today) / 60)
    assert _day(make_steps([0.5, -0.25])).solar_kwh is None


def test_nothing_is_known_before_the_first_reading() -> None:
    assert _day([]) == NO_DAY


def test_the_skill_is_that_of_three_hours() -> None:
    steps = make_steps(house(1900))
    start = steps[49].reading.at
    found = _day(steps).skills
    assert len(found) == SLOTS_SHOWN
    end = steps[-1].reading.at.replace(minute=steps[-1].reading.at.minute // 15 * 15)
    for back in (0, 1, 50, 90):
        upper = end + timedelta(minutes=15) - back * timedelta(minutes=15)
        lower = max(start, upper - SLOTS_PER_SKILL * timedelta(minutes=15))
        part = [s for s in steps if s.settled is not None and lower <= s.reading.at < upper]
        ours = np.array([s.reading.kw - s.settled.kw for s in part if s.settled])
        theirs = np.array([s.reading.kw - s.settled.last_kw for s in part if s.settled])
        expected = 1 - np.sum(ours**2) / np.sum(theirs**2)
        assert found[-1 - back] == pytest.approx(expected)


def test_there_is_no_skill_over_less_than_three_hours() -> None:
    assert not any(_day(make_steps(house(200))).skills)
    assert any(_day(make_steps(house(260))).skills)


def test_slots_without_forecasts_have_no_skill() -> None:
    steps = make_steps(house(700), gaps={500: 100})
    skills = _day(steps).skills
    assert None in skills[SLOTS_PER_SKILL:]
    assert skills[-1] is not None


def test_absurd_errors_have_no_skill() -> None:
    steps = make_steps(house(260))
    huge = replace(steps[-1], reading=replace(steps[-1].reading, kw=1e300))
    assert _day([*steps[:-1], huge]).skills[-1] is None


def test_a_long_gap_takes_no_more_room_than_a_day() -> None:
    steps = make_steps(house(300), gaps={200: 500_000})
    assert len(_day(steps).skills) == SLOTS_SHOWN


UNTIL = datetime(2010, 3, 21, 18, 0)


def _plain(lines: list[Text]) -> list[str]:
    return [text.plain for text in lines]


def test_the_trend_is_level_with_its_label() -> None:
    lines = _plain(trend([0.0] * SLOTS_SHOWN, UNTIL, 60, 8))
    assert lines[3].startswith("    0 %┤")
    assert set(lines[3][8:]) == {"⠒"} or set(lines[3][8:]) == {"⠤"}
    top = _plain(trend([1.0] * SLOTS_SHOWN, UNTIL, 60, 8))[0]
    assert top == " +100 %│" + "⠉" * 52
    bottom = _plain(trend([-5.0] * SLOTS_SHOWN, UNTIL, 60, 8))[6]
    assert bottom == " −100 %│" + "⣀" * 52


def test_the_trend_names_round_hours() -> None:
    times = _plain(trend([0.5] * SLOTS_SHOWN, UNTIL, 104, 8))[-1]
    at = {times.index(name): name for name in ("00:00", "06:00", "12:00")}
    assert list(at) == [8 + 24, 8 + 48, 8 + 72]


def test_an_unknown_trend_is_said_to_be() -> None:
    for skills in ([], [None] * 9):
        assert _plain(trend(skills, UNTIL, 60, 8)) == [" not known yet"]
    assert _plain(trend([0.5], None, 60, 8)) == [" not known yet"]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (19, 9), (20, 3), (36, 7), (90, 20)])
def test_the_trend_fits(width: int, height: int) -> None:
    skills = [None, 0.5, -3.0, 0.9, 0.1] * 15
    lines = trend(skills, UNTIL, width, height)
    assert len(lines) <= max(1, height)
    if len(lines) > 1:
        assert max(text.cell_len for text in lines) <= width
