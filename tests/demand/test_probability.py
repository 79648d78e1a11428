"""Probability that an interval exceeds a bound, and its calibration."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.demand import probability
from streamer.demand.probability import ExceedanceProbability
from streamer.demand.rest import Rest

MINUTES = 15


def house(seed: int, days: int, *, bias: float = 0.0) -> Iterator[tuple[list[float], list[Rest]]]:
    """Quarter-hours of a house, and forecasts of their rest, that may be too high."""
    rng = np.random.default_rng(seed)
    intervals = 96 * days
    level = rng.choice([0.3, 0.8, 2.0], intervals, p=[0.7, 0.2, 0.1])
    level *= rng.lognormal(0.0, 0.3, intervals)
    kw = level[:, None] * rng.lognormal(0.0, 0.25, (intervals, MINUTES))
    ahead = np.cumsum(kw[:, :0:-1], axis=1)[:, ::-1] / np.arange(MINUTES - 1, 0, -1)
    middle = 0.5 * (level[:, None] + ahead) * np.exp(bias)
    low = np.maximum(middle - 0.25 * level[:, None], 0.0)
    high = middle + 0.25 * level[:, None]
    forecasts = np.stack([middle, middle, low, high], axis=2)
    for minutes, rests in zip(kw.tolist(), forecasts.tolist(), strict=True):
        yield minutes, list(map(Rest._make, rests))


def feed(found: ExceedanceProbability, kw: list[float], rests: list[Rest]) -> None:
    for passed, rest in enumerate(rests, 1):
        found.see(sum(kw[:passed]), MINUTES - passed, rest, kw[passed - 1])


def test_the_logit_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = probability.Weights(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    monkeypatch.setattr(probability, "WEIGHTS", weights)
    found = ExceedanceProbability(MINUTES, confidence=0.9)
    rest = Rest(1.4, 1.2, 0.6, 2.2)
    # The bound of 2 kW is reached with a mean of 1.7 kW over the 10 minutes left.
    p = found.of(2.0, 13.0, 10, rest, 1.65)
    raw = 0.5 - 0.45 * (1.7 - 1.2) / (2.2 - 1.2)
    logit = np.log(raw / (1.0 - raw))
    scale = 1.6 / (2.0 * 1.6448536269514722) + 0.02 + 0.02 * 2.0
    distance, share = (1.4 - 1.7) / scale, 2.0 * 10 / 15 - 1.0
    score = 0.1 + 0.2 * logit + 0.3 * distance + 0.4 * np.tanh(distance)
    score += 0.5 * (1.65 - 1.7) / scale + 0.6 * share + 0.7 * share * logit
    assert p == pytest.approx(1.0 / (1.0 + np.exp(-score)), rel=1e-12)


def test_what_has_been_exceeded_is_certain() -> None:
    found = ExceedanceProbability(MINUTES, confidence=0.9)
    rest = Rest(0.0, 0.0, 0.0, 0.0)
    assert found.of(1.0, 15.1, 3, rest, 0.0) == 1.0
    net = ExceedanceProbability(MINUTES, confidence=0.9, net=True)
    assert net.of(1.0, 15.1, 3, Rest(-9.0, -9.0, -9.5, -8.5), -9.0) < 0.01


@given(
    st.floats(0.0, 1e6),
    st.floats(-1e6, 1e6),
    st.integers(1, 14),
    st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    st.floats(-1e6, 1e6),
    st.booleans(),
)
def test_it_is_a_probability(
    bound: float, so_far: float, left: int, rest: list[float], last: float, net: bool
) -> None:
    found = ExceedanceProbability(MINUTES, confidence=0.9, net=net)
    assert 0.0 <= found.of(bound, so_far, left, Rest._make(rest), last) <= 1.0


def test_minutes_far_from_the_bound_take_a_short_way() -> None:
    """The probability is continuous where the short way begins."""
    found = ExceedanceProbability(MINUTES, confidence=0.9)
    rest = Rest(0.5, 0.5, 0.4, 0.6)
    p = [found.of(kw, 0.5, 14, rest, 0.5) for kw in np.linspace(0.5, 4.0, 400).tolist()]
    assert p == sorted(p, reverse=True)
    assert p[-1] == pytest.approx(p[-100], rel=0.02)
    assert max(-np.diff(np.log(p))) < 0.25


@pytest.mark.parametrize("bias", [0.3, -0.3])
def test_it_learns_that_the_forecasts_are_biased(bias: float) -> None:
    """Expected exceedances of the last day's highest agree with those that came."""
    learnt = ExceedanceProbability(MINUTES, confidence=0.9)
    expected, came, raw = 0.0, 0, 0.0
    unlearnt = ExceedanceProbability(MINUTES, confidence=0.9)
    means: list[float] = []
    for number, (kw, rests) in enumerate(house(1, 16, bias=bias)):
        if number >= 8 * 96:
            bound, passed = max(means[-96:]), 5
            now = sum(kw[:passed]), MINUTES - passed, rests[passed - 1], kw[passed - 1]
            expected += learnt.of(bound, *now)
            raw += unlearnt.of(bound, *now)
            came += sum(kw) / MINUTES > bound
        feed(learnt, kw, rests)
        learnt.end(sum(kw) / MINUTES)
        means.append(sum(kw) / MINUTES)
    assert abs(expected - came) < 0.6 * abs(raw - came)


