"""Meters that have sent nothing for too long, by event time."""

from __future__ import annotations

import numpy as np

from streamer.fleet.arranged import MINUTE_US, NEVER
from streamer.fleet.columns import SILENT, Column, Outcome
from streamer.fleet.running import running_columns
from streamer.readings.arrays import IntArray, Records

_AHEAD = 100
_FEW = 4
"""One meter in `_AHEAD`, and at least one of more than `_FEW` meters, may have a clock ahead of the
others without effect; among fewer meters, it would not be known which clock is right."""


def latest_of(last_at: IntArray) -> np.datetime64 | None:
    """The latest minute that enough meters have reached, see `Shard.latest`.

    Args:
        last_at: (meters,) times of their last readings in microseconds, `NEVER` without one.
    """
    last_at = last_at[last_at != NEVER]
    if not len(last_at):
        return None
    ahead = max((len(last_at) - 1) // _AHEAD, int(len(last_at) > _FEW))
    return np.datetime64(int(np.partition(last_at, -1 - ahead)[-1 - ahead]), "us")


def fall_silent(records: Records, places: Column, now: IntArray, after_us: int) -> Outcome:
    """Mark the meters that are silent but not marked yet.

    Args:
        records: (meters,) their records, changed in place.
        places: (meters,) values for the outcome's column "meter".
        now: (meters,) or () times in microseconds until which none has sent a reading.
        after_us: microseconds without a reading after which a meter is silent; 0 for never.

    Returns:
        One row per meter that was marked, at its first minute without a reading.
    """
    if not after_us:
        return Outcome()
    last = records["last_at"]
    quiet = (last != NEVER) & ~records["silent"]
    rows = np.flatnonzero(quiet & (np.where(quiet, now - last, 0) > after_us))
    if not len(rows):
        return Outcome()
    records["silent"][rows] = True
    some = records[rows]
    last = some["last_at"]
    texts = [
        f"no reading after that of {np.datetime_as_string(at, 'm')} UTC"
        for at in last.view("datetime64[us]")
    ]
    columns: dict[str, Column] = {
        "meter": places[rows],
        "minute": (last + MINUTE_US).view("datetime64[us]"),
        "alarms": np.full(len(rows), SILENT, object),
        "alarm_text": np.array(texts, object),
        **running_columns(some),
    }
    return Outcome.of(len(rows), columns)
