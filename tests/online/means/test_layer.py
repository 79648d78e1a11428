"""Tests of the forecasts of the next minutes' mean, settled and scored, against whole series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Reading, Step
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.testing import START, FixedForecaster, readings

HORIZONS = (1, 2, 5, 15, 60)
WINDOW = 3


def pipeline(**settings: object) -> Pipeline:
    forecaster = FixedForecaster(window=WINDOW, spread_kw=0.3, horizons=HORIZONS[1:])
    return Pipeline(forecaster, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """A day and a half of minutes in kW, NaN in gaps, one of which empties the buffer."""
    rng = np.random.default_rng(3)
    kw = np.abs(np.cumsum(rng.normal(size=1700))) * 0.05 + rng.random(1700)
    kw[[300, 301, 302, 700]] = np.nan
    kw[900:1000] = np.nan
    return kw


@pytest.fixture(scope="module")
def steps(series: np.ndarray) -> list[Step]:
    """Steps of the series, one by one."""
    one = pipeline()
    return [one.push(reading) for reading in readings(series)]


def mean_of(kw: np.ndarray, start: int, end: int) -> float:
    """Mean of the minutes from `start` up to before `end`; NaN if one of them is missing."""
    return float(np.mean(kw[start:end])) if start >= 0 and end <= len(kw) else np.nan


def minute_of(at: datetime) -> int:
    return round((at - START) / MINUTE)


def agree(some: Sequence[Step], others: Sequence[Step]) -> None:
    """Require the same values in two runs, but for the rounding of blocks."""
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert (one.next_means is None) == (other.next_means is None)
        if one.next_means is not None and other.next_means is not None:
            assert np.allclose(one.next_means.values, other.next_means.values, 0.0, 1e-7)
        assert [s.forecast.minutes for s in one.settled_means] == [
            s.forecast.minutes for s in other.settled_means
        ]
        assert [s.actual_kw for s in one.settled_means] == [
            s.actual_kw for s in other.settled_means
        ]
        assert one.mean_scores is not None
        assert other.mean_scores is not None
        assert one.mean_scores.settled.tolist() == other.mean_scores.settled.tolist()
        scores, expected = one.mean_scores.values, other.mean_scores.values
        assert np.allclose(scores, expected, 0.0, 1e-7, equal_nan=True)


def test_the_first_horizon_is_the_forecast_of_the_next_reading(steps: list[Step]) -> None:
    for step in steps:
        assert (step.next_means is None) == (step.forecast is None)
        if step.forecast is not None and step.next_means is not None:
            first, forecast = step.next_means[0], step.forecast
            assert (first.minutes, first.kw, first.median_kw, first.low_kw, first.high_kw) == (
                1,
                forecast.kw,
                forecast.median_kw,
                forecast.low_kw,
                forecast.high_kw,
            )
            for mean in step.next_means:
                assert mean.low_kw <= min(mean.kw, mean.median_kw)
                assert mean.high_kw >= max(mean.kw, mean.median_kw)


def test_a_forecast_settles_when_its_last_minute_has_come(
    series: np.ndarray, steps: list[Step]
) -> None:
    by_minute = {minute_of(step.reading.at): step for step in steps}
    settled = 0
    for now, step in by_minute.items():
        found = {each.forecast.minutes: each for each in step.settled_means}
        for minutes in HORIZONS:
            issued = by_minute.get(now - minutes)
            actual = mean_of(series, now - minutes + 1, now + 1)
            if issued is None or issued.next_means is None or np.isnan(actual):
                assert minutes not in found
                continue
            settled += 1
            assert found[minutes].issued_at == issued.reading.at
            assert found[minutes].forecast == issued.next_means.of(minutes)
            assert found[minutes].actual_kw == pytest.approx(actual, abs=1e-9)
    assert settled > 5000


def test_scores_are_those_of_the_whole_series(series: np.ndarray, steps: list[Step]) -> None:
    scores = steps[-1].mean_scores
    assert scores is not None
    for place, minutes in enumerate(HORIZONS):
        rows = []
        for step in steps:
            now = minute_of(step.reading.at)
            actual = mean_of(series, now + 1, now + 1 + minutes)
            if step.next_means is None or np.isnan(actual):
                continue
            mean = step.next_means[place]
            last = step.reading.kw
            recent = mean_of(series, now - minutes + 1, now + 1)
            recent = last if np.isnan(recent) else recent
            yesterday = series[max(now - 1439, 0) : max(now - 1439 + minutes, 0)]
            known = yesterday[~np.isnan(yesterday)]
            outside = max(mean.low_kw - actual, actual - mean.high_kw, 0.0)
            rows.append(
                (
                    (actual - mean.kw) ** 2,
                    abs(actual - mean.median_kw),
                    (actual - last) ** 2,
                    (actual - recent) ** 2,
                    (actual - (last + recent) / 2) ** 2,
                    (actual - known.mean()) ** 2 if len(known) else np.nan,
                    outside == 0.0,
                    mean.high_kw - mean.low_kw + 20.0 * outside,
                )
            )
        expected = np.nanmean(np.array(rows, float), axis=0)
        found = scores[place]
        assert (found.minutes, found.settled) == (minutes, len(rows))
        assert scores.values[place] == pytest.approx(expected, rel=1e-9)
        assert found.yesterday_mse_kw2 is not None


@pytest.mark.parametrize("length", [7, 333])
def test_blocks_are_the_same_as_one_by_one(
    series: np.ndarray, steps: list[Step], length: int
) -> None:
    given, blocks = readings(series), pipeline()
    found: list[Step] = []
    for start in range(0, len(given), length):
        found += blocks.push_many(given[start : start + length])
    agree(found, steps)


def test_a_block_without_steps_ends_like_one_by_one(series: np.ndarray, steps: list[Step]) -> None:
    last = pipeline().push_block(ReadingBlock.of(readings(series))).last
    agree([last], steps[-1:])


def test_a_saved_state_continues_exactly(series: np.ndarray, steps: list[Step]) -> None:
    given = readings(series)
    for cut in (1, WINDOW + 40, 1234):
        first = pipeline()
        first.push_many(given[:cut])
        state = json.loads(json.dumps(first.state()))
        second = pipeline()
        second.restore(state)
        for reading in given[cut : cut + 100]:
            one, other = first.push(reading), second.push(reading)
            assert one.next_means == other.next_means
            assert one.settled_means == other.settled_means
            assert one.mean_scores == other.mean_scores


def test_a_restored_run_has_the_same_state_later(series: np.ndarray) -> None:
    given, rule = readings(series), GapRule("reset", 20)
    first, second = pipeline(gaps=rule), pipeline(gaps=rule)
    gap = next(n for n, each in enumerate(given) if minute_of(each.at) == 1000)
    for reading in given[: gap - 20]:
        first.push(reading)
    second.restore(json.loads(json.dumps(first.state())))
    # The readings without a forecast after the gap take rows that only the first has used before.
    for reading in given[gap - 20 : gap + 20]:
        first.push(reading)
        second.push(reading)
    assert first.state()["means"] == second.state()["means"]


def test_values_are_the_same_whenever_they_are_read(series: np.ndarray) -> None:
    given = readings(series[850:1100])
    later = pipeline()
    expected = [later.push(reading) for reading in given]
    at_once, saved = pipeline(), pipeline()
    for number, (reading, step) in enumerate(zip(given, expected, strict=True)):
        found = at_once.push(reading)
        assert found.next_means == step.next_means
        assert found.settled_means == step.settled_means
        assert found.mean_scores == step.mean_scores
        saved.push(reading)
        if number % 7 == 0:
            saved.state()
    assert saved.state() == at_once.state() == later.state()


def test_a_state_without_horizons_begins_them_anew() -> None:
    given = readings([0.3, 0.4, 0.5, 0.6])
    plain = pipeline(horizons=False)
    assert plain.push_many(given[:3])[-1].mean_scores is None
    found = pipeline()
    found.restore(plain.state())
    step = found.push(given[3])
    assert step.settled is not None
    assert step.next_means is not None
    assert len(step.settled_means) == 0


def test_damaged_states_are_refused() -> None:
    found = pipeline()
    found.push_many(readings(np.random.default_rng(1).random(100)))
    state = found.state()["means"]
    for key in state.keys() - {"minutes"}:
        for value in ("x", -5, [1, 2], {}):
            with pytest.raises(StateError):
                pipeline().restore({**found.state(), "means": {**state, key: value}})


def test_without_adaptation_the_mean_is_the_heads_own(series: np.ndarray) -> None:
    for step in pipeline(adapt=False).push_many(readings(series)):
        if step.next_means is not None:
            assert {mean.kw for mean in step.next_means} == {step.reading.kw}


def test_solar_power_makes_forecasts_of_the_grid_power() -> None:
    rng = np.random.default_rng(5)
    solar = rng.random(200)
    given = [
        Reading(START + minute * MINUTE, 0.5 - sun, solar_kw=sun)
        for minute, sun in enumerate(solar.tolist())
    ]
    found = pipeline(adapt=False).push_many(given)
    last = found[-1].next_means
    assert last is not None
    assert last[1].kw == pytest.approx(given[-1].kw)
    one = pipeline(adapt=False)
    agree([one.push(reading) for reading in given], found)
    plain = Reading(given[-1].at + MINUTE, 0.5)
    assert len(one.push(plain).settled_means) == 0


def test_the_clock_set_back_is_no_gap() -> None:
    summer, winter = (timezone(timedelta(hours=hours)) for hours in (2, 1))
    start = datetime(2010, 10, 31, 2, 30, tzinfo=summer)
    given = [
        Reading((start + n * MINUTE).astimezone(summer if n < 30 else winter), 0.5)
        for n in range(80)
    ]
    last = pipeline().push_many(given)[-1].settled_means[-1]
    assert last.forecast.minutes == 60
    assert last.issued_at == given[-61].at


def test_absurd_values_do_no_harm() -> None:
    found = pipeline()
    for step in found.push_many(readings([0.5, -1e300, 1e300, 1e-300] * 40)):
        assert step.next_means is None or np.isfinite(step.next_means.values).all()
    assert step.mean_scores is not None
    assert np.isfinite(step.mean_scores.values[:, :5]).all()
    pipeline().restore(json.loads(json.dumps(found.state())))
