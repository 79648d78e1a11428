"""Tests of the energy of today against sums over the minutes themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.energy.days import elapsed_minutes
from streamer.energy.today import Today, today
from tests.energy.streams import minutes, naive_minutes, quarter_hours

BRUSSELS = ZoneInfo("Europe/Brussels")
MINUTE = timedelta(minutes=1)


def _watts(at: datetime) -> int:
    return (at.day * 191 + at.hour * 83) % 900 + (2500 if at.hour == 19 else 60)


def _today(
    first: datetime,
    at: datetime,
    watts: Callable[[datetime], int | None] = _watts,
    demand_minutes: int = 15,
    **options: bool,
) -> Today:
    # In UTC: adding to a time in a zone forgets which of two of the same name it is.
    end = at.astimezone(UTC) + MINUTE
    rows = quarter_hours(minutes(first, end), watts, offsets=options.pop("offsets", False))
    if rows and at.tzinfo is not None and rows[-1].start.tzinfo is not at.tzinfo:
        at = at.replace(tzinfo=rows[-1].start.tzinfo)
    return today(rows, at, demand_minutes, **options)


@pytest.mark.parametrize("offsets", [False, True])
@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-17", 24)]
)
def test_a_day_is_as_long_as_its_clock_makes_it(day: str, hours: int, offsets: bool) -> None:
    at = datetime.fromisoformat(f"{day}T23:59").replace(tzinfo=BRUSSELS)
    first = at.replace(hour=0, minute=0)
    found = _today(first, at, lambda _: 1000, offsets=offsets)
    assert found.import_kwh == pytest.approx(hours)
    assert found.unknown_minutes == 0
    assert len(found.intervals) == 4 * hours
    late = _today(first + timedelta(hours=1), at, lambda _: 1000, offsets=offsets)
    assert late.unknown_minutes == 60
    by_hour = _today(first, at, lambda _: 1000, 60, offsets=offsets)
    assert [each.kw for each in by_hour.intervals] == pytest.approx([1.0] * hours)


@pytest.mark.parametrize("offsets", [False, True])
def test_the_day_is_compared_with_others_up_to_the_same_time(offsets: bool) -> None:
    at = datetime(2026, 4, 2, 18, 52, tzinfo=BRUSSELS)
    first = datetime(2026, 3, 20, 5, tzinfo=BRUSSELS)

    def energy(since: datetime, until: datetime) -> float:
        return sum(map(_watts, minutes(since, until))) / 60_000

    def by_now(day: datetime) -> float:
        """The quarter-hour of now in proportion: power is the same within an hour here."""
        return energy(day.replace(hour=0, minute=0), day.replace(hour=18, minute=53))

    found = _today(first, at, offsets=offsets)
    days = [datetime(2026, 3, n, tzinfo=BRUSSELS) for n in range(21, 32)]
    days.append(datetime(2026, 4, 1, tzinfo=BRUSSELS))
    assert found.import_kwh == pytest.approx(by_now(at))
    assert found.yesterday_by_now_kwh == pytest.approx(by_now(days[-1]))
    assert found.usual_by_now_kwh == pytest.approx(median(map(by_now, days)))
    monday = datetime(2026, 3, 30, tzinfo=BRUSSELS)
    assert found.week_kwh == pytest.approx(energy(monday, at + MINUTE))
    assert (found.unknown_minutes, found.yesterday_unknown_minutes) == (0, 0)
    assert found.week_unknown_minutes == 0


def test_export_is_apart_and_subtracted_where_the_tariff_nets() -> None:
    at = datetime(2026, 6, 17, 0, 44, tzinfo=BRUSSELS)
    first = at.replace(minute=0)

    def watts(each: datetime) -> int:
        return 3000 if each.minute % 2 else -1000

    found = _today(first, at, watts)
    assert found.import_kwh == pytest.approx(22 * 3 / 60)
    assert found.export_kwh == pytest.approx(23 / 60)
    assert [each.kw for each in found.intervals] == pytest.approx([1.4, 1.6, 1.4])
    netted = _today(first, at, watts, net=True)
    assert [each.kw for each in netted.intervals] == pytest.approx([13 / 15, 17 / 15, 13 / 15])
    exporting = _today(first, at, lambda _: -500, net=True)
    assert [each.kw for each in exporting.intervals] == [0.0, 0.0, 0.0]


def test_highest_and_lowest_are_of_complete_intervals_that_are_over() -> None:
    at = datetime(2026, 6, 17, 1, 20, tzinfo=BRUSSELS)
    powers = {(0, 0): 400, (0, 1): 900, (0, 2): 5000, (0, 3): 300, (1, 0): 700, (1, 1): 9000}

    def watts(each: datetime) -> int | None:
        gap = (each.hour, each.minute) in ((0, 31), (0, 32))
        return None if gap else powers[each.hour, each.minute // 15]

    found = _today(at.replace(hour=0, minute=0), at, watts)
    assert found.highest is not None
    assert found.lowest is not None
    assert (found.highest.start.minute, found.highest.kw) == (15, pytest.approx(0.9))
    assert (found.lowest.start.minute, found.lowest.kw) == (45, pytest.approx(0.3))
    assert [each.unknown_minutes for each in found.intervals] == [0, 0, 2, 0, 0, 0]
    assert found.intervals[2].kw == pytest.approx(5.0)
    assert found.unknown_minutes == 2
    hours = _today(at.replace(hour=0, minute=0), at, watts, 60).intervals
    assert [(each.start.hour, each.unknown_minutes) for each in hours] == [(0, 2), (1, 0)]


def test_a_day_with_a_long_gap_does_not_count_for_the_usual_one() -> None:
    at = datetime(2026, 6, 17, 11, 59, tzinfo=BRUSSELS)
    first = datetime(2026, 6, 12, tzinfo=BRUSSELS)

    def watts(each: datetime) -> int | None:
        if each.day == 15 and each.hour == 8:
            return None
        return None if each.day == 16 and (each.hour, each.minute) == (3, 7) else 100 * each.day

    found = _today(first, at, watts)
    known = [0.1 * 12 * day for day in (12, 13, 14, 16)]
    known[-1] -= 1.6 / 60
    assert found.usual_by_now_kwh == pytest.approx(median(known))
    assert found.yesterday_unknown_minutes == 1
    assert found.week_unknown_minutes == 61
    short = _today(datetime(2026, 6, 15, tzinfo=BRUSSELS), at, watts)
    assert short.usual_by_now_kwh is None


def test_nothing_of_yesterday_is_none() -> None:
    at = datetime(2026, 6, 17, 11, 59, tzinfo=BRUSSELS)
    found = _today(at.replace(hour=0, minute=0), at)
    assert found.yesterday_by_now_kwh is None
    assert found.yesterday_unknown_minutes == 720
    assert found.week_unknown_minutes == 2 * 1440


def test_rows_after_the_reading_are_left_out_even_as_an_hour_comes_twice() -> None:
    at = datetime(2026, 10, 25, 2, 44, tzinfo=BRUSSELS, fold=1)
    first = datetime(2026, 10, 25, tzinfo=BRUSSELS)
    rows = quarter_hours(minutes(first, at + timedelta(hours=9)), _watts)
    assert today(rows, at) == _today(first, at)
    assert len(_today(first, at).intervals) == 15
    assert today(rows, at).unknown_minutes == 0


def test_times_without_a_zone_have_days_of_24_hours_unless_it_is_given() -> None:
    first, at = datetime(2026, 3, 29), datetime(2026, 3, 29, 4, 59)
    times = [each for each in naive_minutes(first, at + MINUTE) if each.hour != 2]
    rows = quarter_hours(iter(times), _watts)
    assert today(rows, at).unknown_minutes == 60
    assert today(rows, at, zone=BRUSSELS).unknown_minutes == 0


def test_a_clock_without_summer_time_keeps_its_intervals_apart_in_a_zone_that_has_it() -> None:
    first, at = datetime(2026, 3, 29), datetime(2026, 3, 29, 4, 59)
    rows = quarter_hours(naive_minutes(first, at + MINUTE), _watts)
    found = today(rows, at, zone=BRUSSELS)
    assert [each.start for each in found.intervals] == [row.start for row in rows]
    assert {each.unknown_minutes for each in found.intervals} == {0}


def test_nothing_is_known_before_the_first_reading() -> None:
    found = today([], datetime(2026, 6, 17, 0, 0, tzinfo=UTC))
    assert (found.import_kwh, found.unknown_minutes, found.intervals) == (0, 1, ())
    assert (found.highest, found.lowest, found.usual_by_now_kwh) == (None, None, None)


@given(
    day=st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-07-01"]),
    zone=st.sampled_from(["Europe/Brussels", "America/New_York", "Asia/Kathmandu"]),
    length=st.integers(1, 1380),
    gaps=st.lists(st.tuples(st.integers(0, 1400), st.integers(1, 90)), max_size=3),
    demand_minutes=st.sampled_from([15, 60]),
    offsets=st.booleans(),
)
@settings(max_examples=25)
def test_intervals_over_gaps_and_zones_are_those_of_their_minutes(
    day: str,
    zone: str,
    length: int,
    gaps: list[tuple[int, int]],
    demand_minutes: int,
    offsets: bool,
) -> None:
    first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    times = list(islice(minutes(first, first + timedelta(days=1)), length))
    # By position: the two times of an hour that comes twice are equal.
    unknown = {n for start, size in gaps for n in range(start, start + size) if n < length}
    known = [at for n, at in enumerate(times) if n not in unknown]
    rows = quarter_hours(iter(known), _watts, offsets=offsets)
    at = times[-1]
    if offsets:
        at = datetime.fromisoformat(at.isoformat())
    found = today(rows, at, demand_minutes)
    sums: dict[tuple[str, object], list[int]] = {}
    lengths: dict[tuple[str, object], int] = {}
    for n, each in enumerate(times):
        start = each.replace(minute=each.minute // demand_minutes * demand_minutes)
        key = start.strftime("%H:%M"), each.utcoffset()
        lengths[key] = lengths.get(key, 0) + 1
        if n not in unknown:
            sums.setdefault(key, []).append(_watts(each))
    assert [(f"{each.start:%H:%M}", each.start.utcoffset()) for each in found.intervals] == [*sums]
    for each, (key, watts) in zip(found.intervals, sums.items(), strict=True):
        assert each.kw == pytest.approx(sum(watts) / len(watts) / 1000)
        assert each.unknown_minutes == lengths[key] - len(watts)
    assert found.import_kwh == pytest.approx(sum(map(sum, sums.values())) / 60_000)
    if known and known[0].utcoffset() == first.utcoffset():
        assert found.unknown_minutes == len(unknown)


def test_a_time_that_yesterday_skipped_is_compared_with_what_there_was_before_it() -> None:
    at = datetime(2026, 3, 30, 2, 30, tzinfo=BRUSSELS)
    first = datetime(2026, 3, 29, tzinfo=BRUSSELS)
    found = _today(first, at, lambda _: 1000)
    assert found.yesterday_by_now_kwh == pytest.approx(2.0)
    assert found.yesterday_unknown_minutes == 0


def test_there_is_no_day_before_the_first() -> None:
    found = today([], datetime(1, 1, 1, 0, 0))
    assert (found.yesterday_by_now_kwh, found.yesterday_unknown_minutes) == (None, 0)


def test_an_offset_that_the_zone_of_the_house_explains_is_taken_for_the_zone() -> None:
    at = datetime.fromisoformat("2026-03-29T12:00+02:00")
    assert elapsed_minutes(at.date(), at) == 12 * 60 + 1
    assert elapsed_minutes(at.date(), at, zone=BRUSSELS) == 11 * 60 + 1
    assert elapsed_minutes(at.date(), at, zone=ZoneInfo("Europe/Helsinki")) == 12 * 60 + 1
