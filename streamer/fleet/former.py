"""Records of version 0.2, whose alarms had one threshold for all repetitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.fleet.raising import METER
from streamer.readings.arrays import Records

_PER_RULE = ("limits", "events", "since", "last")
_ADDED = ("base", "repeats", "plateau")
_SPARE = 3


def _former_meter() -> np.dtype[np.void]:
    fields: list[Any] = []
    for name in METER.names or ():
        kind, shape = METER[name].base, METER[name].shape
        if name in _PER_RULE:
            shape = (shape[0] - 1,)
        elif name == "spare":
            shape = (_SPARE,)
        if name not in _ADDED:
            fields.append((name, kind, shape))
    return np.dtype(fields, align=True)


_FORMER = _former_meter()


def converted(data: bytes, first: Records) -> Records:
    """Records of version 0.2 as records of today; plateaus have the threshold of all.

    Args:
        data: the former records.
        first: () record of a new meter of today.

    Raises:
        ValueError: there is no whole number of records.
    """
    names = first.dtype.names or ()
    fields: list[Any] = [
        (name, _FORMER if name == "alarms" else first.dtype[name]) for name in names
    ]
    former = np.frombuffer(data, fields)
    records: Records = np.full(len(former), first, first.dtype)
    for name in names:
        if name != "alarms":
            records[name] = former[name]
    if "alarms" in names:
        ours, theirs = records["alarms"], former["alarms"]
        for name in _FORMER.names or ():
            if name in _PER_RULE:
                # The last one is for plateaus, and was for all repetitions.
                ours[name][:, :-1] = theirs[name]
                ours[name][:, -1] = theirs[name][:, -1]
            elif name != "spare":
                ours[name] = theirs[name]
    return records
