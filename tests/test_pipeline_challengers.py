"""Tests of challengers beside the model of a pipeline."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from streamer import GapRule, ModelError, Pipeline, ReadingBlock, Step, Window, load_model
from streamer.models.plugins import AnyForecaster
from streamer.readings import Reading, skill
from streamer.sinks.challengers import challenger_lines
from streamer.sinks.text import json_line, record
from streamer.testing import FixedForecaster, readings
from tests.models.plugins.own import WINDOW, Leaning, Spoilt

KW = np.round(np.random.default_rng(3).gamma(2.0, 0.3, 260), 3)
AT_KW = KW[90] = 9.0
ITEMS = [*readings(KW[:200]), *readings(KW[200:], start=readings([0.0])[0].at + timedelta(4))]


def _challengers() -> dict[str, AnyForecaster]:
    return {
        "leaning": Leaning(),
        "absent once": Spoilt(lambda window: None, AT_KW),
        "blocks": FixedForecaster(window=7, spread_kw=0.1),
    }


def _pipeline(**settings: Any) -> Pipeline:
    return Pipeline(FixedForecaster(window=3), challengers=_challengers(), **settings)


def _pushed(pipeline: Pipeline, items: list[Reading] = ITEMS) -> list[Step]:
    return [pipeline.push(reading) for reading in items]


def test_challengers_change_nothing_else() -> None:
    alone = _pushed(Pipeline(FixedForecaster(window=3)))
    beside = _pushed(_pipeline())
    assert [replace(step, challengers=()) for step in beside] == alone
    assert all(len(step.challengers) == 3 for step in beside)


def test_scores_are_over_the_minutes_of_both() -> None:
    steps = _pushed(_pipeline())
    for place, name in enumerate(_challengers()):
        errors: list[tuple[float, float, float]] = []
        absent = 0
        for before, step in pairwise(steps):
            theirs = before.challengers[place].forecast_kw
            if step.settled is None:
                continue
            if theirs is None:
                absent += 1
                continue
            found = (theirs, step.settled.kw, before.reading.kw)
            errors.append(tuple(step.reading.kw - kw for kw in found))  # type: ignore[arg-type]
        mse = np.mean(np.square(errors), axis=0)
        mae = np.mean(np.abs(errors), axis=0)
        scores = steps[-1].challengers[place]
        assert (scores.name, scores.settled, scores.absent) == (name, len(errors), absent)
        assert [scores.errors.mse_kw2, scores.model.mse_kw2, scores.persistence.mse_kw2] == (
            pytest.approx(mse.tolist())
        )
        assert [scores.errors.mae_kw, scores.model.mae_kw] == pytest.approx(mae[:2].tolist())
        assert scores.skill == pytest.approx(skill(mse[0], mse[2]))
        assert scores.model_skill == pytest.approx(skill(mse[1], mse[2]))
    assert [each.absent for each in steps[-1].challengers] == [WINDOW - 3, WINDOW - 2, 4]


@pytest.mark.parametrize("size", [1, 9, 100])
@pytest.mark.parametrize("gaps", [None, GapRule("reset", 10)])
def test_the_race_is_the_same_in_blocks(size: int, gaps: GapRule | None) -> None:
    singly, many, block = (_pipeline(gaps=gaps) for _ in range(3))
    steps = _pushed(singly)
    together: list[Step] = []
    for start in range(0, len(ITEMS), size):
        part = ITEMS[start : start + size]
        together += many.push_many(part)
        last = block.push_block(ReadingBlock.of(part)).last
    assert [step.challengers for step in together] == [step.challengers for step in steps]
    assert last.challengers == steps[-1].challengers


def test_the_race_continues_from_a_saved_state() -> None:
    expected = _pushed(_pipeline())
    first = _pipeline()
    _pushed(first, ITEMS[:120])
    state = json.loads(json.dumps(first.state(), allow_nan=False))
    second = _pipeline()
    second.restore(state)
    assert _pushed(second, ITEMS[120:]) == expected[120:]
    assert not second.gathered()


@pytest.mark.parametrize(
    "damage",
    [
        {"settled": -1},
        {"squared": [1.0]},
        {"absolute": [math.nan, 1.0, 1.0]},
        {"waiting_kw": "much"},
        {"stream": {"at": ["today"], "values": "", "learnt": None}},
        {"stream": {"at": [], "values": "", "learnt": {"other": 1}}},
    ],
)
def test_a_challenger_with_a_damaged_state_begins_anew(damage: dict[str, Any]) -> None:
    first = _pipeline()
    _pushed(first, ITEMS[:50])
    state = first.state()
    state["challengers"]["leaning"].update(damage)
    second = _pipeline()
    second.restore(state)
    assert [each.settled for each in _pushed(second, ITEMS[50:51])[0].challengers] == [0, 47, 44]
    (notice,) = second.gathered()
    assert notice.text.startswith("challenger leaning: restore() ")
    assert notice.text.endswith("; it begins anew")


def test_a_state_without_a_race_and_a_race_without_a_state() -> None:
    alone = Pipeline(FixedForecaster(window=3))
    _pushed(alone, ITEMS[:50])
    racing = _pipeline()
    racing.restore(alone.state())
    assert _pushed(racing, ITEMS[50:60])[-1].challengers[0].settled == 10 - WINDOW
    alone.restore(racing.state())
    assert not _pushed(alone, ITEMS[60:61])[0].challengers


def test_faults_of_challengers_are_named() -> None:
    wrong = {"mine": Spoilt(lambda window: math.inf, AT_KW)}
    pipeline = Pipeline(FixedForecaster(window=3), challengers=wrong)
    steps = _pushed(pipeline)
    assert steps[-1].challengers[0].absent == WINDOW - 2
    (notice,) = pipeline.gathered()
    assert notice.text.startswith("challenger mine: forecast() gave inf kW, not a finite number")


def test_a_network_can_be_a_challenger() -> None:
    network = load_model("sceaux", engine="numpy")
    pipeline = Pipeline(network, adapt=False, challengers={"itself": network})
    scores = _pushed(pipeline, ITEMS[:70])[-1].challengers[0]
    assert scores.settled == 21
    assert scores.errors.mse_kw2 == pytest.approx(scores.model.mse_kw2, abs=1e-6)


def test_channels_of_a_challenger_are_those_of_the_model_by_name() -> None:
    class Voltage:
        window = 1
        channels = ("voltage",)

        def forecast(self, window: Window) -> float:
            return float(window.channels["voltage"][0]) / 1000

    class Model(Leaning):
        channels = ("reactive", "voltage")

    pipeline = Pipeline(Model(), challengers={"voltage": Voltage()})
    step = pipeline.push(replace(ITEMS[0], channels=(0.1, 230.0)))
    assert step.challengers[0].forecast_kw == 0.23
    with pytest.raises(ModelError, match="challenger mine: it takes voltage, which the model does"):
        Pipeline(Leaning(), challengers={"mine": Voltage()})
    bad: Mapping[str, Any] = {"mine": 3}
    with pytest.raises(ModelError, match="model mine: it has no method"):
        Pipeline(Leaning(), challengers=bad)


def test_lines_and_records_of_a_race() -> None:
    steps = _pushed(_pipeline())
    for step in (steps[0], steps[-1]):
        assert json_line(step) == json.dumps(record(step))
    found: Any = record(steps[-1])["challengers"]
    assert [each["name"] for each in found] == ["leaning", "absent once", "blocks"]
    assert found[1]["settled"] == steps[-1].challengers[1].settled
    assert set(found[0]) == {
        *("name", "next_kw", "settled", "absent", "mse_kw2", "mae_kw", "skill", "model_skill")
    }
    assert "challengers" not in record(_pushed(Pipeline(FixedForecaster(window=3)))[-1])
    assert challenger_lines(steps[0].challengers)[1] == (
        "leaning      skill –, the model –, over 0 minutes"
    )
    assert challenger_lines(steps[-1].challengers)[2].endswith(
        "over 255 minutes; 2 minutes without a forecast"
    )
    assert challenger_lines(()) == []
