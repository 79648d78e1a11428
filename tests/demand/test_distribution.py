"""Distribution of the mean over the rest of an interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.demand.distribution import RestDistribution
from streamer.demand.rest import Rest

POWERS = st.floats(-20.0, 20.0)


@st.composite
def rests(draw: st.DrawFn) -> Rest:
    low, median, high = sorted(draw(st.tuples(POWERS, POWERS, POWERS)))
    return Rest(draw(POWERS), median, low, high)


@given(rests(), POWERS, POWERS, st.booleans(), st.floats(0.5, 0.99))
def test_a_survival_function(
    rest: Rest, one: float, other: float, net: bool, confidence: float
) -> None:
    distribution = RestDistribution(confidence, net=net)
    low, high = (distribution.exceedance(kw, rest) for kw in sorted((one, other)))
    assert 0.0 <= high <= low <= 1.0


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9])
def test_the_quantiles_are_those_of_the_forecast(confidence: float) -> None:
    rest = Rest(1.1, 0.9, 0.3, 2.5)
    found = [RestDistribution(confidence).exceedance(kw, rest) for kw in rest[1:]]
    expected = [0.5, (1.0 + confidence) / 2.0, (1.0 - confidence) / 2.0]
    assert found == pytest.approx(expected)


def test_an_exponential_distribution_has_this_tail() -> None:
    rate = 0.7
    survival = {level: -math.log(level) / rate for level in (0.95, 0.5, 0.05)}
    rest = Rest(1.0 / rate, survival[0.5], survival[0.95], survival[0.05])
    for kw in np.linspace(survival[0.05], 12.0, 20).tolist():
        assert RestDistribution(0.9).exceedance(kw, rest) == pytest.approx(math.exp(-rate * kw))


def test_import_is_not_negative_unless_it_is_net() -> None:
    rest = Rest(0.2, 0.1, -1.0, 1.0)
    assert RestDistribution(0.9).exceedance(-0.5, rest) == 1.0
    assert RestDistribution(0.9, net=True).exceedance(-0.5, rest) < 1.0
    assert RestDistribution(0.9, net=True).exceedance(-3.0, rest) < 1.0


def test_the_reach_of_the_tail() -> None:
    distribution, rest = RestDistribution(0.9), Rest(1.0, 1.0, 0.5, 2.0)
    kw = rest.high_kw + distribution.reach(1e-4) * (rest.high_kw - rest.median_kw)
    assert distribution.exceedance(kw, rest) == pytest.approx(1e-4)
