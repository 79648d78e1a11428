"""Tests of the minutes of times, with and without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.wallclock import wall_clock, wall_clocks, wall_clocks_at
from streamer.readings import MINUTE, Reading
from streamer.readings.blocks import ReadingBlock

TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))


@given(st.lists(TIMES, min_size=1, max_size=5, unique=True).map(sorted))
def test_arrays_blocks_and_single_times_agree(times: list[datetime]) -> None:
    singles = [wall_clock(at) for at in times]
    for at, found in zip(times, singles, strict=True):
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        assert found.minute == (at - datetime(1970, 1, 1)) // MINUTE
        assert found.day_minute == (at - midnight) // MINUTE
        assert found.weekend is (at.strftime("%A") in ("Saturday", "Sunday"))
    readings = [Reading(at, 0.5) for at in times]
    for several in (
        wall_clocks(readings),
        wall_clocks(ReadingBlock.of(readings)),
        wall_clocks_at(np.array(times, "datetime64[ns]")),
    ):
        assert list(zip(*(each.tolist() for each in several), strict=True)) == singles


@pytest.mark.parametrize("unit", ["m", "s", "ms", "us"])
def test_minutes_before_1970_are_rounded_down(unit: str) -> None:
    at = np.array(["1969-12-31T23:59:30"], f"datetime64[{unit}]")
    assert wall_clocks_at(at).minutes.tolist() == [-1]
    assert wall_clock(datetime(1969, 12, 31, 23, 59, 30)).minute == -1


def test_a_clock_that_is_set_back_repeats_its_hour_while_minutes_pass() -> None:
    paris = ZoneInfo("Europe/Paris")
    start = datetime(2010, 10, 30, 23, 30, tzinfo=UTC)
    times = [(start + hours * timedelta(hours=1)).astimezone(paris) for hours in range(3)]
    found = wall_clocks([Reading(at, 0.5) for at in times])
    assert np.diff(found.minutes).tolist() == [60, 60]
    assert found.day_minutes.tolist() == [90, 150, 150]
    assert found.weekends.all()


def test_no_readings_have_no_minutes() -> None:
    assert [len(each) for each in wall_clocks([])] == [0, 0, 0]
