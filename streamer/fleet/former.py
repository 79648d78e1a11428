"""Records of former versions of the state of a shard.

In version 1, that of streamer 0.2, alarms had one threshold for all repetitions, and until
version 3 one for exports and no memories. Until version 2, the light adapter was shown or not,
without a weight. Until version 3, an end of the interval had one scale for all classes, and
forecasts had no guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streamer.alarms.exports import MIN_KW
from streamer.alarms.rules import RULES
from streamer.online.intervals import UNITS
from streamer.online.light import ADDED as ADDED_TO_LIGHT
from streamer.online.light import LIGHT
from streamer.readings.arrays import Records

_RULES = {
    1: ("far", "jump", "lasting", "scale", "fall", "export", "stuck"),
    3: ("far", "jump", "lasting", "scale", "fall", "export", "stuck", "plateau"),
}
"""Thresholds of the alarms, by the last version that had them."""

_PER_RULE = ("limits", "events", "since", "last")


def _former_alarms(version: int) -> np.dtype[np.void]:
    """Layout of the alarms of a meter until a version."""
    rules, has_rest = len(_RULES[version]), version > 1
    return np.dtype(
        [
            ("recent", "<f8", 8),
            ("limits", "<f8", rules),
            ("left", "<f8", 3),
            ("level", "<f8"),
            *([("base", "<f8")] if has_rest else []),
            ("drawn", "<f8"),
            ("decimals", "<u4", 7),
            ("seen", "<u4"),
            ("run", "<u2"),
            ("summed", "u1"),
            ("known", "u1"),
            ("odd", "i1"),
            ("events", "u1", rules),
            ("since", "u1", rules),
            ("last", "u1", rules),
            ("kept", "u1", 3),
            *([("repeats", "<u2"), ("plateau", "?")] if has_rest else []),
            ("spare", "u1", 5 if has_rest else 3),
        ],
        align=True,
    )


_FORMER_LIGHT = np.dtype(
    [(name, LIGHT[name]) for name in LIGHT.names or () if name not in ADDED_TO_LIGHT]
    + [("shown", "?")]
)

_FORMER_BAND = np.dtype([("low_scale", "<f8"), ("high_scale", "<f8"), ("error_kw", "<f8")])
_FORMER = {
    "alarms": ((1, _former_alarms(1)), (3, _former_alarms(3))),
    "light": ((2, _FORMER_LIGHT),),
    "band": ((3, _FORMER_BAND),),
}
"""Former layouts of a part of a record, each after the last version that had it."""

_ADDED_TO_RECORD = ("mean_kw", "guard")
"""Parts that no former version had."""


def converted(data: bytes, first: Records, *, version: int) -> Records:
    """Records of a former version as records of today.

    Plateaus have the threshold of all repetitions; the evidence for the weight of the
    adapter is gathered anew; so are that of the guard, the classes of the interval, and the
    power that the connection is known to carry.

    Args:
        data: the former records.
        first: () record of a new meter of today.
        version: version of the state, 1 to 3.

    Raises:
        ValueError: there is no whole number of records.
    """
    names = [name for name in first.dtype.names or () if name not in _ADDED_TO_RECORD]
    kinds = _former_layouts(version, names)
    fields: list[Any] = [(name, kinds.get(name, first.dtype[name])) for name in names]
    former = np.frombuffer(data, fields)
    records: Records = np.full(len(former), first, first.dtype)
    for name in names:
        if name not in kinds:
            records[name] = former[name]
    if "mean_kw" in (first.dtype.names or ()):
        records["mean_kw"] = former["kw"]
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


def _former_layouts(version: int, names: Sequence[str]) -> dict[str, np.dtype[np.void]]:
    """Layouts of the parts of a record that were others in a version."""
    return {
        name: next(kind for last, kind in layouts if version <= last)
        for name, layouts in _FORMER.items()
        if name in names and version <= layouts[-1][0]
    }


def _convert_alarms(ours: Records, theirs: Records) -> None:
    """Alarms of a former version; the largest export is what was unusual for the house."""
    count = theirs["limits"].shape[1]
    rules = next(rules for rules in _RULES.values() if len(rules) == count)
    # Plateaus had the threshold of all repetitions.
    columns = [rules.index(name if name in rules else "stuck") for name in RULES]
    for name in theirs.dtype.names or ():
        if name in _PER_RULE:
            ours[name] = theirs[name][:, columns]
        elif name != "spare":
            ours[name] = theirs[name]
    limit = theirs["limits"][:, rules.index("export")]
    export = np.where(limit > MIN_KW, limit, 0.0)
    ours["memory"]["export"] = ours["memory"]["known"] = export
