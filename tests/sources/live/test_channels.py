from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UnitError
from streamer.feeds import Pace
from streamer.readings import CounterSample, Link, Notice, Reading, Sample
from streamer.sources.live.channel import SideMeans
from streamer.sources.live.minutes import local_time
from streamer.sources.live.rest import Report, Rest
from tests.sources.live.bench import DATE, Bench, at

SOLAR = {"solar": Pace()}
BOTH = {"solar": Pace(), "battery": Pace()}


def solar(kw: float, when: datetime | None = None) -> Sample:
    return Sample(kw, when, "solar")


def means(bench: Bench) -> list[tuple[float, float, float | None]]:
    return [
        ((each.at.timestamp() - DATE) / 60, each.kw, each.solar_kw) for each in bench.of(Reading)
    ]


def clock(minute: float) -> str:
    return f"{local_time(DATE + 60 * minute):%H:%M}"


class House(Bench):
    """A bench whose grid meter sends 1 kW every ten seconds."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(**{"channels": SOLAR, **rules})

    def run(self, seconds: float, kw: float | None = None, *, dated: bool = False) -> None:
        """Let time pass, with a solar power if one is given."""
        for _ in range(round(seconds / 10)):
            when = at(self.now) if dated else None
            self.take(Sample(1.0, when))
            if kw is not None:
                self.take(solar(kw, when))
            self.pass_on(10.0)


def oracle(times: list[float], kws: list[float], minute: int, valid_s: float) -> float:
    """Mean of a minute on a grid of milliseconds, each value held until the next."""
    ms = 60_000 * minute + np.arange(60_000)
    held = np.searchsorted(np.round(1e3 * np.array(times)), ms, side="right") - 1
    age = ms - np.round(1e3 * np.array(times))[held]
    known = (held >= 0) & (age < 1e3 * valid_s)
    return float(np.array(kws)[held][known].mean())


_PUSHES = st.lists(
    st.tuples(st.integers(1, 25_000), st.floats(0.0, 9.0).map(lambda kw: round(kw, 3))),
    min_size=16,
    max_size=40,
)


@settings(max_examples=15, deadline=None)
@given(_PUSHES, _PUSHES, _PUSHES)
def test_the_means_of_each_channel_are_those_of_its_own_pushes(
    grid: list[tuple[int, float]], sun: list[tuple[int, float]], battery: list[tuple[int, float]]
) -> None:
    series: dict[str, tuple[list[float], list[float]]] = {}
    pushes: list[tuple[float, str, float]] = []
    for name, steps in (("", grid), ("solar", sun), ("battery", battery)):
        times = np.cumsum([milliseconds for milliseconds, _ in steps]) / 1e3
        kws = [kw for _, kw in steps]
        series[name] = list(times), kws
        pushes += [(time, name, kw) for time, kw in zip(times, kws, strict=True)]
    # Values hold until the next push, as of a feed of changes: no other rule is involved.
    change = Pace(on_change=True)
    bench = Bench(channels={"solar": change, "battery": change}, pace=change)
    for time, name, kw in sorted(pushes):
        bench.pass_on(time - bench.now)
        bench.take(Sample(kw, at(time), name))
    bench.pass_on(70.0)
    found = bench.of(Reading)
    for reading in found:
        minute = round((reading.at.timestamp() - DATE) / 60)
        for name, kw in (
            ("", reading.kw),
            ("solar", reading.solar_kw),
            ("battery", reading.battery_kw),
        ):
            assert kw == pytest.approx(oracle(*series[name], minute, 600.0), abs=1e-4)
    # Each minute is there of which at least half is known in all channels.
    first = max(times[0] for times, _ in series.values())
    last = round((bench.now - 5.0) // 60)
    whole = math.ceil(first / 60)
    minutes = [round((each.at.timestamp() - DATE) / 60) for each in found]
    assert [minute for minute in minutes if minute >= whole] == list(range(whole, last))


def test_a_minute_has_the_powers_of_all_channels() -> None:
    bench = House(channels=BOTH)
    for _ in range(6):
        bench.take(Sample(-0.5), solar(2.0), Sample(1.25, channel="battery"))
        bench.pass_on(10.0)
    bench.pass_on(5.1)
    (reading,) = bench.of(Reading)
    assert (reading.kw, reading.solar_kw, reading.battery_kw) == (-0.5, 2.0, 1.25)
    assert reading.consumption_kw == 0.25
    assert not bench.of(Notice)


def test_the_newest_sample_passed_on_is_of_the_grid() -> None:
    bench = House()
    bench.run(20.0, 2.0)
    assert [sample.kw for sample in bench.of(Sample)] == [1.0, 1.0]


def test_silence_of_panels_that_produced_is_a_gap() -> None:
    bench = House()
    bench.run(120.0, 2.0)
    bench.run(240.0)
    bench.run(120.0, 2.0)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0, 1, 6, 7]
    assert bench.texts(Notice.WARNING) == [
        (
            f"house: solar power is missing since {local_time(DATE + 120):%Y-%m-%d %H:%M}; "
            "minutes are gaps until it is reported",
            1,
        )
    ]
    assert bench.texts(Notice.EVENT) == [("house: solar power is reported again", 1)]


def test_solar_power_that_was_never_reported_is_a_gap_even_at_night() -> None:
    bench = House()
    bench.run(130.0)
    bench.pass_on(6.0)
    assert not means(bench)
    ((text, _),) = bench.texts(Notice.WARNING)
    assert "solar power is missing since" in text


def test_a_slow_first_value_is_not_reported() -> None:
    bench = House()
    bench.run(60.0)
    bench.run(70.0, 2.0)
    assert [minute for minute, *_ in means(bench)] == [1]
    assert not bench.of(Notice)


@pytest.mark.parametrize("night", [None, math.nan])
def test_panels_at_rest_give_zero_until_they_report_again(night: float | None) -> None:
    bench = House()
    bench.run(60.0, 0.5)
    bench.run(60.0, 0.004)
    bench.run(1200.0, night)
    bench.run(120.0, 0.8)
    bench.pass_on(6.0)
    found = means(bench)
    assert [minute for minute, *_ in found] == list(range(24))
    assert [kw for *_, kw in found] == [0.5, 0.004, *[0.0] * 20, 0.8, 0.8]
    assert bench.texts(Notice.EVENT) == [
        (f"house: no solar power reported since {clock(1)}, after 4 W: taken as 0", 1)
    ]
    assert not bench.texts(Notice.WARNING)


def test_an_inverter_that_flickers_at_dusk_gives_one_event() -> None:
    bench = House()
    for _ in range(20):
        bench.run(60.0, 0.002)
        bench.run(120.0, math.nan)
    assert len(bench.texts(Notice.EVENT)) == 1
    assert len(means(bench)) == 59


def test_no_night_is_longer_than_twenty_hours() -> None:
    bench = House()
    bench.run(60.0, 0.0)
    for _ in range(21):
        bench.run(3600.0)
    assert len(means(bench)) == 1 + 20 * 60
    assert "solar power is missing since" in bench.texts(Notice.WARNING)[0][0]


def test_a_battery_is_never_at_rest() -> None:
    bench = Bench(channels=BOTH)
    for second in range(0, 300, 10):
        bench.take(Sample(1.0), solar(0.5))
        if second < 60:
            bench.take(Sample(0.0, channel="battery"))
        bench.pass_on(10.0)
    assert [minute for minute, *_ in means(bench)] == [0]
    assert "battery power is missing since" in bench.texts(Notice.WARNING)[0][0]


def test_after_a_loss_panels_have_to_be_silent_for_a_while() -> None:
    bench = House()
    bench.run(120.0, 0.0)
    bench.take(Link(Link.LOST, "broker"))
    bench.pass_on(3601.0)
    bench.take(Link(Link.UP, "broker"))
    bench.run(300.0)
    bench.pass_on(6.0)
    # Half of the minute after the return is the time in which it would be heard.
    assert [minute for minute, *_ in means(bench)] == [0, 1, 63, 64, 65, 66]
    assert means(bench)[-1] == (66, 1.0, 0.0)
    text = f"house: no solar power reported since {clock(1)}, after 0 W: taken as 0"
    assert bench.texts(Notice.EVENT) == [(text, 1)]


def test_an_inverter_that_says_that_it_sleeps_is_at_rest_at_once() -> None:
    bench = House()
    bench.run(120.0, 0.0)
    bench.take(Link(Link.LOST, "broker"))
    bench.pass_on(3590.0)
    bench.take(Link(Link.UP, "broker"))
    bench.run(130.0, math.nan)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0, 1, 62, 63]


def test_after_a_loss_a_power_is_not_valid_any_more() -> None:
    bench = House(channels={"solar": Pace(on_change=True)})
    bench.run(60.0, 2.0)
    bench.take(Link(Link.LOST, "broker"))
    bench.pass_on(30.0)
    bench.take(Link(Link.UP, "broker"))
    bench.run(300.0)
    # Valid for 60 s after the loss, although the grid has reported since.
    assert [minute for minute, *_ in means(bench)] == [0, 1]


def test_an_absence_is_a_gap_in_both_channels() -> None:
    bench = House()
    bench.run(120.0, 0.0)
    bench.stop(601.0)
    bench.run(180.0)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0, 1, 13, 14]


def test_a_minute_at_rest_that_an_absence_has_cut_is_known() -> None:
    bench = House()
    bench.run(170.0, 0.0)
    bench.run(60.0)
    bench.stop(30.0)
    bench.run(100.0)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0, 1, 2, 3, 5]


def test_values_with_times_that_waited_fill_an_absence_of_their_channel_only() -> None:
    bench = House()
    bench.run(60.0, 2.0, dated=True)
    bench.stop(120.0)
    bench.take(*[Sample(1.0, at(60.0 + second)) for second in range(0, 120, 10)])
    bench.run(120.0, 3.0, dated=True)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0, 3, 4]


def test_each_channel_has_a_clock_of_its_own() -> None:
    bench = House()
    for second in range(0, 300, 2):
        sun = 1.0 if second < 120 else 2.0
        bench.take(Sample(1.0 + (second >= 120), at(second)), solar(sun, at(second - 200)))
        bench.pass_on(2.0)
    assert means(bench) == [(0, 1.0, 1.0), (1, 1.0, 1.0), (2, 2.0, 2.0), (3, 2.0, 2.0)]
    assert bench.texts(Notice.WARNING) == [
        ("house: solar power: the meter's clock is 3 min 20 s behind; corrected", 1)
    ]


@pytest.mark.parametrize("ahead_s", [-20, 0, 20])
def test_by_feed_time_a_minute_waits_for_both_channels(ahead_s: int) -> None:
    bench = House(by_feed=True)
    for second in range(20, 400, 10):
        bench.take(Sample(1.0 + second // 60, at(second)))
        sun_s = second + ahead_s
        bench.take(solar(sun_s // 60 / 10, at(sun_s)))
    found = means(bench)
    assert [minute for minute, *_ in found] == list(range(6))
    assert all(kw == 1.0 + minute and sun == minute / 10 for minute, kw, sun in found)
    assert not bench.texts(Notice.ORDER)


def test_by_feed_time_a_silent_channel_is_waited_for_in_bounds() -> None:
    bench = House(by_feed=True)
    for second in range(0, 600, 10):
        bench.take(Sample(1.0, at(second)))
        if second < 60:
            bench.take(solar(0.0, at(second)))
    assert [minute for minute, *_ in means(bench)] == list(range(9))
    bench.take(Sample(1.0, at(604)))
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    assert [minute for minute, *_ in means(bench)] == list(range(10))


def test_solar_power_waits_for_an_energy_register_of_the_grid() -> None:
    bench = House()
    for minute in range(6):
        bench.take(CounterSample(1000.0 + 0.01 * minute))
        for _ in range(6):
            bench.take(solar(0.1 * minute))
            bench.pass_on(10.0)
    assert means(bench) == [
        (minute, pytest.approx(0.6), pytest.approx(0.1 * minute)) for minute in range(5)
    ]


def test_what_waits_for_a_silent_grid_is_bounded() -> None:
    bench = Bench(channels=SOLAR)
    for _ in range(1500):
        bench.take(solar(0.5))
        bench.pass_on(60.0)
    (side,) = bench.processor._channels.sides
    assert isinstance(side, SideMeans)
    assert len(side._known) == 1440
    bench.take(Sample(1.0), solar(0.5))
    bench.pass_on(70.0)
    assert [(kw, sun) for _, kw, sun in means(bench)] == [(1.0, 0.5)]
    assert len(side._known) <= 1


def test_a_feed_without_channels_gives_none() -> None:
    bench = Bench()
    bench.take(Sample(1.0), solar(2.0), solar(2.0))
    bench.pass_on(70.0)
    assert means(bench) == [(0, 1.0, None)]
    text, _ = bench.texts(Notice.MALFORMED)[0]
    assert text == "house: the feed sends a channel that it has not declared; skipped"


def test_the_own_draw_of_an_inverter_is_no_solar_power() -> None:
    bench = House()
    bench.run(70.0, -0.007)
    assert means(bench) == [(0, 1.0, 0.0)]
    bench.run(120.0, -1.5)
    bench.pass_on(6.0)
    assert [minute for minute, *_ in means(bench)] == [0]
    text, _ = bench.texts(Notice.MALFORMED)[0]
    assert text == (
        "house: solar power: -1.5 kW, but panels draw none; if a positive value means "
        "consumption, give solar_sign=consumption; skipped"
    )


def test_an_implausible_solar_power_is_named() -> None:
    bench = House(max_kw=50.0)
    bench.run(60.0, 3.0)
    bench.take(solar(3000.0))
    bench.run(60.0, 3.0)
    bench.pass_on(6.0)
    text, _ = bench.texts(Notice.ABSURD)[0]
    assert text.startswith("house: solar power: 3000 kW, more than a household draws; check")
    assert [kw for *_, kw in means(bench)] == [3.0, 3.0]
    bench = House(max_kw=50.0)
    with pytest.raises(UnitError, match="solar_unit"):
        bench.run(300.0, 3000.0)


def test_samples_of_solar_power_that_are_too_rare_are_named() -> None:
    bench = House()
    for _ in range(5):
        bench.take(solar(2.0))
        bench.run(300.0)
    assert any(
        text.startswith("house: solar power: samples arrive every 5 min, coarser than a minute")
        for text, _ in bench.texts(Notice.WARNING)
    )


def test_minutes_that_are_done_are_not_given_again() -> None:
    bench = House()
    bench.processor.resume_after(at(60))
    bench.run(240.0, 2.0)
    assert [minute for minute, *_ in means(bench)] == [2]


@pytest.mark.parametrize("ahead_s", [3600.0, -30.0])
def test_a_clock_that_is_set_moves_both_channels(ahead_s: float) -> None:
    bench = House()
    bench.run(120.0, 0.0)
    bench.set(ahead_s)
    bench.run(300.0)
    bench.pass_on(6.0)
    found = [minute for minute, *_ in means(bench)]
    assert found == sorted(set(found))
    assert found[-1] == (120.0 + 300.0 + ahead_s) // 60 - 1
    assert all(kw == 0.0 for *_, kw in means(bench))


def test_rest_begins_with_a_report_of_about_zero() -> None:
    rest = Rest()
    assert rest.since(0.0) is None
    rest.add(10.0, 0.011)
    assert rest.since(0.0) is None
    rest.add(70.0, 0.010)
    assert rest.since(0.0) is None
    assert rest.since(60.0) == rest.since(120.0) == Report(70.0, 0.010)


def test_rest_takes_reports_in_any_order() -> None:
    rest = Rest()
    for report in (Report(130.0, 0.0), Report(20.0, 0.5), Report(10.0, 0.0), Report(125.0, 0.3)):
        rest.add(*report)
    assert rest.since(0.0) is None
    assert rest.since(60.0) is None
    assert rest.since(120.0) == Report(130.0, 0.0)


def test_rest_is_in_doubt_after_a_loss_until_something_is_heard() -> None:
    rest = Rest()
    rest.add(10.0, 0.0)
    rest.doubt(100.0, math.inf)
    assert rest.since(60.0) is not None
    assert rest.since(120.0) is None
    assert rest.since(6000.0) is None
    rest.doubt(6030.0, 6091.0)
    assert rest.since(6060.0) is None
    assert rest.since(6120.0) is not None
