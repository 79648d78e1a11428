"""Tests of states of version 0.2, in the layout that it wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.fleet.alarms import FleetAlarms
from streamer.fleet.shard import Shard
from streamer.fleet.table import MeterTable
from streamer.models import load_model

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

FIRST = np.zeros((), [("kw", "<f8"), ("alarms", FleetAlarms.dtype)])
FIRST["alarms"] = FleetAlarms.first


def as_written(records: np.ndarray) -> bytes:
    """Records of today in the layout of version 0.2."""
    assert FORMER.itemsize == 224
    kinds = [
        (name, FORMER if name == "alarms" else records.dtype[name]) for name in records.dtype.names
    ]
    former = np.zeros(len(records), kinds)
    for name in records.dtype.names:
        if name != "alarms":
            former[name] = records[name]
    for name in FORMER.names:
        width = FORMER[name].shape
        columns = records["alarms"][name]
        former["alarms"][name] = columns[:, : width[0]] if width else columns
    return former.tobytes()


def state_of(names: list[str], records: bytes, version: int = 1) -> bytes:
    text = json.dumps(names).encode()
    head = {"version": version, "names": len(text), "late": 0, "with": {"record": 232}}
    return b"\n".join([json.dumps(head).encode(), text + records])


def test_a_table_of_version_0_2_is_converted() -> None:
    records = np.full(2, FIRST)
    records["kw"] = [0.5, 0.6]
    records["alarms"]["limits"][:, 6] = [17.5, 14.0]
    records["alarms"]["events"][:, 6] = [3, 0]
    records["alarms"]["seen"] = 5000
    table = MeterTable(FIRST)
    about = table.restore(state_of(["a", "b"], as_written(records)))
    assert about["late"] == 0
    assert table.names == ["a", "b"]
    assert table.records["kw"].tolist() == [0.5, 0.6]
    alarms = table.records["alarms"]
    assert alarms["limits"][:, 6:].tolist() == [[17.5, 17.5], [14.0, 14.0]]
    assert alarms["events"][:, 6:].tolist() == [[3, 3], [0, 0]]
    assert alarms["seen"].tolist() == [5000, 5000]
    assert np.isnan(alarms["base"]).all()
    assert not alarms["plateau"].any()
    again = MeterTable(FIRST)
    again.restore(table.state({}))
    assert again.records.tobytes() == table.records.tobytes()


@pytest.mark.parametrize("cut", [1, 232])
def test_a_damaged_table_of_version_0_2_is_rejected(cut: int) -> None:
    data = as_written(np.full(2, FIRST))
    with pytest.raises(StateError, match="damaged"):
        MeterTable(FIRST).restore(state_of(["a", "b"], data[:-cut]))


def test_a_shard_of_version_0_2_continues(sample_kw: np.ndarray) -> None:
    model = load_model(threads=1)
    at = np.datetime64("2026-01-01", "us") + np.arange(200) * np.timedelta64(60, "s")
    before = Shard(model)
    before.push(["a"] * 100, at[:100], sample_kw[:100])
    head, _, rest = before.state().partition(b"\n")
    about = json.loads(head)
    about["version"] = 1
    about["with"]["record"] = 0
    records = as_written(before._table.records)
    former = b"\n".join([json.dumps(about).encode(), rest[: about["names"]] + records])
    shard = Shard(model)
    shard.restore(former)
    ours = shard.push(["a"] * 100, at[100:], sample_kw[100:200]).columns
    theirs = before.push(["a"] * 100, at[100:], sample_kw[100:200]).columns
    assert ours["next_kw"].tolist() == theirs["next_kw"].tolist()
    assert ours["alarms"].tolist() == theirs["alarms"].tolist()
