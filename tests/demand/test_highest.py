"""Highest of the last demand intervals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.demand.highest import RecentHighest

POWERS = st.lists(st.integers(0, 6).map(float), max_size=40)


@given(POWERS, st.integers(1, 8), st.data())
def test_it_is_that_of_the_last_ones(kw: list[float], span: int, data: st.DataObject) -> None:
    least = data.draw(st.integers(1, span))
    cut = data.draw(st.integers(0, len(kw)))
    highest = RecentHighest(span, least)
    for seen, each in enumerate(kw):
        if seen == cut:
            saved = json.loads(json.dumps(highest.state()))
            highest = RecentHighest(span, least)
            highest.restore(saved)
        assert highest.kw == (max(kw[max(seen - span, 0) : seen]) if seen >= least else None)
        highest.add(each)


@pytest.mark.parametrize(
    "state",
    [
        [],
        [-1],
        [2],
        [0, [1, 1.0]],
        [3, [2, 1.0], [2, 1.0]],
        [3, [2, 1.0], [3, 2.0]],
        [9, [1, 2.0], [9, 1.0]],
        [3, [2, 1.0]],
        [3, [3, "1"]],
        [3, [3]],
    ],
)
def test_a_damaged_state(state: list[object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        RecentHighest(4, 1).restore(state)
