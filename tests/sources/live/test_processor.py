from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UnitError, UsageError
from streamer.feeds import FeedItem, Pace
from streamer.feeds.advice import Advice
from streamer.readings import MINUTE, CounterSample, Link, Notice, Reading, Sample
from streamer.sources.live.minutes import local_time
from tests.sources.live.bench import DATE, Bench, at

ON_CHANGE = Pace(on_change=True)


def test_samples_become_minute_means_and_the_newest_is_passed_on() -> None:
    bench = Bench()
    bench.pass_on(1.0)
    for kw in (1.0, -2.0):
        bench.take(Sample(kw - 1), Sample(kw))
        bench.pass_on(30.0)
    bench.pass_on(3.9)
    assert not bench.of(Reading)
    bench.pass_on(0.2)
    assert bench.minutes() == [(0, pytest.approx((30 * 1.0 - 29 * 2.0) / 59, abs=1e-5))]
    assert bench.of(Reading)[0].at == at(0)
    samples = bench.of(Sample)
    assert [each.kw for each in samples] == [1.0, -2.0]
    assert abs(samples[1].at - at(31)) < timedelta(milliseconds=1)


def test_the_rate_of_samples_passed_on_is_limited() -> None:
    bench = Bench()
    for _ in range(1000):
        bench.take(Sample(1.0))
        bench.pass_on(0.001)
    bench.pass_on(1.0)
    assert len(bench.of(Sample)) <= 7
    assert not bench.of(Notice)


def test_a_reading_is_returned_after_its_minute_and_the_allowed_lateness() -> None:
    bench = Bench(grace_s=7.0)
    bench.take(Sample(1.0))
    while not bench.of(Reading):
        bench.pass_on(0.1)
    assert 67.0 <= bench.now < 67.2


def test_event_times_count_and_late_samples_are_reported() -> None:
    bench = Bench()
    bench.pass_on(61.0)
    bench.take(Sample(4.0, at(61)), Sample(1.0, at(58)), Sample(2.0, at(1)))
    bench.pass_on(10.0)
    assert bench.minutes() == [(0, pytest.approx((57 * 2 + 2) / 59))]
    bench.take(Sample(9.0, at(30)), Sample(9.0, at(31)), Sample(9.0, at(61)))
    text, count = bench.texts(Notice.ORDER)[0]
    assert count == 1
    assert text.startswith("house: the value of ")
    assert text.endswith("arrived after its minute was closed; skipped")
    bench.pass_on(60.0)
    (text, count) = bench.texts(Notice.ORDER)[1]
    assert count == 2
    assert text.startswith("2 more values out of time, the last: ")
    assert text.endswith("is a duplicate; the later value counts")


def test_a_meter_clock_that_is_behind_is_corrected() -> None:
    bench = Bench()
    for second in range(180):
        bench.take(Sample(1.0 + (second >= 60), at(second - 200)))
        bench.pass_on(1.0)
    assert bench.minutes() == [(0, 1.0), (1, pytest.approx(2.0))]
    assert bench.texts(Notice.WARNING) == [
        ("house: the meter's clock is 3 min 20 s behind; corrected", 1)
    ]


def test_a_meter_clock_that_is_ahead_is_corrected() -> None:
    bench = Bench()
    for second in range(125):
        bench.take(Sample(1.0, at(second + 3600)))
        bench.pass_on(1.0)
    assert bench.minutes() == [(0, 1.0), (1, 1.0)]
    (first, _), *_ = bench.texts(Notice.ORDER)
    assert first.endswith("is 1 h ahead of this machine's clock; skipped")
    assert bench.texts(Notice.WARNING) == [("house: the meter's clock is 1 h ahead; corrected", 1)]


@pytest.mark.parametrize("by_feed", [False, True])
@pytest.mark.parametrize("wrong", [datetime.min, datetime(1969, 12, 31), datetime.max])
def test_an_invalid_time_is_reported(wrong: datetime, by_feed: bool, new_york: None) -> None:
    bench = Bench(by_feed=by_feed)
    bench.take(Sample(2.0, at(0)), Sample(9.0, wrong.replace(tzinfo=UTC)))
    for second in range(10, 140, 10):
        bench.pass_on(10.0)
        bench.take(Sample(2.0, at(second)))
    assert bench.minutes() == [(0, 2.0), (1, 2.0)]
    text, count = bench.texts(Notice.ORDER)[0]
    assert text == (f"house: a value has the invalid time {wrong.replace(tzinfo=UTC)}; skipped")
    assert count == 1


