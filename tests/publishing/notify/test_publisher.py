"""Tests of the publisher: its threads, recordings, restarts and failures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RecordError, UsageError
from streamer.publishing import WatchedMeter
from streamer.publishing.background import Background, MeterSink
from streamer.publishing.notify.publisher import Notifier
from streamer.readings import MINUTE, Notice, Reading
from streamer.recording.notifications import Kept, KeptNotifications, Notification
from tests.publishing.notify.conftest import HOUSE, NOON, FakeReceiver, anomaly, settings, step
from tests.recording.conftest import House


class _Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


class _Running:
    """A notifier in the background, and the recording of its meter."""

    def __init__(
        self,
        *receivers: FakeReceiver,
        path: Path | None = None,
        clock: _Clock | None = None,
        kept: Callable[[KeptNotifications], KeptNotifications] = lambda kept: kept,
        **options: Any,
    ) -> None:
        self.clock = _Clock() if clock is None else clock
        self.notices: list[Notice] = []
        self._ending = ExitStack()
        self.background = Background(
            lambda report: [
                Notifier(
                    settings(**options),
                    report,
                    now=self.clock,
                    receivers=lambda _: receivers,
                    check_s=0.01,
                )
            ],
            now=self.clock,
            retry_s=(0.0,),
        )
        self.background.start()
        self.background.report_to(self.notices.append)
        self.meter: WatchedMeter = replace(HOUSE, record=path)
        self.sink: MeterSink = self.background.sink(self.meter)
        self.house: House | None = None
        if path is not None:
            self.house = House(path)
            kept_in = kept(KeptNotifications(path, self.house.recorder.keep))
            self._ending.callback(self.house.close)
            self._ending.enter_context(self.background.keeping(self.meter, kept_in))

    def close(self) -> None:
        self._ending.close()
        self.background.close()

    def pass_time_until(self, done: Callable[[], bool]) -> None:
        """Let the clock run, fast, until something has happened."""
        for _ in range(4000):
            if done():
                return
            self.clock.at += timedelta(seconds=10)
            threading.Event().wait(0.005)
        raise AssertionError("it has not happened")

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.notices]


@contextmanager
def _running(*receivers: FakeReceiver, **options: Any) -> Iterator[_Running]:
    running = _Running(*receivers, **options)
    try:
        yield running
    finally:
        running.close()


def _recorded(path: Path) -> dict[str, str]:
    """The states of the recorded notifications, by key."""
    kept = KeptNotifications(path, lambda _: False).read(0, 0)
    return {each.key: each.state for each in kept.notifications if each.kind != "first"}


KEY = f"house:anomaly:{int(NOON.timestamp())}"


def test_all_receivers_get_it_once_and_that_is_recorded(db: Path) -> None:
    one, two = FakeReceiver("one"), FakeReceiver("two")
    with _running(one, two, path=db) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        one.wait(taken=1)
        two.wait(taken=1)
    assert (one.taken, two.taken) == ([KEY], [KEY])
    assert _recorded(db) == {KEY: Notification.SENT}
    assert running.texts == []


def test_it_is_recorded_before_it_is_sent(db: Path) -> None:
    found: list[str] = []
    receiver = FakeReceiver(before=lambda message: found.append(_recorded(db)[message.key]))
    with _running(receiver, path=db) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        receiver.wait(taken=1)
    assert found == [Notification.WAITING]


def test_it_waits_for_the_disk(db: Path) -> None:
    begun, release = threading.Event(), threading.Event()

    class Slow(KeptNotifications):
        def write(self, notifications: Iterable[Notification]) -> bool:
            found = list(notifications)
            if any(each.key == KEY for each in found):
                begun.set()
                assert release.wait(20)
            return super().write(found)

    receiver = FakeReceiver()
    with _running(receiver, path=db, kept=lambda kept: Slow(db, kept._keep)) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        assert begun.wait(20)
        threading.Event().wait(0.05)  # enough for the publisher to look for what it may send
        assert receiver.asked == 0
        release.set()
        receiver.wait(taken=1)


def test_a_dead_receiver_is_reported_once_and_so_is_its_recovery(db: Path) -> None:
    dead, well = FakeReceiver("dead"), FakeReceiver("well")
    dead.dead = True
    with _running(dead, well, path=db) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        dead.wait(asked=1)
        running.pass_time_until(lambda: dead.asked >= 4)
        dead.dead = False
        running.pass_time_until(lambda: bool(dead.taken))
        well.wait(taken=1)
    assert (dead.taken, well.taken) == ([KEY], [KEY])
    assert running.notices == [
        Notice(
            Notice.WARNING,
            "notifications: dead: it does not answer, or refuses; 1 notification to be sent later",
        ),
        Notice(Notice.EVENT, "notifications: dead takes them again"),
    ]
    assert _recorded(db) == {KEY: Notification.SENT}


def test_what_waits_outlives_the_program(db: Path) -> None:
    receiver, clock = FakeReceiver(), _Clock()
    receiver.dead = True
    with _running(receiver, path=db, clock=clock) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        receiver.wait(asked=1)
    assert _recorded(db) == {KEY: Notification.WAITING}
    receiver.dead = False
    clock.at += timedelta(hours=3)
    for _ in range(2):
        with _running(receiver, path=db, clock=clock) as running:
            receiver.wait(taken=1)
            # The stream begins again with the same minute, as after a rewind.
            running.sink.write(step(NOON, anomaly(NOON)))
            clock.at += timedelta(hours=1)
    assert receiver.taken == [KEY]
    assert _recorded(db) == {KEY: Notification.SENT}


def test_without_a_recording_they_are_sent_and_one_notice_names_the_price() -> None:
    receiver = FakeReceiver()
    with _running(receiver) as running:
        for minute in range(3):
            at = NOON + minute * MINUTE
            running.sink.write(step(at, anomaly(at, 2.0 + minute)))
        receiver.wait(taken=3)
    (text,) = running.texts
    assert text.startswith("notifications about House are kept in memory alone, since nothing is")


def test_a_recording_that_cannot_be_written_holds_nothing_up(db: Path) -> None:
    receiver = FakeReceiver()
    with _running(receiver, path=db) as running:
        assert running.house is not None
        store = running.house.recorder._target.store
        assert store is not None
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        for minute in range(3):
            at = NOON + minute * MINUTE
            running.sink.write(step(at, replace(anomaly(at, 2.0 + minute), text="x" * 900)))
        receiver.wait(taken=3)
        store.connection.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        running.house.now += 60.0
    assert set(_recorded(db).values()) == {Notification.SENT}


def test_a_recording_that_cannot_be_read_is_reported_and_they_continue(db: Path) -> None:
    class Unreadable(KeptNotifications):
        def read(self, since: int, alarms_since: int) -> Kept:
            raise RecordError("house.db: it is locked by another program")

    receiver = FakeReceiver()
    with _running(receiver, path=db, kept=lambda kept: Unreadable(db, kept._keep)) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        receiver.wait(taken=1)
    assert running.texts == [
        "notifications continue without the former ones: house.db: it is locked by another program"
    ]
    assert _recorded(db) == {KEY: Notification.SENT}


def test_an_attempt_that_is_under_way_at_the_end_is_recorded(db: Path) -> None:
    begun, release = threading.Event(), threading.Event()

    def slowly(_: Notification) -> None:
        begun.set()
        assert release.wait(20)

    receiver = FakeReceiver(before=slowly)
    running = _Running(receiver, path=db)
    running.sink.write(step(NOON, anomaly(NOON)))
    assert begun.wait(20)
    threading.Timer(0.05, release.set).start()
    running.close()
    assert receiver.taken == [KEY]
    assert _recorded(db) == {KEY: Notification.SENT}


def test_what_comes_at_the_very_end_is_kept_for_the_next_start(db: Path) -> None:
    receiver = FakeReceiver()
    running = _Running(receiver, path=db)
    running.background._wait_for(_pause(running))
    running.sink.write(step(NOON, anomaly(NOON)))
    running.close()
    assert (receiver.taken, _recorded(db)) == ([], {KEY: Notification.WAITING})
    with _running(receiver, path=db):
        receiver.wait(taken=1)
    assert receiver.taken == [KEY]


async def _pause(running: _Running) -> None:
    (notifier,) = running.background._publishers
    assert isinstance(notifier, Notifier)
    notifier._paused.add("house")


def test_the_summary_of_yesterday_is_sent_once_also_after_restarts(db: Path) -> None:
    house = House(db)
    house.watch(
        Reading(NOON - timedelta(days=1) + minute * MINUTE, 0.5 + 0.1 * (minute % 3))
        for minute in range(600)
    )
    house.close()
    receiver, clock = FakeReceiver(), _Clock()
    for _ in range(3):
        with _running(receiver, path=db, clock=clock, summary=time(7)):
            receiver.wait(taken=1)
        clock.at += timedelta(hours=1)
    assert receiver.taken == ["house:summary:2026-03-01"]
    with _running(receiver, path=db, clock=clock, summary=time(7)):
        clock.at += timedelta(days=1)
        # Nothing was measured on the second day, which is recorded, and not sent.
        receiver.wait(taken=1)
    assert receiver.taken == ["house:summary:2026-03-01"]


def test_a_receiver_that_fails_unexpectedly_is_reported_and_tried_again(db: Path) -> None:
    failures = [ValueError("odd")]

    def fail(_: Notification) -> None:
        if failures:
            raise failures.pop()

    receiver = FakeReceiver(before=fail)
    with _running(receiver, path=db) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        receiver.wait(taken=1)
    assert receiver.taken == [KEY]
    assert running.texts == ["notifications: odd"]


def test_one_that_fails_unexpectedly_does_not_make_another_get_it_twice(db: Path) -> None:
    begun, release, failures = threading.Event(), threading.Event(), [ValueError("odd")]

    def slowly(_: Notification) -> None:
        begun.set()
        assert release.wait(20)

    def fail(_: Notification) -> None:
        assert begun.wait(20)
        if failures:
            raise failures.pop()

    slow, failing = FakeReceiver("slow", before=slowly), FakeReceiver("failing", before=fail)
    with _running(slow, failing, path=db) as running:
        running.sink.write(step(NOON, anomaly(NOON)))
        # It is sent again, while the attempt of the other one is still under way.
        failing.wait(taken=1)
        release.set()
        slow.wait(taken=1)
    assert (slow.taken, failing.taken) == ([KEY], [KEY])
    assert _recorded(db) == {KEY: Notification.SENT}


def test_a_wrong_address_keeps_the_program_from_starting() -> None:
    def wrong(_: object) -> list[FakeReceiver]:
        raise UsageError("urls, entry 1: wrong")

    background = Background(lambda report: [Notifier(settings(), report, receivers=wrong)])
    with pytest.raises(UsageError, match="entry 1: wrong"):
        background.start()
