"""Tests of the history of the dashboard and its snapshots."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta, timezone

from streamer.history import (
    ALARM,
    GAP,
    MAX_ENTRIES,
    MAX_STEPS,
    OVER,
    History,
    LogEntry,
)
from streamer.readings import MINUTE, Alarm, Link, Notice, Sample
from streamer.sinks.items import About
from tests.dashboard.samples import (
    ABOUT,
    IN_SAMPLE,
    START,
    SUMMER,
    VITALS,
    alarming,
    house,
    make_steps,
    snapshot,
    zoned,
)


def test_the_first_snapshot_is_empty() -> None:
    empty = History().snapshot()
    assert empty.about is None
    assert empty.last is None
    assert not empty.ended


def test_gaps_are_logged_at_their_first_missing_minute() -> None:
    events = snapshot(make_steps(house(4), gaps={1: 1, 2: 2, 3: 1200})).events
    assert events == (
        LogEntry(GAP, "gap of 1 minute skipped", START + 2 * MINUTE),
        LogEntry(GAP, "gap of 2 minutes skipped", START + 4 * MINUTE),
        LogEntry(GAP, "gap of 1,200 minutes, buffer emptied", START + 7 * MINUTE),
    )


def test_an_alarm_is_logged_when_it_is_raised_and_when_it_is_over() -> None:
    steps = make_steps(house(10))
    odd = Alarm(Alarm.ANOMALY, steps[2].reading.at, "9 kW where 1 was expected", 2.0)
    stuck = Alarm(Alarm.STUCK, steps[4].reading.at, "the same for 9 readings", 1.0)
    steps = alarming(alarming(steps, odd, lasts=3), stuck, lasts=4)
    assert snapshot(steps).events == (
        LogEntry(ALARM, "anomaly: 9 kW where 1 was expected", odd.at),
        LogEntry(ALARM, "stuck: the same for 9 readings", stuck.at),
        LogEntry(OVER, "over: anomaly since 22:43", steps[5].reading.at),
        LogEntry(OVER, "over: stuck since 22:45", steps[8].reading.at),
    )


def test_an_alarm_that_follows_another_of_its_kind_is_logged_separately() -> None:
    steps = make_steps(house(6))
    for index in (1, 3):
        alarm = Alarm(Alarm.ANOMALY, steps[index].reading.at, "odd", 2.0)
        steps = alarming(steps, alarm, lasts=2)
    kinds = [(event.kind, event.at) for event in snapshot(steps).events]
    assert kinds == [
        (ALARM, steps[1].reading.at),
        (OVER, steps[3].reading.at),
        (ALARM, steps[3].reading.at),
        (OVER, steps[5].reading.at),
    ]


def test_an_alarm_that_was_on_before_the_first_step_keeps_its_time() -> None:
    alarm = Alarm(Alarm.DRIFT, START - 600 * MINUTE, "the errors have doubled", 1.2)
    first, second = make_steps(house(2))
    found = snapshot([replace(first, alarms=(alarm,)), second])
    assert found.events == (
        LogEntry(ALARM, "drift: the errors have doubled", alarm.at),
        LogEntry(OVER, "over: drift since 12:40", second.reading.at),
    )


def test_notices_are_counted_by_kind_and_logged() -> None:
    found = snapshot(
        notices=[
            Notice(Notice.MALFORMED, "first"),
            Notice(Notice.MALFORMED, "more", count=41),
            Notice(Notice.ABSURD, "huge", START),
        ]
    )
    assert found.tallies == {Notice.MALFORMED: 42, Notice.ABSURD: 1}
    assert [event.text for event in found.events] == ["first", "more", "huge"]
    assert [event.at for event in found.events] == [None, None, START]


def test_a_notice_without_a_time_gets_that_of_the_last_reading() -> None:
    steps = make_steps(house(3))
    found = snapshot(steps, notices=[Notice(Notice.EVENT, "hello")])
    assert found.events[-1].at == steps[-1].reading.at


def test_in_sample_needs_a_scored_minute() -> None:
    assert not snapshot(make_steps(house(49)), about=IN_SAMPLE).in_sample
    assert snapshot(make_steps(house(50)), about=IN_SAMPLE).in_sample
    assert not snapshot(make_steps(house(50)), about=ABOUT).in_sample


def test_in_sample_stays_once_the_span_is_left() -> None:
    steps = make_steps(house(60))
    about = About("s", "m", START, steps[49].reading.at)
    assert snapshot(steps, about=about).in_sample


def test_memory_is_bounded() -> None:
    history = History()
    for step in make_steps(house(MAX_STEPS + 5), gaps=dict.fromkeys(range(MAX_ENTRIES + 5), 1)):
        history.write(step)
    found = history.snapshot()
    assert len(found.steps) == MAX_STEPS
    assert len(found.events) == MAX_ENTRIES


def test_the_version_changes_with_every_item() -> None:
    history = History()
    versions = [history.version]
    for item in (ABOUT, *make_steps([1.0]), VITALS, Notice(Notice.EVENT, "x")):
        history.write(item)
        versions.append(history.version)
    history.end()
    versions.append(history.version)
    assert len(set(versions)) == len(versions)
    assert history.snapshot().ended


def test_a_snapshot_is_immutable_and_may_be_taken_from_another_thread() -> None:
    history = History()
    steps = make_steps(house(MAX_STEPS + 500))
    taken = []

    def write() -> None:
        for step in steps:
            history.write(step)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while writer.is_alive():
        taken.append(history.snapshot())
    writer.join()
    taken.append(history.snapshot())
    for found in taken:
        times = [step.reading.at for step in found.steps]
        assert times == sorted(times)
    assert taken[-1].steps == tuple(steps[-MAX_STEPS:])


def test_a_lost_connection_is_logged_when_it_is_lost_and_when_it_is_back() -> None:
    history = History()
    start = START.replace(tzinfo=SUMMER)
    for minute, state in enumerate((Link.UP, Link.LOST, Link.LOST, Link.UP, Link.SILENT, Link.UP)):
        since = start + minute * MINUTE
        text = "connection refused" if state == Link.LOST else ""
        history.write(Link(state, "broker", text, since))
    assert history.snapshot().events == (
        LogEntry(Link.LOST, "broker away: connection refused", start + MINUTE),
        LogEntry(Link.UP, "broker back after 2 min", start + 3 * MINUTE),
        LogEntry(Link.SILENT, "meter silent", start + 4 * MINUTE),
        LogEntry(Link.UP, "meter heard again after 1 min", start + 5 * MINUTE),
    )


def test_the_reason_of_an_outage_does_not_repeat_the_source() -> None:
    history = History()
    for item in (ABOUT, Link(Link.LOST, "broker", f"{ABOUT.source}: connection refused")):
        history.write(item)
    assert history.link == Link(Link.LOST, "broker", "connection refused")
    assert history.snapshot().events[-1].text == "broker away: connection refused"


def test_a_lost_connection_discards_the_latest_sample() -> None:
    history = History()
    history.write(Sample(1.5))
    assert history.snapshot().sample == history.sample == Sample(1.5)
    for state in (Link.LOST, Link.UP):
        history.write(Link(state))
        assert history.snapshot().sample is None
        assert history.snapshot().link == history.link == Link(state)


def test_a_gap_over_a_clock_change_begins_in_the_zone_before_it() -> None:
    winter = timezone(timedelta(hours=1))
    before, after = zoned(make_steps(house(2), gaps={1: 90}))
    at = before.reading.at + 91 * MINUTE
    after = replace(after, reading=replace(after.reading, at=at.astimezone(winter)))
    (event,) = snapshot([before, after]).events
    assert event.at == before.reading.at + MINUTE
    assert event.at.utcoffset() == timedelta(hours=2)


def test_recorded_steps_may_precede_the_live_ones() -> None:
    about = About("s", "m", START, START + 3000 * MINUTE)
    found = snapshot(zoned(make_steps(house(1000), gaps={500: 30})), about=about)
    assert found.in_sample
    assert found.last is not None
    assert found.events[0].at == START.replace(tzinfo=SUMMER) + 501 * MINUTE


def test_minutes_of_a_clock_that_was_ahead_are_replaced() -> None:
    steps = make_steps(house(6))
    history = History()
    for step in (*steps[:3], steps[5], steps[4], steps[3]):
        history.write(step)
    assert history.snapshot().steps == tuple(steps[:4])
