from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds import Pace
from streamer.readings import Notice
from streamer.sources.live.counters import CounterMeans
from streamer.sources.live.notices import BREAK

START = 1_774_745_940.0  # a full minute
ON_CHANGE = Pace(on_change=True)

Minutes = list[tuple[float, float]]
Readings = Sequence[tuple[float, float]]


class _Fed:
    """Means that were fed readings one by one, and advanced after each."""

    def __init__(self, readings: Iterable[tuple[float, float]], *, net: bool = False, **options):
        self.means = CounterMeans(**{"stale_after_s": 600.0, "max_kw": 100.0, **options})
        self.minutes: Minutes = []
        self.texts: list[tuple[str, str]] = []
        for after_s, kwh in readings:
            self.means.add(START + after_s, kwh, net=net)
            self.advance(after_s)

    def advance(self, after_s: float) -> None:
        given = self.means.advance(START + after_s)
        self.minutes += [((at - START) / 60, round(kw, 6)) for at, kw in given]
        self.texts += [(note.kind, note.text) for note in self.means.take_notes()]


def _metered(
    power: Callable[[float], float], times: Iterable[float], step: float = 0.0
) -> Readings:
    """Readings of a register that draws a power in kW, given by seconds, in steps."""
    found = []
    kwh, last = 1000.0, 0.0
    for at in times:
        while last < at:
            until = min(at, last + 1.0)
            kwh += power(last) * (until - last) / 3600
            last = until
        found.append((at, math.floor(kwh / step + 1e-9) * step if step else kwh))
    return found


def test_the_energy_between_two_readings_is_the_power_of_the_minute() -> None:
    fed = _Fed([(0, 1000.000), (60, 1000.010), (120, 1000.030)])
    assert fed.minutes == [(0, 0.6), (1, 1.2)]
    assert not fed.texts


def test_a_minute_waits_for_the_reading_that_ends_it_and_is_returned_once() -> None:
    fed = _Fed([(0, 10.0), (50, 10.01)])
    fed.advance(400.0)
    assert not fed.minutes
    assert fed.means.due_s == math.inf
    fed.means.add(START + 70, 10.02)
    fed.advance(401.0)
    # 0.72 kW for 50 s, then 1.8 kW.
    assert fed.minutes == [(0, pytest.approx((50 * 0.72 + 10 * 1.8) / 60))]
    fed.advance(402.0)
    assert len(fed.minutes) == 1


def test_readings_between_minutes_are_interpolated() -> None:
    times = [7.0 + 23.0 * number for number in range(40)]
    fed = _Fed(_metered(lambda _: 1.7, times))
    assert fed.minutes == [(minute, pytest.approx(1.7)) for minute in range(15)]


def test_half_a_known_minute_has_a_mean() -> None:
    for first_s, minutes in [(30.0, [0, 1]), (31.0, [1])]:
        fed = _Fed(_metered(lambda _: 1.0, [first_s, 60.0, 90.0, 120.0]))
        assert [minute for minute, _ in fed.minutes] == minutes


def test_energy_over_a_long_time_without_a_reading_is_left_out_and_reported() -> None:
    times = [*range(0, 300, 10), *range(900, 1200, 10)]
    fed = _Fed(_metered(lambda second: 1.0 + (second > 500), times))
    assert [minute for minute, _ in fed.minutes] == [0, 1, 2, 3, 4, 15, 16, 17, 18]
    assert {kw for _, kw in fed.minutes} == {1.0, 2.0}
    assert fed.texts == [
        (BREAK, "the counter was not read for 10 min 10 s; the energy between is left out")
    ]


def test_a_missing_reading_of_a_register_read_each_minute_is_spread() -> None:
    times = [0, 60, 120, 180, 300, 360, 420, 720, 780]
    fed = _Fed(_metered(lambda _: 1.5, times))
    assert [minute for minute, _ in fed.minutes] == [0, 1, 2, 3, 4, 5, 6, 12]


def test_a_register_that_is_read_coarser_than_a_minute_gives_no_minutes() -> None:
    fed = _Fed(_metered(lambda _: 1.5, range(0, 6000, 300)))
    assert not fed.minutes
    assert len(fed.texts) <= 2
    assert not _Fed(_metered(lambda _: 1.5, range(0, 6000, 300)), pace=Pace(300.0)).texts


