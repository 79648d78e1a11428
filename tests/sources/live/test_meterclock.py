from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.sources.live.meterclock import MeterClock

NOW = 1_774_745_940.0


def _heard(clock: MeterClock, *lags: float, every_s: float = 3.0, start: float = NOW) -> list[str]:
    """What is said as samples come in, each so much later than it says itself."""
    said = []
    for number, lag in enumerate(lags):
        arrived = start + number * every_s
        clock.correct(arrived - lag, arrived)
        news = clock.news()
        if news is not None:
            said.append(news)
    return said


def test_a_clock_that_is_right_is_let_be() -> None:
    clock = MeterClock(5.0)
    assert not _heard(clock, *[0.1, 4.9, -1.9, 0.0] * 10)
    assert clock.correct(NOW, NOW + 1) == NOW


def test_a_clock_that_is_behind_is_corrected_and_told_once() -> None:
    clock = MeterClock(5.0)
    assert _heard(clock, *[200.0, 200.8, 201.0] * 5) == [
        "the meter's clock is 3 min 20 s behind; corrected"
    ]
    assert clock.correct(NOW, NOW + 200.5) == NOW + 200


def test_a_clock_that_is_ahead_too_and_again_when_it_changes() -> None:
    clock = MeterClock(5.0)
    assert _heard(clock, *[-3600.0] * 6) == ["the meter's clock is 1 h ahead; corrected"]
    assert _heard(clock, *[-3598.5] * 20) == []
    assert _heard(clock, *[-3500.0] * 20) == ["the meter's clock is 58 min 20 s ahead; corrected"]
    assert _heard(clock, *[0.3] * 20) == ["the meter's clock is right again"]


def test_it_takes_five_samples_and_ten_seconds() -> None:
    assert not _heard(MeterClock(5.0), *[60.0] * 4)
    assert not _heard(MeterClock(5.0), *[60.0] * 10, every_s=1.0)
    assert _heard(MeterClock(5.0), *[60.0] * 11, every_s=1.0)
    assert not _heard(MeterClock(5.0), *[60.0] * 4, 0.0, *[60.0] * 4)


def test_a_heap_that_comes_late_is_no_matter_of_the_clock() -> None:
    """A sample a second for ten minutes, handed over at once, and handed over in a hurry."""
    assert not _heard(MeterClock(5.0), *range(600, 0, -1), every_s=0.0)
    assert not _heard(MeterClock(5.0), *range(600, 0, -1), every_s=0.1)
    # Of ten seconds each at a time: the last ones of each are not late at all.
    clock = MeterClock(5.0)
    for batch in range(20):
        assert not _heard(clock, *range(9, -1, -1), every_s=0.0, start=NOW + 10 * batch)


def test_our_own_clock_is_set() -> None:
    clock = MeterClock(5.0)
    _heard(clock, *[-3600.0] * 6)
    clock.step(1800.0)
    assert clock.error_s == -1800.0
    clock.step(1800.5)
    assert clock.error_s == 0.0
    assert clock.news() == "the meter's clock is right again"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 30)), max_size=40))
def test_whatever_comes_the_correction_is_one_of_the_lags(lags: list[tuple[float, float]]) -> None:
    clock = MeterClock(5.0)
    arrived = NOW
    for lag, pause in lags:
        arrived += pause
        assert math.isfinite(clock.correct(arrived - lag, arrived))
    assert clock.error_s == 0.0 or any(abs(clock.error_s - lag) < 1e-3 for lag, _ in lags)
