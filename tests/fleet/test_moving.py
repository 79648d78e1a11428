"""Tests of meters that continue in another shard."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.fleet import COLUMNS, Outcome, Shard
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from tests.agreement import AGREEMENT_KW

BEGIN = np.datetime64("2026-01-01T00:00", "us")
METERS = 7


@cache
def model() -> NetworkForecaster:
    return load_model("homes", threads=1)


def push(shard: Shard, meters: range, minutes: range) -> Outcome:
    rng = np.random.default_rng(minutes.start)
    kw = rng.gamma(1.5, 0.4, (METERS, len(minutes)))[list(meters)]
    names = np.repeat([f"m{meter}" for meter in meters], len(minutes))
    at = BEGIN + np.tile(np.array(minutes), len(meters)) * np.timedelta64(1, "m")
    return shard.push(names, at, kw.reshape(-1))


def test_meters_continue_in_other_shards_as_if_they_had_always_been_there() -> None:
    before = [range(4), range(4, 7)]
    after = [range(start, METERS, 3) for start in range(3)]
    old, new, always = ([Shard(model()) for _ in places] for places in (before, after, after))
    for shard, meters in zip(old, before, strict=True):
        push(shard, meters, range(130))
    moved = {
        meter: record
        for shard in old
        for meter, record in zip(shard.meters, shard.records(), strict=True)
    }
    for shard, other, meters in zip(new, always, after, strict=True):
        push(other, meters, range(130))
        names = [f"m{meter}" for meter in meters]
        shard.adopt(names[:1], [moved[names[0]]])
        shard.adopt(names[1:], [moved[name] for name in names[1:]])
        assert dict(zip(shard.meters, shard.records(), strict=True)).items() <= moved.items()
        assert shard.latest == other.latest
        again = Shard(model())
        again.restore(shard.state())
        rows, expected = (push(it, meters, range(130, 190)).columns for it in (again, other))
        assert set(rows) == set(COLUMNS)
        for name, kind in COLUMNS.items():
            if kind == "double":
                np.testing.assert_allclose(
                    rows[name], expected[name], rtol=0, atol=AGREEMENT_KW, err_msg=name
                )
            else:
                np.testing.assert_array_equal(rows[name], expected[name], err_msg=name)


def test_a_meter_in_two_shards_or_with_a_damaged_record_is_rejected() -> None:
    shard, other = Shard(model()), Shard(model())
    for each in (shard, other):
        push(each, range(2), range(3))
    with pytest.raises(StateError, match="in two shards"):
        shard.adopt(other.meters, other.records())
    with pytest.raises(StateError, match="in two shards"):
        Shard(model()).adopt(["a", "a"], other.records())
    with pytest.raises(StateError, match="it is damaged"):
        Shard(model()).adopt(["a"], [other.records()[0][:-1]])
