"""Tests of the clock on the wall against the standard library's, one time after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.fleet import FleetSettings
from streamer.fleet.zones import local_us

ZONES = ("UTC", "Europe/Brussels", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")


@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.datetimes(datetime(1973, 1, 1), datetime(2037, 1, 1)), max_size=20),
)
def test_times_are_those_of_the_standard_library(zone: str, times: list[datetime]) -> None:
    at = np.array(times, "datetime64[us]").astype(np.int64)
    found = local_us(at, zone).astype("datetime64[us]").tolist()
    there = ZoneInfo(zone)
    assert found == [t.replace(tzinfo=UTC).astimezone(there).replace(tzinfo=None) for t in times]


def test_a_change_of_the_clock_in_the_middle_of_an_array() -> None:
    first = datetime(2026, 10, 25, 0, 58)
    at = np.array([first + n * timedelta(minutes=1) for n in range(4)], "datetime64[us]")
    local = local_us(at.astype(np.int64).reshape(2, 2), "Europe/Brussels")
    assert local.shape == (2, 2)
    shown = np.datetime_as_string(local.reshape(-1).astype("datetime64[us]"), "m").tolist()
    assert [text[11:] for text in shown] == ["02:58", "02:59", "02:00", "02:01"]


@pytest.mark.parametrize(
    "extreme", [np.iinfo(np.int64).min + 2**50, np.iinfo(np.int64).max - 2**50]
)
def test_times_beyond_any_calendar_have_an_offset(extreme: int) -> None:
    at = np.array([extreme], np.int64)
    assert abs(int(local_us(at, "Europe/Brussels")[0] - at[0])) <= 3_600_000_000


@pytest.mark.parametrize("wrong", ["Europe/Bruxelles", "", "../etc/passwd", "+01:00"])
def test_an_unknown_zone_is_reported(wrong: str) -> None:
    with pytest.raises(UsageError, match="such as Europe/Brussels"):
        FleetSettings(zone=wrong)