def test_a_reset_begins_anew_without_energy() -> None:
    before, after = _metered(lambda _: 1.0, range(0, 200, 10)), range(200, 400, 10)
    fed = _Fed([*before, *((at, (at - 200) / 3600) for at in after)])
    assert {kw for _, kw in fed.minutes} == {1.0}
    assert [minute for minute, _ in fed.minutes] == [0, 1, 2, 3, 4, 5]
    ((kind, text),) = fed.texts
    assert kind == BREAK
    assert text.startswith("the counter went back from 1000.05")
    assert text.endswith(" to 0 kWh; the energy between is left out")


@pytest.mark.parametrize(("last", "then", "kw"), [(99999.9, 0.1, 12.0), (9999.99, 0.01, 1.2)])
def test_a_rollover_at_a_power_of_ten_continues(last: float, then: float, kw: float) -> None:
    step = then
    readings = [(60.0 * number, last - (4 - number) * step) for number in range(5)]
    readings += [(300.0, then), *((360.0 + 60.0 * n, then + (n + 1) * step) for n in range(3))]
    fed = _Fed(readings)
    assert BREAK not in dict(fed.texts)
    assert fed.minutes[4] == (4, pytest.approx(kw))
    assert len(fed.minutes) == 8


@pytest.mark.parametrize(("last", "then"), [(99999.9, 50.0), (99000.0, 1.0), (9.99, 0.01)])
def test_an_implausible_rollover_is_a_reset(last: float, then: float) -> None:
    fed = _Fed([(0, last), (60, then), (120, then + 0.01)])
    assert fed.minutes == [(1, 0.6)]
    assert len(fed.texts) == 1


def test_a_net_register_may_fall() -> None:
    fed = _Fed(_metered(lambda second: -2.0 if second < 300 else 1.0, range(0, 660, 60)), net=True)
    assert fed.minutes == [(minute, -2.0 if minute < 5 else 1.0) for minute in range(10)]
    assert not fed.texts


def test_a_register_of_export_falls_below_zero() -> None:
    fed = _Fed([(at, -at / 3600) for at in range(0, 310, 10)])
    assert fed.minutes == [(minute, -1.0) for minute in range(5)]
    reset = _Fed([(0, -500.0), (60, -500.01), (120, 0.0), (180, -0.02)])
    assert reset.minutes == [(0, -0.6), (2, -1.2)]
    assert len(reset.texts) == 1


def test_an_implausible_increase_is_skipped() -> None:
    readings = _metered(lambda _: 1.0, range(0, 300, 10))
    spoilt = [(at, kwh + 8000.0 * (at == 100)) for at, kwh in readings]
    fed = _Fed(spoilt)
    assert fed.minutes == [(minute, pytest.approx(1.0)) for minute in range(4)]
    ((kind, text),) = fed.texts
    assert kind == Notice.ABSURD
    assert text.startswith("the counter's change from 1000.025 to 9000.027778 kWh is ")


def test_an_increase_that_is_confirmed_begins_anew() -> None:
    readings = [(at, 50_000.0 + at / 3600 if at >= 100 else at / 3600) for at in range(0, 400, 10)]
    fed = _Fed(readings)
    assert fed.minutes == [(minute, pytest.approx(1.0)) for minute in range(6)]
    assert [kind for kind, _ in fed.texts] == [Notice.ABSURD, BREAK]


def test_a_single_zero_costs_little_and_makes_nothing_up() -> None:
    readings = _metered(lambda _: 1.0, range(0, 600, 10))
    fed = _Fed([(at, 0.0 if at == 100 else kwh) for at, kwh in readings])
    assert {kw for _, kw in fed.minutes} == {1.0}
    assert len(fed.minutes) >= 8


@pytest.mark.parametrize("net", [False, True])
def test_unknown_and_repeated_readings_count_for_nothing(net: bool) -> None:
    readings = _metered(lambda _: 1.0, range(0, 200, 10))
    odd = [each for at, kwh in readings for each in ((at, kwh), (at + 1, math.nan), (at, 5.0))]
    fed = _Fed(odd, net=net)
    assert fed.minutes == [(minute, 1.0) for minute in range(3)]
    assert fed.means.late == len(readings)


