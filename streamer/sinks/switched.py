"""Switching events as lines of text."""

from __future__ import annotations

from datetime import datetime

from streamer.display.durations import length
from streamer.readings.demand import SwitchingEvent


def switched_text(event: SwitchingEvent, at: datetime) -> str:
    """A switching event in one line.

    Args:
        event: the event.
        at: minute of the reading at which it was reported; the date of another day is given.

    >>> on_at, off_at = datetime(2010, 3, 19, 18, 3), datetime(2010, 3, 19, 18, 44)
    >>> switched_text(SwitchingEvent(on_at, 2.13, off_at), off_at)
    'step of 2.1 kW at 18:03, on for 41 min'
    >>> switched_text(SwitchingEvent(on_at, 11.0), datetime(2010, 3, 19, 18, 13))
    'step of 11.0 kW at 18:03, still on'
    """
    began = event.on_at
    day = "" if began.date() == at.date() else f"{began:%Y-%m-%d} "
    on_for = "still on" if event.minutes is None else f"on for {length(event.minutes)}"
    return f"step of {event.kw:.1f} kW at {day}{began:%H:%M}, {on_for}"
