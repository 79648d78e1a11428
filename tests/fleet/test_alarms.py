"""Tests of fleet alarms against an `Alarms` object per meter."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamer.alarms.detectors import Alarms
from streamer.alarms.scale import count_all_decimals, count_decimals
from streamer.alarms.thresholds import DAY, STEADY
from streamer.fleet.alarmrecords import METER, are_sound, first_record
from streamer.fleet.alarms import settle
from streamer.readings import Alarm

START = np.datetime64("2010-03-19T00:00", "us")
MINUTE = np.timedelta64(1, "m")

Table = dict[str, np.ndarray]


def table(kw: np.ndarray, *, width: np.ndarray | float = 0.1, present: np.ndarray) -> Table:
    """(minutes, meters) readings, with the reading before as the forecast."""
    last = np.vstack([np.full((1, kw.shape[1]), math.nan), kw[:-1]])
    minutes = np.arange(len(kw))[:, None]
    seen = np.maximum.accumulate(np.where(present, minutes, -1), axis=0)
    before = np.vstack([np.full((1, kw.shape[1]), -1), seen[:-1]])
    with np.errstate(over="ignore"):
        low, high = last - width, last + 1.5 * width
    return {
        "kw": kw,
        "middle": last,
        "low": low,
        "high": high,
        "missing": np.where(before < 0, 0, minutes - before - 1),
        "present": present,
    }


def rounds(readings: Table) -> Iterator[tuple[np.ndarray, Table]]:
    """The rows of each minute, and the arguments of `settle` for them."""
    for minute, present in enumerate(readings["present"]):
        rows = np.flatnonzero(present)
        arguments = {name: values[minute, rows] for name, values in readings.items()}
        del arguments["present"]
        yield rows, {"at": np.full(len(rows), START + minute * MINUTE), **arguments}


def held(count: int, *, inside: bool = False) -> np.ndarray:
    """Records of new meters, inside larger records or alone."""
    if inside:
        whole = np.zeros(count, [("other", np.float64, 3), ("alarms", METER)])
        whole["alarms"] = first_record()
        return whole["alarms"]
    return np.full(count, first_record())


def together(readings: Table, state: np.ndarray) -> list[list[Alarm]]:
    """Alarms raised for each meter, with only the meters that have a reading in each round."""
    raised: list[list[Alarm]] = [[] for _ in state]
    for rows, arguments in rounds(readings):
        part = state if len(rows) == len(state) else state[rows]
        found = settle(part, **arguments)
        if part is not state:
            state[rows] = part
        assert [row for row, _ in found] == sorted(row for row, _ in found)
        for row, alarm in found:
            raised[rows[row]].append(alarm)
    assert are_sound(state)
    return raised


def alone(readings: Table, state: np.ndarray | None = None) -> list[list[Alarm]]:
    """The same by one `Alarms` per meter, whose final states are compared with the records."""
    raised = []
    for meter in range(readings["kw"].shape[1]):
        rows = np.flatnonzero(readings["present"][:, meter])
        column = {name: values[rows, meter] for name, values in readings.items()}
        alarms = Alarms()
        found = alarms.settle_many(
            at=START + rows * MINUTE,
            kw=column["kw"],
            median_kw=column["middle"],
            low_kw=column["low"],
            high_kw=column["high"],
            missing=column["missing"],
        )
        raised.append([alarm for alarm in found if alarm.kind != Alarm.DRIFT])
        if state is not None:
            ours, theirs = state[meter], alarms.state()
            limits = [limit[0] for limit in theirs["limits"].values()]
            level = math.nan if theirs["level"] is None else theirs["level"]
            np.testing.assert_allclose(ours["limits"], limits, rtol=1e-9)
            np.testing.assert_allclose(ours["level"], level, rtol=1e-9)
            base = math.nan if theirs["base"] is None else theirs["base"]
            np.testing.assert_array_equal(ours["base"], base)
            assert ours["plateau"] == theirs["plateau"]
            assert ours["repeats"] == theirs["repeats"]
            assert ours["decimals"].tolist() == theirs["scale"]
            assert ours["seen"] == theirs["seen"]
            memory, loads = ours["memory"], theirs["loads"]
            assert [memory[name] for name in ("export", "known", "exported")] == theirs["exports"]
            assert memory["zeros"] == theirs["zeros"]
            assert [memory["small"], memory["peak"]] == [theirs["small"], theirs["peak"]]
            slots = zip(
                *(memory[name].tolist() for name in ("load", "times", "hours")), strict=True
            )
            assert [list(slot) for slot in slots] == loads["slots"]
            assert memory["minutes"] == loads["minutes"]
            assert ours["raised"].tolist() == theirs["budget"]
            assert max(min(int(theirs["odd"]), 3), -125) == ours["odd"]
    return raised


def assert_same(ours: list[list[Alarm]], theirs: list[list[Alarm]]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert [(a.kind, a.at, a.text) for a in mine] == [(a.kind, a.at, a.text) for a in other]
        assert [a.size for a in mine] == pytest.approx([a.size for a in other], rel=1e-9, abs=0.0)


def test_a_record_is_small_and_the_first_one_is_read_only() -> None:
    assert METER.itemsize == sum(METER[name].itemsize for name in METER.names) <= 336
    with pytest.raises(ValueError, match="read-only"):
        first_record()["seen"] = 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("limits", 0.0), ("recent", math.nan), ("drawn", -1.0), ("left", (1.0, math.nan, 1.0))],
)
def test_damaged_records_are_noticed(field: str, value: object) -> None:
    records = held(2)
    assert are_sound(records)
    records[field][1] = value
    assert not are_sound(records)


@pytest.mark.parametrize(
    ("field", "value"), [("export", -1.0), ("zeros", 800.0), ("small", math.nan), ("minutes", 20)]
)
def test_damaged_memories_are_noticed(field: str, value: float) -> None:
    records = held(2)
    records["memory"][field][1] = value
    assert not are_sound(records)


def test_no_meters_raise_nothing() -> None:
    assert together(table(np.empty((3, 0)), present=np.empty((3, 0), bool)), held(0)) == []


power = st.one_of(
    st.sampled_from([0.0, -0.0, 0.3, 0.301, 0.33, 3.0, 3.01, -0.3, -5.0, 30.0, 0.003, 0.0003]),
    st.sampled_from([300.0, 5e3, 1e9, 2e9, 1e12, 1e300, -1e300, 5e-324, 1e-310]),
    st.floats(-10.0, 10.0),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(deadline=None, max_examples=30)
@given(st.data(), st.integers(1, 5), st.integers(1, 40), st.integers(1, 12))
def test_any_readings_raise_the_alarms_of_single_meters(
    data: st.DataObject, meters: int, minutes: int, times: int
) -> None:
    """Any values of any of the meters, with any gaps and any bands or none."""
    shape = (minutes, meters)
    kw = data.draw(arrays.arrays(np.float64, shape, elements=power, fill=power))
    width = data.draw(
        arrays.arrays(
            np.float64,
            shape,
            elements=st.sampled_from([0.0, 0.005, 0.1, 1.0, 1e8, 1e300, -1.0, math.nan]),
        )
    )
    share = data.draw(st.sampled_from([0.5, 0.95, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    readings = table(
        np.tile(kw, (times, 1)),
        width=np.tile(width, (times, 1)),
        present=rng.random((minutes * times, meters)) < share,
    )
    readings["middle"][rng.random(readings["middle"].shape) < 0.05] = math.nan
    state = held(meters, inside=data.draw(st.booleans()))
    assert_same(together(readings, state), alone(readings, state))


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
def test_records_restored_from_bytes_continue_identically(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    kw = rng.choice([0.3, 0.301, 0.32, 2.9, 3.2, 40.0, 400.0, -1.0, 0.002], (400, 5))
    kw = np.repeat(kw, rng.integers(1, 20, 400), axis=0)[:400]
    readings = table(kw, present=rng.random(kw.shape) < 0.99)
    first = {name: values[:cut] for name, values in readings.items()}
    second = {name: values.copy() for name, values in readings.items()}
    second["present"][:cut] = False
    whole, state = held(5), held(5, inside=True)
    expected = together(readings, whole)
    head = together(first, state)
    again = np.frombuffer(state.tobytes(), METER).copy()
    tail = together(second, again)
    assert [a + b for a, b in zip(head, tail, strict=True)] == expected
    assert again.tobytes() == whole.tobytes()


def faulty(kw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Real minutes with faults inserted at random."""
    kw = kw.copy()
    for fault, place in enumerate(np.sort(rng.integers(0, len(kw), 24))):
        part = kw[place : place + rng.integers(2, 90)]
        match fault % 8:
            case 0:
                part *= 10.0
            case 1:
                part[:] = part[0]
            case 2:
                part *= -1.0
            case 3:
                part *= 1000.0
            case 4:
                part /= 1000.0
            case 5:
                part += rng.uniform(1.0, 3.0)
            case 6:
                part /= 10.0
            case 7:
                part[:] = 0.0
    return kw


