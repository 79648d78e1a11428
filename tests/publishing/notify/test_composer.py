"""Tests of the notifications that a stream leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from streamer.publishing import WatchedMeter
from streamer.publishing.notify.composer import Composer
from streamer.publishing.notify.summary import summarise
from streamer.publishing.state import MeterState, next_state
from streamer.readings import MINUTE, Alarm, Link, Step
from streamer.recording.notifications import Kept, Notification, RecordedAlarm
from tests.publishing.notify.conftest import HOUSE, HOUSE_TIME, NOON, anomaly, keys, settings, step

PEAK_TEXT = "quarter-hour may reach 5.2 kW"
DAY = timedelta(days=1)


class _Stream:
    """The stream of a meter, and the notifications made of it."""

    def __init__(self, composer: Composer, meter: WatchedMeter = HOUSE) -> None:
        self.composer, self.meter = composer, meter
        self.state = MeterState(meter)
        self.made: list[Notification] = []

    def take(self, item: Step | Link | None, now: datetime | None = None) -> list[Notification]:
        now = item.reading.at + MINUTE if now is None else now
        self.state = next_state(self.state, item, now)
        found = self.composer.take(self.state, item, now)
        self.made += found
        return found

    def minutes(self, start: datetime, count: int) -> None:
        for minute in range(count):
            at = start + minute * MINUTE
            self.take(step(at))
            self.made += self.composer.check(at + MINUTE)

    def silence(self, start: datetime, count: int) -> None:
        for minute in range(count):
            self.made += self.composer.check(start + (minute + 1) * MINUTE)


def test_an_anomaly_is_one_notification_while_it_lasts() -> None:
    stream = _Stream(Composer(settings()))
    alarm = anomaly(NOON)
    for minute in range(5):
        stream.take(step(NOON + minute * MINUTE, alarm))
    (made,) = stream.made
    assert made.title == "House: unusual power"
    assert made.text == "At 12:00: 2.5 kW where 0.2 to 0.6 was expected: 2 times."
    assert (made.kind, made.size, made.state) == ("anomaly", 2.0, Notification.WAITING)
    assert made.expires == int(NOON.timestamp()) + 86_400


def test_a_peak_is_of_use_until_its_interval_is_over() -> None:
    stream = _Stream(Composer(settings()))
    end = NOON + 15 * MINUTE
    (made,) = stream.take(
        step(NOON + 4 * MINUTE, Alarm(Alarm.PEAK, NOON + 4 * MINUTE, PEAK_TEXT, 1.5), end=end)
    )
    assert (made.kind, made.title) == ("peak", "House: peak ahead")
    assert made.text == "At 12:04: quarter-hour may reach 5.2 kW."
    assert made.expires == int(end.timestamp())


def test_a_peak_of_the_past_is_counted_and_not_sent() -> None:
    stream = _Stream(Composer(settings()), replace(HOUSE, record=Path("house.db")))
    alarm = Alarm(Alarm.PEAK, NOON, PEAK_TEXT, 1.5)
    (made,) = stream.take(step(NOON, alarm, end=NOON + 15 * MINUTE), NOON + 20 * MINUTE)
    assert made.state == Notification.EXPIRED
    assert stream.composer.expired_on(HOUSE, NOON.date()) == 1


def test_kinds_may_be_left_out_and_drift_always_is() -> None:
    stream = _Stream(Composer(settings(peak=False, anomaly=False, silent=False)))
    kinds = (Alarm.PEAK, Alarm.ANOMALY, Alarm.UNIT, Alarm.DRIFT, Alarm.STUCK)
    stream.take(step(NOON, *(Alarm(kind, NOON, "text", 2.0) for kind in kinds)))
    stream.silence(NOON, 100)
    assert not stream.made
    stream = _Stream(Composer(settings()))
    stream.take(step(NOON, Alarm(Alarm.DRIFT, NOON, "text", 9.0)))
    assert not stream.made


def test_a_wrong_unit_is_reported_whatever_its_size() -> None:
    stream = _Stream(Composer(settings()))
    stream.take(step(NOON, anomaly(NOON, 50.0)))
    at = NOON + 60 * MINUTE
    (made,) = stream.take(step(at, Alarm(Alarm.UNIT, at, "looks like watts", 1.0)))
    assert (made.state, made.title) == (Notification.WAITING, "House: check the unit")


def test_a_value_that_is_repeated_for_an_hour_is_reported_once() -> None:
    stream = _Stream(Composer(settings()))
    alarm = Alarm(Alarm.STUCK, NOON, "0.25 kW 15 times in a row", 1.1)
    for minute in range(300):
        stream.take(step(NOON + minute * MINUTE, alarm))
    (made,) = stream.made
    assert made.title == "House: the meter repeats one value"
    assert made.created == int((NOON + 61 * MINUTE).timestamp())


def test_past_minutes_are_reported_only_if_it_is_known_that_they_were_not() -> None:
    stuck = Alarm(Alarm.STUCK, NOON, "0.25 kW 15 times in a row", 1.1)
    item = step(NOON + 90 * MINUTE, anomaly(NOON + 90 * MINUTE), stuck)
    later = NOON + 110 * MINUTE
    assert _Stream(Composer(settings())).take(item, later) == []
    recorded = _Stream(Composer(settings()), replace(HOUSE, record=Path("house.db")))
    assert [each.kind for each in recorded.take(item, later)] == ["anomaly"]


def test_a_silent_meter_and_its_end() -> None:
    stream = _Stream(Composer(settings()))
    stream.minutes(NOON, 30)
    stream.take(Link(Link.LOST, "broker", "no route to host"), NOON + 32 * MINUTE)
    stream.silence(NOON + 30 * MINUTE, 90)
    stream.take(Link(Link.UP, "broker"), NOON + 120 * MINUTE)
    stream.minutes(NOON + 120 * MINUTE, 60)
    first, last = stream.made
    assert first.title == "House: no readings"
    assert first.text == (
        "No reading has arrived since 12:30: the connection is lost: no route to host."
    )
    assert last.title == "House: readings again"
    assert last.text == "Readings arrive again since 14:01. They were missing for 1 h 31 min."


def test_the_end_of_a_silence_that_was_withheld_is_withheld() -> None:
    stream, at = _Stream(Composer(settings())), NOON
    for _ in range(6):
        stream.minutes(at, 30)
        stream.silence(at + 30 * MINUTE, 30)
        at += 60 * MINUTE
    stream.minutes(at, 30)
    states = [(each.kind, each.state) for each in stream.made]
    sent = [("silent", "waiting"), ("back", "waiting")]
    assert states == sent * 4 + [("silent", "withheld"), ("back", "withheld")] * 2


def test_a_stream_that_has_ended_is_not_silent() -> None:
    stream = _Stream(Composer(settings()))
    stream.minutes(NOON, 5)
    stream.take(None, NOON + 5 * MINUTE)
    stream.silence(NOON, 100)
    assert not stream.made


def _summaries(composer: Composer, start: datetime, hours: int) -> list[str]:
    """Times at which summaries are made, and their days; the clock is looked at each minute."""
    found = []
    for minute in range(60 * hours):
        now = start + minute * MINUTE
        for meter, day in composer.due_summaries(now):
            days = composer.days(meter).get(day)
            figures = summarise(days, None) if days.minutes else None
            made = composer.summarise(meter, day, figures, now)
            found += [f"{now:%d %H:%M} {each.key} {each.state}" for each in made]
    return found


def test_a_summary_is_made_each_day_at_its_time() -> None:
    composer = Composer(settings(summary=time(7)))
    stream = _Stream(composer)
    stream.minutes(NOON, 24 * 60)
    assert _summaries(composer, NOON + DAY, 24) == [
        "03 12:00 house:summary:2026-03-02 waiting",
        "04 07:00 house:summary:2026-03-03 waiting",
    ]
    # Without a recording, it may have been sent before a restart on the same day.
    composer = Composer(settings(summary=time(7)))
    stream = _Stream(composer)
    stream.minutes(NOON, 60)
    assert _summaries(composer, NOON + 60 * MINUTE, 24) == [
        "03 07:00 house:summary:2026-03-02 waiting",
    ]


def test_a_meter_with_a_recording_waits_for_it() -> None:
    composer = Composer(settings(summary=time(7)))
    meter = replace(HOUSE, record=Path("house.db"))
    stream = _Stream(composer, meter)
    stream.take(Link(Link.UP), NOON)
    assert composer.due_summaries(NOON) == []
    made = Notification(
        "house:summary:2026-03-01",
        "summary",
        int(NOON.timestamp()) - 9,
        int(NOON.timestamp()),
        "",
        "",
    )
    composer.restore(meter, Kept([made], (), NOON), NOON)
    assert composer.due_summaries(NOON) == []
    assert composer.due_summaries(NOON + DAY) == [(meter, NOON.date())]


@pytest.mark.parametrize("hour", [6, 7])
def test_the_time_of_a_summary_is_that_of_the_house(hour: int) -> None:
    composer = Composer(settings(summary=time(7)))
    stream = _Stream(composer)
    stream.take(step(NOON - DAY))
    now = datetime(2026, 3, 2, hour, 0, tzinfo=HOUSE_TIME).astimezone(UTC)
    assert len(composer.due_summaries(now)) == (hour >= 7)


def _kept(made: list[Notification], *alarms: RecordedAlarm) -> Kept:
    return Kept(
        [Notification("house:first:1", "first", 1, 2, "", "", state="withheld"), *made],
        alarms,
        NOON,
    )


def test_an_alarm_that_was_recorded_before_a_kill_is_not_lost() -> None:
    composer = Composer(settings())
    known = anomaly(NOON - 30 * MINUTE)
    before = _Stream(Composer(settings())).take(step(known.at, known))
    alarms = [
        RecordedAlarm("anomaly", known.at, known.text, known.size, None),
        RecordedAlarm("anomaly", NOON - MINUTE, "odd", 3.0, None),
        RecordedAlarm("peak", NOON - MINUTE, PEAK_TEXT, 1.5, int((NOON + 5 * MINUTE).timestamp())),
    ]
    found = composer.restore(HOUSE, _kept(before, *alarms), NOON)
    assert [(each.kind, each.state) for each in found] == [
        ("anomaly", "waiting"),
        ("peak", "waiting"),
    ]
    assert found[1].expires == int((NOON + 5 * MINUTE).timestamp())
    again = composer.restore(HOUSE, _kept([*before, *found], *alarms), NOON)
    assert again == []


def test_alarms_from_before_there_were_notifications_are_none() -> None:
    composer = Composer(settings())
    alarm = RecordedAlarm("anomaly", NOON - MINUTE, "odd", 3.0, None)
    (marker,) = composer.restore(HOUSE, Kept((), [alarm], NOON), NOON)
    assert (marker.key, marker.state) == (
        f"house:first:{int(NOON.timestamp())}",
        Notification.WITHHELD,
    )
    later = Kept([marker], [alarm], NOON)
    assert Composer(settings()).restore(HOUSE, later, NOON + MINUTE) == []


def test_a_silence_goes_through_a_restart() -> None:
    stream = _Stream(Composer(settings()))
    stream.minutes(NOON, 30)
    stream.silence(NOON + 30 * MINUTE, 60)
    (first,) = stream.made
    after = _Stream(Composer(settings()))
    after.composer.restore(HOUSE, _kept(stream.made), NOON + 90 * MINUTE)
    after.silence(NOON + 90 * MINUTE, 30)
    after.minutes(NOON + 120 * MINUTE, 30)
    (last,) = after.made
    assert last.key == first.key.replace("silent", "back")
    assert last.text.startswith(
        "Readings arrive again since 14:01. They were missing for 1 h 31 min"
    )


def test_two_meters_have_notifications_of_their_own_and_one_budget() -> None:
    composer = Composer(settings(a_day=2))
    solar = WatchedMeter("Solar", "solar", late_s=60.0)
    streams = [_Stream(composer), _Stream(composer, solar)]
    for place, size in enumerate((2.0, 3.0)):
        for stream in streams:
            at = NOON + 60 * place * MINUTE
            stream.take(step(at, anomaly(at, size + 5.0 * (stream is streams[1]))))
    made = [each for stream in streams for each in stream.made]
    assert sum(each.state == Notification.WAITING for each in made) == 2
    assert len({*keys(made)}) == 4
