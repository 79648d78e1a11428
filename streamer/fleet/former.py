"""Records of former versions of the state of a shard.

In version 1, that of streamer 0.2, alarms had one threshold for all repetitions. Until version
2, the light adapter was shown or not, without a weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.fleet.raising import METER
from streamer.online.light import ADDED as ADDED_TO_LIGHT
from streamer.online.light import LIGHT
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


_FORMER_METER = _former_meter()
_FORMER_LIGHT = np.dtype(
    [(name, LIGHT[name]) for name in LIGHT.names or () if name not in ADDED_TO_LIGHT]
    + [("shown", "?")]
)


def converted(data: bytes, first: Records, *, version: int) -> Records:
    """Records of a former version as records of today.

    Plateaus have the threshold of all repetitions, and the evidence for the weight of the
    adapter is gathered anew.

    Args:
        data: the former records.
        first: () record of a new meter of today.
        version: version of the state, 1 or 2.

    Raises:
        ValueError: there is no whole number of records.
    """
    names = first.dtype.names or ()
    kinds = {"light": _FORMER_LIGHT} | ({"alarms": _FORMER_METER} if version == 1 else {})
    fields: list[Any] = [(name, kinds.get(name, first.dtype[name])) for name in names]
    former = np.frombuffer(data, fields)
    records: Records = np.full(len(former), first, first.dtype)
    for name in names:
        if name not in kinds:
            records[name] = former[name]
    if "alarms" in kinds and "alarms" in names:
        _convert_alarms(records["alarms"], former["alarms"])
    if "light" in names:
        for name in set(_FORMER_LIGHT.names or ()) - {"shown"}:
            records["light"][name] = former["light"][name]
    return records


def _convert_alarms(ours: Records, theirs: Records) -> None:
    for name in _FORMER_METER.names or ():
        if name in _PER_RULE:
            # The last one is for plateaus, and was for all repetitions.
            ours[name][:, :-1] = theirs[name]
            ours[name][:, -1] = theirs[name][:, -1]
        elif name != "spare":
            ours[name] = theirs[name]