def test_a_backlog_does_not_change_the_clock_correction() -> None:
    bench = Bench()
    bench.pass_on(3600.0)
    bench.take(*[Sample(1.0, at(second)) for second in range(3600)])
    bench.take(Sample(1.0, at(3600)))
    bench.pass_on(70.0)
    assert not bench.texts(Notice.WARNING)
    assert [minute for minute, _ in bench.minutes()] == [59]
    assert sum(count for _, count in bench.texts(Notice.ORDER)) == 3540


def test_the_time_skipped_by_this_machines_clock_is_a_gap() -> None:
    bench = Bench(pace=ON_CHANGE)
    bench.take(Sample(1.0))
    bench.pass_on(100.0)
    bench.set(3600)
    bench.pass_on(200.0)
    assert [minute for minute, _ in bench.minutes()] == [0, 1, 62, 63]
    (whole, _), (partial, _) = bench.texts(Notice.WARNING)
    assert whole.endswith("'s clock was set ahead by 1 h; the time in between is a gap")
    assert partial.endswith(": only 40 s of it are known: the clock was set in it")


def test_no_minute_is_repeated_after_this_machines_clock_is_set_back() -> None:
    bench = Bench()
    for _ in range(300):
        bench.take(Sample(1.0))
        bench.pass_on(1.0)
    bench.date -= 600
    for _ in range(900):
        bench.take(Sample(1.0))
        bench.pass_on(1.0)
    assert [minute for minute, _ in bench.minutes()] == [*range(9)]
    ((text, _),) = bench.texts(Notice.WARNING)
    until = f"{local_time(DATE + 240):%Y-%m-%d %H:%M}"
    assert text.endswith(f"was set back by 10 min; no readings until {until}")
    assert not bench.texts(Notice.ORDER)


def test_a_clock_that_is_slewed_is_followed() -> None:
    bench = Bench()
    for _ in range(600):
        bench.take(Sample(1.0))
        bench.pass_on(1.0)
        bench.date += 0.1
    assert [minute for minute, _ in bench.minutes()] == [*range(10)]
    assert not bench.of(Notice)


@pytest.mark.parametrize(
    ("begin_s", "first", "known_s"),
    [(0, 0, None), (5, 0, None), (25, 0, 35), (29, 0, 31), (32, 1, 0)],
)
@pytest.mark.parametrize("by", ["arrival", "time", "feed", "register"])
def test_the_first_minute_is_left_out_or_reported_as_partial(
    begin_s: int, first: int, known_s: int | None, by: str
) -> None:
    """As after a kill: the samples before it are gone."""
    bench = Bench(begin_s=begin_s, by_feed=by == "feed")
    for second in range(begin_s, 200):
        kwh = 1000.0 + second / 3600
        sample = Sample(1.0, None if by == "arrival" else at(second))
        bench.take(CounterSample(kwh, at(second)) if by == "register" else sample)
        bench.pass_on(1.0)
    assert [minute for minute, _ in bench.minutes()] == list(range(first, 3))
    assert all(kw == pytest.approx(1.0, abs=1e-5) for _, kw in bench.minutes())
    texts = [text.partition(": only ")[2] for text, _ in bench.texts(Notice.WARNING)]
    expected = [f"{known_s} s of it are known: watching began in it"] if known_s else []
    assert texts == expected


def test_minutes_of_a_resumed_recording_are_not_repeated() -> None:
    bench = Bench()
    bench.processor.resume_after(at(0))
    for second in range(190):
        bench.take(Sample(1.0, at(second)))
        bench.pass_on(1.0)
    assert [minute for minute, _ in bench.minutes()] == [1, 2]
    assert not bench.of(Notice)


def test_a_recording_that_ends_in_the_future_causes_a_warning() -> None:
    bench = Bench()
    bench.processor.resume_after(at(86_400))
    bench.take(Sample(1.0))
    ((text, _),) = bench.texts(Notice.WARNING)
    assert "the recording ends 1 day ahead of this machine's clock; no readings until 20" in text
    assert text.endswith(":00, unless those ahead of it can be set aside")


