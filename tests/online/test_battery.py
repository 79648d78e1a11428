"""Tests of the response of a battery to changes of the net load."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.battery import BatteryResponse

NET_KW = np.random.default_rng(1).normal(1.0, 0.5, 200)


def _shares(net_kw: np.ndarray, grid_kw: np.ndarray) -> list[float]:
    return list(map(BatteryResponse().push, net_kw.tolist(), grid_kw.tolist()))


def test_it_equals_sums_over_the_whole_past() -> None:
    rng = np.random.default_rng(2)
    grid = 0.3 * NET_KW + rng.normal(0.0, 0.05, len(NET_KW))
    expected = []
    for now in range(1, len(NET_KW) + 1):
        net_change, grid_change = np.diff(NET_KW[:now]), np.diff(grid[:now])
        weights = 0.5 ** (np.arange(now - 2, -1, -1.0) / 20.0) if now > 1 else np.zeros(0)
        product, square = weights @ (net_change * grid_change), weights @ net_change**2
        expected.append(np.clip((product + 0.01) / (square + 0.01), 0.0, 1.0))
    np.testing.assert_allclose(_shares(NET_KW, grid), expected, rtol=0, atol=1e-12)


def test_an_idle_battery_leaves_every_change_to_the_grid() -> None:
    assert _shares(NET_KW, NET_KW) == pytest.approx([1.0] * len(NET_KW))


def test_a_full_battery_is_noticed_within_an_hour() -> None:
    grid = np.where(np.arange(200) < 100, 0.01, NET_KW)
    shares = _shares(NET_KW, grid)
    assert max(shares[20:100]) < 0.05
    assert min(shares[160:]) > 0.75


@given(kw=st.lists(st.tuples(st.floats(-2e6, 2e6), st.floats(-1e6, 1e6)), max_size=40))
def test_the_share_is_from_0_to_1_and_is_restored_bit_for_bit(kw: list) -> None:
    response = BatteryResponse()
    for net, grid in kw:
        assert 0.0 <= response.push(net, grid) <= 1.0
    restored = BatteryResponse()
    restored.restore(json.loads(json.dumps(response.state(), allow_nan=False)))
    assert restored.push(0.5, 0.25) == response.push(0.5, 0.25)


def test_after_a_restart_nothing_counts() -> None:
    response = BatteryResponse()
    for net in NET_KW.tolist():
        response.push(net, 0.0)
    response.restart()
    assert response.push(1.0, 0.0) == 1.0


@pytest.mark.parametrize("state", [[], [0.0], [0.0, -1.0], [0.0, 0.0, 1.0], [0.0] * 5, [0.0, "1"]])
def test_a_damaged_state_is_rejected(state: list) -> None:
    response = BatteryResponse()
    with pytest.raises((TypeError, ValueError)):
        response.restore(state)
    assert response.state() == [0.0, 0.0]
