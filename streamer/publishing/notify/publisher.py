"""Publisher of notifications: made of the streams, kept in the recordings, sent by threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from itertools import groupby

from streamer.display.lines import error_line, one_line
from streamer.display.numbers import plural
from streamer.errors import RecordError
from streamer.publishing import Report, WatchedMeter
from streamer.publishing.notify.budget import DAY_S
from streamer.publishing.notify.composer import Composer
from streamer.publishing.notify.queue import Queue, meter_of
from streamer.publishing.notify.receivers import Receiver, open_receivers
from streamer.publishing.notify.settings import NotifySettings
from streamer.publishing.notify.summary import DaySummary, summarise
from streamer.publishing.notify.threads import in_thread
from streamer.publishing.state import MeterState
from streamer.readings import Notice
from streamer.recording.days import read_day
from streamer.recording.notifications import KeptNotifications, Notification
from streamer.sinks import Item

_KEPT_S = 400 * DAY_S
"""Seconds for which former notifications count for the limits of new ones."""

_CHECK_S = 5.0
_CLOSE_S = 2.0

_NOT_KEPT = (
    "are kept in memory alone, since nothing is recorded (--record): after a restart, those that "
    "still wait are lost, and the limits begin anew"
)


class Notifier:
    """Makes notifications, and delivers each to each receiver once.

    A notification is recorded before the first attempt to send it, and again after each attempt.
    So after a kill, it is sent once more only if that fell between the receiver's taking it and
    the record of that.

    Args:
        settings: who receives which notifications.
        report: takes what the user should know.
        now: the present time with a zone.
        receivers: makes the receivers.
        check_s: seconds between two looks at the clock.
    """

    def __init__(
        self,
        settings: NotifySettings,
        report: Report,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        receivers: Callable[[NotifySettings], Sequence[Receiver]] = open_receivers,
        check_s: float = _CHECK_S,
    ) -> None:
        self._settings, self._report, self._now = settings, report, now
        self._open, self._check_s = receivers, check_s
        self._composer = Composer(settings)
        self._receivers: Sequence[Receiver] = ()
        self._queue = Queue(())
        self._kept: dict[str, KeptNotifications] = {}
        self._paused: set[str] = set()
        self._not_kept: set[str] = set()
        self._no_summary = ""
        self._news: dict[str, asyncio.Event] = {}
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._writing, self._added = asyncio.Lock(), asyncio.Event()

    @property
    def name(self) -> str:
        """What it publishes to, for messages."""
        return "notifications"

    async def start(self) -> None:
        """Make the receivers.

        Raises:
            UsageError: an address is wrong, or apprise is not installed.
        """
        self._receivers = await in_thread(lambda: self._open(self._settings))
        self._queue = Queue([receiver.id for receiver in self._receivers])
        self._news = {receiver.id: asyncio.Event() for receiver in self._receivers}

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        tasks = [asyncio.create_task(self._deliver_to(each)) for each in self._receivers]
        tasks += [asyncio.create_task(self._watch_clock()), asyncio.create_task(self._keep_new())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item that has led to it."""
        meter = state.meter
        if meter.record is None and meter.key not in self._not_kept:
            self._not_kept.add(meter.key)
            text = f"{self.name} about {one_line(meter.name)} {_NOT_KEPT}"
            self._report(Notice(Notice.EVENT, text))
        self._add(self._composer.take(state, item, self._now()))

    async def keep(self, meter: WatchedMeter, kept: KeptNotifications) -> None:
        """Keep the notifications about a meter in its recording, and continue the former ones."""
        now = self._now()
        seconds = int(now.timestamp())
        self._kept[meter.key] = kept
        self._paused.discard(meter.key)
        try:
            found = await in_thread(lambda: kept.read(seconds - _KEPT_S, seconds - DAY_S))
        except RecordError as error:
            text = f"notifications continue without the former ones: {one_line(error)}"
            self._report(Notice(Notice.WARNING, text))
            self._composer.begin(meter, now)
            return
        self._queue.restore(found.notifications)
        self._add(self._composer.restore(meter, found, now))
        self._wake()

    async def release(self, meter: WatchedMeter) -> None:
        """Write what has changed before the recording of a meter ends; what waits stays in it."""
        self._paused.add(meter.key)
        await self._finish_attempts()
        await self._write()
        self._kept.pop(meter.key, None)

    async def close(self) -> None:
        """Let attempts that are under way end, if that does not take long."""
        await self._finish_attempts()
        await self._write()

    async def _finish_attempts(self) -> None:
        if self._attempts:
            await asyncio.wait(self._attempts.values(), timeout=_CLOSE_S)

    def _add(self, notifications: Iterable[Notification]) -> None:
        for notification in notifications:
            self._queue.add(notification)
            self._added.set()
            self._wake()

    def _wake(self) -> None:
        for event in self._news.values():
            event.set()

    async def _write(self) -> None:
        """Write all changes to the recordings, and wait for that."""
        async with self._writing:
            changed = self._queue.take_changed()
            for each in changed:
                self._composer.update(each)
            changed.sort(key=lambda each: meter_of(each.key))
            for meter, group in groupby(changed, key=lambda each: meter_of(each.key)):
                kept, rows = self._kept.get(meter), list(group)
                if kept is not None:
                    # A recording that cannot be written now holds nothing up: the recorder
                    # reports it, and writes them later.
                    await in_thread(partial(kept.write, rows))

    async def _deliver_to(self, receiver: Receiver) -> None:
        """Send what waits for a receiver, one after another."""
        news = self._news[receiver.id]
        while True:
            await self._write()
            # An attempt ends, and is recorded, even if this task is cancelled meanwhile: then it
            # may still be under way when this begins anew.
            attempt = self._attempts.get(receiver.id)
            if attempt is None:
                now = self._now().timestamp()
                news.clear()
                notification = self._queue.next(receiver.id, now, paused=self._paused)
                if notification is None:
                    due_s = self._queue.due_in(receiver.id, now, paused=self._paused)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), min(due_s, self._check_s))
                    continue
                attempt = asyncio.create_task(self._attempt(receiver, notification))
                self._attempts[receiver.id] = attempt
            await asyncio.shield(attempt)

    async def _attempt(self, receiver: Receiver, notification: Notification) -> None:
        """Send a notification, and record whether the receiver has taken it."""
        try:
            reason = await in_thread(lambda: receiver.send(notification))
            now = self._now().timestamp()
            if reason is None:
                failures = self._queue.delivered(notification.key, receiver.id, now)
                await self._write()
                if failures:
                    text = f"{self.name}: {receiver.name} takes them again"
                    self._report(Notice(Notice.EVENT, text))
            elif self._queue.failed(notification.key, receiver.id, now) == 1:
                waiting = plural(self._queue.waiting_for(receiver.id), "notification")
                text = f"{self.name}: {receiver.name}: {reason}; {waiting} to be sent later"
                self._report(Notice(Notice.WARNING, text))
        finally:
            del self._attempts[receiver.id]

    async def _keep_new(self) -> None:
        """Write new notifications at once, also while all receivers are busy."""
        while True:
            await self._added.wait()
            self._added.clear()
            await self._write()

    async def _watch_clock(self) -> None:
        """Make what is due by the clock, and give up what is of no use any longer."""
        while True:
            now = self._now()
            self._add(self._composer.check(now))
            for meter, day in self._composer.due_summaries(now):
                await self._summarise(meter, day)
            self._queue.expire(now.timestamp())
            await self._write()
            await asyncio.sleep(self._check_s)

    async def _summarise(self, meter: WatchedMeter, day: date) -> None:
        expired = self._composer.expired_on(meter, day)
        remembered = self._composer.days(meter)

        def work() -> DaySummary | None:
            found = remembered.get(day) if meter.record is None else read_day(meter.record, day)
            return summarise(found, meter.tariff, expired=expired) if found.minutes else None

        try:
            found = await in_thread(work)
        except RecordError as error:
            # It is tried again, until there is one or the day is over.
            text = f"{self.name}: no summary of {day} yet: {error_line(error)}"
            if text != self._no_summary:
                self._no_summary = text
                self._report(Notice(Notice.WARNING, text))
            return
        self._add(self._composer.summarise(meter, day, found, self._now()))
