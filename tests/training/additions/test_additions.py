"""Tests of cars, heat pumps, batteries and whole houses: bounds, energy, times, repeatability."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.training.additions import (
    Additions,
    Battery,
    Car,
    Climate,
    HeatPump,
    Panels,
)
from streamer.training.additions.minutes import (
    DAY,
    minute_axis,
    minute_means,
    pieces_means,
    wandering,
)

START = np.datetime64("2013-01-07T00:00")
COLD = Climate(mean_c=0.0, season_c=0.0, hour_c=0.0, spell_c=0.0)


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    gaps=st.lists(st.floats(0.01, 5.0), min_size=2, max_size=20),
    kw=st.lists(st.floats(0.0, 20.0), min_size=19, max_size=19),
)
def test_minute_means_keep_the_energy_and_agree_with_fine_sampling(
    gaps: list[float], kw: list[float]
) -> None:
    edges = np.cumsum(gaps)
    powers = np.array(kw[: len(edges) - 1])
    minutes = int(edges[-1]) + 2
    means = minute_means(edges, powers, minutes)
    assert means.sum() == pytest.approx((powers * np.diff(edges)).sum(), abs=1e-9)
    fine = (np.arange(minutes * 1000) + 0.5) / 1000
    piece = np.searchsorted(edges, fine, side="right") - 1
    inside = (piece >= 0) & (piece < len(powers))
    sampled = np.where(inside, powers[np.clip(piece, 0, len(powers) - 1)], 0.0)
    np.testing.assert_allclose(means, sampled.reshape(minutes, 1000).mean(axis=1), atol=0.5)


def test_pieces_leave_nothing_between_them() -> None:
    pieces = [(0.5, 1.0, 4.0), (2.25, 4.0, 2.0)]
    assert pieces_means(pieces, 5).tolist() == [2.0, 0.0, 1.5, 2.0, 0.0]
    assert pieces_means([], 3).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("step", [1, 10])
def test_wandering_has_unit_variance_and_forgets(step: int) -> None:
    values = wandering(200_000, 50.0, _rng(), step)
    assert values.mean() == pytest.approx(0.0, abs=0.1)
    assert values.std() == pytest.approx(1.0, abs=0.1)
    kept = np.corrcoef(values[:-50], values[50:])[0, 1]
    assert kept == pytest.approx(np.exp(-1.0), abs=0.08)


@settings(max_examples=30)
@given(
    power=st.sampled_from((3.7, 7.4, 11.0, 22.0)),
    sessions=st.floats(0.0, 7.0),
    energy=st.floats(2.0, 40.0),
    arrival=st.floats(0.0, 24.0),
    shares=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    seed=st.integers(0, 1000),
)
def test_car_power_is_bounded_and_repeatable(
    power: float,
    sessions: float,
    energy: float,
    arrival: float,
    shares: tuple[float, float],
    seed: int,
) -> None:
    car = Car(power, sessions, arrival, 2.0, energy, *shares)
    kw = car.kw(START, 3 * DAY, _rng(seed))
    assert kw.shape == (3 * DAY,)
    assert ((kw >= 0.0) & (kw <= 1.05 * power)).all()
    np.testing.assert_array_equal(kw, car.kw(START, 3 * DAY, _rng(seed)))


def test_car_charges_as_often_as_much_and_when_it_should() -> None:
    car = Car(energy_kwh=15.0, full_share=0.0, pause_share=0.0)
    kw = car.kw(START, 200 * DAY, _rng())
    charging = kw > 0.5
    starts = np.flatnonzero(charging[1:] & ~charging[:-1]) + 1
    assert len(starts) / 200 * 7 == pytest.approx(5.0, abs=0.5)
    assert kw.sum() / 60.0 / len(starts) == pytest.approx(15.0, rel=0.15)
    assert np.median(starts % DAY) / 60.0 == pytest.approx(car.arrival_h, abs=0.5)


def test_car_starts_within_a_minute_and_tapers_to_six_amperes() -> None:
    car = Car(sessions_per_week=7.0, full_share=1.0, pause_share=0.0, wobble=0.0)
    kw = car.kw(START, 20 * DAY, _rng())
    starts = np.flatnonzero((kw[1:] > 0.0) & (kw[:-1] == 0.0)) + 1
    assert len(np.unique(np.round(kw[starts], 2))) > 10  # at any second of the minute
    np.testing.assert_allclose(kw[starts + 2], 11.0)
    ends = np.flatnonzero((kw[1:] == 0.0) & (kw[:-1] > 0.0))
    np.testing.assert_allclose(kw[ends - 1], 11.0 * 6 / 16, rtol=0.35)
    assert len(ends) == len(starts)


def test_interrupted_car_continues() -> None:
    never, always = (
        Car(sessions_per_week=7.0, full_share=0.0, pause_share=share).kw(START, 50 * DAY, _rng())
        for share in (0.0, 1.0)
    )
    starts = [np.count_nonzero((kw[1:] > 0.1) & (kw[:-1] <= 0.1)) for kw in (never, always)]
    assert starts[1] > 1.7 * starts[0]


@settings(max_examples=20)
@given(
    lowest=st.floats(0.2, 1.0),
    power=st.floats(0.8, 5.0),
    loss=st.floats(0.05, 0.6),
    mean=st.floats(-15.0, 25.0),
    buffer=st.floats(0.2, 4.0),
    seed=st.integers(0, 1000),
)
def test_heat_pump_power_is_bounded_and_repeatable(
    lowest: float, power: float, loss: float, mean: float, buffer: float, seed: int
) -> None:
    pump = HeatPump(power, lowest, loss, buffer_kwh=buffer)
    climate = Climate(mean_c=mean)
    kw = pump.kw(START, 2 * DAY, climate, _rng(seed))
    assert kw.shape == (2 * DAY,)
    assert (kw >= pump.standby_kw).all()
    assert (kw <= pump.largest_kw).all()
    np.testing.assert_array_equal(kw, pump.kw(START, 2 * DAY, climate, _rng(seed)))


def test_heat_pump_uses_the_energy_that_the_house_loses() -> None:
    pump = HeatPump(standby_kw=0.0, backup_kw=0.0, hot_water_kwh=1e-6, defrost_below_c=-99.0)
    kw = pump.kw(START, 40 * DAY, COLD, _rng())
    loss = pump.loss_kw_per_k * pump.heating_limit_c
    performance = 3.2 - 0.14
    assert kw.mean() == pytest.approx(loss / performance, rel=0.06)


def _runs_a_day(pump: HeatPump, mean_c: float) -> float:
    climate = Climate(mean_c=mean_c, season_c=0.0, hour_c=0.0, spell_c=0.0)
    on = pump.kw(START, 20 * DAY, climate, _rng()) > 0.2 * pump.power_kw
    return float(np.count_nonzero(on[1:] & ~on[:-1]) / 20)


def test_heat_pump_of_fixed_speed_cycles_and_one_with_inverter_hardly_does() -> None:
    assert 20.0 < _runs_a_day(HeatPump(), 4.0) < 50.0
    assert _runs_a_day(HeatPump(lowest_share=0.3), 2.0) < 4.0
    assert _runs_a_day(HeatPump(lowest_share=0.3), 14.0) > 4.0
    assert _runs_a_day(HeatPump(), 20.0) <= 1.2  # hot water alone


def test_backup_heater_is_rare_but_in_the_cold() -> None:
    pump = HeatPump(power_kw=2.0, backup_kw=6.0)

    def share(mean_c: float) -> float:
        climate = Climate(mean_c=mean_c, season_c=0.0, hour_c=0.0, spell_c=0.0)
        return float((pump.kw(START, 60 * DAY, climate, _rng()) > 5.0).mean())

    assert 0.0 < share(5.0) < 0.01
    assert share(-12.0) > 0.3


@settings(max_examples=30)
@given(
    balance=st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=200),
    capacity=st.floats(0.01, 20.0),
    power=st.floats(0.1, 8.0),
    efficiency=st.floats(0.7, 1.0),
)
def test_battery_keeps_its_limits_and_gives_no_more_than_it_took(
    balance: list[float], capacity: float, power: float, efficiency: float
) -> None:
    battery = Battery(capacity, power, efficiency, miss_kw=0.0)
    kw = battery.kw(np.array(balance), _rng())
    assert (np.abs(kw) <= power).all()
    stored = np.cumsum(np.where(kw > 0, kw * efficiency, kw / efficiency)) / 60.0
    assert (stored >= -1e-9).all()
    assert (stored <= capacity + 1e-9).all()
    # It never charges from the grid, nor discharges into it.
    assert (kw <= np.maximum(-np.array(balance), 0.0) + 1e-12).all()
    assert (kw >= np.minimum(-np.array(balance), 0.0) - 1e-12).all()


def test_battery_brings_the_exchange_to_zero_while_it_can() -> None:
    balance = np.array([-1.0] * 60 + [0.5] * 60)
    kw = Battery(capacity_kwh=5.0, power_kw=4.0, miss_kw=0.0).kw(balance, _rng())
    np.testing.assert_allclose(balance + kw, 0.0, atol=1e-12)


def _base(minutes: int = 3 * DAY) -> tuple[np.ndarray, np.ndarray]:
    at = minute_axis(START, minutes).astype("datetime64[s]")
    keep = np.ones(minutes, np.bool_)
    keep[100:130] = False  # a gap
    return at[keep], np.full(np.count_nonzero(keep), 0.4)


ALL = Additions(Panels(), Car(), HeatPump(), Battery())


def test_house_adds_up_in_whole_watts_and_keeps_gaps() -> None:
    at, base = _base()
    series = ALL.added_to(at, base, _rng())
    assert series.at is at
    assert series.solar_kw is not None
    assert series.battery_kw is not None
    for kw in (series.grid_kw, series.solar_kw, series.battery_kw):
        assert kw.shape == at.shape
        np.testing.assert_allclose(1000.0 * kw, np.round(1000.0 * kw), atol=1e-6)
    load = Additions(car=ALL.car, pump=ALL.pump).added_to(at, base, _rng())
    np.testing.assert_allclose(series.consumption_kw, load.consumption_kw, atol=0.0011)
    np.testing.assert_allclose(load.grid_kw, load.consumption_kw)
    night = series.solar_kw < 0.0
    assert 0.5 < night.mean() < 0.8  # in January
    assert (series.solar_kw[night] == -0.003).all()


@pytest.mark.parametrize("name", ["panels", "car", "pump"])
def test_an_addition_does_not_depend_on_the_others(name: str) -> None:
    at, base = _base()
    alone = Additions(**{name: getattr(ALL, name)}).added_to(at, base, _rng())
    without = Additions(
        **{field: getattr(ALL, field) for field in ("panels", "car", "pump") if field != name}
    ).added_to(at, base, _rng())
    together = Additions(ALL.panels, ALL.car, ALL.pump).added_to(at, base, _rng())
    np.testing.assert_allclose(
        together.grid_kw, alone.grid_kw + without.grid_kw - base, atol=0.0021
    )


def test_house_without_additions_is_as_measured() -> None:
    at, base = _base()
    series = Additions().added_to(at, base, _rng())
    np.testing.assert_array_equal(series.grid_kw, base)
    assert series.solar_kw is None
    assert series.battery_kw is None


def test_house_takes_measured_irradiance() -> None:
    at, base = _base()
    measured = np.where(np.arange(DAY) // 60 == 12, 1000.0, 0.0)
    series = Additions(Panels(kwp=5.0, factor=0.8)).added_to(at, base, _rng(), measured)
    noon = (at - at.astype("datetime64[D]")).astype("timedelta64[h]").astype(int) == 12
    assert series.solar_kw is not None
    assert (series.solar_kw[noon] == 4.0).all()
    assert (series.solar_kw[~noon] < 0.0).all()


def test_house_begins_at_any_minute() -> None:
    at, base = _base()
    measured = np.arange(DAY, dtype=float)
    later = Additions(Panels(kwp=1.0, factor=1.0)).added_to(at[700:], base[700:], _rng(), measured)
    minute = (at[700:] - at[700:].astype("datetime64[D]")).astype("timedelta64[m]").astype(int)
    shone = minute >= 5
    assert later.solar_kw is not None
    np.testing.assert_allclose(later.solar_kw[shone], minute[shone] / 1000.0, atol=1e-9)


@pytest.mark.parametrize("rows", [[], [1, 0], [0, 0]])
def test_minutes_out_of_order_are_refused(rows: list[int]) -> None:
    at, base = _base()
    with pytest.raises(ValueError, match="ascending order"):
        ALL.added_to(at[rows], base[rows], _rng())


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_drawn_houses_are_valid_and_repeatable(seed: int) -> None:
    drawn = Additions.drawn(_rng(seed))
    assert drawn == Additions.drawn(_rng(seed))
    assert drawn.battery is None or drawn.panels is not None
    every = Additions.drawn(_rng(seed), every=True)
    assert None not in (every.panels, every.car, every.pump)
    at, base = _base(DAY)
    series = drawn.added_to(at, base, _rng(seed))
    assert np.isfinite(series.grid_kw).all()


def test_all_additions_are_drawn_now_and_then() -> None:
    drawn = [Additions.drawn(_rng(seed)) for seed in range(60)]
    for field in fields(Additions)[:4]:
        there = sum(getattr(each, field.name) is not None for each in drawn)
        assert 5 < there < 50


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (Car, {"power_kw": 0.0}),
        (Car, {"sessions_per_week": 8.0}),
        (Car, {"full_share": 1.5}),
        (HeatPump, {"loss_kw_per_k": 0.0}),
        (HeatPump, {"lowest_share": 0.0}),
        (Battery, {"capacity_kwh": 0.0}),
        (Battery, {"efficiency": 1.1}),
    ],
)
def test_additions_that_make_no_sense_are_refused(kind: Any, changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        kind(**changed)