@settings(max_examples=8)
@given(st.integers(0, 1 << 30), st.integers(0, 150), st.integers(1, 14))
def test_a_restored_one_continues_bit_for_bit(seed: int, cut: int, minute: int) -> None:
    one = ExceedanceProbability(MINUTES, confidence=0.9)
    other = one
    for number, (kw, rests) in enumerate(house(seed, 2)):
        for passed, rest in enumerate(rests, 1):
            for each in {id(one): one, id(other): other}.values():
                each.see(sum(kw[:passed]), MINUTES - passed, rest, kw[passed - 1])
            if (number, passed) == (cut, minute):
                saved = json.loads(json.dumps(one.state()))
                other = ExceedanceProbability(MINUTES, confidence=0.9)
                other.restore(saved)
        for each in {id(one): one, id(other): other}.values():
            each.end(sum(kw) / MINUTES if number % 7 else None)
    assert other is not one
    assert one.state() == other.state()


def test_nothing_is_learnt_from_an_incomplete_interval() -> None:
    found = ExceedanceProbability(MINUTES, confidence=0.9)
    for kw, rests in house(3, 2):
        feed(found, kw, rests)
        found.end(sum(kw) / MINUTES)
    before = found.state()
    feed(found, [9.0] * MINUTES, [Rest(9.0, 9.0, 8.0, 10.0)] * (MINUTES - 1))
    found.end(None)
    assert found.state() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("calibration", [0.0, 1.0, 0.1, 0.02]),
        ("calibration", [0.0, 1.0, -0.1, 0.02, 0.0]),
        ("calibration", [0.0, 1.0, 0.1, 0.02, 0.5]),
        ("calibration", [0.0, "1", 0.1, 0.02, 0.0]),
        ("highest", [[0]]),
        ("seen", [[1.0, 15, 1.0, 1.0, 1.0, 1.0, 1.0]]),
        ("seen", [[1.0, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0]]),
        ("seen", [[1.0, 1, 1.0, 1.0, 1.0, 1.0]]),
        ("seen", [[1.0, 1, 1.0, 1.0, 1.0, 1.0, 1.0]] * 15),
    ],
)
def test_a_damaged_state(key: str, value: object) -> None:
    state = ExceedanceProbability(MINUTES, confidence=0.9).state()
    with pytest.raises((TypeError, ValueError)):
        ExceedanceProbability(MINUTES, confidence=0.9).restore({**state, key: value})
    del state[key]
    with pytest.raises(KeyError):
        ExceedanceProbability(MINUTES, confidence=0.9).restore(state)