def test_real_minutes_with_faults_raise_the_alarms_of_single_meters(sample_kw: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    minutes, meters = 3 * DAY, 12
    places = rng.integers(0, len(sample_kw) - minutes, meters)
    kw = np.stack(
        [
            faulty(sample_kw[place : place + minutes] * rng.uniform(0.3, 2.0), rng).round(digits)
            for place, digits in zip(places, rng.integers(2, 5, meters), strict=True)
        ],
        axis=1,
    )
    rises = np.abs(np.diff(kw, axis=0, prepend=kw[:1]))
    width = 0.02 + np.quantile(rises, 0.97, axis=0) * rng.uniform(0.1, 1.0, kw.shape)
    width[rng.random(kw.shape) < 0.02] = math.nan
    present = rng.random(kw.shape) < np.array([1.0, 0.999] * (meters // 2))
    readings, state = table(kw, width=width, present=present), held(meters, inside=True)
    raised = together(readings, state)
    assert_same(raised, alone(readings, state))
    texts = "\n".join(f"{alarm.kind}: {alarm.text}" for alarms in raised for alarm in alarms)
    for words in (
        "stuck: ",
        "unit: ",
        "with --unit W",
        "with --unit kW",
        "was expected: ",
        "more export",
        "the true power",
        "for 4 readings",
    ):
        assert words in texts
    assert texts.count("anomaly: ") > 50


def test_counts_that_saturate_in_a_record_raise_the_same_alarms() -> None:
    """Counts at their bounds over days: a stuck meter, one in another unit, a busy house.

    And events of just an hour, from any minute of the hour that the record counts by.
    """
    minutes = np.arange(4 * DAY)
    stuck = np.full(len(minutes), 0.3)
    works = 600.0 + 0.1 * (minutes % 7)
    tiny = 0.0004 + 0.0001 * (minutes % 5)
    kettle = 0.25 + 0.001 * (minutes % 9) + 2.8 * (minutes % 90 < 4) * np.exp(minutes / 1400.0)
    heater = 0.25 + 0.001 * (minutes % 9) + 4.0 * (minutes % 1000 > 600)
    times, since = np.divmod(minutes - 50, 301)
    stove = 0.25 + 0.001 * (minutes % 9)
    stove += (since < 100) * 4.0 * 1.3 ** np.maximum(times, 0) * (1.0 - 0.001 * since)
    exporting = -0.5 - 0.001 * (minutes % 9)
    kw = np.stack([stuck, works, tiny, kettle, heater, stove, exporting], axis=1)
    readings = table(kw, present=np.ones(kw.shape, bool))
    for name, off in (("middle", 0.0), ("low", -0.05), ("high", 0.05)):
        readings[name][:, 3:6] = 0.25 + off
        readings[name][:, 6] = off - 1.0
    state = held(7)
    raised = together(readings, state)
    assert_same(raised, alone(readings, state))
    assert [alarm.kind for alarm in raised[0]] == [Alarm.STUCK]
    assert [alarm.kind for alarm in raised[1]] == [Alarm.UNIT]
    assert [alarm.kind for alarm in raised[2]] == [Alarm.UNIT]
    assert state["events"][3].max() == STEADY
    assert raised[6] == []


def test_plateaus_have_the_threshold_of_single_meters() -> None:
    """A refrigerator above a base load, whose plateaus grow longer; gaps, and exact zeros."""
    cycles = np.arange(120)
    drops = np.concatenate([[0.3, 0.28, 0.26, *[0.2] * (13 + n // 8)] for n in cycles.tolist()])
    noisy = drops + 0.001 * (np.arange(len(drops)) % 2)
    kw = np.stack([drops, noisy, drops - 0.2, -drops], axis=1)
    present = np.ones(kw.shape, bool)
    present[3::97, 0] = False
    readings, state = table(kw, present=present), held(4)
    raised = together(readings, state)
    assert_same(raised, alone(readings, state))
    assert 3 < [alarm.kind for alarm in raised[0]].count(Alarm.STUCK) < 15
    assert state["limits"][0, -1] > 15.0
    # An exact zero is counted apart.
    assert state["plateau"].tolist() == [True, False, False, True]


def test_memories_are_those_of_single_meters() -> None:
    """A car, sun on the roof, a meter that clips it at zero, a battery, and a busy day."""
    minutes, rng = np.arange(5 * DAY), np.random.default_rng(4)
    base = 0.3 + 0.01 * (minutes % 7) + 2.2 * (rng.random(len(minutes)) < 0.002)
    of_day, day = minutes % DAY, minutes // DAY
    car = 11.0 * ((of_day > 1100) & (of_day < 1180))
    car[of_day == 1101] = 11.0 * rng.random(5)
    sun = 1.2 * day * np.maximum(0.0, np.sin((of_day - 360) / 720 * np.pi))
    net = (base - sun).round(3)
    battery = np.where(of_day < 700, 0.003 + 0.0002 * (minutes % 3), net)
    busy = base + rng.uniform(0.0, 9.0, len(base)) * (rng.random(len(base)) < 0.01)
    kw = np.stack([base + car, net + car, np.maximum(net, 0.0), battery, busy], axis=1)
    readings = table(kw, width=0.2, present=rng.random(kw.shape) < 0.9999)
    state = held(5)
    raised = together(readings, state)
    assert_same(raised, alone(readings, state))
    memory = state["memory"]
    assert memory["times"][:2].max(axis=1).tolist() == [5, 5]
    assert (memory["export"][[1, 3]] > 1.0).all()
    assert memory["zeros"][2] > 300.0
    assert memory["small"][3] > 30.0
    assert "more export than ever before" in str(raised)


def test_alarms_of_one_round_are_in_the_order_of_the_rows() -> None:
    """Regardless of the order of the checks: repeated values, then units, then bands."""
    kw = np.stack([0.3 + 0.01 * (np.arange(15) % 2), np.full(15, 400.0), np.full(15, 0.3)], axis=1)
    kw[14, 0] = 9.0
    readings, state = table(kw, present=np.ones(kw.shape, bool)), held(3)
    found = [settle(state, **arguments) for _, arguments in rounds(readings)]
    assert [(row, alarm.kind) for row, alarm in found[2]] == [(1, Alarm.UNIT)]
    assert [(row, alarm.kind) for row, alarm in found[14]] == [
        (0, Alarm.ANOMALY),
        (1, Alarm.STUCK),
        (2, Alarm.STUCK),
    ]


@given(st.lists(st.one_of(power, st.floats(-1e9, 1e9)), max_size=30))
def test_decimals_are_counted_alike_for_arrays_and_single_values(values: list[float]) -> None:
    kept = [min(max(value, -1e9), 1e9) for value in values]
    kept += [round(value, 3) for value in kept]
    assert count_all_decimals(np.array(kept)).tolist() == [count_decimals(kw) for kw in kept]
