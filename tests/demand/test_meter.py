"""The meter's own registers as the truth about intervals and months' peaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from streamer.demand.settings import DemandRule
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Reading, SettledDemand, Step
from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.sources.live.minutes import local_time
from streamer.sources.live.source import LiveSource
from streamer.testing import FixedForecaster
from tests.feeds.fakemeters import listening_port, running_socat, wait_for
from tests.feeds.telegrams import CET, telegram

START = datetime(2026, 1, 10, 18, 0)
EARLIER = MonthPeak(datetime(2026, 1, 4, 12, 15), 3.75)
LAST_YEAR = MonthPeak(datetime(2025, 12, 4, 12, 15), 5.5)


def _pipeline(rule: DemandRule | None = None) -> Pipeline:
    return Pipeline(FixedForecaster(kw=0.5, window=3), demand=rule or DemandRule())


def _readings(
    minutes: range, kw: float, *, sums: bool = True, peak: MonthPeak | None = EARLIER
) -> list[Reading]:
    """Minutes of one power with the registers of a meter that has seen it from the start on."""
    return [
        Reading(
            START + minute * MINUTE,
            kw,
            meter_demand=MeterDemand(
                kw * (minute % 15 + 1) / 15 if sums else None, peak, (LAST_YEAR,)
            ),
        )
        for minute in minutes
    ]


def _settled(steps: list[Step]) -> list[SettledDemand]:
    return [each for step in steps for each in step.settled_demand]


def test_an_interval_is_complete_after_a_late_start_and_over_a_gap() -> None:
    late = _readings(range(5, 9), 3.0) + _readings(range(12, 15), 3.0)
    steps = _pipeline().push_many(late)
    [settled] = _settled(steps)
    assert settled.unknown_minutes == 0
    assert settled.kw == pytest.approx(3.0)
    [demand] = [step.demand for step in steps[:1]]
    assert demand is not None
    assert (demand.unknown_minutes, demand.so_far_kw) == (0, pytest.approx(3.0))
    alone = [Reading(each.at, each.kw) for each in late]
    [settled] = _settled(_pipeline().push_many(alone))
    assert settled.unknown_minutes == 8


def test_an_interval_whose_last_minute_is_missing_is_incomplete() -> None:
    steps = _pipeline().push_many(_readings(range(13), 3.0) + _readings(range(16, 18), 3.0))
    [settled] = _settled(steps)
    assert settled.unknown_minutes == 2


def test_minutes_without_registers_are_added_to_those_of_the_meter() -> None:
    readings = _readings(range(8, 12), 3.0)
    readings += [Reading(START + minute * MINUTE, 6.0) for minute in range(12, 15)]
    [settled] = _settled(_pipeline().push_many(readings))
    assert settled.unknown_minutes == 0
    assert settled.kw == pytest.approx((12 * 3.0 + 3 * 6.0) / 15)


def test_the_month_peak_is_the_meters() -> None:
    pipeline = _pipeline()
    demand = pipeline.push(_readings(range(1), 1.0)[0]).demand
    assert demand is not None
    assert (demand.month_peak_kw, demand.month_peak_at) == (EARLIER.kw, EARLIER.start)
    assert demand.bound_kw == EARLIER.kw
    assert demand.margin_kw == pytest.approx((15 * 3.75 - 1.0) / 14)
    saved = json.loads(json.dumps(pipeline.state()["demand"]))
    assert [kw for kw, _ in saved["peaks"]] == [LAST_YEAR.kw, EARLIER.kw]


def test_a_new_peak_is_kept_until_the_meter_follows() -> None:
    higher = _readings(range(15), 5.0) + _readings(range(15, 30), 1.0)
    steps = _pipeline().push_many(higher)
    assert steps[-1].demand is not None
    assert steps[-1].demand.month_peak_kw == pytest.approx(5.0)
    # The meter has it a little lower.
    meters = MonthPeak(START, 4.987)
    [step] = _pipeline_after(higher).push_many(_readings(range(50, 51), 1.0, peak=meters))
    assert step.demand is not None
    assert (step.demand.month_peak_kw, step.demand.month_peak_at) == (4.987, START)


def _pipeline_after(readings: list[Reading]) -> Pipeline:
    pipeline = _pipeline()
    pipeline.push_many(readings)
    return pipeline


def test_the_peak_of_the_month_before_is_not_that_of_a_new_month() -> None:
    first = datetime(2026, 2, 1)
    reading = Reading(first, 1.0, meter_demand=MeterDemand(0.07, EARLIER))
    demand = _pipeline().push(reading).demand
    assert demand is not None
    assert demand.month_peak_kw is None


@pytest.mark.parametrize("rule", [DemandRule(minutes=60), DemandRule(net=True)])
def test_other_intervals_than_the_meters_are_left_alone(rule: DemandRule) -> None:
    steps = _pipeline(rule).push_many(_readings(range(5, 15), 3.0))
    assert steps[-1].demand is not None
    assert steps[-1].demand.unknown_minutes == 5
    assert steps[-1].demand.month_peak_kw is None


def test_peaks_without_a_zone_where_readings_have_one_are_left_out() -> None:
    reading = _readings(range(1), 1.0)[0]
    aware = Reading(reading.at.replace(tzinfo=CET), 1.0, meter_demand=reading.meter_demand)
    demand = _pipeline().push(aware).demand
    assert demand is not None
    assert demand.month_peak_kw is None
    assert demand.so_far_kw == pytest.approx(1.0)


EVERY_S = 5
BEGAN = datetime(2026, 1, 10, 17, 57, tzinfo=CET)


def _power(second: int) -> float:
    """A house with a base load and an oven that is switched every few minutes, in kW."""
    return 0.35 + (second // 20) % 7 * 0.11 + (2.4 if second % 800 < 340 else 0.0)


def _telegrams(seconds: int) -> Iterator[tuple[int, bytes, float]]:
    """Second and text of each telegram, and the meter's sum of the quarter-hour after it."""
    energy = 0.0
    for second in range(0, seconds, EVERY_S):
        now = BEGAN + timedelta(seconds=second)
        if now.minute % 15 == now.second == 0:
            energy = 0.0
        kw = round(_power(second), 3)
        text = telegram(
            "0-0:96.1.4(50217)",
            f"0-0:1.0.0({now:%y%m%d%H%M%S}W)",
            f"1-0:1.4.0({energy / 900:06.3f}*kW)",
            "1-0:1.6.0(260104123000W)(03.750*kW)",
            "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(260101000000W)(251204123000W)(05.500*kW)",
            f"1-0:1.7.0({kw:06.3f}*kW)",
            "1-0:2.7.0(00.000*kW)",
            head="/FLU5\\253770234_A",
        )
        energy += kw * EVERY_S
        yield second, text, energy / 900


