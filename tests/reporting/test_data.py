"""Tests of the data that a report reads from a recording."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import RecordError, UsageError
from streamer.reporting.data import DAY, MONTH, WEEK, read_period
from tests.reporting.recordings import ZONE, Row, household, minutes, record, recorded, unix

HOURS = 3600


def _hourly(first: datetime, last: datetime) -> list[Row]:
    """Rows an hour apart: enough to show the beginning and end of a period."""
    hours = range(unix(first), unix(last) + 1, HOURS)
    return [Row(datetime.fromtimestamp(at, ZONE), 1.0) for at in hours]


@pytest.mark.parametrize(
    ("period", "until", "begins", "hours"),
    [
        (DAY, datetime(2010, 3, 28), datetime(2010, 3, 27), 24),
        (DAY, datetime(2010, 3, 29), datetime(2010, 3, 28), 23),
        (DAY, datetime(2010, 3, 28, 12), datetime(2010, 3, 27, 12), 23),
        (DAY, datetime(2010, 11, 1), datetime(2010, 10, 31), 25),
        (WEEK, datetime(2010, 4, 1), datetime(2010, 3, 25), 167),
        (MONTH, datetime(2010, 4, 1), datetime(2010, 3, 1), 31 * 24 - 1),
        (MONTH, datetime(2010, 3, 31, 7), datetime(2010, 2, 28, 7), 31 * 24 - 1),
        (MONTH, datetime(2010, 1, 15), datetime(2009, 12, 15), 31 * 24),
    ],
)
def test_a_period_begins_at_the_time_of_day_at_which_it_ends(
    tmp_path: Path, period: str, until: datetime, begins: datetime, hours: int
) -> None:
    rows = _hourly(
        (begins - timedelta(days=2)).replace(tzinfo=ZONE),
        (until + timedelta(days=2)).replace(tzinfo=ZONE),
    )
    found = recorded(tmp_path, rows, period=period, until=until)
    assert found.clock.local(found.start) == begins
    assert found.clock.local(found.end) == until
    assert found.end - found.start == hours * HOURS
    assert len(found.minutes.at) == hours


def test_the_default_end_is_that_of_the_recording(tmp_path: Path) -> None:
    found = recorded(tmp_path, minutes(household(2000)))
    assert found.end == found.minutes.at[-1] + 60
    assert found.end - found.start == 24 * HOURS
    assert len(found.minutes.at) == 1440


def test_an_end_with_a_zone_is_converted(tmp_path: Path) -> None:
    rows = minutes(household(2000))
    there = rows[-1].at.astimezone(UTC)
    found = recorded(tmp_path, rows, until=there)
    assert found.end == unix(there)


def test_a_period_begins_no_earlier_than_the_recording(tmp_path: Path) -> None:
    found = recorded(tmp_path, minutes(household(100)), period=MONTH)
    assert found.start == found.begun == found.minutes.at[0]
    assert np.isnan(found.minutes.last_kw[0])


def test_persistence_is_the_reading_before_where_a_forecast_was_settled(tmp_path: Path) -> None:
    kw = household(1600)
    kw[200] = kw[201] = math.nan
    rows = minutes(kw)
    found = recorded(tmp_path, rows).minutes
    before = {unix(b.at): a.kw for a, b in pairwise(rows)}
    settled = {unix(row.at) for row in rows if row.forecast_kw is not None}
    expected = [before[at] if at in settled else math.nan for at in found.at.tolist()]
    np.testing.assert_array_equal(found.last_kw, expected)


def test_forecasts_that_are_not_finite_settle_nothing(tmp_path: Path) -> None:
    rows = minutes(household(60))
    rows[55] = Row(rows[55].at, 1.0, math.inf, -math.inf, math.inf, 0.5)
    found = recorded(tmp_path, rows).minutes
    for column in (found.mean_kw, found.point_kw, found.last_kw, found.low_kw, found.frozen_kw):
        assert np.isnan(column[55])
        assert np.isfinite(column[56])


def test_running_scores_cover_the_whole_recording(tmp_path: Path) -> None:
    rows = minutes(household(3000))
    running = recorded(tmp_path, rows).running
    kw = np.array([row.kw for row in rows])
    forecast = np.array([np.nan if r.forecast_kw is None else r.forecast_kw for r in rows])
    settled = np.isfinite(forecast)
    assert running.settled == settled.sum()
    assert running.mse_kw2 == pytest.approx(np.square(kw - forecast)[settled].mean())
    changes = np.diff(kw, prepend=np.nan)[settled]
    assert running.persistence_mse_kw2 == pytest.approx(np.square(changes).mean())


def test_alarms_and_events_are_those_of_the_period(tmp_path: Path) -> None:
    rows = minutes(household(3000))
    end = unix(rows[-1].at) + 60
    start = end - 24 * HOURS
    alarms = [
        (start - 900, "drift", "over before", start - 600),
        (start - 800, "anomaly", "over meanwhile", start + 600),
        (start - 700, "unit", "never over", None),
        (start + 60, "stuck", "inside", start + 120),
    ]
    events = [(start - 1, "lost", "before"), (start, "up", "inside"), (end, "lost", "after")]
    path = record(tmp_path / "house.db", rows, alarms=alarms, events=events)
    found = read_period(path, DAY, None)
    assert [alarm.text for alarm in found.alarms] == ["over meanwhile", "never over", "inside"]
    assert [event.text for event in found.events] == ["inside"]


def test_an_alarm_after_the_period_is_left_out(tmp_path: Path) -> None:
    rows = minutes(household(3000))
    at = unix(rows[2000].at)
    path = record(tmp_path / "house.db", rows, alarms=[(at, "stuck", "later", None)])
    assert not read_period(path, DAY, rows[2000].at).alarms
    assert read_period(path, DAY, rows[2001].at).alarms


@pytest.mark.parametrize(
    ("settings", "confidence"),
    [
        ({"confidence": "0.8"}, 0.8),
        ({}, None),
        ({"confidence": "x"}, None),
        ({"confidence": "7"}, None),
    ],
)
def test_an_unusable_confidence_is_none(
    tmp_path: Path, settings: dict[str, str], confidence: float | None
) -> None:
    path = record(tmp_path / "house.db", minutes([1.0]), settings=settings)
    assert read_period(path, DAY, None).confidence == confidence


def test_errors_name_the_file_and_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    with pytest.raises(RecordError, match=r"house\.db: the recording does not exist"):
        read_period(path, DAY, None)
    path.write_text("timestamp,power_kw\n" * 100)
    with pytest.raises(RecordError, match=r"house\.db .*neither a recording"):
        read_period(path, DAY, None)
    path.unlink()
    record(path, [])
    with pytest.raises(RecordError, match=r"yet$"):
        read_period(path, DAY, None)


def test_an_unknown_period_is_rejected(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([1.0]))
    with pytest.raises(UsageError, match="unknown period 'year'; give one of day, week, month"):
        read_period(path, "year", None)


def test_a_period_without_readings_is_an_error(tmp_path: Path) -> None:
    rows = [*minutes([1.0]), *minutes([1.0], start=datetime(2010, 6, 1, tzinfo=ZONE))]
    path = record(tmp_path / "house.db", rows)
    for until in (datetime(2010, 1, 1), datetime(2010, 5, 1), datetime(2011, 1, 1)):
        with pytest.raises(RecordError, match=f"in the week before {until:%Y-%m-%d} 00:00"):
            read_period(path, WEEK, until)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE steps SET actual_kw = 'much'",
        "UPDATE steps SET utc_offset = 'x'",
        "UPDATE steps SET at = at + 1000000000000",
        "UPDATE alarms SET over_at = 1000000000000000",
        "UPDATE alarms SET over_at = 'x'",
    ],
)
def test_values_of_a_wrong_type_are_reported_as_damage(tmp_path: Path, damage: str) -> None:
    path = record(
        tmp_path / "house.db", minutes(household(60)), alarms=[(0, "drift", "long ago", None)]
    )
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()
    with pytest.raises(RecordError, match="is damaged"):
        read_period(path, DAY, None)


def test_invalid_utf_8_is_replaced(tmp_path: Path) -> None:
    path = record(tmp_path / "house.db", minutes([1.0]))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE settings SET value = CAST(x'68ff' AS TEXT) WHERE key = 'source'")
    connection.commit()
    connection.close()
    assert read_period(path, DAY, None).settings["source"] == "h\ufffd"
