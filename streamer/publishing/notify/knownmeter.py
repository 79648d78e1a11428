"""Knowledge about a meter that notifications are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from streamer.publishing.notify.silence import SilenceWatch
from streamer.publishing.notify.summary import RememberedDays
from streamer.publishing.state import MeterState


@dataclass
class KnownMeter:
    """What is known of a meter.

    Attributes:
        begun: when the first item of its stream was taken.
        state: its state.
        silence: what watches for its silence.
        days: its last days; None if they are recorded.
        ready: whether former notifications are known, if they are recorded.
        zone: zone of the house; None for that of this machine.
    """

    begun: datetime
    state: MeterState
    silence: SilenceWatch
    days: RememberedDays | None
    ready: bool
    zone: tzinfo | None = None

    def day_to_summarise(self, at: time, now: datetime) -> date | None:
        """Yesterday, if its summary should have been made by now; None otherwise.

        Args:
            at: time of the summary on the house's clock.
            now: the time, with a zone.
        """
        local = now.astimezone(self.zone)
        due = local.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0)
        # Without a recording, it may have been made before a restart.
        is_unknown = self.days is not None and self.begun >= due
        if not self.ready or local < due or is_unknown:
            return None
        return local.date() - timedelta(days=1)