def test_implausible_values_are_skipped_and_counted() -> None:
    bench = Bench(max_kw=50.0, advice=Advice(unit="if the meter sends W, give unit=W"))
    for _ in range(40):
        bench.take(Sample(1.0))
        bench.pass_on(1.0)
    for _ in range(100):
        bench.take(Sample(50.1), Sample(-math.inf))
        bench.pass_on(1.0)
    # The value before them has ended.
    assert bench.minutes() == [(0, 1.0)]
    texts = bench.texts(Notice.ABSURD)
    assert texts[0] == (
        "house: 50.1 kW, more than a household draws; if the meter sends W, give unit=W; "
        "otherwise raise --max-kw; skipped",
        1,
    )
    assert [count for _, count in texts[1:]] == [119]  # after a minute; the others still wait
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    assert sum(count for _, count in bench.texts(Notice.ABSURD)) == 200


def test_without_a_remedy_none_is_named() -> None:
    bench = Bench()
    bench.take(Sample(222.0))
    assert bench.texts(Notice.ABSURD) == [
        (
            "house: 222 kW, more than a household draws; if that is right, raise --max-kw; skipped",
            1,
        )
    ]


@pytest.mark.parametrize("pace", [Pace(), ON_CHANGE])
def test_an_implausible_value_ends_the_one_before(pace: Pace) -> None:
    bench = Bench(pace=pace)
    bench.take(Sample(1.0))
    bench.pass_on(50.0)
    bench.take(Sample(250.0))
    bench.pass_on(200.0)
    assert bench.minutes() == [(0, 1.0)]


def test_only_implausible_values_are_a_unit_error() -> None:
    bench = Bench(advice=Advice(unit="check register"))
    bench.take(*[Sample(250.0)] * 19)
    with pytest.raises(UnitError, match=r"all of the first 20 values .* check register; otherwise"):
        bench.take(Sample(250.0))


def test_malformed_notices_are_gathered() -> None:
    bench = Bench()
    for _ in range(1200):
        bench.take(*[Notice(Notice.MALFORMED, "house: 'x' is not a number; skipped")] * 100)
        bench.pass_on(0.1)
    texts = bench.texts(Notice.MALFORMED)
    assert texts[0] == ("house: 'x' is not a number; skipped", 1)
    assert len(texts) == 2
    assert texts[1][0].startswith("59,999 more")
    assert "values that could not be read, the last: house: 'x'" in texts[1][0]


def test_a_repeated_warning_is_passed_on_once_a_minute() -> None:
    bench = Bench()
    for _ in range(65):
        bench.take(Notice(Notice.WARNING, "odd"), Notice(Notice.EVENT, "hello"))
        bench.pass_on(1.0)
    assert len(bench.texts(Notice.WARNING)) == 2
    assert len(bench.texts(Notice.EVENT)) == 65
    assert all(notice.at is not None for notice in bench.of(Notice))


def test_silence_and_a_lost_link_are_distinguished() -> None:
    bench = Bench()
    bench.take(Link(Link.UP, "broker"), Sample(1.0))
    bench.pass_on(100.0)
    bench.take(Sample(1.0))
    bench.take(Link(Link.LOST, "broker", "gone"))
    bench.pass_on(300.0)
    states = [(link.state, link.text) for link in bench.of(Link)]
    assert states == [
        (Link.UP, ""),
        (Link.SILENT, "nothing for 1 min"),
        (Link.UP, ""),
        (Link.LOST, "gone"),
    ]


def test_a_value_is_valid_for_a_minute_at_most_while_the_link_is_lost() -> None:
    bench = Bench(stale_after_s=600.0, pace=ON_CHANGE)
    bench.take(Link(Link.UP, "broker"), Sample(1.0))
    bench.pass_on(5 * 60 + 40)
    for _ in range(4):
        bench.take(Link(Link.LOST, "broker", "gone"))
        bench.pass_on(50.0)
    bench.take(Link(Link.UP, "broker"))
    bench.pass_on(20.0)
    # The time in between is unknown until the next sample.
    bench.take(Sample(2.0))
    bench.pass_on(120.0)
    known = [(minute, 1.0) for minute in range(7)]
    assert bench.minutes() == [*known, (9, 2.0), (10, 2.0)]


def test_a_short_loss_of_the_link_makes_no_gap() -> None:
    bench = Bench(stale_after_s=600.0, pace=ON_CHANGE)
    bench.take(Link(Link.UP, "broker"), Sample(1.0))
    for _ in range(3):
        bench.pass_on(20.0)
        bench.take(Link(Link.LOST, "broker", "gone"))
        bench.pass_on(30.0)
        bench.take(Link(Link.UP, "broker"))
        bench.pass_on(20.0)
        bench.take(Sample(1.0))
    bench.pass_on(200.0)
    assert bench.minutes() == [(minute, 1.0) for minute in range(6)]


