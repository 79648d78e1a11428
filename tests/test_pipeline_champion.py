"""Tests of a pipeline that shows the forecast of its champion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from streamer import GapRule, Pipeline, ReadingBlock, StateError, Step, UsageError, Window
from streamer.models.plugins import AnyForecaster
from streamer.online.champion import ChampionChallenger
from streamer.readings import Reading
from streamer.readings.challengers import Champion
from streamer.sinks.challengers import challenger_lines
from streamer.sinks.scores import score_lines
from streamer.sinks.text import json_line, record
from streamer.testing import FixedForecaster, readings

# In one process: most tests look at the same steps, which take seconds to make.
pytestmark = pytest.mark.xdist_group("champion")

COUNT, CHANGE = 3600, 2100
"""Readings, and the one at which the best forecaster becomes the worst."""


def _house() -> list[Reading]:
    rng = np.random.default_rng(5)
    kw = 0.5 + 0.2 * rng.standard_normal(COUNT)
    kw[CHANGE:] = np.cumsum(0.02 * rng.standard_normal(COUNT - CHANGE)) + 4.0
    found = readings(np.round(kw, 3))
    # A gap after which the window is empty.
    return found[:1800] + [
        replace(each, at=each.at + timedelta(minutes=90)) for each in found[1800:]
    ]


ITEMS = _house()


class Level:
    """Expects always the same; has no forecast at some minutes."""

    window = 2

    def __init__(self, kw: float, absent: int = 0) -> None:
        self.kw = kw
        self.absent = absent

    def forecast(self, window: Window) -> float | None:
        return None if self.absent and window.at[-1].minute % self.absent == 0 else self.kw


def _challengers() -> dict[str, AnyForecaster]:
    return {"bad": Level(0.9), "good": Level(0.5, absent=7), "fair": Level(0.6)}


def _pipeline(
    challengers: Mapping[str, AnyForecaster] | None = None, *, serve_best: bool = True
) -> Pipeline:
    return Pipeline(
        FixedForecaster(window=3, spread_kw=0.6),
        gaps=GapRule("reset", 10),
        challengers=_challengers() if challengers is None else challengers,
        serve_best=serve_best,
    )


@cache
def _steps(*, serve_best: bool = True) -> list[Step]:
    pipeline = _pipeline(serve_best=serve_best)
    return [pipeline.push(reading) for reading in ITEMS]


def _weights(steps: list[Step]) -> list[list[float]]:
    """Weight of each challenger at each step, from the steps of a pipeline that serves none."""
    comparisons = [ChampionChallenger(rounds=24, trial=24) for _ in _challengers()]
    usual, batches = 0.0, 0
    losses: list[list[float]] = []
    weights = [[0.0] * len(comparisons)]
    for before, step in pairwise(steps):
        if step.settled is not None:
            own = step.settled.kw
            kw = [own if c.forecast_kw is None else c.forecast_kw for c in before.challengers]
            losses.append([(step.reading.kw - each) ** 2 for each in (own, *kw)])
        if len(losses) == 60:
            model, *theirs = np.sum(losses, axis=0).tolist()
            counted = min(model, 10.0 * max(usual, 1e-9)) if batches else model
            batches += 1
            usual += (counted - usual) / min(batches, 168)
            for comparison, loss in zip(comparisons, theirs, strict=True):
                comparison.add(counted, min(loss, 10.0 * usual))
            losses.clear()
        weights.append([comparison.weight for comparison in comparisons])
    return weights


def test_what_is_shown_moves_from_the_model_to_the_champion_and_back() -> None:
    alone, shown = _steps(serve_best=False), _steps()
    names = set()
    for own, step, weights in zip(alone, shown, _weights(alone), strict=True):
        assert [c.forecast_kw for c in step.challengers] == [c.forecast_kw for c in own.challengers]
        if own.forecast is None or step.forecast is None:
            assert own.forecast is step.forecast is None
            continue
        theirs = [each.forecast_kw for each in own.challengers]
        known = [w if kw is not None else 0.0 for w, kw in zip(weights, theirs, strict=True)]
        weight = max(known)
        champion, kw = None, own.forecast.kw
        if weight:
            place = known.index(weight)
            champion, best_kw = own.challengers[place].name, theirs[place]
            assert best_kw is not None
            kw += weight * (best_kw - kw)
        assert step.champion == Champion(champion, pytest.approx(weight, abs=1e-12))
        names.add(champion)
        forecast = step.forecast
        held = min(max(kw, forecast.low_kw), forecast.high_kw)
        assert forecast.kw == pytest.approx(held, abs=1e-9)
        if champion is None:
            assert forecast == own.forecast
        else:
            assert forecast.median_kw is not None
            assert own.forecast.median_kw is not None
            moved = kw - own.forecast.kw
            assert forecast.median_kw == pytest.approx(own.forecast.median_kw + moved, abs=1e-9)
    assert names == {None, "good", "fair"}
    last = shown[-1].champion
    assert last == Champion()


def test_the_race_is_that_of_the_model_alone() -> None:
    for own, step in zip(_steps(serve_best=False), _steps(), strict=True):
        assert step.challengers == own.challengers
    assert _steps(serve_best=False)[-1].champion is None


def test_what_is_shown_is_scored_as_it_was_shown() -> None:
    steps = _steps()
    errors = []
    for before, step in pairwise(steps):
        if step.settled is not None:
            assert step.settled == before.forecast
            errors.append(step.reading.kw - step.settled.kw)
    assert steps[-1].scores.model.mse_kw2 == pytest.approx(np.mean(np.square(errors)))


def test_the_champion_is_better_and_its_band_covers() -> None:
    own, shown = (_steps(serve_best=served)[CHANGE - 1].scores for served in (False, True))
    assert own.skill is not None
    assert shown.skill is not None
    assert shown.skill > own.skill + 0.01
    served = [
        step
        for before, step in pairwise(_steps()[:CHANGE])
        if before.champion is not None and before.champion.weight > 0.0 and step.settled
    ]
    inside = [
        step.settled.low_kw <= step.reading.kw <= step.settled.high_kw
        for step in served
        if step.settled
    ]
    assert len(inside) > 500
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("size", [19, 1000])
def test_the_champion_is_the_same_in_blocks(size: int) -> None:
    many, block = _pipeline(), _pipeline()
    together: list[Step] = []
    settled: list[float] = []
    for start in range(0, COUNT, size):
        part = ITEMS[start : start + size]
        together += many.push_many(part)
        result = block.push_block(ReadingBlock.of(part))
        assert result.last.champion == together[-1].champion
        settled += result.settled_kw.tolist()
    for step, found in zip(_steps(), together, strict=True):
        assert step.champion is not None
        assert found.champion is not None
        assert found.champion.name == step.champion.name
        assert found.champion.weight == pytest.approx(step.champion.weight, abs=1e-5)
        assert (step.forecast is None) == (found.forecast is None)
        if step.forecast and found.forecast:
            assert found.forecast.kw == pytest.approx(step.forecast.kw, abs=1e-5)
            assert found.forecast.high_kw == pytest.approx(step.forecast.high_kw, abs=1e-5)
    kw = [np.nan if step.settled is None else step.settled.kw for step in _steps()]
    np.testing.assert_allclose(settled, kw, atol=1e-5)
    assert many.state()["succession"] == block.state()["succession"]


@pytest.mark.parametrize("at", [1500, 1800, 1801, 2099])
def test_the_champion_continues_from_a_saved_state(at: int) -> None:
    first, second = _pipeline(), _pipeline()
    for start in range(0, at, 500):
        first.push_many(ITEMS[start : min(start + 500, at)])
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    rest = ITEMS[at : at + 200]
    assert [second.push(each) for each in rest] == [first.push(each) for each in rest]


def test_with_other_challengers_the_comparison_begins_anew() -> None:
    first = _pipeline()
    first.push_many(ITEMS[:1990])
    state = json.loads(json.dumps(first.state()))
    assert first.push(ITEMS[1990]).champion != Champion()
    for challengers in ({"other": Level(0.5)}, {"good": Level(0.5), "bad": Level(0.9)}):
        second = _pipeline(challengers)
        second.restore(state)
        assert second.push(ITEMS[1990]).champion == Champion()
    alone = Pipeline(FixedForecaster(window=3, spread_kw=0.6), gaps=GapRule("reset", 10))
    alone.restore(state)
    assert alone.push(ITEMS[1990]).champion is None


@pytest.mark.parametrize(
    "damage",
    [
        {"settled": 60},
        {"settled": -1},
        {"squared": [1.0]},
        {"waiting_kw": [0.5, "much", 0.5, 0.5]},
        {"comparisons": []},
        {"usual": [1]},
        {"usual": ["a", 1.0]},
        {"band": {}},
    ],
)
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    first = _pipeline()
    first.push_many(ITEMS[:100])
    state = first.state()
    state["succession"].update(damage)
    with pytest.raises(StateError, match="saved state is damaged"):
        _pipeline().restore(state)


def test_without_challengers_there_is_no_best() -> None:
    with pytest.raises(UsageError, match="serve_best needs challengers"):
        Pipeline(FixedForecaster(window=3), serve_best=True)


def test_lines_and_records_name_the_champion() -> None:
    step = _steps()[1990]
    assert json_line(step) == json.dumps(record(step))
    assert step.champion is not None
    assert record(step)["champion"] == {"name": "good", "weight": step.champion.weight}
    assert list(record(step))[-2:] == ["challengers", "champion"]
    assert "champion" not in record(_steps(serve_best=False)[-1])
    shown = challenger_lines(step.challengers, step.champion)[-1]
    assert shown == f"shown last: good, with a weight of {100 * step.champion.weight:.0f} %"
    assert challenger_lines(step.challengers, Champion())[-1] == "shown last: the model"
    assert any("shown mean: MSE" in line for line in score_lines(step.scores, "shown"))
