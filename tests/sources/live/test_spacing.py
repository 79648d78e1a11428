from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds import Pace
from streamer.sources.live.spacing import Spacing


def _spacing(times: Iterable[float], pace: Pace | None = None, stale_s: float = 600.0) -> Spacing:
    spacing = Spacing(Pace() if pace is None else pace, stale_s)
    for at in times:
        spacing.add(float(at))
    return spacing


def test_until_learnt_a_value_is_valid_for_a_minute_or_by_the_known_pace() -> None:
    assert _spacing([]).valid_s == 60.0
    assert _spacing([0, 300]).valid_s == 60.0
    assert _spacing([], stale_s=20.0).valid_s == 20.0
    assert _spacing([], Pace(5.0)).valid_s == 15.0
    assert _spacing([], Pace(1.0)).valid_s == 10.0
    assert _spacing([0], Pace(300.0)).valid_s == 600.0


@pytest.mark.parametrize("every_s", [0.01, 0.2, 1.0, 5.0, 15.0, 60.0])
def test_a_value_is_valid_for_three_usual_spacings(every_s: float) -> None:
    spacing = _spacing(number * every_s for number in range(2000))
    assert spacing.valid_s == pytest.approx(max(3 * every_s, 10.0))
    assert spacing.silent_s == pytest.approx(max(3 * every_s, 30.0))


def test_the_bound_is_that_of_the_user() -> None:
    spacing = _spacing(range(0, 6000, 300))
    assert spacing.valid_s == spacing.silent_s == 600.0
    assert _spacing(range(0, 600, 30), stale_s=45.0).valid_s == 45.0


@pytest.mark.parametrize("outage_s", [61.0, 600.0, 86_400.0])
def test_a_few_outages_do_not_change_the_usual_spacing(outage_s: float) -> None:
    times = [number * 1.5 for number in range(30)]
    for _ in range(2):
        times += [times[-1] + outage_s + number * 1.5 for number in range(20)]
    spacing = _spacing(times)
    assert spacing.usual_s == 1.5
    assert not spacing.is_coarse


def test_bursts_of_changes_do_not_shorten_the_usual_spacing() -> None:
    times: list[float] = []
    for start in range(0, 600, 60):
        times += [start, *(start + 1.0 + number for number in range(5))]
    assert _spacing(times).usual_s == 55.0


def test_a_meter_that_has_become_faster_is_learnt() -> None:
    times = [*range(0, 1200, 60), *range(1200, 1300)]
    assert _spacing(times).usual_s == 1.0


def test_an_outage_that_was_announced_is_no_spacing() -> None:
    spacing = _spacing([0, 1, 2, 3])
    spacing.restart()
    spacing.add(500.0)
    assert spacing.usual_s == 1.0


def test_samples_out_of_order_or_of_one_moment_count_for_nothing() -> None:
    assert _spacing([0, 10, 10, 5, 10.05, 20, 12, 30]).usual_s == 10.0


@pytest.mark.parametrize(
    ("every_s", "about_a_minute", "coarse"),
    [
        (10, False, False),
        (44, False, False),
        (60, True, False),
        (90, True, False),
        (91, False, True),
    ],
)
def test_paces_around_a_minute(every_s: int, about_a_minute: bool, coarse: bool) -> None:
    for spacing in (_spacing(range(0, 20 * every_s, every_s)), _spacing([], Pace(float(every_s)))):
        assert spacing.is_about_a_minute == about_a_minute
        assert spacing.is_coarse == coarse
    assert not _spacing(range(0, 20 * every_s, every_s), Pace(on_change=True)).is_coarse


def test_a_feed_of_changes_has_the_upper_bound_alone() -> None:
    spacing = _spacing([0, 1, 2, 3, 1000], Pace(on_change=True), 3600.0)
    assert spacing.valid_s == spacing.silent_s == 3600.0


@given(st.lists(st.floats(-1e9, 1e9)), st.none() | st.floats(0.5, 1e4), st.booleans())
def test_validity_is_within_its_bounds(
    times: list[float], every_s: float | None, on_change: bool
) -> None:
    spacing = _spacing(times, Pace(every_s, on_change=on_change))
    for seconds in (spacing.valid_s, spacing.silent_s):
        assert math.isfinite(seconds)
        assert 10.0 <= seconds <= 600.0
