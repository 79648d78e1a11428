"""Tests of the sun: known days, and clouds as they were measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.training.additions import Clouds, Panels, Place
from streamer.training.additions.minutes import DAY, minute_axis
from streamer.training.additions.sky import clear_sky, elevation_sine, repeated
from tests.houses.skies import drawn_statistics, statistics, table

EQUATOR = Place(0.0, 0.0, 0.0)
PAYERNE = Place(46.815, 6.944, 0.0)
TWENTY_DAYS = minute_axis(np.datetime64("2016-06-01"), 20 * DAY)


def _day(text: str) -> np.ndarray:
    return minute_axis(np.datetime64(text), DAY)


@pytest.mark.parametrize(
    ("day", "declination"),
    [("2013-06-21", 23.44), ("2013-12-21", -23.44), ("2013-03-20", 0.0), ("2013-09-22", 0.0)],
)
def test_noon_elevation_follows_the_declination_of_the_almanac(
    day: str, declination: float
) -> None:
    place = Place(50.0, 0.0, 0.0)
    highest = np.degrees(np.arcsin(elevation_sine(_day(day), place).max()))
    assert highest == pytest.approx(90.0 - 50.0 + declination, abs=0.7)  # of the mean year


@pytest.mark.parametrize(
    ("day", "ahead_min"),
    [("2013-11-03", 16.4), ("2013-02-11", -14.2), ("2013-05-14", 3.7), ("2013-07-26", -6.5)],
)
def test_noon_follows_the_equation_of_time_of_the_almanac(day: str, ahead_min: float) -> None:
    sine = elevation_sine(_day(day), EQUATOR)
    noon = np.flatnonzero(sine > 0.0).mean() + 0.5
    assert noon == pytest.approx(720.0 - ahead_min, abs=0.8)


def test_sunrise_of_paris_at_the_solstice() -> None:
    """05:46 and 21:58 summer time, by the almanac; refraction and the disc make a day longer."""
    up = np.flatnonzero(elevation_sine(_day("2021-06-21"), Place(48.86, 2.35, 2.0)) > 0.0)
    assert up[0] == pytest.approx(5 * 60 + 46, abs=8)
    assert up[-1] == pytest.approx(21 * 60 + 58, abs=8)


def test_a_clock_ahead_moves_the_day() -> None:
    at = _day("2013-06-01")
    early, late = clear_sky(at, Place(50, 5, 0.0)), clear_sky(at, Place(50, 5, 2.0))
    np.testing.assert_allclose(late[120:], early[:-120], atol=0.5)


@pytest.mark.parametrize(("sine", "expected"), [(1.0, 1035.0), (0.5, 487.9), (0.1, 60.9)])
def test_clear_sky_has_the_published_values(sine: float, expected: float) -> None:
    at = _day("2013-03-20")
    sines = elevation_sine(at, EQUATOR)
    morning = slice(300, int(sines.argmax()) + 1)
    found = np.interp(sine, sines[morning], clear_sky(at, EQUATOR)[morning])
    assert found == pytest.approx(expected, rel=0.005)


@settings(max_examples=30)
@given(
    latitude=st.floats(-66, 66),
    longitude=st.floats(-180, 180),
    day=st.integers(0, 3650),
)
def test_clear_sky_is_dark_at_night_and_below_the_sun_outside(
    latitude: float, longitude: float, day: int
) -> None:
    at = minute_axis(np.datetime64("2010-01-01") + day, DAY)
    place = Place(latitude, longitude, longitude / 15.0)
    irradiance = clear_sky(at, place)
    sine = elevation_sine(at, place)
    assert (irradiance[sine <= 0.0] == 0.0).all()
    assert (irradiance <= 1367.0 * 1.034 * np.maximum(sine, 0.0)).all()
    assert np.argmax(irradiance) == pytest.approx(720, abs=25)


def test_places_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="no such place"):
        Place(latitude=91.0)


def test_clouds_are_like_those_measured_at_payerne() -> None:
    """The bounds are around the measured 20 days: 0.036, 0.089, 0.147; 0.46, 0.75, 0.85."""
    at = np.resize(TWENTY_DAYS, 60 * DAY)
    drawn = drawn_statistics(at, PAYERNE, seed=5)
    for lag, measured in {1: 0.036, 5: 0.089, 15: 0.147}.items():
        assert 0.8 * measured <= drawn.change[lag] <= 1.25 * measured
    for lag, measured in {1: 0.46, 5: 0.75, 15: 0.85}.items():
        assert 0.85 * measured <= drawn.change_99[lag] <= 1.2 * measured
    assert 0.35 <= drawn.dark <= 0.65
    assert 0.08 <= drawn.bright <= 0.2
    assert 0.1 <= drawn.clear_days <= 0.35
    assert 0.15 <= drawn.overcast_days <= 0.45


def test_statistics_of_a_sky_without_clouds() -> None:
    clear = clear_sky(TWENTY_DAYS, PAYERNE)
    half = statistics(0.5 * clear, TWENTY_DAYS, PAYERNE)
    assert half.change[15] == pytest.approx(0.0, abs=1e-12)
    assert half.daily == pytest.approx((0.5, 0.5, 0.5))
    assert (half.clear_days, half.overcast_days, half.bright) == (0.0, 0.0, 0.0)
    switching = np.where(np.arange(len(clear)) % 2, clear, 0.5 * clear)
    assert statistics(switching, TWENTY_DAYS, PAYERNE).change[5] == pytest.approx(0.5)
    assert "| mean change in 5 min | 0.000 |" in table({"half": half})


@settings(max_examples=30)
@given(
    cover=st.floats(0.05, 0.95),
    spread=st.floats(0.0, 4.0),
    shortest=st.floats(0.2, 3.0),
    seed=st.integers(0, 1000),
)
def test_clear_sky_index_is_bounded_and_repeatable(
    cover: float, spread: float, shortest: float, seed: int
) -> None:
    clouds = Clouds(cover=cover, spread=spread, shortest_min=shortest)
    index = clouds.index(500, np.random.default_rng(seed))
    assert index.shape == (500,)
    assert ((index >= 0.0) & (index <= 1.8)).all()
    np.testing.assert_array_equal(index, clouds.index(500, np.random.default_rng(seed)))


def test_more_cover_means_less_light() -> None:
    light = [
        Clouds(cover=cover).index(30 * DAY, np.random.default_rng(1)).mean()
        for cover in (0.1, 0.5, 0.9)
    ]
    assert light[0] > light[1] > light[2]


@pytest.mark.parametrize(
    "changed", [{"cover": 1.0}, {"exponent": 2.0}, {"shortest_min": 5.0, "longest_min": 4.0}]
)
def test_clouds_that_make_no_sense_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"cover|passages"):
        Clouds(**changed)


def test_measured_irradiance_is_repeated_at_its_own_time_of_day() -> None:
    measured = np.concatenate([np.arange(DAY), 10_000 + np.arange(DAY)]).astype(float)
    start = np.datetime64("2013-06-01T07:30")
    found = repeated(measured, start, 3 * DAY, np.random.default_rng(1))
    minute = (7 * 60 + 30 + np.arange(3 * DAY)) % DAY
    np.testing.assert_array_equal(found % 10_000, minute)
    day = (found >= 10_000)[[0, DAY, 2 * DAY]]
    assert day[0] != day[1]
    assert day[0] == day[2]
    with pytest.raises(ValueError, match="whole days"):
        repeated(measured[:-1], start, DAY, np.random.default_rng(1))


@given(
    kwp=st.floats(0.5, 30.0),
    factor=st.floats(0.3, 1.2),
    limit=st.none() | st.floats(0.3, 20.0),
    standby=st.floats(0.0, 0.02),
)
def test_panels_follow_the_sun_up_to_the_inverter(
    kwp: float, factor: float, limit: float | None, standby: float
) -> None:
    kw = Panels(kwp, factor, limit, standby).kw(np.array([0.0, 100.0, 500.0, 1000.0]))
    assert kw[0] == -standby
    largest = kwp * factor if limit is None else min(limit, kwp * factor)
    assert kw[-1] == pytest.approx(largest)
    assert (np.diff(kw) >= 0.0).all()


@pytest.mark.parametrize("changed", [{"kwp": 0.0}, {"factor": 2.0}, {"limit_kw": 0.0}])
def test_panels_that_make_no_sense_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Panels(**changed)