def test_after_a_loss_a_value_is_unknown_until_the_next_sample() -> None:
    """Also if the link is up again at once: changes may have been missed."""
    bench = Bench(stale_after_s=3600.0, pace=ON_CHANGE)
    bench.take(Link(Link.UP, "broker"), Sample(1.0))
    bench.pass_on(50.0)
    bench.take(Link(Link.LOST, "broker", "gone"))
    bench.pass_on(10.0)
    bench.take(Link(Link.UP, "broker"))
    bench.pass_on(240.0)
    assert bench.minutes() == [(0, 1.0), (1, 1.0)]


def _each(bench: Bench, seconds: float, every_s: float, kw: float = 2.5) -> None:
    for _ in range(round(seconds / every_s)):
        bench.take(Sample(kw))
        bench.pass_on(every_s)


def test_a_fast_meter_that_dies_leaves_gaps() -> None:
    bench = Bench()
    bench.take(Link(Link.UP, "broker"))
    _each(bench, 90.0, 1.5)
    bench.pass_on(1200.0)
    assert bench.minutes() == [(0, 2.5), (1, 2.5)]
    silent = [link for link in bench.of(Link) if link.state == Link.SILENT]
    assert silent[0].text == "nothing for 30 s"


@pytest.mark.parametrize("every_s", [1.0, 5.0, 10.0, 20.0, 30.0, 57.0, 60.0, 61.0])
def test_no_minute_is_made_up_nor_lost_at_any_pace(every_s: float) -> None:
    bench = Bench()
    bench.pass_on(3.0)
    _each(bench, 1800.0, every_s)
    end = (bench.now - 3.0) // 60
    bench.pass_on(600.0)
    found = [minute for minute, _ in bench.minutes()]
    assert found == [*range(int(end)), *found[int(end) :]]
    assert len(found) <= end + 1
    states = [link.state for link in bench.of(Link)]
    assert states[:2] == [Link.UP, Link.SILENT]


def test_samples_each_five_minutes_are_said_to_be_too_rare() -> None:
    bench = Bench(pace=Pace(setting="TelePeriod 10"))
    bench.pass_on(45.0)
    for number in range(6):
        bench.take(Sample(1.0 + number))
        bench.pass_on(300.0)
    # Each is the value of its minute, not the one before.
    assert bench.minutes() == [(5 * number, 1.0 + number) for number in range(2, 6)]
    assert bench.texts(Notice.WARNING) == [
        (
            "house: samples arrive every 5 min, coarser than a minute: 80 % of the minutes are "
            "gaps; set TelePeriod 10",
            1,
        )
    ]
    assert {link.state for link in bench.of(Link)} == {Link.UP, Link.SILENT}
    assert len(bench.of(Link)) <= 6


def test_a_known_coarse_pace_is_reported_once_it_is_seen() -> None:
    bench = Bench(pace=Pace(120.0), advice=Advice(pace="give every=10"))
    for number in range(4):
        assert len(bench.texts(Notice.WARNING)) == (number > 2)
        bench.take(Sample(1.0))
        bench.pass_on(120.0)
    ((text, _),) = bench.texts(Notice.WARNING)
    assert text.endswith("50 % of the minutes are gaps; give every=10")
    # A device that sends more often than usual for its kind.
    faster = Bench(pace=Pace(300.0))
    _each(faster, 300.0, 10.0)
    assert not faster.texts(Notice.WARNING)
    assert [minute for minute, _ in faster.minutes()] == [0, 1, 2, 3]


def test_a_resumed_recording_of_an_energy_register_repeats_no_minute() -> None:
    bench = Bench()
    bench.processor.resume_after(at(60))
    for second in range(300):
        bench.take(CounterSample(1000.0 + second / 3600))
        bench.pass_on(1.0)
    assert [minute for minute, _ in bench.minutes()] == [2, 3]


def test_a_constant_value_of_a_feed_of_changes_is_not_silent() -> None:
    bench = Bench(stale_after_s=3600.0, pace=ON_CHANGE)
    bench.take(Link(Link.UP, "Home Assistant"), Sample(0.5))
    bench.pass_on(2400.0)
    assert [link.state for link in bench.of(Link)] == [Link.UP]
    assert bench.minutes() == [(minute, 0.5) for minute in range(39)]
    bench.pass_on(2400.0)
    assert [link.text for link in bench.of(Link)][1:3] == [
        "nothing for 1 h",
        "nothing for 1 h 1 min",
    ]
    assert len(bench.minutes()) == 60


