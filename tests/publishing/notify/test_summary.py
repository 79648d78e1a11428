"""Tests of the summary of a day, in memory and from a recording."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamer.energy.tariff import Rate, Tariff
from streamer.errors import RecordError
from streamer.publishing.notify.summary import RememberedDays, quarter_hours, summarise
from streamer.publishing.notify.texts import summary_text, summary_title
from streamer.readings import MINUTE, Link, Reading
from streamer.recording.days import Day, DayInterval, DayMinute, read_day
from tests.publishing.notify.conftest import HOUSE_TIME
from tests.recording.conftest import House, metered

DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=HOUSE_TIME)


def _day(minutes: int = 1440, kw: float = 0.5, error_kw: float = 0.1) -> Day:
    """A day whose readings alternate, with a forecast that is wrong by the same each time."""
    values = [kw + 0.2 * (minute % 2) for minute in range(minutes)]
    found = Day(DAY)
    for minute, value in enumerate(values):
        last = values[minute - 1] if minute else None
        mean = None if last is None else value - error_kw
        high = value + (0.3 if minute % 10 else -0.1)
        found.minutes.append(
            DayMinute(MIDNIGHT + minute * MINUTE, value, last, mean, value - 0.3, high)
        )
    return found


def test_the_figures_of_a_day() -> None:
    found = summarise(_day(), None)
    assert found.import_kwh == pytest.approx(24 * 0.6)
    assert found.export_kwh == 0.0
    assert found.skill == pytest.approx(1.0 - 0.01 / 0.04)
    assert found.coverage == pytest.approx(0.9)
    assert found.missing_minutes == 0
    assert found.peak == DayInterval(MIDNIGHT + 15 * MINUTE, 15, pytest.approx(0.5 + 0.2 * 8 / 15))
    assert found.cost is None
    assert summary_title(found) == "14.4 kWh on Monday 2 March"
    assert summary_text(found).splitlines() == [
        "Energy: 14.4 kWh drawn.",
        "Highest quarter-hour: 0.61 kW at 00:15.",
        "No alarms.",
        "Forecast: skill +75.0 %, 90.0 % of the readings inside the band.",
    ]


def test_cost_outages_alarms_and_hours() -> None:
    day = _day(1200, kw=-0.1)
    day.alarms, day.outages = Counter(peak=1, anomaly=2), 3
    day.intervals = [DayInterval(MIDNIGHT, 60, 0.2), DayInterval(MIDNIGHT + 60 * MINUTE, 60, 0.25)]
    tariff = Tariff("EUR", energy=Rate(fixed=Decimal("0.30")), feed_in=Rate(fixed=Decimal("0.05")))
    found = summarise(day, tariff, expired=1)
    # Every other minute draws and feeds in 0.1 kW.
    assert (found.import_kwh, found.export_kwh) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found.cost == Decimal("0.25")
    assert summary_text(found).splitlines() == [
        "Energy: 1.0 kWh drawn, 1.0 kWh fed in.",
        "Cost: 0.25 €.",
        "Highest hour: 0.25 kW at 01:00.",
        "Alarms: 2 × anomaly, 1 × peak.",
        "Forecast: skill +75.0 %, 90.0 % of the readings inside the band.",
        "Missing: 4 h, connection lost or silent 3 times.",
        "Not delivered in time: 1 notification.",
    ]


def test_few_forecasts_have_no_skill_and_an_incomplete_quarter_hour_is_no_peak() -> None:
    found = summarise(_day(10), None)
    assert (found.skill, found.coverage, found.peak) == (None, None, None)
    assert found.missing_minutes == 1430


def test_a_perfect_persistence_gives_no_skill() -> None:
    day = Day(DAY, [DayMinute(MIDNIGHT + n * MINUTE, 0.5, 0.5, 0.5) for n in range(100)])
    found = summarise(day, None)
    assert (found.skill, found.coverage) == (None, None)


def test_energies_without_a_known_price_are_named() -> None:
    tariff = Tariff("EUR", energy=Rate(), feed_in=Rate(fixed=Decimal("0.05")))
    found = summarise(_day(), tariff)
    assert (found.cost, found.unpriced_minutes) == (None, 1440)


@pytest.mark.parametrize(
    ("day", "minutes"), [(date(2026, 3, 29), 1380), (date(2026, 10, 25), 1500)]
)
@pytest.mark.parametrize("fixed", [True, False])
def test_days_of_23_and_25_hours(day: date, minutes: int, fixed: bool) -> None:
    zone = ZoneInfo("Europe/Brussels")
    start = datetime.combine(day, datetime.min.time(), zone)
    times = [
        datetime.fromtimestamp(start.timestamp() + 60 * minute, zone) for minute in range(minutes)
    ]
    if fixed:
        times = [at.replace(tzinfo=timezone(at.utcoffset() or timedelta(0))) for at in times]
    found = summarise(Day(day, [DayMinute(at, 1.2) for at in times]), None)
    assert found.missing_minutes == 0
    assert found.import_kwh == pytest.approx(1.2 * minutes / 60)
    if fixed:
        assert {row.minutes for row in quarter_hours([DayMinute(at, 1.0) for at in times])} == {15}


def test_a_day_is_the_same_from_memory_and_from_a_recording(db: Path) -> None:
    house, remembered = House(db, pipeline=metered()), RememberedDays()
    start = MIDNIGHT - 600 * MINUTE
    readings = [
        Reading(start + minute * MINUTE, 0.3 + 0.1 * (minute % 7) - 0.9 * (minute % 11 == 0))
        for minute in range(900)
        if not 700 < minute < 720
    ]
    for step in house.watch(readings):
        remembered.take(step)
    for link in (Link(Link.LOST, "broker"), Link(Link.UP, "broker")):
        remembered.take(link)
    for day in (DAY - timedelta(days=1), DAY):
        kept = read_day(db, day)
        known = remembered.get(day)
        assert kept.minutes == known.minutes
        assert kept.intervals == known.intervals
        assert kept.alarms == known.alarms
    assert len(read_day(db, DAY).minutes) == 281
    assert len(read_day(db, DAY).intervals) > 10
    assert remembered.get(DAY).outages == 1
    house.close()
    assert not read_day(db, DAY + timedelta(days=5)).minutes


def test_outages_are_counted_from_the_recorded_events(db: Path) -> None:
    house = House(db, wall=lambda: MIDNIGHT.timestamp() + 1800)
    for link in (Link(Link.LOST), Link(Link.UP), Link(Link.SILENT)):
        house.recorder.write(link)
    house.watch([Reading(MIDNIGHT + minute * MINUTE, 0.5) for minute in range(60)])
    house.close()
    assert read_day(db, DAY).outages == 2


def test_a_recording_with_a_power_that_is_no_number_is_damaged(db: Path) -> None:
    house = House(db)
    house.watch([Reading(MIDNIGHT, 0.5)])
    house.close()
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE steps SET actual_kw = 'odd'")
    connection.close()
    with pytest.raises(RecordError, match="'odd' is not a power"):
        read_day(db, DAY)


def test_old_days_are_forgotten_and_repeated_minutes_replaced() -> None:
    remembered, house = RememberedDays(), metered()
    readings = [Reading(MIDNIGHT + minute * MINUTE, 0.5) for minute in range(10)]
    for reading in readings:
        remembered.take(house.push(reading))
    fresh = metered()
    for reading in readings[:5]:
        remembered.take(fresh.push(reading))
    assert [each.at for each in remembered.get(DAY).minutes] == [each.at for each in readings[:5]]
    remembered.take(fresh.push(Reading(MIDNIGHT + timedelta(days=2), 0.5)))
    assert not remembered.get(DAY).minutes
