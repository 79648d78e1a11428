"""Tests of the limits, over simulated months."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.publishing.notify.budget import DAY_S, LIMITS, MONTH_S, Budget
from streamer.publishing.notify.settings import ANOMALY, BACK, PEAK, SILENT
from streamer.recording.notifications import Notification

START = 1_772_000_000


def _most_within(times: list[int], span: int) -> int:
    """Most times in any half-open span, counted anew for each, as an oracle."""
    return max((sum(1 for each in times if at - span < each <= at) for at in times), default=0)


@settings(max_examples=50)
@given(
    gaps=st.lists(st.integers(0, 5 * DAY_S), max_size=80),
    sizes=st.lists(st.floats(1.0, 1e6) | st.just(float("inf")) | st.none(), min_size=80),
    a_day=st.integers(1, 5),
    a_month=st.integers(1, 20),
)
def test_no_more_anomalies_than_asked_for(
    gaps: list[int], sizes: list[float | None], a_day: int, a_month: int
) -> None:
    budget, at, sent = Budget(a_day, a_month), START, []
    for gap, size in zip(gaps, sizes, strict=False):
        at += gap
        if budget.allows(ANOMALY, at, size):
            sent.append(at)
    assert _most_within(sent, DAY_S) <= a_day
    assert _most_within(sent, MONTH_S) <= a_month


@pytest.mark.parametrize("kind", [PEAK, SILENT, BACK])
def test_other_kinds_have_limits_of_their_own(kind: str) -> None:
    budget = Budget(1, 1)
    budget.allows(ANOMALY, START, 9.0)
    sent = [at for at in range(START, START + 60 * DAY_S, 3600) if budget.allows(kind, at)]
    a_day, a_month = LIMITS[kind]
    assert _most_within(sent, DAY_S) == a_day
    assert _most_within(sent, MONTH_S) == a_month


@pytest.mark.parametrize("a_day", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_the_threshold_finds_the_rate_and_the_largest(a_day: float, spread: float) -> None:
    chance, budget = np.random.default_rng(1), Budget(3, 10)
    days, sizes, sent = 720, [], []
    for day in range(days):
        for second in sorted(chance.integers(0, DAY_S, chance.poisson(a_day)).tolist()):
            sizes.append(1.0 + chance.exponential(spread))
            if budget.allows(ANOMALY, START + day * DAY_S + second, sizes[-1]):
                sent.append(sizes[-1])
    assert 8.0 <= len(sent) / days * 30 <= 10.0
    # Far larger than those of which there are too many.
    assert sorted(sent)[len(sent) // 4] > sorted(sizes)[len(sizes) // 2]


def test_in_a_house_without_many_all_are_sent() -> None:
    budget = Budget(3, 10)
    times = range(START, START + 360 * DAY_S, 6 * DAY_S)
    assert all(budget.allows(ANOMALY, at, 1.5) for at in times)


def test_a_silent_one_of_whatever_size_is_within_the_limits_of_anomalies() -> None:
    budget = Budget(2, 10)
    assert [budget.allows(ANOMALY, START + at, None) for at in range(3)] == [True, True, False]


@settings(max_examples=50)
@given(
    gaps=st.lists(st.integers(0, 2 * DAY_S), min_size=2, max_size=60),
    sizes=st.lists(st.floats(1.0, 50.0), min_size=60),
    cut=st.integers(0, 59),
)
def test_a_restart_changes_no_decision(gaps: list[int], sizes: list[float], cut: int) -> None:
    budget, at, made, decisions = Budget(2, 8), START, [], []
    resumed: Budget | None = None
    for place, (gap, size) in enumerate(zip(gaps, sizes, strict=False)):
        if place == cut:
            resumed = Budget(2, 8)
            resumed.restore(made)
        at += gap
        allowed = budget.allows(ANOMALY, at, size)
        if resumed is not None:
            decisions.append((allowed, resumed.allows(ANOMALY, at, size)))
        state = Notification.SENT if allowed else Notification.WITHHELD
        made.append(Notification(str(place), ANOMALY, at, at + DAY_S, "", "", size, state))
        # One that came too late for anybody changes nothing.
        late = Notification(f"late {place}", ANOMALY, at, at, "", "", 9.0, Notification.EXPIRED)
        made.append(late)
    assert all(first == second for first, second in decisions)


def test_a_clock_that_is_set_back_opens_no_budget() -> None:
    budget = Budget(1, 10)
    assert budget.allows(ANOMALY, START, 9.0)
    assert not budget.allows(ANOMALY, START - 10 * DAY_S, 9.0)
