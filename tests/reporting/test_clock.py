"""Tests of the house's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.reporting.clock import HouseClock
from tests.reporting.recordings import ZONE

YEAR = np.arange(
    round(datetime(2010, 1, 1, tzinfo=UTC).timestamp()),
    round(datetime(2011, 1, 1, tzinfo=UTC).timestamp()),
    1800,
)


def _local(at: int) -> datetime:
    return datetime.fromtimestamp(at, ZONE)


@pytest.fixture(scope="module")
def clock() -> HouseClock:
    ahead = [round(_local(at).utcoffset().total_seconds()) for at in YEAR.tolist()]
    return HouseClock(YEAR, np.array(ahead))


@given(at=st.integers(int(YEAR[0]), int(YEAR[-1])))
def test_local_times_equal_those_of_the_zone(clock: HouseClock, at: int) -> None:
    assert clock.local(at) == _local(at).replace(tzinfo=None)
    assert clock.offset(at) == clock.offsets(np.array([at]))[0]


@given(at=st.integers(int(YEAR[0]), int(YEAR[-1])))
def test_unix_is_the_inverse_of_local(clock: HouseClock, at: int) -> None:
    # The first occurrence of an hour that occurs twice.
    assert clock.unix(clock.local(at)) in (at, at - 3600)
    assert clock.local(clock.unix(clock.local(at))) == clock.local(at)


def test_a_skipped_time_gives_a_time_near_it(clock: HouseClock) -> None:
    skipped = clock.unix(datetime(2010, 3, 28, 2, 30))
    assert clock.local(skipped) == datetime(2010, 3, 28, 3, 30)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2010, 3, 28), 23), (datetime(2010, 10, 31), 25), (datetime(2010, 6, 1), 24)],
)
def test_midnights_are_one_local_day_apart(clock: HouseClock, day: datetime, hours: int) -> None:
    start = clock.unix(day)
    assert clock.next_midnight(start) - start == hours * 3600
    found = clock.midnights(start, clock.unix(day + timedelta(days=3)))
    assert [clock.local(at) for at in found] == [day + timedelta(days=n) for n in range(3)]
