"""Tests of states of former versions and other layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.fleet.alarmrecords import first_record
from streamer.fleet.former import converted, layout_of
from streamer.fleet.records import RecordKeeper
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard
from streamer.fleet.table import MeterTable
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online.intervals import TERMS, UNITS
from tests.agreement import AGREEMENT_KW

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

AT = np.datetime64("2026-01-01", "us") + np.arange(230) * np.timedelta64(1, "m")


def former_columns(records: np.ndarray, field: str) -> np.ndarray:
    """Values of a field in version 1, in which exports had a threshold and plateaus had none."""
    columns = records[field]
    if field in {"limits", "events", "since", "last"}:
        columns = np.insert(columns, 5, 0.01 if field == "limits" else 0, axis=1)[:, :7]
    return columns


def as_written(records: np.ndarray, window: np.ndarray) -> bytes:
    """Records of today in the layout of version 1, with windows in the units of the network."""
    assert FORMER.itemsize == 224
    assert FORMER_LIGHT.itemsize == 221
    kinds = {"band": FORMER_BAND, "alarms": FORMER, "light": FORMER_LIGHT}
    added = {"slot", "renewed", "mean_kw", "guard", "means", "demand"}
    names = [name for name in records.dtype.names if name not in added]
    former = np.zeros(
        len(records), [(name, kinds.get(name, records.dtype[name])) for name in names]
    )
    for name in names:
        if name not in kinds:
            former[name] = records[name]
            continue
        for field in set(kinds[name].names) - {"shown", "low_scale", "high_scale", "spare"}:
            former[name][field] = former_columns(records[name], field)
    for end in ("low", "high"):
        former["band"][f"{end}_scale"] = records["band"][end][:, 0] / UNITS
    former["light"]["shown"] = records["light"]["weight"] > 0.0
    former["window"] = window
    return former.tobytes()


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    return load_model("sceaux", threads=1)


def test_a_shard_of_version_1_continues(model: NetworkForecaster, sample_kw: np.ndarray) -> None:
    before = Shard(model)
    before.push(["a"] * 100, AT[:100], sample_kw[:100])
    records = before._table.records
    records["alarms"]["limits"][:, 5] = 17.5
    records["alarms"]["events"][:, 5] = 3
    window = np.empty((1, 49), np.float32)
    model.to_inputs(sample_kw[51:100], out=window[0])
    head, _, rest = before.state().partition(b"\n")
    about = json.loads(head)
    del about["layout"]
    about["version"], about["with"]["record"] = 1, 0
    data = as_written(records, window)
    names = rest[: about["names"]]
    former = b"\n".join([json.dumps(about).encode(), names + data])
    shard = Shard(model)
    shard.restore(former)
    made = shard._table.records
    assert made["light"]["settled"].tolist() == [51]
    alarms = made["alarms"]
    assert alarms["limits"][:, 5:].tolist() == [[17.5, 17.5]]
    assert alarms["events"][:, 5:].tolist() == [[3, 3]]
    assert np.isnan(alarms["base"]).all()
    assert alarms["memory"].tobytes() == first_record()["memory"].tobytes()
    band, theirs_band = (each["band"][0] for each in (made, records))
    assert band["low"].tolist() == [theirs_band["low"][0]] + [0] * (TERMS - 1)
    assert band["high"].tolist() == [theirs_band["high"][0]] + [0] * (TERMS - 1)
    assert band["error_kw"] == theirs_band["error_kw"]
    assert band["carried"]["settled"] == 0
    assert not np.any(made["guard"]["sums"])
    records["guard"] = 0
    ours = shard.push(["a"] * 100, AT[100:200], sample_kw[100:200]).columns
    theirs = before.push(["a"] * 100, AT[100:200], sample_kw[100:200]).columns
    # What is shown is held inside the band, which is not yet the same.
    means = [each._table.records["mean_kw"][0] for each in (shard, before)]
    assert means[0] == pytest.approx(means[1], abs=AGREEMENT_KW)
    assert ours["settled"].tolist() == theirs["settled"].tolist()
    assert ours["alarms"].tolist() == theirs["alarms"].tolist()
    for cut in (1, 232):
        with pytest.raises(StateError, match="damaged"):
            Shard(model).restore(former[:-cut])


def test_exports_of_version_1_are_known(model: NetworkForecaster) -> None:
    """The adaptive threshold was above what the house exported often."""
    former = np.zeros(2, layout_of(1, window=49, adapt=False))
    former["alarms"]["limits"] = [8.0, 3.0, 2.0, 0.5, 15.0, 0.02, 14.2]
    former["alarms"]["limits"][1, 5] = 2.75
    first = RecordKeeper(FleetSettings(adapt=False), model).first
    alarms = converted(former, first, version=1, to_kw=lambda window: window)["alarms"]
    assert alarms["limits"].tolist() == [[8.0, 3.0, 2.0, 0.5, 15.0, 14.2, 14.2]] * 2
    assert alarms["memory"]["export"].tolist() == [0.0, 2.75]


def test_a_shard_of_version_4_continues(model: NetworkForecaster, sample_kw: np.ndarray) -> None:
    """The file was written by that version, after these readings."""
    names, at = ["a"] * 170 + ["b"] * 30, np.concatenate([AT[:170], AT[140:170]])
    kw = np.concatenate([sample_kw[:170], sample_kw[300:330]])
    expected, shard = Shard(model), Shard(model)
    expected.push(names, at, kw)
    shard.restore((Path(__file__).parent / "states" / "version4.bin").read_bytes())
    assert shard.meters == ["a", "b"]
    names, at = ["a"] * 60 + ["b"] * 60, np.concatenate([AT[170:230]] * 2)
    kw = np.concatenate([sample_kw[170:230], sample_kw[330:390]])
    ours, theirs = (each.push(names, at, kw).columns for each in (shard, expected))
    for name in ("settled", "alarms", "gap_minutes"):
        assert ours[name].tolist() == theirs[name].tolist()
    for name in ("forecast_kw", "next_kw", "next_low_kw", "next_high_kw", "mse_kw2", "coverage"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0.0, atol=AGREEMENT_KW)


def test_records_of_another_layout_keep_what_both_have() -> None:
    inner = [("kept", "<f4", 3), ("wider", "<f4")]
    former = np.zeros(2, [("gone", "u1"), ("kw", "<f8"), ("part", inner)])
    former["kw"], former["part"] = [0.5, 0.6], ((1.0, 2.0, 3.0), 4.0)
    theirs = MeterTable(former[0])
    theirs.rows(["a", "b"])
    theirs.records[:] = former
    first = np.zeros((), [("kw", "<f8"), ("part", [*inner[:1], ("wider", "<f8")]), ("new", "u1")])
    first["new"] = 7
    ours = MeterTable(first)
    ours.restore(theirs.state({}), lambda window: window)
    assert ours.names == ["a", "b"]
    assert ours.records["kw"].tolist() == [0.5, 0.6]
    assert ours.records["part"]["kept"].tolist() == [[1.0, 2.0, 3.0]] * 2
    assert ours.records["part"]["wider"].tolist() == [0.0, 0.0]
    assert ours.records["new"].tolist() == [7, 7]