def test_a_step_between_quick_readings_is_not_the_power_now() -> None:
    readings = [(10.0 * number, 1000.0 + 0.01 * (number // 3)) for number in range(30)]
    fed = _Fed([*readings, (290.01, 1000.1)])
    assert fed.means.newest is not None
    assert math.isnan(fed.means.newest[1]) or fed.means.newest[1] <= 100.0
    assert max(kw for _, kw in fed.minutes) <= 1.3


# Coarse steps


def _energy(minutes: Minutes) -> float:
    return sum(kw for _, kw in minutes) / 60


@pytest.mark.parametrize("step", [0.01, 0.001])
@pytest.mark.parametrize("every_s", [1, 10, 60])
@pytest.mark.parametrize("kw", [0.06, 0.27, 1.0, 4.0])
def test_steps_are_spread_over_the_time_between_them(step: float, every_s: int, kw: float) -> None:
    seconds = 7200
    fed = _Fed(_metered(lambda _: kw, range(0, seconds, every_s), step))
    known = [each for minute, each in fed.minutes if minute > 12]
    # A change is dated by the reading that shows it.
    changes_every_s = max(every_s, 3600 * step / kw)
    tolerance = kw * every_s / changes_every_s + 0.06 * (every_s == 60) + 0.001
    if every_s == 60:
        tolerance = max(tolerance, 60 * step)
    assert all(abs(each - kw) <= tolerance for each in known)
    assert len(known) >= 90
    assert sum(known) / len(known) == pytest.approx(kw, abs=max(60 * step / len(known) * 2, 0.02))
    # Minutes are in order, and none is repeated.
    assert all(a < b for (a, _), (b, _) in pairwise(fed.minutes))


def test_coarse_steps_are_reported_once() -> None:
    fed = _Fed(_metered(lambda second: 0.3 + 0.2 * (second > 1800), range(0, 3600, 10), 0.01))
    assert fed.texts == [
        (
            Notice.WARNING,
            "the counter's steps of 0.01 kWh are 0.6 kW in a minute; power is spread over the "
            "time between steps",
        )
    ]
    assert not _Fed(_metered(lambda _: 0.3, range(0, 3600, 10), 0.0001)).texts
    assert not _Fed(_metered(lambda _: 0.3, range(0, 3600, 10))).texts


def test_a_change_of_power_shows_between_steps() -> None:
    power = _metered(lambda second: 0.3 if second < 1800 else 3.0, range(0, 3600, 10), 0.01)
    fed = dict(_Fed(power).minutes)
    assert all(fed[minute] == pytest.approx(0.3, abs=0.03) for minute in range(5, 28))
    assert all(fed[minute] == pytest.approx(3.0, abs=0.5) for minute in range(31, 58))


def test_a_register_that_stays_unchanged_shows_no_power_after_a_while() -> None:
    def power(second: float) -> float:
        return 0.0 if 1200 <= second < 9000 else 1.0

    fed = _Fed(_metered(power, range(0, 10_800, 10), 0.01))
    found = dict(fed.minutes)
    assert all(found[minute] <= 0.05 for minute in range(21, 149))
    assert sum(found[minute] == 0.0 for minute in range(21, 149)) >= 90
    assert all(found[minute] == pytest.approx(1.0, abs=0.3) for minute in range(152, 178))
    assert max(found.values()) <= 1.4


def test_power_too_low_for_a_step_an_hour_is_not_made_up() -> None:
    fed = _Fed(_metered(lambda _: 0.5, range(0, 9000, 10), 1.0))
    assert not fed.minutes
    assert set(fed.texts) == {(BREAK, "the counter has not changed for 1 h; that time is a gap")}


def test_a_feed_of_changes_spreads_steps_over_its_silence() -> None:
    readings = [(133.0 * number, 1000.0 + 0.01 * number) for number in range(20)]
    fed = _Fed(readings, pace=ON_CHANGE, stale_after_s=3600.0)
    assert {minute for minute, _ in fed.minutes} == set(range(42))
    assert all(kw == pytest.approx(36 / 133, abs=1e-6) for _, kw in fed.minutes)
    assert len(fed.texts) == 1


@pytest.mark.parametrize("ends", ["unknown", "bound"])
def test_silence_of_a_feed_of_changes_is_no_power_until_it_ends(ends: str) -> None:
    readings = [(60.0 * number, 1000.0 + 0.0001 * number) for number in range(20)]
    fed = _Fed(readings, pace=ON_CHANGE, stale_after_s=1200.0 if ends == "bound" else 7200.0)
    for second in range(1150, 2340, 5):
        fed.advance(second)
    count = len(fed.minutes)
    assert count >= 36
    assert {kw for minute, kw in fed.minutes if minute >= 19} == {0.0}
    if ends == "unknown":
        fed.means.add(START + 2340, math.nan)
    for second in range(2345, 6000, 5):
        fed.advance(second)
    assert len(fed.minutes) == count
    fed.means.add(START + 6000, 1000.5)
    fed.advance(6000)
    assert len(fed.minutes) <= count + 1  # the rest of the last minute, if half of it is known
    assert [text for kind, text in fed.texts if kind == BREAK] == [
        "the counter was not read for 1 h 21 min; the energy between is left out"
    ]


# Any readings

_READINGS = st.lists(
    st.tuples(
        st.floats(0, 200),
        st.one_of(st.floats(0, 0.2), st.sampled_from([0.0, 0.01, 0.02]), st.floats(-1e4, 1e4)),
        st.booleans(),
    ),
    max_size=60,
)


@given(_READINGS, st.sampled_from([Pace(), Pace(10.0), Pace(300.0), ON_CHANGE]), st.booleans())
def test_minutes_are_in_order_plausible_and_never_looked_ahead_for(
    changes: list[tuple[float, float, bool]], pace: Pace, net: bool
) -> None:
    now, kwh = 0.0, 5000.0
    means = CounterMeans(stale_after_s=600.0, max_kw=100.0, pace=pace)
    given: Minutes = []
    for delay_s, change, is_known in changes:
        now += delay_s
        kwh += change
        means.add(START + now, kwh if is_known else math.nan, net=net)
        for start_s, kw in means.advance(START + now):
            assert start_s + 60 <= START + now
            given.append((start_s, kw))
    assert not means.flush(START + now + 10.0) or pace.on_change
    assert all(at % 60 == 0 and abs(kw) <= 1e3 for at, kw in given)
    assert all(before < after for (before, _), (after, _) in pairwise(given))
    if not net:
        assert all(kw >= 0.0 for _, kw in given) or kwh < 5000.0 or min(kw for _, kw in given) < 0


@given(
    st.lists(st.tuples(st.floats(1, 59), st.floats(0, 0.1)), min_size=3, max_size=40),
)
def test_no_energy_is_invented_or_lost(steps: list[tuple[float, float]]) -> None:
    """The minutes from the first to the last reading hold the energy between them."""
    readings, now, kwh = [(0.0, 0.0)], 0.0, 0.0
    for delay_s, energy in steps:
        now += delay_s
        kwh += max(energy, 1e-4) * 1e-3
        readings.append((now, kwh))
    fed = _Fed([*readings, (60 * math.ceil(now / 60 + 0.001), kwh + 1e-5)], pace=Pace(60.0))
    times = [60.0 * (minute + 1) for minute, _ in fed.minutes]
    assert times == [60.0 * (number + 1) for number in range(len(times))]
    assert _energy(fed.minutes) <= kwh + 2e-5
    if times:
        at = times[-1]
        (before_s, low), (after_s, high) = next(
            pair
            for pair in pairwise([*readings, (60 * math.ceil(now / 60 + 0.001), kwh + 1e-5)])
            if pair[0][0] <= at <= pair[1][0]
        )
        expected = low + (high - low) * (at - before_s) / (after_s - before_s)
        assert _energy(fed.minutes) == pytest.approx(expected, abs=1e-6)


def test_a_clock_that_is_set_leaves_the_time_out() -> None:
    readings = _metered(lambda _: 1.0, range(0, 130, 10))
    for delta_s in (3600.0, -3600.0):
        fed = _Fed(readings)
        fed.means.step(delta_s, START + 130.0 + delta_s)
        for number in range(30):
            after_s = 140.0 + delta_s + 10 * number
            fed.means.add(START + after_s, 1000.1 + number / 360)
            fed.advance(after_s)
        assert {kw for _, kw in fed.minutes} == {1.0}
        assert len(fed.minutes) == (2 + 5 if delta_s > 0 else 2)


def test_done_minutes_are_not_returned() -> None:
    means = CounterMeans(stale_after_s=600.0)
    means.resume_after(START)
    assert means.done_s == means.open_s == START + 60
    for at, kwh in _metered(lambda _: 1.0, range(0, 200, 10)):
        means.add(START + at, kwh)
    assert [at for at, _ in means.advance(START + 200)] == [START + 60, START + 120]
