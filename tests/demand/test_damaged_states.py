"""Tests of demand intervals whose saved state has one wrong value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from streamer.demand.settings import DemandRule
from streamer.errors import StateError
from streamer.pipeline import Pipeline
from streamer.testing import FixedForecaster, readings

HORIZONS = (*range(2, 16), 30, 60)
WRONG = [
    *(None, True, "", "x", [], {}, [[1]], -1, 3, 0.5, 1 << 60, 1e300, 1e308),
    *(float("nan"), float("inf"), "2010-03-01T00:00:00", "2010-03-02T19:00:00+02:00"),
    *("0001-01-01T00:00:00", "9999-12-31T23:59:00"),
]
NEXT = readings([1.0, 6.0, 0.2] * 6, start=datetime(2010, 3, 2, 19, 4))


def _pipeline() -> Pipeline:
    model = FixedForecaster(window=2, spread_kw=0.1, horizons=HORIZONS)
    return Pipeline(model, demand=DemandRule(limit_kw=3.0))


@pytest.fixture(scope="module")
def saved() -> str:
    """State of a day with an alarm, saved while another is active."""
    kw = np.full(26 * 60, 0.2)
    kw[60:90], kw[700:720], kw[-3:] = 5.0, -1.0, 5.0
    pipeline = _pipeline()
    pipeline.push_many(readings(kw, start=datetime(2010, 3, 1, 17, 4)))
    return json.dumps(pipeline.state())


def _paths(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = enumerate(state) if isinstance(state, list) else getattr(state, "items", list)()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_value_is_an_error_or_does_no_harm(saved: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths = [path for path in _paths(json.loads(saved)["demand"]) if path[0] != "ledger"]
    refused = 0
    for _ in range(12):
        state = json.loads(saved)
        *path, last = paths[rng.integers(len(paths))]
        place = state["demand"]
        for key in path:
            place = place[key]
        place[last] = WRONG[rng.integers(len(WRONG))]
        pipeline = _pipeline()
        try:
            pipeline.restore(state)
        except StateError:
            refused += 1
            continue
        pipeline.push_many(NEXT)
        _pipeline().restore(json.loads(json.dumps(pipeline.state(), allow_nan=False)))
    assert refused


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("probability", "calibration", 0), 1e300),
        (("probability", "calibration", 3), 1 << 60),
        (("probability", "seen", 0, 2), 1e300),
        (("scores", "brier"), 1e308),
        (("scores", "seen", 0, 1), 1e300),
        (("alarm", "threshold", "best"), 3),
        (("interval", 0), "9999-12-31T23:59:00"),
        (("interval", 2), -1.0),
        (("interval", 3), 1e300),
    ],
)
def test_a_value_out_of_bounds_is_an_error(saved: str, path: tuple[Any, ...], value: Any) -> None:
    state = json.loads(saved)
    place = state["demand"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(StateError, match="damaged"):
        _pipeline().restore(state)