@pytest.mark.parametrize("pace", [Pace(), ON_CHANGE])
def test_nan_ends_the_value_and_is_reported_once(pace: Pace) -> None:
    bench = Bench(pace=pace)
    _each(bench, 60.0, 5.0)
    for _ in range(30):
        bench.take(Sample(math.nan))
        bench.pass_on(5.0)
    _each(bench, 25.0, 5.0)
    assert [minute for minute, _ in bench.minutes()] == [0]
    assert bench.texts(Notice.WARNING) == [
        ("house: the meter reports no value; its minutes are gaps until it does", 1)
    ]
    assert bench.texts(Notice.EVENT) == [("house: the meter reports values again", 1)]
    assert [link.state for link in bench.of(Link)] == [Link.UP]
    shown = [sample.kw for sample in bench.of(Sample)]
    assert math.isnan(shown[-6])
    assert shown[-5:] == [2.5] * 5


def test_a_meter_that_often_reports_no_value_gives_few_notices() -> None:
    bench = Bench()
    for number in range(600):
        bench.take(Sample(math.nan if number % 2 else 1.0))
        bench.pass_on(1.0)
    assert len(bench.texts(Notice.WARNING)) == 1
    assert len(bench.texts(Notice.EVENT)) == 1


def test_an_energy_register_gives_readings() -> None:
    bench = Bench()
    for second in range(0, 1801, 10):
        kwh = 1000.0 + min(second, 900) * 1.2 / 3600 + max(second - 900, 0) * 3.0 / 3600
        bench.take(CounterSample(kwh))
        bench.pass_on(10.0)
    assert bench.minutes() == [
        *((minute, pytest.approx(1.2, abs=2e-5)) for minute in range(15)),
        *((minute, pytest.approx(3.0, abs=2e-5)) for minute in range(15, 30)),
    ]
    assert bench.of(Sample)[-1].kw == pytest.approx(3.0, abs=1e-3)
    assert not bench.of(Notice)


@pytest.mark.parametrize("first", [Sample(1.0), CounterSample(1000.0)])
def test_a_feed_that_mixes_powers_and_registers_is_malformed(first: FeedItem) -> None:
    bench = Bench()
    for second in range(70):
        # Unknown values may be of either kind.
        bench.take(Sample(math.nan) if second % 2 else CounterSample(math.nan))
        bench.take(first)
        bench.pass_on(1.0)
    other = CounterSample(1000.0) if isinstance(first, Sample) else Sample(1.0)
    bench.take(other)
    assert bench.texts(Notice.MALFORMED) == [
        ("house: the feed mixes powers and energy registers; skipped", 1)
    ]


def test_implausible_counters_have_a_text_of_their_own() -> None:
    bench = Bench(advice=Advice(unit="if the meter sends Wh, give unit=Wh"))
    bench.take(CounterSample(1000.0))
    for number in range(19):
        bench.pass_on(10.0)
        bench.take(CounterSample(1001.0 + number))
    bench.pass_on(10.0)
    with pytest.raises(UnitError, match=r"first 20 values .*give unit=Wh"):
        bench.take(CounterSample(1020.0))
    text, _ = bench.texts(Notice.ABSURD)[0]
    assert text == (
        "house: the counter's change from 1000 to 1001 kWh is 360 kW, more than a household draws; "
        "if the meter sends Wh, give unit=Wh; otherwise raise --max-kw; skipped"
    )


def _by_feed(samples: Sequence[Sample]) -> Bench:
    bench = Bench(by_feed=True)
    bench.take(*samples)
    return bench


def test_by_feed_no_other_clock_matters() -> None:
    bench = _by_feed([Sample(1.0, at(second - 6e7)) for second in range(0, 126, 5)])
    assert len(bench.of(Reading)) == 2
    bench.date += 1e6
    bench.now += 1e6
    bench.take()
    assert len(bench.of(Reading)) == 2
    assert not bench.of(Notice)
    assert bench.processor.wait_s(bench.now) is None
    bench.take(*(Sample(1.0, at(second - 6e7)) for second in range(130, 185, 5)))
    assert len(bench.of(Reading)) == 2
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    assert len(bench.of(Reading)) == 3
    assert all(after.at - before.at == MINUTE for before, after in pairwise(bench.of(Reading)))


def test_by_feed_each_sample_needs_a_time() -> None:
    bench = _by_feed([Sample(1.0), Sample(1.0, datetime(9999, 12, 31, 23, 59, tzinfo=UTC))])
    (text, _), *_ = bench.texts(Notice.ORDER)
    assert text == "house: a value has no time, which --clock feed requires; skipped"


