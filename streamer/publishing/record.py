"""State of a meter as a JSON object, the same wherever it is published."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from streamer.publishing.state import MeterState
from streamer.readings import MINUTE, Alarm, Link, Sample
from streamer.sinks.text import record

WAITING, FRESH, STALE, ENDED = "waiting", "fresh", "stale", "ended"
"""Statuses of a meter: no step yet, the latest step is of the present, it is too old, or the
stream has ended."""


def status_of(state: MeterState, now: datetime) -> str:
    """The status of a meter.

    Args:
        state: the state of the meter.
        now: the time, with a zone.
    """
    if state.ended:
        return ENDED
    if state.step is None:
        return WAITING
    return FRESH if state.is_fresh(now) else STALE


def state_record(state: MeterState, now: datetime) -> dict[str, Any]:
    """A state as a JSON object; None for what is unknown.

    Its `step` has the keys of a JSON line of `streamer watch --format json`.

    Args:
        state: the state of the meter.
        now: the time, with a zone.
    """
    step, stale_at = state.step, state.stale_at()
    return {
        "meter": state.meter.key,
        "name": state.meter.name,
        "status": status_of(state, now),
        "now": now.isoformat(),
        "heard_at": _iso(state.heard_at),
        "stale_at": _iso(stale_at),
        "model": None if state.about is None else state.about.model,
        "link": None if state.link is None else link_record(state.link),
        "sample": None if state.sample is None else _sample(state.sample),
        "alarms": [] if step is None else [alarm_record(alarm) for alarm in step.alarms],
        "step": None if step is None else record(step, state.meter.horizons),
    }


def alarm_record(alarm: Alarm) -> dict[str, Any]:
    """An alarm as a JSON object."""
    size = alarm.size if math.isfinite(alarm.size) else None
    return {"kind": alarm.kind, "at": alarm.at.isoformat(), "text": alarm.text, "size": size}


def power_record(state: MeterState, now: datetime) -> dict[str, Any]:
    """The present power as a JSON object: the latest sample, or else the last minute's mean.

    Its `kw` is None where neither is of the present, or the meter reports that it is unknown.

    Args:
        state: the state of the meter.
        now: the time, with a zone.
    """
    sample, step = state.sample, state.step
    valid = MINUTE + timedelta(seconds=state.meter.late_s)
    if sample is not None and (sample.at is None or now - sample.at < valid):
        return _sample(sample)
    if step is not None and state.is_fresh(now):
        return {"kw": step.reading.kw, "at": step.reading.at.isoformat()}
    return {"kw": None, "at": None}


def link_record(link: Link) -> dict[str, Any]:
    """The state of a connection as a JSON object."""
    return {
        "state": link.state,
        "peer": link.peer,
        "text": link.text,
        "since": _iso(link.since),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    # To a milliwatt: a sum of several meters has more digits than any of them.
    kw = round(sample.kw, 6) if math.isfinite(sample.kw) else None
    return {"kw": kw, "at": _iso(sample.at)}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
