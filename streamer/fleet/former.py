"""Records of former states of a shard, carried over to the records of today.

A field that both have, in the same type and shape, is copied; others begin anew. Version 1 is that
of streamer 0.2. Until version 4, the layout was not saved with the records, and windows were in the
units of the network, newest reading last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from streamer.alarms.exports import MIN_KW
from streamer.alarms.rules import RULES
from streamer.fleet.renewal import resize_windows
from streamer.online.intervals import UNITS
from streamer.readings.arrays import FloatArray, Records

ToKw = Callable[[FloatArray], FloatArray]
"""Conversion of windows in the units of a network to kW."""

VERSIONS = (1, 4)
"""The former versions without a layout that can be read."""

_RULES_1 = ("far", "jump", "lasting", "scale", "fall", "export", "stuck")
"""Thresholds of version 1, in which plateaus had that of all repetitions."""

_PER_RULE = ("limits", "events", "since", "last")


def _record(**fields: Any) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


_SCORES = _record(
    settled="<i8",
    mse_kw2="<f8",
    mae_kw="<f8",
    persistence_mse_kw2="<f8",
    frozen_mse_kw2="<f8",
    coverage="<f8",
)
_LIGHT: dict[str, Any] = {
    "products": "(10,)<f8",
    "errors": "(4,)<f8",
    "weights": "(4,)<f8",
    **dict.fromkeys(("value", "size", "frozen", "corrected"), "<f8"),
    "features": "(3,)<f8",
    "spread": "<f8",
    "raw": "<f8",
    "settled": "<u4",
}
_BAND_1 = _record(low_scale="<f8", high_scale="<f8", error_kw="<f8")
_ALARMS_1 = _record(
    recent="(8,)<f8",
    limits="(7,)<f8",
    left="(3,)<f8",
    level="<f8",
    drawn="<f8",
    decimals="(7,)<u4",
    seen="<u4",
    run="<u2",
    summed="u1",
    known="u1",
    odd="i1",
    events="(7,)u1",
    since="(7,)u1",
    last="(7,)u1",
    kept="(3,)u1",
    spare="(3,)u1",
)
_GUARD_4 = _record(
    sums="(3,14)<f4", lost="(28,)<f4", change="<f8", median_change="<f8", places="(2,)u1"
)
_BAND_4 = _record(
    low="(25,)<i4",
    high="(25,)<i4",
    places="(5,)u1",
    error_kw="<f8",
    last_error_kw="<f8",
    carried=_record(settled="<u4", last_kw="<f8", present_kw="(3,)<f8", before_kw="(3,)<f8"),
)
_MEMORY_4 = _record(
    **dict.fromkeys(("export", "known", "zeros", "small", "base", "low"), "<f8"),
    load="(3,)<f8",
    exported="<u4",
    hours="(3,)<u2",
    times="(3,)u1",
    minutes="u1",
    peak="u1",
    spare="u1",
)
_ALARMS_4 = _record(
    recent="(8,)<f8",
    limits="(7,)<f8",
    memory=_MEMORY_4,
    left="(3,)<f8",
    level="<f8",
    base="<f8",
    drawn="<f8",
    decimals="(7,)<u4",
    seen="<u4",
    raised="(4,)<u4",
    run="<u2",
    repeats="<u2",
    summed="u1",
    known="u1",
    odd="i1",
    events="(7,)u1",
    since="(7,)u1",
    last="(7,)u1",
    kept="(3,)u1",
    plateau="?",
)
_ADDED_TO_LIGHT = dict.fromkeys(("batch", "lead", "squares", "day_squares", "weight"), "<f8")


def layout_of(version: int, *, window: int, adapt: bool) -> np.dtype[np.void]:
    """Layout of the records of a version without one.

    Args:
        version: one of `VERSIONS`.
        window: size of the window in readings.
        adapt: whether the records have an adapter.
    """
    first, last = version == 1, version == 4
    fields: dict[str, Any] = {
        **dict.fromkeys(("last_at",), "<i8"),
        **dict.fromkeys(("last_kw", "before_kw"), "<f8"),
        "held": "u1" if window < 256 else "<u4",
        "silent": "?",
        "window": ("<f4", window),
        "waiting": "?",
        **dict.fromkeys(("kw", "frozen_kw", "median_kw", "low_kw", "high_kw"), "<f8"),
        **({"mean_kw": "<f8", "guard": _GUARD_4} if last else {}),
        "band": _BAND_1 if first else _BAND_4,
        "scores": _SCORES,
        "alarms": _ALARMS_1 if first else _ALARMS_4,
    }
    if adapt:
        fields["light"] = _record(**_LIGHT, **({"shown": "?"} if first else _ADDED_TO_LIGHT))
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
