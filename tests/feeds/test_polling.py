from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.pace import pace_of
from streamer.feeds.polling import Ticker, next_tick, poll_interval


@given(
    start=st.floats(0.0, 1e6),
    every=st.floats(0.5, 300.0),
    passed=st.floats(0.0, 1e6),
)
def test_the_next_tick_is_on_the_grid_and_at_most_one_interval_away(
    start: float, every: float, passed: float
) -> None:
    now = start + passed
    ticker = next_tick(start, every, now)
    assert now - 1e-6 <= ticker <= now + every + 1e-6
    beats = (ticker - start) / every
    assert abs(beats - round(beats)) < 1e-6


def test_ticks_missed_during_a_stall_are_dropped() -> None:
    ticker, now, times = Ticker(5.0), 100.0, []
    for busy in (0.1, 0.2, 12.0, 0.0, 4.9):
        now += ticker.delay(now)
        times.append(now)
        now += busy
    assert times == [100.0, 105.0, 110.0, 125.0, 130.0]


def test_wait_sleeps_until_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    now, times = 100.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def three() -> None:
        nonlocal now
        ticker = Ticker(5.0)
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "sleep", sleep)
            patched.setattr(asyncio.get_running_loop(), "time", lambda: now)
            for _ in range(3):
                await ticker.wait()
                times.append(now)
                now += 1.0

    asyncio.run(three())
    assert times == [100.0, 105.0, 110.0]


def test_the_interval_is_read_from_the_address() -> None:
    assert poll_interval(Address.parse("shelly://host")) == 5.0
    assert poll_interval(Address.parse("shelly://host?every=0.5")) == 0.5
    with pytest.raises(UsageError, match=r"option every='0\.1': give a number at least 0\.5"):
        poll_interval(Address.parse("shelly://host?every=0.1"))


@pytest.mark.parametrize(
    ("options", "pace"),
    [
        ("", Pace()),
        ("every=10", Pace(every_s=10.0)),
        ("every=0.5", Pace(every_s=0.5)),
        ("every=change", Pace(on_change=True)),
    ],
)
def test_the_pace_of_a_meter_that_sends_by_itself(options: str, pace: Pace) -> None:
    assert pace_of(Address.parse(f"push://127.0.0.1?{options}")) == pace
    usual = Pace(every_s=300.0)
    assert pace_of(Address.parse(f"mqtt://h/t?{options}"), usual) == (pace if options else usual)


@pytest.mark.parametrize("text", ["", "often", "0", "-1", "nan", "inf", "1e9"])
def test_another_pace_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="give seconds, at most 86400, or change"):
        pace_of(Address.parse(f"mqtt://h/t?every={text}"))