def test_by_feed_a_single_time_far_ahead_is_dropped() -> None:
    good = [Sample(1.0, at(second)) for second in range(0, 200, 5)]
    bench = _by_feed([*good[:20], Sample(9.0, at(1e9)), *good[20:]])
    assert bench.minutes() == [(0, 1.0), (1, 1.0), (2, 1.0)]
    ((text, _),) = bench.texts(Notice.ORDER)
    assert text.endswith("is far ahead of its neighbours; skipped")


def test_by_feed_a_time_far_ahead_at_the_end_is_reported() -> None:
    bench = _by_feed([*(Sample(1.0, at(second)) for second in range(0, 65, 5)), Sample(9, at(1e9))])
    assert not bench.of(Notice)
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    assert bench.minutes() == [(0, 1.0)]
    ((text, _),) = bench.texts(Notice.ORDER)
    assert text.endswith("is far ahead of all others, and the last one; skipped")


def test_by_feed_days_without_a_value_are_a_gap() -> None:
    bench = _by_feed(
        [Sample(1.0, at(day * 259_200 + second)) for day in (0, 1) for second in (0, 65)]
    )
    found = [minute for minute, _ in bench.minutes()]
    assert (found[0], found[-1]) == (0, 4320)
    assert not bench.of(Notice)


@pytest.mark.parametrize(
    "rules", [{"stale_after_s": 0}, {"stale_after_s": 1e6}, {"grace_s": -1}, {"max_kw": math.nan}]
)
def test_rules_out_of_bounds_are_usage_errors(rules: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Bench(**rules)


@pytest.mark.parametrize("first", ["2026-03-28", "2026-10-24"])
def test_a_day_with_a_change_of_summer_time_has_all_its_minutes(first: str, berlin: None) -> None:
    start = datetime.fromisoformat(f"{first}T12:00+00:00")
    bench = _by_feed(
        [Sample(-0.5, start + second * timedelta(seconds=20)) for second in range(4321)]
    )
    found = bench.of(Reading)
    bench.processor.finish()
    found += [item for item in bench.processor.take_output() if isinstance(item, Reading)]
    assert len(found) == 1440
    assert all(after.at - before.at == MINUTE for before, after in pairwise(found))
    assert len({each.at.utcoffset() for each in found}) == 2


_SAMPLES = st.builds(
    Sample,
    st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf, 0.5]),
    st.none() | st.floats(-1e3, 1e3).map(at) | st.datetimes(timezones=st.just(UTC)),
)
_COUNTERS = st.builds(
    CounterSample,
    st.floats(0, 1e3) | st.sampled_from([math.nan, math.inf, 0.5]),
    st.none() | st.floats(-1e3, 1e3).map(at),
    st.booleans(),
)
_ITEMS = st.one_of(
    _SAMPLES,
    _COUNTERS,
    st.builds(Link, st.sampled_from([Link.UP, Link.LOST, Link.SILENT])),
    st.builds(Notice, st.sampled_from(["malformed", "order", "implausible", "warning"]), st.text()),
)
_HAPPENINGS = st.one_of(
    _ITEMS,
    st.floats(0, 200),
    st.tuples(st.just("set"), st.floats(-1e4, 1e4) | st.floats(-1e9, 1e9)),
    st.tuples(st.sampled_from(["stop", "sleep"]), st.floats(0, 1e4)),
)


@given(
    st.lists(_HAPPENINGS, max_size=40),
    st.booleans(),
    st.sampled_from([Pace(), ON_CHANGE, Pace(300.0)]),
)
def test_readings_increase_in_time_under_any_events(
    events: list, by_feed: bool, pace: Pace
) -> None:
    """Items, passing time, absences, and clocks that are set."""
    bench = Bench(by_feed=by_feed, pace=pace)
    for each in events:
        try:
            if isinstance(each, float):
                bench.pass_on(each)
            elif isinstance(each, tuple):
                getattr(bench, each[0])(each[1])
            else:
                bench.take(each)
        except UnitError:
            return
    bench.pass_on(200.0)
    bench.processor.finish()
    bench.given += bench.processor.take_output()
    found = bench.of(Reading)
    assert all(math.isfinite(each.kw) and abs(each.kw) <= 100.0 for each in found)
    assert all(before.at < after.at for before, after in pairwise(found))
    assert all(link.since is not None for link in bench.of(Link))
    assert all(sample.at is not None for sample in bench.of(Sample))
