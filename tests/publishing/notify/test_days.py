"""Weeks of minutes with alarms, outages, dead receivers and restarts, on a simulated clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from streamer.publishing.notify.budget import DAY_S, LIMITS, MONTH_S
from streamer.publishing.notify.composer import Composer
from streamer.publishing.notify.queue import Queue
from streamer.publishing.notify.settings import ANOMALY, BACK, PEAK, SILENT
from streamer.publishing.state import MeterState, next_state
from streamer.readings import MINUTE, Alarm, Step
from streamer.recording.notifications import Kept, Notification, RecordedAlarm
from tests.publishing.notify.conftest import HOUSE, NOON, FakeReceiver, anomaly, settings, step

DAYS = 12
METER = replace(HOUSE, record=Path("house.db"))


class _Program:
    """One life of the program, with what the lives before it have recorded."""

    def __init__(self, recorded: dict[str, Notification], alarms: list[RecordedAlarm]) -> None:
        self.recorded, self.alarms = recorded, alarms
        self.composer = Composer(settings(a_day=2, a_month=8))
        self.queue = Queue(["one", "two"])
        self.state = MeterState(METER)

    def start(self, now: datetime) -> None:
        kept = Kept(list(self.recorded.values()), self.alarms[-20:], None)
        self.queue.restore(kept.notifications)
        self.add(self.composer.restore(METER, kept, now))

    def take(self, item: Step, now: datetime) -> None:
        self.state = next_state(self.state, item, now)
        self.add(self.composer.take(self.state, item, now))

    def add(self, made: list[Notification]) -> None:
        for each in made:
            self.queue.add(each)

    def deliver(self, receivers: list[FakeReceiver], now_s: float) -> None:
        self.write()
        for receiver in receivers:
            while (found := self.queue.next(receiver.id, now_s)) is not None:
                assert now_s < found.expires
                if receiver.send(found) is None:
                    self.queue.delivered(found.key, receiver.id, now_s)
                else:
                    self.queue.failed(found.key, receiver.id, now_s)
                self.write()

    def write(self) -> None:
        for each in self.queue.take_changed():
            self.composer.update(each)
            self.recorded[each.key] = each


class _House:
    """A house whose meter comes and goes, with alarms, and receivers that are dead for hours.

    Attributes:
        alarms: the alarms so far, which are recorded.
        recorded: the notifications as they are recorded.
    """

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._silent_for = 0
        self.alarms: list[RecordedAlarm] = []
        self.recorded: dict[str, Notification] = {}
        self.receivers = [FakeReceiver("one"), FakeReceiver("two")]
        self._start(NOON)

    def live(self) -> None:
        """All minutes; nobody is dead on the last day."""
        for minute in range(1, DAYS * 1440):
            now = NOON + minute * MINUTE
            if minute % 1440 == 0 and minute < (DAYS - 1) * 1440:
                dead = self._chance.integers(0, 3)
                for place, receiver in enumerate(self.receivers):
                    receiver.dead = place == dead
            elif minute % 1440 == 400:
                for receiver in self.receivers:
                    receiver.dead = False
            self._pass(now)

    def _start(self, now: datetime) -> None:
        """A new life of the program, which knows what is recorded."""
        self._program = _Program(self.recorded, self.alarms)
        self._program.start(now)

    def _pass(self, now: datetime) -> None:
        if self._chance.random() < 2e-3:
            self._silent_for = int(self._chance.integers(1, 60))
        self._silent_for -= 1
        if self._silent_for < 0:
            self._read(now - MINUTE, now)
        for at in (now, now + timedelta(seconds=30)):
            self._program.add(self._program.composer.check(at))
        self._program.deliver(self.receivers, now.timestamp())

    def _read(self, at: datetime, now: datetime) -> None:
        """A reading, which is recorded, and the program's look at it."""
        end = at + 10 * MINUTE
        raised = self._raised(at)
        self.alarms += [
            RecordedAlarm(each.kind, at, each.text, each.size, int(end.timestamp()))
            for each in raised
        ]
        # It may be killed between the recording of a minute and its notifications.
        if self._chance.random() < (0.3 if raised else 1e-3):
            self._start(now)
        else:
            self._program.take(step(at, *raised, end=end), now)

    def _raised(self, at: datetime) -> list[Alarm]:
        found = []
        if self._chance.random() < 6e-3:
            found.append(anomaly(at, 1.0 + float(self._chance.exponential())))
        if self._chance.random() < 1.5e-3:
            found.append(Alarm(Alarm.PEAK, at, "peak", 1.5))
        return found


def test_weeks_of_everything() -> None:
    house = _House(seed=1)
    house.live()
    made = [each for each in house.recorded.values() if each.kind != "first"]
    decided = Counter(each.kind for each in made)
    raised = Counter(each.kind for each in house.alarms)
    # Each alarm was decided on, once.
    assert decided[ANOMALY] == raised[Alarm.ANOMALY] > 50
    assert decided[PEAK] == raised[Alarm.PEAK] > 10
    assert decided[SILENT] > 5
    assert decided[SILENT] - decided[BACK] in (0, 1)
    # What was sent was sent once to each. Only peak alarms are dropped, since nobody was dead for
    # a day.
    states = Counter((each.kind, each.state) for each in made)
    assert states[ANOMALY, Notification.SENT] >= 4
    assert {kind for kind, state in states if state == Notification.EXPIRED} == {PEAK}
    assert not [each for each in made if each.state == Notification.WAITING]
    sent = {each.key for each in made if each.state == Notification.SENT}
    for receiver in house.receivers:
        assert max(Counter(receiver.taken).values()) == 1
        assert sent <= {*receiver.taken}
    for kind, limits in {**LIMITS, ANOMALY: (2, 8)}.items():
        let_through = [each for each in made if each.state != Notification.WITHHELD]
        times = [each.created for each in let_through if each.kind == kind]
        for span, most in zip((DAY_S, MONTH_S), limits, strict=True):
            assert all(sum(at - span < each <= at for each in times) <= most for at in times)
