from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.sources.live.meterclock import MeterClock

NOW = 1_774_745_940.0


def _reports(
    clock: MeterClock, *lags: float, every_s: float = 3.0, start: float = NOW
) -> list[str]:
    """Reports for samples that arrive with the given lags."""
    reports = []
    for number, lag in enumerate(lags):
        arrived = start + number * every_s
        clock.correct(arrived - lag, arrived)
        change = clock.change()
        if change is not None:
            reports.append(change)
    return reports


def test_a_correct_clock_is_not_corrected() -> None:
    clock = MeterClock(5.0)
    assert not _reports(clock, *[0.1, 4.9, -1.9, 0.0] * 10)
    assert clock.correct(NOW, NOW + 1) == NOW


def test_a_clock_that_is_behind_is_corrected_and_reported_once() -> None:
    clock = MeterClock(5.0)
    assert _reports(clock, *[200.0, 200.8, 201.0] * 5) == [
        "the meter's clock is 3 min 20 s behind; corrected"
    ]
    assert clock.correct(NOW, NOW + 200.5) == NOW + 200


def test_a_clock_that_is_ahead_is_reported_again_when_it_changes() -> None:
    clock = MeterClock(5.0)
    assert _reports(clock, *[-3600.0] * 6) == ["the meter's clock is 1 h ahead; corrected"]
    assert _reports(clock, *[-3598.5] * 20) == []
    assert _reports(clock, *[-3500.0] * 20) == ["the meter's clock is 58 min 20 s ahead; corrected"]
    assert _reports(clock, *[0.3] * 20) == ["the meter's clock is correct again"]


def test_a_correction_needs_five_samples_and_ten_seconds() -> None:
    assert not _reports(MeterClock(5.0), *[60.0] * 4)
    assert not _reports(MeterClock(5.0), *[60.0] * 10, every_s=1.0)
    assert _reports(MeterClock(5.0), *[60.0] * 11, every_s=1.0)
    assert not _reports(MeterClock(5.0), *[60.0] * 4, 0.0, *[60.0] * 4)


def test_a_burst_of_late_samples_is_not_clock_skew() -> None:
    """One sample a second for ten minutes, delivered at once or in quick succession."""
    assert not _reports(MeterClock(5.0), *range(600, 0, -1), every_s=0.0)
    assert not _reports(MeterClock(5.0), *range(600, 0, -1), every_s=0.1)
    # In batches of ten seconds: the last samples of each are not late at all.
    clock = MeterClock(5.0)
    for batch in range(20):
        assert not _reports(clock, *range(9, -1, -1), every_s=0.0, start=NOW + 10 * batch)


def test_the_correction_follows_when_our_clock_is_set() -> None:
    clock = MeterClock(5.0)
    _reports(clock, *[-3600.0] * 6)
    clock.step(1800.0)
    assert clock.error_s == -1800.0
    clock.step(1800.5)
    assert clock.error_s == 0.0
    assert clock.change() == "the meter's clock is correct again"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 30)), max_size=40))
def test_the_correction_is_always_one_of_the_lags(lags: list[tuple[float, float]]) -> None:
    clock = MeterClock(5.0)
    arrived = NOW
    for lag, pause in lags:
        arrived += pause
        assert math.isfinite(clock.correct(arrived - lag, arrived))
    assert clock.error_s == 0.0 or any(abs(clock.error_s - lag) < 1e-3 for lag, _ in lags)
