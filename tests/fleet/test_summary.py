"""Tests of the summaries of shards, and of a fleet's figures out of them, by plain sorting."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.fleet import Shard
from streamer.fleet.arranged import NEVER
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.spark.meters import meters_status
from streamer.fleet.summary import (
    MAX_WORST,
    MIN_SETTLED,
    MeterSummary,
    Scores,
    ShardSummary,
    summarise,
)
from streamer.models import load_model

MINUTE_US = 60_000_000
FIRST_US = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)
AFTER = 15


def fleet(seed: int, meters: int) -> dict[str, Any]:
    """Columns of meters with few different values, so that many ranks are shared."""
    drawn = np.random.default_rng(seed)
    never = drawn.random(meters) < 0.05
    settled = np.where(never, 0, drawn.integers(0, 2 * MIN_SETTLED, meters))
    means = {name: drawn.integers(0, 4, meters) / 8.0 for name in Scores._fields[1:]}
    for values in means.values():
        values[settled == 0] = np.nan
    records = np.zeros(meters, [("last_at", "i8"), ("last_kw", "f8"), ("silent", "?")])
    records["last_at"] = FIRST_US + drawn.integers(0, 40, meters) * MINUTE_US
    records["last_at"][never] = NEVER
    records["last_kw"] = drawn.random(meters)
    records["silent"] = (records["last_at"] != NEVER) & (
        records["last_at"] < FIRST_US + 20 * MINUTE_US
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = means["mse_kw2"] / means["persistence_mse_kw2"]
    skill = np.where(means["persistence_mse_kw2"] > 0.0, 1.0 - ratio, np.nan)
    names = np.array([f"meter {at:03d}" for at in drawn.permutation(meters)])
    return {
        "names": names,
        "records": records,
        "scores": {"settled": settled, **means, "skill": skill},
    }


def summary(columns: dict[str, Any], rows: Any) -> ShardSummary:
    heard = columns["records"]["last_at"][rows]
    heard = heard[heard != NEVER]
    found = summarise(
        columns["names"][rows].tolist(),
        columns["records"][rows],
        {"1": {name: values[rows] for name, values in columns["scores"].items()}},
        latest_us=int(heard.max()) if len(heard) else None,
        late=1,
        doubled=2,
        invalid=3,
    )
    return from_json(ShardSummary, json.dumps(vars(found)))


@pytest.mark.parametrize(("seed", "meters", "shards"), [(1, 300, 7), (2, 60, 1), (3, 5, 9)])
def test_the_figures_of_a_fleet_are_those_of_all_its_meters(
    seed: int, meters: int, shards: int
) -> None:
    columns = fleet(seed, meters)
    of = np.arange(meters) % shards
    found = meters_status(
        {key: summary(columns, of == key) for key in range(shards)},
        batch=4,
        worst=MAX_WORST,
        silent_after=AFTER,
    )
    names, records, scores = columns["names"], columns["records"], columns["scores"]
    at = records["last_at"]
    heard = at[at != NEVER]
    assert (found.batch, found.meters, found.shards) == (4, meters, shards)
    assert (found.late, found.doubled, found.invalid) == (shards, 2 * shards, 3 * shards)
    assert found.newest == datetime.fromtimestamp(heard.max() / 1e6, UTC)
    assert found.oldest == datetime.fromtimestamp(heard.min() / 1e6, UTC)
    assert found.silent == records["silent"].sum()
    settled = scores["settled"]
    assert found.scores.settled == settled.sum()
    for name in Scores._fields[1:]:
        expected = np.nansum(scores[name] * settled) / settled.sum()
        assert getattr(found.scores, name) == pytest.approx(expected, rel=1e-9)
    assert found.scores.skill is not None

    def first(values: Any, which: Any) -> list[str]:
        order = sorted(np.flatnonzero(which), key=lambda row: (values[row], names[row]))
        return [str(names[row]) for row in order[:MAX_WORST]]

    def listed(meters: tuple[MeterSummary, ...]) -> list[str]:
        return [meter.meter for meter in meters]

    ranked = settled >= MIN_SETTLED
    behind = (at != NEVER) & (records["silent"] | (at < heard.max() - AFTER * MINUTE_US))
    known = ranked & ~np.isnan(scores["skill"])
    assert listed(found.lowest_skill) == first(scores["skill"], known)
    assert listed(found.largest_mse) == first(-scores["mse_kw2"], ranked)
    assert listed(found.longest_silent) == first(at, behind)


def test_meters_of_a_shard_that_is_behind_are_soon_silent() -> None:
    columns = fleet(4, 40)
    columns["records"]["last_at"][:20] = FIRST_US - 30 * MINUTE_US
    columns["records"]["silent"][:20] = np.arange(20) < 3
    shards = {key: summary(columns, np.arange(40) // 20 == key) for key in range(2)}
    found = meters_status(shards, batch=0, worst=3, silent_after=AFTER)
    assert found.soon_silent == 17
    never = meters_status(shards, batch=0, worst=3, silent_after=0)
    assert never.soon_silent == 0
    assert all(meter.silent for meter in never.longest_silent)


def test_a_fleet_without_readings_has_no_figures() -> None:
    found = meters_status({}, batch=-1, worst=5, silent_after=AFTER)
    assert (found.meters, found.newest, found.scores.settled) == (0, None, 0)
    assert (found.scores.mse_kw2, found.scores.skill) == (None, None)
    assert found.lowest_skill == found.longest_silent == ()


def test_the_summary_of_a_shard_has_the_scores_of_its_meters() -> None:
    shard = Shard(load_model())
    assert shard.tally().latest_us is None
    at = np.datetime64("2026-01-01T00:00", "us") + np.arange(120) * np.timedelta64(1, "m")
    shard.push(["a"] * 120 + ["b" * 300], [*at, at[3]], [*np.linspace(0.1, 0.9, 120), 1.5])
    shard.push(["a", "b" * 300], at[:2], np.ones(2))
    shard.silent(at[-1])
    found = shard.tally()
    columns = shard.summary().columns
    assert (found.meters, found.late, found.doubled, found.invalid) == (2, 2, 0, 0)
    assert found.silent == 1
    assert found.latest_us == int(at[-1].astype(int))
    assert found.oldest_us == int(at[3].astype(int))
    assert found.scores["1"].settled == columns["settled"].sum() == 71
    assert found.scores["1"].mse_kw2 == pytest.approx(71 * columns["mse_kw2"][0])
    for minutes in ("15", "60"):
        means = found.scores[minutes]
        assert means.settled == columns[f"settled_{minutes}"].sum() > 0
        mse = columns[f"mse_{minutes}_kw2"][0]
        assert means.mse_kw2 == pytest.approx(means.settled * mse, rel=1e-6)
        assert (means.mae_kw, means.frozen_mse_kw2) == (None, None)
    first, second = found.worst
    assert (first.meter, first.settled, first.silent) == ("a", 71, False)
    assert (second.meter, second.settled, second.mse_kw2) == ("b" * 200, 0, None)
    assert first.skill == pytest.approx(columns["skill"][0], rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_summary_is_rejected(data: st.DataObject) -> None:
    values = json.loads(json.dumps(vars(summary(fleet(5, 3), np.arange(3)))))
    name = data.draw(st.sampled_from([*values]))
    wrong = st.one_of(st.text(max_size=3), st.booleans(), st.just(float("nan")), st.just([[1]]))
    values[name] = data.draw(wrong)
    with pytest.raises(ValueError, match=r"is|not|has|type"):
        from_json(ShardSummary, json.dumps(values))
