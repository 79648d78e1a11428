"""Tests of states of former versions, in the layouts that they wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.fleet.alarms import FleetAlarms
from streamer.fleet.shard import Shard
from streamer.fleet.table import MeterTable
from streamer.models import load_model
from streamer.online.intervals import TERMS, UNITS

FORMER = np.dtype(
    [
        ("recent", "<f8", 8),
        ("limits", "<f8", 7),
        ("left", "<f8", 3),
        ("level", "<f8"),
        ("drawn", "<f8"),
        ("decimals", "<u4", 7),
        ("seen", "<u4"),
        ("run", "<u2"),
        ("summed", "u1"),
        ("known", "u1"),
        ("odd", "i1"),
        ("events", "u1", 7),
        ("since", "u1", 7),
        ("last", "u1", 7),
        ("kept", "u1", 3),
        ("spare", "u1", 3),
    ]
)
"""A meter's alarms in version 0.2, in which nothing needed padding."""

FORMER_3 = np.dtype(
    [
        ("recent", "<f8", 8),
        ("limits", "<f8", 8),
        ("left", "<f8", 3),
        ("level", "<f8"),
        ("base", "<f8"),
        ("drawn", "<f8"),
        ("decimals", "<u4", 7),
        ("seen", "<u4"),
        ("run", "<u2"),
        ("summed", "u1"),
        ("known", "u1"),
        ("odd", "i1"),
        ("events", "u1", 8),
        ("since", "u1", 8),
        ("last", "u1", 8),
        ("kept", "u1", 3),
        ("repeats", "<u2"),
        ("plateau", "?"),
        ("spare", "u1", 5),
    ]
)
"""The same until version 3, with a threshold for exports, as until now, and one for plateaus."""

FORMER_LIGHT = np.dtype(
    [
        ("products", "<f8", 10),
        ("errors", "<f8", 4),
        ("weights", "<f8", 4),
        ("value", "<f8"),
        ("size", "<f8"),
        ("frozen", "<f8"),
        ("corrected", "<f8"),
        ("features", "<f8", 3),
        ("spread", "<f8"),
        ("raw", "<f8"),
        ("settled", "<u4"),
        ("shown", "?"),
    ]
)
"""A meter's light adapter before its correction had a weight."""

FORMER_BAND = np.dtype([("low_scale", "<f8"), ("high_scale", "<f8"), ("error_kw", "<f8")])
"""A meter's interval before it had classes."""

FIRST = np.zeros((), [("kw", "<f8"), ("alarms", FleetAlarms.dtype)])
FIRST["alarms"] = FleetAlarms.first


