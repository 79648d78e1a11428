"""Tests of alarm detectors and adaptive thresholds."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.alarms.detectors import Alarms
from streamer.alarms.drift import Drift
from streamer.alarms.thresholds import DAY, AdaptiveThreshold, Rule
from streamer.readings import MINUTE, Alarm, Forecast
from streamer.sample import sample_path

START = datetime(2010, 3, 19)
EMPTY: tuple[Alarm, ...] = ()


def band(last_kw: float, width: float = 0.1) -> Forecast:
    """A forecast of the last value, with a band around it."""
    return Forecast(START, last_kw, last_kw, last_kw, last_kw, last_kw - width, last_kw + width)


def house(days: float, seed: int = 3) -> np.ndarray:
    """A house with a noisy base load, a fridge, and occasional use of a kettle."""
    rng = np.random.default_rng(seed)
    count = int(days * DAY)
    kw = 0.25 + 0.004 * rng.standard_normal(count) + 0.08 * (np.arange(count) % 40 < 15)
    for place in rng.integers(0, count - 3, int(4 * days)):
        kw[place : place + 3] += rng.uniform(0.8, 2.2)
    return kw.round(3)


def columns(
    kw: np.ndarray, *, width: float = 0.1, start: datetime = START
) -> dict[str, np.ndarray]:
    """Arguments of `settle_many`, with the last reading as the forecast."""
    last = np.concatenate([[math.nan], kw[:-1]])
    at = np.datetime64(start, "m") + np.arange(len(kw))
    missing = np.zeros(len(kw), np.int64)
    return {
        "at": at,
        "kw": kw,
        "median_kw": last,
        "low_kw": last - width,
        "high_kw": last + width,
        "missing": missing,
    }


def part(table: dict[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    return {name: column[rows] for name, column in table.items()}


def kinds(alarms: list[Alarm] | tuple[Alarm, ...]) -> list[str]:
    return [alarm.kind for alarm in alarms]


@pytest.fixture(scope="module")
def settled() -> dict:
    """The state after ten ordinary days."""
    alarms = Alarms()
    alarms.settle_many(**columns(house(10)))
    return json.loads(json.dumps(alarms.state()))


def after(settled: dict, kw: list[float], *, width: float = 0.02) -> list[Alarm]:
    """Alarms raised by readings after the ten days, against a constant band."""
    alarms = Alarms()
    alarms.restore(settled)
    table = columns(np.array(kw), start=START + timedelta(days=10))
    for name, off in (("median_kw", 0.0), ("low_kw", -width), ("high_kw", width)):
        table[name] = np.full(len(kw), 0.25 + off)
    return alarms.settle_many(**table)


def test_ordinary_readings_return_the_same_empty_tuple() -> None:
    alarms = Alarms()
    given = [alarms.settle(at=START, kw=0.3, forecast=None, missing=0) for _ in range(2)]
    assert given == [EMPTY, EMPTY]
    assert given[0] is given[1]


@pytest.mark.parametrize("times", [3.0, -1.0])
def test_heater_and_negative_readings_are_anomalies(settled: dict, times: float) -> None:
    kw = [0.25 + 3.0 if times > 0 else -0.25] * 5
    assert kinds(after(settled, kw))[0] == Alarm.ANOMALY


def test_lasting_rise_is_an_anomaly_but_a_short_one_is_not(settled: dict) -> None:
    wide = 1.5
    short = after(settled, [0.25] * 9 + [2.1, 2.2, 2.2, 0.25, 0.25], width=wide)
    lasting = after(settled, [0.25] * 9 + [2.1, 2.2, 2.2, 2.1, 2.2], width=wide)
    assert not short
    assert kinds(lasting) == [Alarm.ANOMALY]
    assert "for 4 readings" in lasting[0].text
    assert lasting[0].at == START + timedelta(days=10, minutes=12)


def test_tenfold_values_are_an_anomaly_by_the_second_reading(settled: dict) -> None:
    found = after(settled, [0.251, 2.51, 2.48])
    assert kinds(found) == [Alarm.ANOMALY]
    assert "ten times" in found[0].text or "was expected" in found[0].text
    assert found[0].at <= START + timedelta(days=10, minutes=2)


def test_values_of_a_tenth_are_an_anomaly(settled: dict) -> None:
    assert kinds(after(settled, [0.251, 0.0251, 0.0248])) == [Alarm.ANOMALY]


def test_stuck_value_is_detected_within_fifteen_readings(settled: dict) -> None:
    found = after(settled, [0.251] * 30)
    assert kinds(found) == [Alarm.STUCK]
    assert found[0].at < START + timedelta(days=10, minutes=15)


@pytest.mark.parametrize(
    ("times", "word"),
    [
        (1000.0, "set the unit, for example with --unit W"),
        (0.001, "set the unit, for example with --unit kW"),
    ],
)
def test_wrong_unit_is_detected_from_the_first_reading(times: float, word: str) -> None:
    found = Alarms().settle_many(**columns(house(0.05)[:6] * times))
    assert kinds(found)[-1] == Alarm.UNIT
    assert word in found[-1].text
    assert found[-1].at < START + 5 * MINUTE


@pytest.mark.parametrize(
    ("times", "word"),
    [
        (1000.0, "set the unit, for example with --unit W"),
        (0.001, "set the unit, for example with --unit kW"),
    ],
)
def test_wrong_unit_is_detected_after_ordinary_days(settled: dict, times: float, word: str) -> None:
    found = after(settled, [0.25 * times + 0.001 * times * minute for minute in range(5)])
    assert word in next(alarm.text for alarm in found if alarm.kind == Alarm.UNIT)


def test_wrong_unit_suppresses_other_alarms() -> None:
    found = Alarms().settle_many(**columns(house(6) * 1000.0, width=1.0))
    assert len([alarm for alarm in found if alarm.kind != Alarm.DRIFT]) == 1


def test_doubled_errors_are_a_drift() -> None:
    rng = np.random.default_rng(1)
    error = rng.exponential(0.05, 12 * DAY)
    error[8 * DAY :] *= 2.0
    kw = 0.5 + rng.choice([-1, 1], len(error)) * error
    table = columns(kw)
    table["median_kw"] = np.full(len(kw), 0.5)
    found = [alarm for alarm in Alarms().settle_many(**table) if alarm.kind == Alarm.DRIFT]
    assert len(found) == 1
    assert START + timedelta(days=8) < found[0].at < START + timedelta(days=9)
    assert "times what they were" in found[0].text


def test_alarms_end_by_themselves(settled: dict) -> None:
    alarms = Alarms()
    alarms.restore(settled)
    steps = [4.0] + [0.25 + 0.001 * (minute % 3) for minute in range(40)]
    on = [
        alarms.settle(at=START + minute * MINUTE, kw=kw, forecast=band(0.25), missing=0)
        for minute, kw in enumerate(steps)
    ]
    assert kinds(on[0]) == [Alarm.ANOMALY]
    assert on[1] == on[0]
    assert on[-1] == EMPTY


def test_constant_stream_raises_one_alarm() -> None:
    found = Alarms().settle_many(**columns(np.full(5 * DAY, 0.3)))
    assert kinds(found) == [Alarm.STUCK]
    alarms = Alarms()
    for minute in range(2 * DAY):
        on = alarms.settle(at=START + minute * MINUTE, kw=0.0, forecast=None, missing=0)
        assert (minute >= 14) == bool(on) or minute >= DAY
    assert on == EMPTY


def test_gap_ends_a_run_of_the_same_value() -> None:
    table = columns(np.full(20, 0.3))
    table["missing"][10] = 3
    assert Alarms().settle_many(**table) == []


def test_repeated_values_of_a_coarse_meter_become_ordinary() -> None:
    kw = np.repeat(np.random.default_rng(2).uniform(0.2, 2.0, 3000).round(1), 21)
    found = Alarms().settle_many(**columns(kw))
    found = [alarm for alarm in found if alarm.kind == Alarm.STUCK]
    late = [alarm for alarm in found if alarm.at > START + timedelta(days=20)]
    assert len(late) < 48  # two a day
    assert len(found) < 88


def test_no_anomaly_without_a_band() -> None:
    table = columns(house(3))
    table["low_kw"] = np.full_like(table["kw"], math.nan)
    table["kw"][4000:] += 5.0
    assert Alarm.ANOMALY not in kinds(Alarms().settle_many(**table))


def test_mean_replaces_a_missing_median() -> None:
    forecast = Forecast(START, 0.3, 0.3, 0.3, None, 0.2, 0.4)
    alarms = Alarms()
    on = alarms.settle(at=START, kw=20.0, forecast=forecast, missing=0)
    assert kinds(on) == [Alarm.ANOMALY]
    assert on[0].text.startswith("20 kW where 0.2 to 0.4 was expected")


extreme_values = st.lists(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([0.0, -0.0, 1e300, -1e300, 5e-324, 1e-310, 0.3, -0.3, 300.0, 0.0003]),
    ),
    min_size=1,
    max_size=40,
)


@given(extreme_values, st.integers(1, 20), st.floats(0.0, 1e300), st.data())
def test_any_readings_give_finite_alarms_and_a_restorable_state(
    values: list[float], times: int, width: float, data: st.DataObject
) -> None:
    """Texts and sizes are finite; saving and restoring at any reading changes nothing."""
    with np.errstate(over="ignore"):
        table = columns(np.array(values * times), width=width)
    if data.draw(st.booleans()):
        table["missing"][:: data.draw(st.integers(1, 30))] = 2
    cut = data.draw(st.integers(0, len(table["kw"])))
    whole, first, second = Alarms(), Alarms(), Alarms()
    raised = whole.settle_many(**table)
    head = first.settle_many(**part(table, slice(cut)))
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert head + second.settle_many(**part(table, slice(cut, None))) == raised
    assert second.state() == whole.state()
    for alarm in raised:
        assert math.isfinite(alarm.size)
        assert alarm.size >= 1.0
        assert "nan" not in alarm.text
        assert "inf" not in alarm.text


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_settle_many_equals_repeated_settle(seed: int, aware: bool) -> None:
    rng = np.random.default_rng(seed)
    kw = house(0.3, seed) * rng.choice([1.0, 10.0, 1000.0, -1.0], 432, p=[0.9, 0.04, 0.03, 0.03])
    table = columns(kw)
    table["median_kw"][50:60] = table["low_kw"][100:110] = math.nan
    many, single = Alarms(), Alarms()
    raised = many.settle_many(**table)
    seen: list[Alarm] = []
    for row in zip(*(column.tolist() for column in table.values()), strict=True):
        at, value, median, low, high, missing = row
        forecast = None
        if not math.isnan(median):
            ends = (None, None) if math.isnan(low) else (low, high)
            forecast = Forecast(at, 0.0, 0.0, 0.0, median, *ends)
        if aware:
            at = at.replace(tzinfo=UTC)
        on = single.settle(at=at, kw=value, forecast=forecast, missing=missing)
        seen += [alarm for alarm in on if alarm.at == at and alarm not in seen]
    assert [(a.kind, a.at.replace(tzinfo=None), a.text, a.size) for a in seen] == [
        (a.kind, a.at, a.text, a.size) for a in raised
    ]
    again = Alarms()
    again.restore(json.loads(json.dumps(single.state())))
    assert again.state() == single.state()


def test_alarm_rate_is_within_target_on_ordinary_days() -> None:
    days = 40
    found = Alarms().settle_many(**columns(house(days, seed=8)))
    assert kinds(found).count(Alarm.ANOMALY) <= 2 * days
    assert kinds(found).count(Alarm.DRIFT) <= days / 7
    first_day = [alarm for alarm in found if alarm.at < START + timedelta(days=1)]
    assert len(first_day) <= 4


def test_alarm_rate_is_within_target_on_the_sample() -> None:
    rows = [line.split(";")[2] for line in sample_path().read_text().splitlines()[1:]]
    kw = np.array([float(value) for value in rows if value not in ("?", "")])
    table = columns(kw)
    last_hour = np.concatenate(
        [
            np.full(60, np.nan),
            np.lib.stride_tricks.sliding_window_view(np.abs(np.diff(kw)), 59).max(axis=1)[
                : len(kw) - 60
            ],
        ]
    )
    table["low_kw"], table["high_kw"] = (
        table["median_kw"] - last_hour,
        table["median_kw"] + last_hour,
    )
    found = kinds(Alarms().settle_many(**table))
    assert found.count(Alarm.ANOMALY) <= math.ceil(2 * len(kw) / DAY)
    assert found.count(Alarm.DRIFT) <= 1
    assert Alarm.UNIT not in found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 3.0), st.floats(0.5, 20.0))
def test_threshold_keeps_its_event_rate_for_any_scores(
    seed: int, share: float, scale: float
) -> None:
    """The guarantee holds, helped by the larger steps of the first events."""
    rng = np.random.default_rng(seed)
    scores = np.minimum(rng.pareto(1.5, 20 * DAY) * scale * rng.choice([0.1, 1.0]), 30.0).tolist()
    threshold = AdaptiveThreshold(Rule(share, 2.0, 1.0))
    events, last = 0, -DAY
    for seen, score in enumerate(scores, DAY + 1):
        if score > threshold.value:
            assert threshold.exceeded(score, seen) is not None
            events += seen - last > 10
            last = seen
        if not seen % 60:
            threshold.close_hour()
    days = len(scores) / DAY
    assert events <= share * days + math.log(30.0) / 0.1 + 2


@pytest.mark.parametrize("seed", range(4))
def test_drift_cuts_agree_with_adwin_of_river(seed: int) -> None:
    """The same cuts as by river's ADWIN without merging of buckets."""
    from river.drift.adwin import ADWIN

    rng = np.random.default_rng(seed)
    logs = rng.normal(0.0, 0.4, 500) + np.repeat(rng.normal(-2.0, 0.6, 5), 100)
    ours, theirs = Drift(), ADWIN(delta=0.05, clock=1, max_buckets=1000, grace_period=10)
    mine, river = [], []
    for hour, log in enumerate(logs):
        ours.update(math.exp(log), hour % 24)
        # Any cut clears the window, also one to smaller errors, which is not reported.
        if not ours.state()["hours"]:
            mine.append(hour)
        theirs.update(math.log(math.exp(log) + 0.003))
        if theirs.drift_detected:
            river.append(hour)
    assert len(mine) == len(river) > 0
    assert np.abs(np.subtract(mine, river)).max() <= 1


def test_benchmark_faults_match_their_titles() -> None:
    from tests.benchmarks.faults import FAULTS

    kw = np.array([0.25, 0.5])
    made = {fault.title: fault.change(kw).tolist() for fault in FAULTS}
    assert made["heater on, 2 kW"] == [2.25, 2.5]
    assert made["meter stuck"] == [0.25, 0.25]
    assert made["scale ×10"] == [2.5, 5.0]
    assert made["sign turned"] == [-0.25, -0.5]
    assert kw.tolist() == [0.25, 0.5]
