"""Records of former states of a shard, carried over to the records of today.

A field that both have, in the same type and shape, is copied; others begin anew. Version 1 is that
of streamer 0.2. Until version 4, the layout was not saved with the records, and windows were in the
units of the network, newest reading last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from streamer.alarms.exports import MIN_KW
from streamer.alarms.rules import RULES
from streamer.fleet.alarmrecords import METER
from streamer.fleet.bands import BAND
from streamer.fleet.guard import GUARD
from streamer.fleet.renewal import resize_windows
from streamer.fleet.running import SCORES
from streamer.online.intervals import UNITS
from streamer.online.light import ADDED, LIGHT
from streamer.readings.arrays import FloatArray, Records

ToKw = Callable[[FloatArray], FloatArray]
"""Conversion of windows in the units of a network to kW."""

VERSIONS = (1, 4)
"""The former versions without a layout that can be read."""

_RULES_1 = ("far", "jump", "lasting", "scale", "fall", "export", "stuck")
"""Thresholds of version 1, in which plateaus had that of all repetitions."""

_PER_RULE = ("limits", "events", "since", "last")

_ADDED_TO_ALARMS = ("memory", "base", "raised", "repeats", "plateau")
"""Fields that version 1 did not have; it had three bytes more at the end."""


def _record(**fields: Any) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


def _without(layout: np.dtype[np.void], added: Sequence[str]) -> dict[str, Any]:
    """Fields of a layout but for those that were added."""
    return {name: layout[name] for name in layout.names or () if name not in added}


_BAND_1 = _record(low_scale="<f8", high_scale="<f8", error_kw="<f8")


def layout_of(version: int, *, window: int, adapt: bool) -> np.dtype[np.void]:
    """Layout of the records of a version without one.

    It is given by what has come since: a change of a layout of today has to be undone here.

    Args:
        version: one of `VERSIONS`.
        window: size of the window in readings.
        adapt: whether the records have an adapter.
    """
    first = version == 1
    fields: dict[str, Any] = {
        "last_at": "<i8",
        **dict.fromkeys(("last_kw", "before_kw"), "<f8"),
        "held": "u1" if window < 256 else "<u4",
        "silent": "?",
        "window": ("<f4", window),
        "waiting": "?",
        **dict.fromkeys(("kw", "frozen_kw", "median_kw", "low_kw", "high_kw"), "<f8"),
        **({} if first else {"mean_kw": "<f8", "guard": GUARD}),
        "band": _BAND_1 if first else BAND,
        "scores": SCORES,
        "alarms": _record(**_without(METER, _ADDED_TO_ALARMS), spare="(3,)u1") if first else METER,
    }
    if adapt:
        fields["light"] = _record(**_without(LIGHT, ADDED), shown="?") if first else LIGHT
    return _record(**fields)


def converted(records: Records, first: Records, *, version: int, to_kw: ToKw) -> Records:
    """Records of a version without a layout as records of today.

    In version 1, the intervals had no classes, and the evidence for the weight of the adapter
    was not kept.

    Args:
        records: (meters,) the former records, in the layout of `layout_of`.
        first: () record of a new meter of today.
        version: their version.
        to_kw: conversion of their windows.
    """
    made = carried(records, first)
    if made["window"].shape == records["window"].shape:
        made["window"] = to_kw(records["window"])
    if version == 1:
        made["mean_kw"] = records["kw"]
        for end in ("low", "high"):
            made["band"][end][:, 0] = np.rint(records["band"][f"{end}_scale"] * UNITS)
        theirs, ours = records["alarms"], made["alarms"]
        columns = [_RULES_1.index(name if name in _RULES_1 else "stuck") for name in RULES]
        for name in _PER_RULE:
            ours[name] = theirs[name][:, columns]
        limit = theirs["limits"][:, _RULES_1.index("export")]
        # The largest export is what was unusual for the house.
        export = np.where(limit > MIN_KW, limit, 0.0)
        ours["memory"]["export"] = ours["memory"]["known"] = export
    return made


def carried(records: Records, first: Records) -> Records:
    """Records in the present layout, with the fields that both layouts have.

    Args:
        records: (meters,) records in another layout.
        first: () record of a new meter, whose values the other fields get.
    """
    made: Records = np.full(len(records), first, first.dtype)
    _copy(records, made)
    if "slot" in (records.dtype.names or ()) and made["window"].shape != records["window"].shape:
        resize_windows(records, made)
    return made


def _copy(theirs: Records, ours: Records) -> None:
    for name in ours.dtype.names or ():
        if name not in (theirs.dtype.names or ()):
            continue
        kind, former = ours.dtype[name], theirs.dtype[name]
        if kind.names and former.names:
            _copy(theirs[name], ours[name])
        elif kind == former:
            ours[name] = theirs[name]
