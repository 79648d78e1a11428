"""Tests of drawn kinds of additions: their ranges, shares and effects."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from streamer.training.additions import Additions, Climate, HeatPump, drawn_kind
from streamer.training.additions.draw import (
    KINDS,
    drawn_battery,
    drawn_car,
    drawn_inverter_pump,
    drawn_panels,
    drawn_pump,
)
from streamer.training.additions.minutes import DAY, minute_axis

DRAWN = 300
START = np.datetime64("2013-01-07T00:00")


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_kinds_are_drawn_in_their_shares_and_repeatable() -> None:
    assert sum(share for share, _ in KINDS.values()) == pytest.approx(1.0)
    drawn = [drawn_kind(_rng(seed)) for seed in range(DRAWN)]
    assert drawn == [drawn_kind(_rng(seed)) for seed in range(DRAWN)]
    counts = Counter(kind for kind, _ in drawn)
    for kind, (share, _) in KINDS.items():
        assert counts[kind] / DRAWN == pytest.approx(share, abs=0.07)
    for kind, house in drawn:
        there = {
            "sun": house.panels is not None,
            "battery": house.battery is not None,
            "car": house.car is not None,
            "pump": house.pump is not None,
        }
        if kind == "several":
            assert there["pump"]
            assert there["sun"] or not there["battery"]
        else:
            assert there == {name: name in kind for name in there}


def test_powers_cover_what_houses_have() -> None:
    sun = [panels.kwp * panels.factor for panels in map(drawn_panels, map(_rng, range(DRAWN)))]
    assert 0.3 <= min(sun) < 1.0
    assert 9.0 < max(sun) <= 10.0
    cars = [drawn_car(_rng(seed)).power_kw for seed in range(DRAWN)]
    assert 2.2 < min(cars) < 2.5
    assert 21.0 < max(cars) < 22.2
    assert 0.3 < np.mean([power in (2.3, 3.7, 4.6, 7.4, 11.0, 22.0) for power in cars]) < 0.7
    for draw in (drawn_pump, drawn_inverter_pump):
        powers = [draw(_rng(seed)).power_kw for seed in range(DRAWN)]
        assert 1.0 <= min(powers) < 1.2
        assert 3.8 < max(powers) <= 4.0
    batteries = [drawn_battery(_rng(seed)).capacity_kwh for seed in range(DRAWN)]
    assert 4.0 <= min(batteries) < max(batteries) <= 15.0


def _running(pump: HeatPump, seed: int) -> np.ndarray:
    """Minutes of a mild week, without hot water, in which the compressor runs."""
    climate = Climate(mean_c=7.0, season_c=0.0, hour_c=0.0, spell_c=0.0)
    kw = pump.kw(START, 7 * DAY, climate, _rng(seed))
    return kw > pump.standby_kw + 0.3 * pump.power_kw


def test_pumps_of_fixed_speed_cycle_in_ten_minutes_to_an_hour() -> None:
    lengths = []
    for seed in range(20):
        starts = np.flatnonzero(np.diff(_running(drawn_pump(_rng(seed)), seed).astype(int)) == 1)
        lengths.append(np.median(np.diff(starts)))
    assert 8 <= min(lengths) < 25
    assert 35 < max(lengths) <= 90


def test_power_of_an_inverter_wanders_and_that_of_fixed_speed_does_not() -> None:
    cold = Climate(mean_c=-5.0, season_c=0.0, hour_c=0.0, spell_c=0.0)
    steady = HeatPump(lowest_share=0.3, loss_kw_per_k=0.2, drift=0.0, defrost_below_c=-30.0)
    wandering = HeatPump(lowest_share=0.3, loss_kw_per_k=0.2, drift=0.1, defrost_below_c=-30.0)
    kw = [pump.kw(START, DAY, cold, _rng(3)) for pump in (steady, wandering)]
    changes = [np.abs(np.diff(each)) for each in kw]
    assert np.median(changes[1]) > 1.5 * np.median(changes[0])
    assert kw[1].max() <= wandering.largest_kw
    for drift in (-0.1, 0.3):
        with pytest.raises(ValueError, match="drift"):
            HeatPump(drift=drift)


def test_each_kind_changes_the_power_as_it_should() -> None:
    at = minute_axis(np.datetime64("2013-04-01"), 14 * DAY)
    base = np.full(len(at), 0.4)
    seen = set()
    for seed in range(60):
        kind, house = drawn_kind(_rng(seed))
        if kind in seen:
            continue
        seen.add(kind)
        added = house.added_to(at, base, _rng(seed)).grid_kw
        assert (added.min() < 0.39) == (house.panels is not None)
        if house.battery is not None and house.car is None and house.pump is None:
            assert (np.abs(added) < 0.1).mean() > 0.2
        if house == Additions(place=house.place, clouds=house.clouds, climate=house.climate):
            np.testing.assert_array_equal(added, base)
        elif kind in ("car", "heat pump", "inverter pump"):
            assert added.max() > 1.0
    assert seen == set(KINDS)
