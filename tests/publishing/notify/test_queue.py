"""Tests of the queue: order, receivers that fail, and what is of no use any longer."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streamer.publishing.notify.queue import RETRY_S, URGENT_RETRY_S, Queue
from streamer.publishing.notify.settings import ANOMALY, PEAK, SUMMARY
from streamer.recording.notifications import Delivery, Notification
from tests.publishing.notify.conftest import FakeReceiver

NOW = 1_772_000_000
DAY_S = 86_400


def _notification(
    key: str, kind: str = ANOMALY, at: int = NOW, useful_s: int = DAY_S
) -> Notification:
    return Notification(f"house:{key}", kind, at, at + useful_s, key, key)


def _pass_on(queue: Queue, receiver: FakeReceiver, now: float) -> None:
    """Send all that is due."""
    while (found := queue.next(receiver.id, now)) is not None:
        if receiver.send(found) is None:
            queue.delivered(found.key, receiver.id, now)
        else:
            queue.failed(found.key, receiver.id, now)


def test_each_receiver_gets_all_in_order_and_urgent_ones_first() -> None:
    queue, receiver = Queue(["fake"]), FakeReceiver()
    for key, kind in (("a", ANOMALY), ("b", SUMMARY), ("c", PEAK)):
        queue.add(_notification(key, kind))
    _pass_on(queue, receiver, NOW)
    assert receiver.taken == ["house:c", "house:a", "house:b"]
    assert [each.state for each in queue.take_changed()] == [Notification.SENT] * 3
    assert queue.take_changed() == []


def test_one_that_fails_holds_up_no_other_and_gets_nothing_twice() -> None:
    queue, dead, well = Queue(["dead", "well"]), FakeReceiver("dead"), FakeReceiver("well")
    dead.dead = True
    queue.add(_notification("a"))
    for minute in range(60):
        if minute == 30:
            queue.add(_notification("b"))
        for receiver in (dead, well):
            _pass_on(queue, receiver, NOW + 60 * minute)
    assert (well.taken, well.asked) == (["house:a", "house:b"], 2)
    assert dead.asked <= 12
    dead.dead = False
    for minute in range(60, 72):
        for receiver in (dead, well):
            _pass_on(queue, receiver, NOW + 60 * minute)
    assert (dead.taken, well.asked) == (["house:a", "house:b"], 2)
    assert queue.waiting_for("dead") == queue.waiting_for("well") == 0


def test_the_waits_grow_and_an_urgent_one_does_not_wait() -> None:
    queue, receiver = Queue(["fake"]), FakeReceiver()
    receiver.dead = True
    queue.add(_notification("a"))
    now, waits = float(NOW), []
    for _ in range(len(RETRY_S) + 2):
        _pass_on(queue, receiver, now)
        waits.append(queue.due_in("fake", now))
        now += waits[-1]
    assert waits == [*RETRY_S, RETRY_S[-1], RETRY_S[-1]]
    _pass_on(queue, receiver, now)
    asked = receiver.asked
    queue.add(_notification("peak", PEAK, int(now) + 5, useful_s=600))
    assert queue.due_in("fake", now + 5) == 0.0
    _pass_on(queue, receiver, now + 5)
    assert receiver.asked == asked + 1
    assert queue.due_in("fake", now + 5) == URGENT_RETRY_S


def test_what_is_of_no_use_is_given_up_and_counted() -> None:
    queue, receiver = Queue(["fake"]), FakeReceiver()
    receiver.dead = True
    queue.add(_notification("peak", PEAK, useful_s=300))
    queue.add(_notification("a"))
    _pass_on(queue, receiver, NOW)
    receiver.dead = False
    _pass_on(queue, receiver, NOW + 300)
    assert receiver.taken == ["house:a"]
    assert queue.expired == 1
    states = {each.key: each.state for each in queue.take_changed()}
    assert states == {"house:peak": Notification.EXPIRED, "house:a": Notification.SENT}


def test_one_that_is_taken_after_its_end_changes_nothing() -> None:
    queue = Queue(["fake"])
    queue.add(_notification("peak", PEAK, useful_s=300))
    queue.expire(NOW + 300)
    queue.delivered("house:peak", "fake", NOW + 301)
    assert [each.state for each in queue.take_changed()] == [Notification.EXPIRED]


def test_what_waited_before_a_restart_is_sent_to_those_who_have_not_got_it() -> None:
    waiting = replace(
        _notification("a"), deliveries=(Delivery("one", 1, NOW), Delivery("two", 3, None))
    )
    sent = replace(_notification("b"), state=Notification.SENT)
    queue = Queue(["one", "two", "new"])
    queue.restore([waiting, sent])
    assert queue.next("one", NOW) is queue.next("new", NOW) is None
    found = queue.next("two", NOW)
    assert found is not None
    queue.delivered(found.key, "two", NOW + 1)
    (changed,) = queue.take_changed()
    assert changed.state == Notification.SENT
    assert changed.deliveries == (Delivery("one", 1, NOW), Delivery("two", 4, NOW + 1))


def test_one_that_is_withheld_has_no_receivers() -> None:
    queue = Queue(["fake"])
    queue.add(replace(_notification("a"), state=Notification.WITHHELD))
    assert queue.next("fake", NOW) is None
    assert queue.due_in("fake", NOW) == math.inf
    (changed,) = queue.take_changed()
    assert not changed.deliveries


def test_those_of_a_meter_may_be_paused() -> None:
    queue = Queue(["fake"])
    queue.add(_notification("a"))
    assert queue.next("fake", NOW, paused={"house"}) is None
    assert queue.due_in("fake", NOW, paused={"house"}) == math.inf
    assert queue.next("fake", NOW, paused={"solar"}) is not None


_OUTAGES = st.lists(st.integers(0, 600), max_size=8).map(sorted)


@given(
    outages=st.tuples(_OUTAGES, _OUTAGES),
    made=st.lists(st.integers(0, 500), max_size=25, unique=True),
    restarts=st.lists(st.integers(0, 700), max_size=4),
)
def test_each_is_sent_once_to_each_and_none_is_lost(
    outages: tuple[list[int], list[int]], made: list[int], restarts: list[int]
) -> None:
    receivers = [FakeReceiver("one"), FakeReceiver("two")]
    queue = Queue(["one", "two"])
    recorded: dict[str, Notification] = {}
    for minute in range(1000):
        now = NOW + 60 * minute
        for receiver, changes in zip(receivers, outages, strict=True):
            # From one time to the next it is dead, and then well again; at the end it is well.
            receiver.dead = minute < 600 and sum(at <= minute for at in changes) % 2 == 1
        if minute in restarts:
            queue = Queue(["one", "two"])
            queue.restore(recorded.values())
        if minute in made:
            queue.add(_notification(f"{minute}", at=now))
        for receiver in receivers:
            _pass_on(queue, receiver, now)
        recorded.update((each.key, each) for each in queue.take_changed())
    wanted = [f"house:{minute}" for minute in sorted(made)]
    assert [receiver.taken for receiver in receivers] == [wanted, wanted]
    assert all(each.state == Notification.SENT for each in recorded.values())