def former_columns(records: np.ndarray, field: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a field in a former version, in which exports had a threshold, too."""
    columns = records[field]
    if field in {"limits", "events", "since", "last"}:
        columns = np.insert(columns, 5, 0.01 if field == "limits" else 0, axis=1)
    return columns[:, : shape[0]] if shape else columns


def as_written(records: np.ndarray, version: int = 1) -> bytes:
    """Records of today in the layout of a former version."""
    assert FORMER.itemsize == 224
    assert FORMER_3.itemsize == 248
    assert FORMER_LIGHT.itemsize == 221
    kinds = {"band": FORMER_BAND, "alarms": FORMER_3}
    if version < 3:
        kinds["light"] = FORMER_LIGHT
    if version < 2:
        kinds["alarms"] = FORMER
    names = [name for name in records.dtype.names if name not in {"mean_kw", "guard"}]
    former = np.zeros(
        len(records), [(name, kinds.get(name, records.dtype[name])) for name in names]
    )
    for name in names:
        if name not in kinds:
            former[name] = records[name]
            continue
        for field in set(kinds[name].names) - {"shown", "low_scale", "high_scale", "spare"}:
            former[name][field] = former_columns(records[name], field, kinds[name][field].shape)
    if "band" in records.dtype.names:
        for end in ("low", "high"):
            former["band"][f"{end}_scale"] = records["band"][end][:, 0] / UNITS
    if "light" in kinds and "light" in records.dtype.names:
        former["light"]["shown"] = records["light"]["weight"] > 0.0
    return former.tobytes()


def state_of(names: list[str], records: bytes, version: int = 1) -> bytes:
    text = json.dumps(names).encode()
    head = {"version": version, "names": len(text), "late": 0, "with": {"record": 232}}
    return b"\n".join([json.dumps(head).encode(), text + records])


def test_a_table_of_version_0_2_is_converted() -> None:
    records = np.full(2, FIRST)
    records["kw"] = [0.5, 0.6]
    records["alarms"]["limits"][:, 5] = [17.5, 14.0]
    records["alarms"]["events"][:, 5] = [3, 0]
    records["alarms"]["seen"] = 5000
    table = MeterTable(FIRST)
    about = table.restore(state_of(["a", "b"], as_written(records)))
    assert about["late"] == 0
    assert table.names == ["a", "b"]
    assert table.records["kw"].tolist() == [0.5, 0.6]
    alarms = table.records["alarms"]
    assert alarms["limits"][:, 5:].tolist() == [[17.5, 17.5], [14.0, 14.0]]
    assert alarms["events"][:, 5:].tolist() == [[3, 3], [0, 0]]
    assert alarms["seen"].tolist() == [5000, 5000]
    assert np.isnan(alarms["base"]).all()
    assert not alarms["plateau"].any()
    assert alarms["memory"].tobytes() == 2 * FIRST["alarms"]["memory"].tobytes()
    again = MeterTable(FIRST)
    again.restore(table.state({}))
    assert again.records.tobytes() == table.records.tobytes()


def test_exports_of_version_3_are_known() -> None:
    """The adaptive threshold was above what the house exported often."""
    former = np.zeros(3, [("kw", "<f8"), ("alarms", FORMER_3)])
    former["alarms"]["limits"] = [8.0, 3.0, 2.0, 0.5, 15.0, 0.02, 14.2, 30.0]
    former["alarms"]["limits"][2, 5] = 2.75
    table = MeterTable(FIRST)
    table.restore(state_of(["a", "b", "c"], former.tobytes(), version=3))
    alarms = table.records["alarms"]
    assert alarms["limits"].tolist() == [[8.0, 3.0, 2.0, 0.5, 15.0, 14.2, 30.0]] * 3
    assert alarms["memory"]["export"].tolist() == [0.0, 0.0, 2.75]


@pytest.mark.parametrize("cut", [1, 232])
def test_a_damaged_table_of_version_0_2_is_rejected(cut: int) -> None:
    data = as_written(np.full(2, FIRST))
    with pytest.raises(StateError, match="damaged"):
        MeterTable(FIRST).restore(state_of(["a", "b"], data[:-cut]))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_shard_of_a_former_version_continues(version: int, sample_kw: np.ndarray) -> None:
    model = load_model(threads=1)
    at = np.datetime64("2026-01-01", "us") + np.arange(200) * np.timedelta64(60, "s")
    before = Shard(model)
    before.push(["a"] * 100, at[:100], sample_kw[:100])
    head, _, rest = before.state().partition(b"\n")
    about = json.loads(head)
    about["version"] = version
    about["with"]["record"] = 0
    records = as_written(before._table.records, version)
    former = b"\n".join([json.dumps(about).encode(), rest[: about["names"]] + records])
    shard = Shard(model)
    shard.restore(former)
    assert shard._table.records["light"]["settled"].tolist() == [51]
    band, theirs_band = (each._table.records["band"][0] for each in (shard, before))
    assert band["low"].tolist() == [theirs_band["low"][0]] + [0] * (TERMS - 1)
    assert band["high"].tolist() == [theirs_band["high"][0]] + [0] * (TERMS - 1)
    assert band["error_kw"] == theirs_band["error_kw"]
    assert band["carried"]["settled"] == 0
    assert not np.any(shard._table.records["guard"]["sums"])
    before._table.records["guard"] = 0
    ours = shard.push(["a"] * 100, at[100:], sample_kw[100:200]).columns
    theirs = before.push(["a"] * 100, at[100:], sample_kw[100:200]).columns
    # What is shown is held inside the band, which is not yet the same.
    means = (each._table.records["mean_kw"].tolist() for each in (shard, before))
    assert next(means) == next(means)
    assert ours["settled"].tolist() == theirs["settled"].tolist()
    assert ours["alarms"].tolist() == theirs["alarms"].tolist()
