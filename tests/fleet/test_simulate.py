"""Tests of simulated fleets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.fleet.simulate import NO_FAULTS, SCALES, Faults, SimulatedReadings, Simulation
from streamer.sample import sample_path

FLAT = np.ones(100)


@pytest.fixture(scope="module")
def sample() -> list[float | None]:
    """The sample minute by minute; it has a row for each, gaps included."""
    cells = [row.split(";")[2] for row in sample_path().read_text().splitlines()[1:]]
    return [None if cell == "?" else float(cell) for cell in cells]


def _series(sample: list[float | None]) -> np.ndarray:
    return np.array(sample, dtype=float)


def _keys(readings: SimulatedReadings) -> list[tuple[int, datetime]]:
    return list(zip(readings.meter.tolist(), readings.minute.tolist(), strict=True))


def _same(one: SimulatedReadings, other: SimulatedReadings) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("meter", "minute", "kw")
    )


def test_each_meter_repeats_the_real_minutes_shifted_and_scaled(
    sample: list[float | None],
) -> None:
    simulation = Simulation(_series(sample), meters=200, minutes=12_000, faults=NO_FAULTS)
    for index in (0, 1, 777, len(sample) - 1, len(sample), 11_999):
        readings = simulation.minute(index)
        found = dict(zip(readings.meter.tolist(), readings.kw.tolist(), strict=True))
        assert set(readings.minute.tolist()) == {datetime(2026, 1, 1) + timedelta(minutes=index)}
        for meter in range(200):
            real = sample[(simulation.offset[meter] + index) % len(sample)]
            if real is None:
                assert meter not in found
            else:
                assert found[meter] == pytest.approx(real * simulation.scale[meter], abs=0.00051)
                assert found[meter] == round(found[meter], 3)


def test_meters_begin_at_a_valid_reading_and_differ_in_scale(
    sample: list[float | None],
) -> None:
    simulation = Simulation(_series(sample), meters=2_000, faults=NO_FAULTS)
    assert len(simulation.minute(0)) == 2_000
    assert len(set(simulation.offset.tolist())) > 1_000
    smallest, largest = SCALES
    assert smallest <= simulation.scale.min() < 0.5
    assert 2 < simulation.scale.max() <= largest
    assert 0.9 < np.median(simulation.scale) < 1.1


def test_a_negative_zero_becomes_positive() -> None:
    kw = Simulation(np.array([-0.0001]), meters=1, faults=NO_FAULTS).minute(0).kw
    assert not np.signbit(kw[0])


def test_the_same_seed_gives_the_same_readings(sample: list[float | None]) -> None:
    first, again, other = (
        Simulation(_series(sample), meters=300, minutes=70, seed=seed) for seed in (5, 5, 6)
    )
    for one, two in zip(first.blocks(9), again.blocks(9), strict=True):
        assert _same(one.readings, two.readings)
        assert (one.start, one.late, one.doubled) == (two.start, two.late, two.doubled)
    assert not _same(first.minute(0), other.minute(0))


def test_a_minute_is_independent_of_earlier_calls(sample: list[float | None]) -> None:
    in_order = Simulation(_series(sample), meters=300, minutes=200)
    minutes = [in_order.minute(index) for index in range(200)]
    jumping = Simulation(_series(sample), meters=300, minutes=200)
    for index in (199, 3, 64, 63, 0, 150):
        assert _same(jumping.minute(index), minutes[index])


def test_the_share_of_missing_readings_is_that_of_the_faults() -> None:
    faults = Faults(silent=0, lost=0, missing=0.1, late=0, doubled=0)
    simulation = Simulation(FLAT, meters=1_000, minutes=50, faults=faults)
    found = sum(len(simulation.minute(index)) for index in range(50))
    assert found == pytest.approx(45_000, abs=400)


def test_silent_meters_return_within_the_hour() -> None:
    faults = Faults(silent=0.25, lost=0, missing=0, late=0, doubled=0)
    simulation = Simulation(FLAT, meters=1_000, minutes=180, faults=faults)
    there = np.zeros((180, 1_000), dtype=bool)
    for index in range(180):
        there[index, simulation.minute(index).meter] = True
    for hour in there.reshape(3, 60, 1_000):
        silent = ~hour.all(axis=0)
        assert silent.sum() == pytest.approx(250, abs=60)
        lengths = (~hour).sum(axis=0)[silent]
        assert (lengths.min(), lengths.max()) == (5, 30)
        # Silence begins once for each, at the start of the hour or within it.
        begins = ~hour[0] + (hour[:-1] & ~hour[1:]).sum(axis=0)
        assert set(begins[silent].tolist()) == {1}
    assert not np.array_equal(there[:60], there[60:120])


def test_lost_meters_have_readings_at_first_and_then_none() -> None:
    faults = Faults(silent=0, lost=0.2, missing=0, late=0, doubled=0)
    simulation = Simulation(FLAT, meters=1_000, minutes=60, faults=faults)
    there = np.array(
        [np.isin(np.arange(1_000), simulation.minute(index).meter) for index in range(60)]
    )
    assert there[0].all()
    assert (there[:-1] >= there[1:]).all()
    assert (~there[-1]).sum() == pytest.approx(200, abs=50)
    assert ((simulation.lost_at < 60) == ~there[-1]).all()


def test_no_meter_is_lost_in_the_first_minute() -> None:
    faults = Faults(silent=0, lost=1, missing=0, late=0, doubled=0)
    assert len(Simulation(FLAT, meters=10, minutes=1, faults=faults).minute(0)) == 10


def test_blocks_without_faults_are_the_minutes() -> None:
    simulation = Simulation(FLAT, meters=7, minutes=25, faults=NO_FAULTS)
    blocks = list(simulation.blocks(10))
    assert [block.minutes for block in blocks] == [10, 10, 5]
    assert [block.start for block in blocks] == [
        np.datetime64(f"2026-01-01T00:{minute}") for minute in ("00", "10", "20")
    ]
    minutes = [simulation.minute(index) for index in range(25)]
    assert _same(
        SimulatedReadings.together([b.readings for b in blocks]),
        SimulatedReadings.together(minutes),
    )
    assert sum(block.late + block.doubled for block in blocks) == 0


@settings(max_examples=40)
@given(
    meters=st.integers(1, 30),
    minutes=st.integers(1, 40),
    every=st.integers(1, 45),
    late=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    doubled=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 2**70),
)
def test_every_reading_arrives_and_late_and_duplicate_ones_are_counted(
    meters: int, minutes: int, every: int, late: float, doubled: float, seed: int
) -> None:
    faults = Faults(late=late, doubled=doubled)
    simulation = Simulation(FLAT, meters=meters, minutes=minutes, seed=seed, faults=faults)
    measured = [key for index in range(minutes) for key in _keys(simulation.minute(index))]
    arrived: dict[tuple[int, datetime], list[int]] = {}
    blocks = list(simulation.blocks(every))
    for number, block in enumerate(blocks):
        start = block.start.astype("datetime64[us]").item()
        keys = _keys(block.readings)
        second = [key for index, key in enumerate(keys) if key in arrived or key in keys[:index]]
        first_of_late = [key for key in set(keys) if key not in arrived and key[1] < start]
        assert block.doubled == len(second)
        assert block.late == len(first_of_late)
        for key in keys:
            arrived.setdefault(key, []).append(number)
    assert sorted(arrived) == sorted(measured)
    for (_, minute), numbers in arrived.items():
        due = int((minute - datetime(2026, 1, 1)).total_seconds() // 60) // every
        assert due <= numbers[0] <= due + 3
        assert len(numbers) <= 2
        assert numbers[-1] <= numbers[0] + 3
        if late == 1:
            assert numbers[0] > due
        if doubled == 1:
            assert len(numbers) == 2
    ends = [block.start + np.timedelta64(block.minutes, "m") for block in blocks]
    assert [block.start for block in blocks[1:]] == ends[:-1]


def test_the_shares_of_late_and_duplicate_readings_are_those_of_the_faults() -> None:
    faults = Faults(silent=0, lost=0, missing=0, late=0.1, doubled=0.02)
    blocks = list(Simulation(FLAT, meters=1_000, minutes=60, faults=faults).blocks(10))
    assert sum(block.late for block in blocks) == pytest.approx(6_000, abs=350)
    assert sum(block.doubled for block in blocks) == pytest.approx(1_200, abs=170)
    assert blocks[-1].minutes == 0
    assert blocks[-1].start == np.datetime64("2026-01-01T01:00")


def test_a_simulation_without_minutes_has_no_end() -> None:
    blocks = Simulation(FLAT, meters=20).blocks(30)
    assert [block.minutes for block in islice(blocks, 5)] == [30] * 5


def test_names_are_in_order_and_long_enough_for_all_meters() -> None:
    names = Simulation(FLAT, meters=18).names
    assert (names[0], names[17]) == ("m000000", "m000017")
    assert sorted(names) == list(names)
    assert Simulation(FLAT, meters=1_000_001).names[3] == "m0000003"


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 29, 0, 30),
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_the_start_is_in_utc(start: datetime) -> None:
    readings = Simulation(FLAT, meters=1, start=start, faults=NO_FAULTS).minute(1)
    assert readings.minute.dtype == "datetime64[us]"
    assert readings.minute.tolist() == [datetime(2026, 3, 29, 0, 31)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"meters": 0}, "0 meters"),
        ({"meters": 10**12}, "10,000,000"),
        ({"minutes": 0}, "0 minutes"),
        ({"seed": -1}, "seed -1"),
        ({"start": datetime(2026, 1, 1, 0, 0, 30)}, "on a minute"),
        ({"start": datetime(9999, 12, 30, 23), "minutes": 61}, "year 9999"),
        ({"minutes": 10**30}, "year 9999"),
        (
            {"start": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))},
            "out of range",
        ),
    ],
)
def test_impossible_arguments_are_rejected(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Simulation(FLAT, **{"meters": 1, "minutes": 1, **wrong})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("kind", ["silent", "lost", "missing", "late", "doubled"])
def test_a_share_must_be_from_0_to_1(kind: str, share: float) -> None:
    with pytest.raises(UsageError, match=f"{kind} .* is not a share"):
        Faults(**{kind: share})


def test_a_block_needs_at_least_one_minute() -> None:
    with pytest.raises(UsageError, match="0 minutes"):
        next(Simulation(FLAT, meters=1).blocks(0))


def test_a_series_without_a_value_is_rejected() -> None:
    with pytest.raises(UsageError, match="no reading"):
        Simulation(np.full(3, np.nan), meters=1)
