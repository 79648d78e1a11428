"""Alarm threshold with a budget."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.demand import warning
from streamer.demand.warning import MIN_THRESHOLD, AlarmThreshold, patient_score

MONTH = 720


def replay(alarm: AlarmThreshold, seed: int, intervals: int, *, false: float) -> list[bool]:
    """Intervals of which some have a high probability; whether each false one had an alarm."""
    rng = np.random.default_rng(seed)
    raised = []
    for _ in range(intervals):
        p = float(rng.random()) if rng.random() < false else 0.01
        exceeded = bool(rng.random() < 0.3 * p)
        warned = alarm.raises(p, 24)
        alarm.end(exceeded=exceeded)
        raised.append(warned and not exceeded)
    return raised


@pytest.mark.parametrize("a_month", [1.0, 3.0, 10.0])
def test_false_alarms_keep_to_the_budget(a_month: float) -> None:
    raised = replay(AlarmThreshold(60, a_month), 5, 18 * MONTH, false=0.05)
    found = sum(raised[6 * MONTH :]) / 12
    assert 0.6 * a_month < found < 1.4 * a_month


def test_the_threshold_is_an_order_statistic() -> None:
    """Of the scores of the last months; at first together with those of a usual house."""
    alarm, rng = AlarmThreshold(60, 3.0), np.random.default_rng(2)
    scores: list[tuple[int, float]] = []
    for number in range(1, 8 * MONTH):
        p = float(rng.random()) if rng.random() < 0.02 else 0.0
        alarm.raises(p, 6 * 4)
        exceeded = bool(rng.random() < 0.2)
        alarm.end(exceeded=exceeded)
        if p > MIN_THRESHOLD and not exceeded:
            scores.append((number, p))
        if number % 99 == 0:
            kept = np.array([p for at, p in scores if at > number - 6 * MONTH])
            months = min(number / MONTH, 6)
            usual = max(1 - months / 2, 0.0)
            every = np.append(kept, warning._USUAL)
            weights = np.append(np.ones(len(kept)), np.full(8, usual))
            above = np.array([weights[every >= each].sum() for each in every])
            reached = every[(above >= 3.0 * max(months, 2) - 1e-9) & (weights > 0)]
            assert alarm.threshold == (reached.max() if len(reached) else MIN_THRESHOLD)


def test_at_first_it_is_that_of_a_usual_house() -> None:
    assert [AlarmThreshold(15, n).threshold for n in (0.2, 1, 3, 100)] == [0.89, 0.75, 0.38, 0.25]


def test_there_is_one_alarm_an_interval() -> None:
    alarm = AlarmThreshold(15, 3.0)
    assert [alarm.raises(0.99, left) for left in (14, 13, 12)] == [True, False, False]
    alarm.end(exceeded=True)
    assert alarm.raises(0.99, 14)


def test_without_a_budget_there_are_none() -> None:
    assert not AlarmThreshold(15, 0.0).raises(1.0, 7)


def test_an_alarm_waits_and_does_not_come_too_late() -> None:
    # The logit of 0.5 is above that of the first threshold, 0.38, from 59.7 % of the time on.
    for minutes in (15, 60):
        raised = []
        for left in range(1, minutes):
            alarm = AlarmThreshold(minutes, 3.0)
            raised.append(alarm.raises(0.5, left))
        assert [left for left, each in enumerate(raised, 1) if each] == list(
            range(minutes // 5, {15: 8, 60: 35}[minutes] + 1)
        )


def test_the_score_falls_with_the_share_that_is_left() -> None:
    shares = np.linspace(0.01, 1.0, 50).tolist()
    scores = [patient_score(0.7, share) for share in shares]
    assert scores == sorted(scores, reverse=True)
    assert np.log(scores[-1] / (1 - scores[-1])) == pytest.approx(np.log(7 / 3) - 2.0)
    assert patient_score(1.0, 1.0) > 0.99
    assert patient_score(0.0, 1.0) < 1e-9


def test_intervals_of_unknown_outcome_do_not_count() -> None:
    alarm = AlarmThreshold(15, 3.0)
    before = alarm.state()
    alarm.raises(0.99, 5)
    alarm.end(exceeded=None)
    assert alarm.state() == before


def test_a_restored_one_continues() -> None:
    one = AlarmThreshold(60, 2.0)
    replay(one, 1, 700, false=0.05)
    one.raises(0.9, 24)
    other = AlarmThreshold(60, 2.0)
    other.restore(json.loads(json.dumps(one.state())))
    assert other.threshold == one.threshold
    assert not other.raises(0.6, 20)
    one.end(exceeded=False)
    other.end(exceeded=False)
    assert replay(one, 3, 1500, false=0.05) == replay(other, 3, 1500, false=0.05)
    assert one.state() == other.state()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ended", -1),
        ("false", [[1, 1.5]]),
        ("false", [[1, 0.5], [1, 0.5]]),
        ("false", [[9, 0.5]]),
        ("false", [[1, 0.5]] * 2001),
        ("best", "0.5"),
        ("raised", 1),
    ],
)
def test_a_damaged_state(key: str, value: object) -> None:
    state = {"ended": 5, "false": [[1, 0.5]], "best": 0.0, "raised": False}
    with pytest.raises((TypeError, ValueError)):
        AlarmThreshold(15, 3.0).restore({**state, key: value})
    del state[key]
    with pytest.raises(KeyError):
        AlarmThreshold(15, 3.0).restore(state)
