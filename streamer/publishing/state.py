"""Present state of a meter, reduced from the items of its stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streamer.publishing import WatchedMeter
from streamer.readings import MINUTE, Link, Sample, Step
from streamer.sinks import Item
from streamer.sinks.items import About


@dataclass(frozen=True, slots=True)
class MeterState:
    """Everything that is known of a meter at one moment.

    Attributes:
        meter: the meter.
        about: description of its stream; None until it is known.
        step: the latest step; None before the first.
        heard_at: when that step was taken, on this machine's clock, with a zone.
        link: state of the connection; None until it is known.
        sample: the latest sample of the grid power; None before the first, or after an outage.
        ended: whether the stream has ended.
    """

    meter: WatchedMeter
    about: About | None = None
    step: Step | None = None
    heard_at: datetime | None = None
    link: Link | None = None
    sample: Sample | None = None
    ended: bool = False

    def stale_at(self) -> datetime | None:
        """When the latest step is too old to be shown as the present; None without a step.

        The next reading is of the minute after the latest one's, and is here `late_s` after
        its end.
        """
        if self.step is None or self.heard_at is None:
            return None
        late = timedelta(seconds=self.meter.late_s)
        at = self.step.reading.at
        if at.tzinfo is None or not self.meter.live:
            return self.heard_at + MINUTE + late
        return min(at + MINUTE, self.heard_at) + MINUTE + late

    def is_fresh(self, now: datetime) -> bool:
        """Whether the latest step is of the present.

        Args:
            now: the time, with a zone.
        """
        stale_at = self.stale_at()
        return stale_at is not None and now < stale_at and not self.ended


def next_state(state: MeterState, item: Item | None, now: datetime) -> MeterState:
    """The state after an item of the stream.

    Args:
        state: the state before.
        item: the item; None for the end of the stream.
        now: the time, with a zone.
    """
    if isinstance(item, Step):
        return replace(state, step=item, heard_at=now)
    if isinstance(item, Sample):
        return state if item.channel else replace(state, sample=item)
    if isinstance(item, Link):
        sample = None if item.state == Link.LOST else state.sample
        return replace(state, link=item, sample=sample)
    if isinstance(item, About):
        return replace(state, about=item)
    return replace(state, ended=True) if item is None else state
