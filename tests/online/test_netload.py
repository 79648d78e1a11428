"""Tests of the grid power as what the house consumes, less its sun, plus its battery."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from streamer.online.netload import NetLoad, Part, Terms

NOTHING = np.empty(0)


def _terms(channels: tuple[bool, bool] = (True, False), **part: float) -> Terms:
    fields = dict.fromkeys(Part._fields, 0.0) | {"share": 1.0} | part
    return Terms(np.array([Part(**fields)]), NOTHING, channels)


def _grid(terms: Terms, mean_kw: float, quantiles_kw: list[float]) -> tuple[float, list[float]]:
    """The mean and the quantiles of the grid power; the middle one of three is the median."""
    mean, quantiles = np.array([mean_kw]), np.array([quantiles_kw])
    middle = quantiles[:, 1] if len(quantiles_kw) == 3 else mean
    grid = terms.quantiles(quantiles, middle)
    if len(quantiles_kw) == 3:
        grid[:, 1] = terms.median(middle)
    return terms.mean(mean)[0], grid[0].tolist()


def test_independent_normal_errors_add_up() -> None:
    house, sun = NormalDist(1.0, 0.3), NormalDist(2.0, 0.4)
    reach = sun.inv_cdf(0.95) - 2.0
    terms = _terms(mean_kw=-2.0, median_kw=-2.0, rise_kw=reach, fall_kw=reach)
    mean, quantiles = _grid(terms, 1.0, [house.inv_cdf(level) for level in (0.05, 0.5, 0.95)])
    grid = house - sun
    assert mean == grid.mean
    assert quantiles == pytest.approx([grid.inv_cdf(level) for level in (0.05, 0.5, 0.95)])


def test_without_a_change_of_the_sun_the_quantiles_keep_their_distances() -> None:
    terms = _terms(mean_kw=-2.0, median_kw=-2.0)
    assert _grid(terms, 1.0, [0.5, 0.75, 4.0]) == (-1.0, [-1.5, -1.25, 2.0])


def test_a_mean_outside_of_two_quantiles_is_no_middle_between_them() -> None:
    # The distance from the mean to the upper one counts as none.
    terms = _terms(rise_kw=0.4, fall_kw=0.4)
    assert _grid(terms, 3.0, [0.0, 2.0]) == (3.0, [pytest.approx(3.0 - np.hypot(3.0, 0.4)), 2.4])


def test_a_battery_that_takes_all_leaves_the_grid_as_it_is() -> None:
    terms = _terms((False, True), last_kw=0.01, mean_kw=-1.0, median_kw=-1.0, share=0.0)
    assert _grid(terms, 3.0, [0.0, 2.0, 5.0]) == (0.01, [0.01] * 3)


def test_a_battery_that_takes_most_leaves_a_share_of_the_change_and_the_root_of_the_width() -> None:
    terms = _terms((True, True), last_kw=0.5, mean_kw=-1.0, median_kw=-1.25, share=0.25)
    mean, (low, middle, high) = _grid(terms, 3.0, [1.0, 2.0, 5.0])
    assert mean == pytest.approx(0.5 + 0.25 * (2.0 - 0.5))
    assert middle == pytest.approx(0.5 + 0.25 * (0.75 - 0.5))
    assert (low, high) == pytest.approx((0.5 + 0.5 * (0.0 - 0.5), 0.5 + 0.5 * (4.0 - 0.5)))


def test_a_model_without_quantiles_has_none_of_the_grid_power() -> None:
    assert _grid(_terms(mean_kw=-2.0, rise_kw=0.5, fall_kw=0.5), 1.0, []) == (-1.0, [])


def test_the_state_of_a_new_one_is_restored_where_there_was_none() -> None:
    net_load = NetLoad()
    net_load.restore(None)
    assert net_load.state() == NetLoad().state()
