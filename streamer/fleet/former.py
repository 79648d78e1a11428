"""Records of former versions of the state of a shard.

In version 1, that of streamer 0.2, alarms had one threshold for all repetitions. Until version
2, the light adapter was shown or not, without a weight. Until version 3, an end of the interval had
one scale for all classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.fleet.raising import METER
from streamer.online.intervals import UNITS
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

_FORMER_BAND = np.dtype([("low_scale", "<f8"), ("high_scale", "<f8"), ("error_kw", "<f8")])
_FORMER = {"alarms": (1, _FORMER_METER), "light": (2, _FORMER_LIGHT), "band": (3, _FORMER_BAND)}
"""Former layout of a part of a record, and the last version that had it."""


def converted(data: bytes, first: Records, *, version: int) -> Records:
    """Records of a former version as records of today.

    Plateaus have the threshold of all repetitions; the evidence for the weight of the
    adapter is gathered anew; so are the classes of the interval and the power that the
    connection is known to carry.

    Args:
        data: the former records.
        first: () record of a new meter of today.
        version: version of the state, 1 to 3.

    Raises:
        ValueError: there is no whole number of records.
    """
    names = first.dtype.names or ()
    kinds = {
        name: kind for name, (last, kind) in _FORMER.items() if version <= last and name in names
    }
    fields: list[Any] = [(name, kinds.get(name, first.dtype[name])) for name in names]
    former = np.frombuffer(data, fields)
    records: Records = np.full(len(former), first, first.dtype)
    for name in names:
        if name not in kinds:
            records[name] = former[name]
    if "alarms" in kinds:
        _convert_alarms(records["alarms"], former["alarms"])
    if "light" in kinds:
        for name in set(_FORMER_LIGHT.names or ()) - {"shown"}:
            records["light"][name] = former["light"][name]
    if "band" in kinds:
        for name in ("low", "high"):
            records["band"][name][:, 0] = np.rint(former["band"][f"{name}_scale"] * UNITS)
        records["band"]["error_kw"] = former["band"]["error_kw"]
    return records


def _convert_alarms(ours: Records, theirs: Records) -> None:
    for name in _FORMER_METER.names or ():
        if name in _PER_RULE:
            # The last one is for plateaus, and was for all repetitions.
            ours[name][:, :-1] = theirs[name]
            ours[name][:, -1] = theirs[name][:, -1]
        elif name != "spare":
            ours[name] = theirs[name]
