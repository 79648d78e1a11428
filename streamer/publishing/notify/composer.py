"""Notifications made of the streams of all meters."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from streamer.publishing import WatchedMeter
from streamer.publishing.notify.budget import DAY_S, Budget
from streamer.publishing.notify.former import FIRST, begun_after, open_silence
from streamer.publishing.notify.knownmeter import KnownMeter
from streamer.publishing.notify.queue import key_of
from streamer.publishing.notify.settings import ANOMALY, BACK, PEAK, SILENT, SUMMARY, NotifySettings
from streamer.publishing.notify.silence import Back, SilenceWatch, Silent
from streamer.publishing.notify.summary import DaySummary, RememberedDays
from streamer.publishing.notify.texts import (
    alarm_text,
    back_text,
    silent_text,
    summary_text,
    summary_title,
    title_of,
)
from streamer.publishing.state import MeterState
from streamer.readings import Alarm, Step
from streamer.recording.notifications import Kept, Notification
from streamer.sinks import Item

USEFUL_S = DAY_S
"""Seconds for which a notification is of use, if it is not about a demand interval."""

STUCK_FOR = timedelta(hours=1)
"""How long a meter must have repeated its value before that is reported as a silence."""

RECENT_S = 900.0
"""Seconds after its minute within which a reading is about the present."""

_INTERVAL = timedelta(minutes=15)

_REPORTED = {
    Alarm.PEAK: (PEAK, "peak ahead"),
    Alarm.ANOMALY: (ANOMALY, "unusual power"),
    Alarm.UNIT: (ANOMALY, "check the unit"),
}
"""Alarms that are reported as soon as they are raised: kind and title of the notification."""


class Composer:
    """Makes notifications of what happens, each once, and within the limits.

    Those that are withheld to keep to a limit are made, too, since all that is known after a
    restart is what was made before.

    Args:
        settings: which notifications there are.
    """

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings
        self._budget = Budget(settings.a_day, settings.a_month)
        self._made: dict[str, Notification] = {}
        self._meters: dict[str, KnownMeter] = {}

    def take(self, state: MeterState, item: Item | None, now: datetime) -> list[Notification]:
        """Take an item of the stream of a meter.

        Args:
            state: state of the meter after it.
            item: the item; None for the end of the stream.
            now: the time, with a zone.

        Returns:
            The notifications to which it leads.
        """
        meter = self._meter(state.meter, now)
        meter.state = state
        meter.silence.take(item, now)
        if meter.days is not None:
            meter.days.take(item)
        if not isinstance(item, Step):
            return []
        meter.zone = item.reading.at.tzinfo
        is_recent = now.timestamp() - item.reading.at.timestamp() < RECENT_S
        if not is_recent and meter.days is not None:
            # Without a recording, a past minute may have been reported before a restart.
            return []
        until = None if item.demand is None else item.demand.end
        found = []
        for alarm in item.alarms:
            if alarm.at == item.reading.at:
                found += self._alarm(state.meter, alarm, until, now)
            elif alarm.kind == Alarm.STUCK and is_recent:
                found += self._stuck(state.meter, alarm, item.reading.at, now)
        return found

    def check(self, now: datetime) -> list[Notification]:
        """The notifications to which the passing of time leads.

        Args:
            now: the time, with a zone; some seconds after that of the check before.
        """
        found: list[Notification] = []
        for meter in self._meters.values():
            if not meter.ready or meter.state.ended or not self._settings.silent:
                continue
            event = meter.silence.check(meter.state, now)
            if event is not None:
                found += self._silence(meter, event, now)
        return found

    def due_summaries(self, now: datetime) -> list[tuple[WatchedMeter, date]]:
        """Meters and days of which a summary should be made now.

        Args:
            now: the time, with a zone.
        """
        at, due = self._settings.summary, []
        for meter in self._meters.values():
            watched = meter.state.meter
            day = None if at is None else meter.day_to_summarise(at, now)
            if day is not None and key_of(watched.key, SUMMARY, day) not in self._made:
                due.append((watched, day))
        return due

    def days(self, meter: WatchedMeter) -> RememberedDays:
        """The last days of a meter that is not recorded; without minutes for others."""
        return self._meters[meter.key].days or RememberedDays()

    def summarise(
        self, meter: WatchedMeter, day: date, found: DaySummary | None, now: datetime
    ) -> list[Notification]:
        """The notification of a summary.

        Args:
            meter: the meter.
            day: the day.
            found: its figures; None if nothing was measured on it, which is not reported.
            now: the time, with a zone.
        """
        key = key_of(meter.key, SUMMARY, day)
        if found is None:
            title, text = title_of(meter.name, f"nothing measured on {day}"), ""
            return self._make(key, SUMMARY, title, text, now, withheld=True)
        title = title_of(meter.name, summary_title(found))
        return self._make(key, SUMMARY, title, summary_text(found), now)

    def expired_on(self, meter: WatchedMeter, day: date) -> int:
        """Number of notifications about a day of a meter that could not be delivered in time."""
        zone = self._meters[meter.key].zone
        return sum(
            1
            for each in self._made.values()
            if each.state == Notification.EXPIRED
            and each.key.startswith(f"{meter.key}:")
            and datetime.fromtimestamp(each.created, zone).date() == day
        )

    def update(self, notification: Notification) -> None:
        """Take note of the new state of a notification."""
        if notification.key in self._made:
            self._made[notification.key] = notification

    def begin(self, meter: WatchedMeter, now: datetime) -> None:
        """Begin without former notifications of a meter, since its recording cannot be read."""
        self._meter(meter, now).ready = True

    def restore(self, meter: WatchedMeter, kept: Kept, now: datetime) -> list[Notification]:
        """Continue from what a recording has, which is the meter's.

        An alarm that was recorded just before the program was killed, and led to no notification
        yet, does so now; alarms from before there was any notification do not.

        Args:
            meter: the meter.
            kept: what its recording has.
            now: the time, with a zone.

        Returns:
            The notifications that were missing.
        """
        self._made.update((each.key, each) for each in kept.notifications)
        self._budget.restore(self._made.values())
        known = self._meter(meter, now)
        known.ready = True
        if kept.last_at is not None:
            known.zone = kept.last_at.tzinfo
        since = open_silence(meter.key, self._made)
        if since is not None:
            known.silence.resume(datetime.fromtimestamp(since, now.tzinfo))
        if not any(each.key.startswith(f"{meter.key}:") for each in kept.notifications):
            last_at = 0 if kept.last_at is None else int(kept.last_at.timestamp())
            key = key_of(meter.key, FIRST, last_at)
            return self._make(key, FIRST, "", "", now, withheld=True)
        begun = begun_after(meter.key, kept.notifications)
        found: list[Notification] = []
        for each in kept.alarms:
            if each.at.timestamp() > begun:
                alarm = Alarm(each.kind, each.at, each.text, each.size)
                until = None
                if each.until is not None:
                    until = datetime.fromtimestamp(each.until, each.at.tzinfo)
                found += self._alarm(meter, alarm, until, now)
        return found

    def _meter(self, meter: WatchedMeter, now: datetime) -> KnownMeter:
        known = self._meters.get(meter.key)
        if known is None:
            days = RememberedDays() if meter.record is None else None
            silence = SilenceWatch(timedelta(minutes=self._settings.silent_after_min), now)
            known = self._meters[meter.key] = KnownMeter(
                now, MeterState(meter), silence, days, ready=meter.record is None
            )
        return known

    def _alarm(
        self, meter: WatchedMeter, alarm: Alarm, until: datetime | None, now: datetime
    ) -> list[Notification]:
        """The notification of an alarm that has just been raised; none of some kinds."""
        kind, title = _REPORTED.get(alarm.kind, ("", ""))
        if not self._settings.includes(kind):
            return []
        raised = int(alarm.at.timestamp())
        expires = raised + USEFUL_S
        if kind == PEAK:
            expires = int((until or alarm.at + _INTERVAL).timestamp())
        return self._make(
            key_of(meter.key, alarm.kind, raised),
            kind,
            title_of(meter.name, title),
            alarm_text(alarm.at, alarm.text),
            now,
            expires=expires,
            # A wrong unit makes all figures wrong, so its size does not matter.
            size=alarm.size if alarm.kind == Alarm.ANOMALY else None,
        )

    def _stuck(
        self, meter: WatchedMeter, alarm: Alarm, at: datetime, now: datetime
    ) -> list[Notification]:
        """The notification of a value that is still repeated at a minute, after a while."""
        if not self._settings.silent or at - alarm.at < STUCK_FOR:
            return []
        return self._make(
            key_of(meter.key, alarm.kind, int(alarm.at.timestamp())),
            SILENT,
            title_of(meter.name, "the meter repeats one value"),
            alarm_text(alarm.at, alarm.text),
            now,
        )

    def _silence(
        self, meter: KnownMeter, event: Silent | Back, now: datetime
    ) -> list[Notification]:
        watched, zone = meter.state.meter, meter.zone
        since = int(event.since.timestamp())
        begin = key_of(watched.key, SILENT, since)
        if isinstance(event, Silent):
            event = Silent(event.since.astimezone(zone), event.reason, event.interrupted)
            text = silent_text(event, now.astimezone(zone))
            return self._make(begin, SILENT, title_of(watched.name, "no readings"), text, now)
        # The end of a silence is news to those alone who know of it.
        first = self._made.get(begin)
        withheld = first is None or first.state == Notification.WITHHELD
        text = back_text(Back(event.since.astimezone(zone), event.until.astimezone(zone)))
        title = title_of(watched.name, "readings again")
        return self._make(
            key_of(watched.key, BACK, since), BACK, title, text, now, withheld=withheld
        )

    def _make(
        self,
        key: str,
        kind: str,
        title: str,
        text: str,
        now: datetime,
        *,
        expires: int | None = None,
        size: float | None = None,
        withheld: bool = False,
    ) -> list[Notification]:
        """Make a notification, unless there is one with its key."""
        if key in self._made:
            return []
        created = int(now.timestamp())
        expires = created + USEFUL_S if expires is None else expires
        state = Notification.WAITING
        if withheld:
            state = Notification.WITHHELD
        elif created >= expires:
            state = Notification.EXPIRED
        elif not self._budget.allows(kind, created, size):
            state = Notification.WITHHELD
        made = Notification(key, kind, created, expires, title, text, size, state)
        self._made[key] = made
        return [made]
