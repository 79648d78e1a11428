"""Demand registers of a meter on their way to the readings."""

from __future__ import annotations

from datetime import datetime

import pytest

from streamer.readings import Notice, Reading, Sample
from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.sources.live.demands import QUARTER_S
from streamer.sources.live.minutes import local_time
from tests.sources.live.bench import DATE, Bench, at

FIRST_S = -DATE % QUARTER_S
"""Seconds from `DATE` to the first quarter-hour."""

PEAK = MonthPeak(local_time(DATE - 86_400.0), 4.25)


class Meter:
    """A meter with a register, which sends a telegram every so many seconds.

    Args:
        bench: what takes the telegrams.
        clock_s: seconds by which its clock is ahead.
        every_s: seconds between two telegrams.
    """

    def __init__(self, bench: Bench, *, clock_s: float = 0.0, every_s: int = 5) -> None:
        self.bench = bench
        self.clock_s, self.every_s = clock_s, every_s
        self.energy = 0.0
        self.quarters: dict[float, float] = {}

    def run(self, seconds: int, kw: float, *, sends: bool = True, shows: float = 1.0) -> None:
        """Draw a power; what is sent as the power may be another, by a factor."""
        for _ in range(seconds // self.every_s):
            now_s = self.bench.date + self.clock_s
            if now_s % QUARTER_S < self.every_s:
                self.energy = 0.0
            moment = at(now_s - DATE)
            demand = MeterDemand(round(self.energy / QUARTER_S, 3), PEAK, (), moment)
            if sends:
                self.bench.take(Sample(shows * kw, moment, demand=demand))
            self.energy += kw * self.every_s
            self.quarters[now_s // QUARTER_S] = self.energy / QUARTER_S
            self.bench.pass_on(float(self.every_s))


def demands(bench: Bench) -> dict[int, MeterDemand | None]:
    """The registers of the readings, by minutes since the first quarter-hour."""
    return {
        round((each.at.timestamp() - DATE - FIRST_S) / 60): each.meter_demand
        for each in bench.of(Reading)
    }


def test_a_reading_has_the_registers_of_the_end_of_its_minute() -> None:
    bench = Bench(begin_s=FIRST_S)
    meter = Meter(bench)
    meter.run(600, 1.8)
    meter.run(600, 3.6)
    bench.pass_on(10.0)
    found = demands(bench)
    assert sorted(found) == list(range(20))
    for minute, demand in found.items():
        energy = 1.8 * min(minute + 1, 10) + 3.6 * max(minute - 9, 0)
        expected = energy if minute < 15 else 3.6 * (minute - 14)
        assert demand is not None
        assert demand.so_far_kw == pytest.approx(expected / 15.0, abs=0.0006)
        assert (demand.peak, demand.months, demand.at) == (PEAK, (), None)
        assert demand.peak.start.utcoffset() is not None
    assert not bench.of(Notice)


def test_a_minute_without_a_telegram_has_none() -> None:
    bench = Bench(begin_s=FIRST_S, stale_after_s=600.0)
    for seconds, demand in ((60, MeterDemand(0.06)), (60, None), (60, MeterDemand(0.18))):
        for _ in range(seconds // 10):
            bench.take(Sample(0.9, demand=demand))
            bench.pass_on(10.0)
    bench.pass_on(10.0)
    assert [each is None for each in demands(bench).values()] == [False, True, False]


@pytest.mark.parametrize("clock_s", [-40.0, -3.0, 25.0])
def test_a_meter_with_another_clock_never_mixes_two_quarter_hours(clock_s: float) -> None:
    bench = Bench(begin_s=FIRST_S)
    meter = Meter(bench, clock_s=clock_s)
    meter.run(3600, 3.6)
    bench.pass_on(10.0)
    found = demands(bench)
    for minute in range(20, 60):
        demand = found.get(minute)
        if demand is not None:
            past = minute % 15 + 1
            assert demand.so_far_kw == pytest.approx(3.6 * past / 15.0, abs=0.2)


def test_a_difference_from_the_meter_is_reported_once_a_day() -> None:
    bench = Bench(begin_s=FIRST_S - 60.0)
    meter = Meter(bench, every_s=20)
    meter.run(60, 3.0, shows=0.9)
    meter.run(3600, 3.0, shows=0.9)
    bench.pass_on(10.0)
    [(text, _)] = bench.texts(Notice.WARNING)
    began = local_time(DATE + FIRST_S)
    assert text.startswith(f"house: the quarter-hour {began:%Y-%m-%d %H:%M} has 2.700 kW by its")
    # The last 20 s are taken by the power that was sent.
    assert "2.993 kW by the meter's own register, which counts" in text


def test_a_small_difference_a_gap_or_export_is_not_reported() -> None:
    bench = Bench(begin_s=FIRST_S - 60.0)
    meter = Meter(bench, every_s=20)
    meter.run(60, 3.0)
    meter.run(900, 3.0, shows=0.99)
    meter.run(500, 3.0, shows=0.9)
    meter.run(100, 3.0, sends=False)
    meter.run(300, 3.0, shows=0.9)
    meter.run(900, -1.0, shows=3.0)
    bench.pass_on(10.0)
    assert not [text for text, _ in bench.texts(Notice.WARNING) if "quarter-hour" in text]


def test_an_implausible_register_is_left_out() -> None:
    bench = Bench(begin_s=FIRST_S, max_kw=50.0)
    for demand in (MeterDemand(60.0), MeterDemand(0.3, MonthPeak(PEAK.start, 90.0))):
        for _ in range(6):
            bench.take(Sample(0.9, demand=demand))
            bench.pass_on(10.0)
    bench.pass_on(10.0)
    assert list(demands(bench).values()) == [None, None]


def test_registers_are_forgotten_when_the_clock_is_set() -> None:
    bench = Bench(begin_s=FIRST_S)
    meter = Meter(bench)
    meter.run(90, 1.8)
    bench.set(3600.0)
    bench.pass_on(90.0)
    assert all(each is None for minute, each in demands(bench).items() if minute > 1)


def test_a_reading_with_registers_is_hashable_and_equal_by_value() -> None:
    demand = MeterDemand(0.5, PEAK, (PEAK,))
    one, other = (Reading(datetime(2026, 3, 20), 1.0, meter_demand=demand) for _ in range(2))
    assert hash(one) == hash(other)
    assert one == other != Reading(datetime(2026, 3, 20), 1.0)
