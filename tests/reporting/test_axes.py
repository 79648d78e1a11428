"""Tests of the axes of figures."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamer.reporting.axes import day_marks, hour_marks, tick_label, ticks
from streamer.reporting.clock import HouseClock

HOUR = 3600
DAY = 24 * HOUR
EDGE = 20 * DAY + HOUR
"""Time of the change of `SPRING` and `AUTUMN`: one o'clock UTC, as in Europe."""
UTC_CLOCK = HouseClock(np.array([0]), np.array([0]))
SPRING = HouseClock(np.array([0, EDGE]), np.array([HOUR, 2 * HOUR]))
AUTUMN = HouseClock(np.array([0, EDGE]), np.array([2 * HOUR, HOUR]))

VALUES = st.floats(-1e200, 1e200)


@given(VALUES, VALUES, st.integers(2, 6))
def test_ticks_are_round_limited_in_number_and_enclose_the_values(
    a: float, b: float, max_steps: int
) -> None:
    low, high = min(a, b), max(a, b)
    assume(high - low > 1e-3 and high - low > 1e-6 * max(abs(low), abs(high)))
    found = ticks(low, high, max_steps)
    step = found[1] - found[0]
    assert 2 <= len(found) <= max_steps + 1
    assert found[0] <= low + 1e-6 * step
    assert found[-1] >= high - 1e-6 * step
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-6)
    assert min(abs(mantissa - round_) for round_ in (1, 2, 5)) < 1e-6
    assert all(tick_label(value, step) for value in found)


@pytest.mark.parametrize("width", [310, 632, 992])
@pytest.mark.parametrize("minutes", [3, 45, 120, 600, 1440, 2880])
def test_hour_labels_do_not_overlap(width: int, minutes: int) -> None:
    start = 5 * DAY + 17 * 60
    marks = hour_marks(UTC_CLOCK, start, start + 60 * minutes, width)
    places = [(mark.at - start) * width / (60 * minutes) for mark in marks]
    assert all(b - a >= 47 for a, b in pairwise(places))
    assert len(places) >= (3 if minutes >= 45 else 0)


def test_midnights_and_the_beginning_have_the_date() -> None:
    marks = hour_marks(UTC_CLOCK, 17 * HOUR, 41 * HOUR, 992)
    assert [mark.below for mark in marks if mark.below] == ["Thu 1 Jan", "Fri 2 Jan"]
    assert [mark.label for mark in marks if mark.strong] == ["00:00"]


def test_hour_marks_follow_the_local_clock_on_days_of_23_and_25_hours() -> None:
    spring = hour_marks(SPRING, EDGE - 2 * HOUR, EDGE + 21 * HOUR, 992)
    autumn = hour_marks(AUTUMN, EDGE - 3 * HOUR, EDGE + 22 * HOUR, 992)
    evening = [f"{hour:02}:00" for hour in range(4, 24, 2)]
    assert [mark.label for mark in spring] == ["00:00", *evening, "00:00"]
    assert [mark.label for mark in autumn] == ["00:00", "02:00", "02:00", *evening, "00:00"]
    assert spring[1].at - spring[0].at == 3 * HOUR


def test_days_are_labelled_between_midnights_if_there_is_room() -> None:
    marks = day_marks(UTC_CLOCK, 3 * DAY + 22 * HOUR, 10 * DAY + 22 * HOUR, 992)
    assert [mark.label for mark in marks] == ["", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert [mark.below for mark in marks][1:3] == ["5 Jan", "6 Jan"]
    assert [mark.strong for mark in marks] == [False] + [True] * 7
    assert marks[1].label_at == 4.5 * DAY


def test_the_month_is_labelled_once_if_there_is_little_room() -> None:
    marks = day_marks(UTC_CLOCK, 27 * DAY, 34 * DAY, 310)
    assert [mark.below for mark in marks] == ["28 Jan", "29", "30", "31", "1 Feb", "2", "3"]


def test_only_mondays_of_a_month_are_labelled() -> None:
    marks = day_marks(UTC_CLOCK, 0, 31 * DAY, 310)
    assert [mark.below for mark in marks if mark.below] == ["5 Jan", "12 Jan", "19 Jan", "26 Jan"]
    assert len(marks) == 31