@pytest.mark.socat
def test_intervals_of_a_meter_behind_socat_are_within_10_watts_of_its_own(tmp_path: Path) -> None:
    meter, sent, own = tmp_path / "meter", b"", {}
    for second, text, mean_kw in _telegrams(70 * 60):
        if not 21 * 60 <= second < 24 * 60:  # a cable that was pulled for three minutes
            sent += text
        own[second // 60] = mean_kw
    with running_socat(
        "tcp-listen:0,bind=127.0.0.1,reuseaddr", f"pty,raw,echo=0,link={meter}"
    ) as log:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{listening_port(log)}"))
        Thread(target=lambda: wait_for(meter).write_bytes(sent), daemon=True).start()
        readings: list[Reading] = []
        with closing(LiveSource(feed, stale_after_s=60.0, by="feed")) as source:
            while len(readings) < 64:
                readings += [item for item in source.read() if isinstance(item, Reading)]
    assert readings[0].at == local_time(BEGAN.timestamp())
    steps = _pipeline().push_many(readings)
    for settled in _settled(steps):
        last = round((settled.end.timestamp() - BEGAN.timestamp()) / 60) - 1
        assert settled.unknown_minutes == 0
        assert settled.kw == pytest.approx(own[last], abs=0.010)
    assert len(_settled(steps)) == 5
    assert steps[-1].demand is not None
    assert steps[-1].demand.month_peak_kw == 3.75
    # By the minutes alone, the complete intervals are the same within 10 W.
    alone = _settled(_pipeline().push_many([Reading(each.at, each.kw) for each in readings]))
    complete = [each for each in alone if not each.unknown_minutes]
    for settled in complete:
        last = round((settled.end.timestamp() - BEGAN.timestamp()) / 60) - 1
        assert settled.kw == pytest.approx(own[last], abs=0.010)
    assert len(complete) == 3
