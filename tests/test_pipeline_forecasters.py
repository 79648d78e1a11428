"""Tests of pipelines with forecasters of one's own, right ones and faulty ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from streamer import ModelError, Pipeline, ReadingBlock, StateError, Step, Window
from streamer.models.plugins import AnyForecaster
from streamer.readings import Reading
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.runner import run
from streamer.testing import ListSource, readings
from tests.models.plugins.own import SPOILERS, WINDOW, Leaning, Spoilt, SpoiltBlocks, raising

KW = np.round(np.random.default_rng(26).gamma(2.0, 0.3, 300), 3)
READINGS = [*readings(KW[:200]), *readings(KW[200:], start=readings([0.0])[0].at + timedelta(4))]
SPOILT_AT = 120
AT_KW = float(KW[SPOILT_AT])

Make = Callable[[], AnyForecaster]


def _pushed(pipeline: Pipeline, items: Iterable[Reading] = READINGS) -> list[Step]:
    return [pipeline.push(reading) for reading in items]


def _all_finite(step: Step) -> bool:
    scores = step.scores.model
    return scores.mse_kw2 is None or math.isfinite(scores.mse_kw2)


def test_the_spoilt_reading_is_the_only_one_of_its_value() -> None:
    assert (KW == AT_KW).sum() == 1


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_fault_costs_one_forecast_and_nothing_else(spoiler: str) -> None:
    pipeline = Pipeline(SpoiltBlocks(SPOILERS[spoiler], AT_KW))
    steps = _pushed(pipeline)
    absent = [step.reading.kw for step in steps[WINDOW - 1 :] if step.forecast is None]
    assert absent == [AT_KW]
    assert steps[SPOILT_AT + 1].settled is None
    assert steps[-1].scores.settled == len(READINGS) - WINDOW - 1
    assert all(map(_all_finite, steps))
    json.dumps(pipeline.state(), allow_nan=False)
    (notice,) = pipeline.gathered()
    assert notice.at == READINGS[SPOILT_AT].at
    assert notice.text.startswith("model SpoiltBlocks: stream().push() ")
    assert notice.text.endswith("; the minute is not forecast")
    assert not pipeline.gathered()


@pytest.mark.parametrize("spoiler", SPOILERS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_faults_are_the_same_in_blocks(spoiler: str, size: int) -> None:
    make: Make = lambda: SpoiltBlocks(SPOILERS[spoiler], AT_KW)  # noqa: E731
    _assert_same_in_blocks(make, size)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_learning_forecaster_gives_the_same_steps_in_blocks(size: int) -> None:
    _assert_same_in_blocks(Leaning, size)
    _assert_same_in_blocks(lambda: Spoilt(lambda window: math.nan, AT_KW), size)


def _assert_same_in_blocks(make: Make, size: int) -> None:
    singly, many, block = (Pipeline(make()) for _ in range(3))
    steps = _pushed(singly)
    together: list[Step] = []
    last = None
    for start in range(0, len(READINGS), size):
        part = READINGS[start : start + size]
        together += many.push_many(part)
        last = block.push_block(ReadingBlock.of(part)).last
    assert len(together) == len(steps)
    for one, other in zip(steps, together, strict=True):
        assert (one.forecast is None) == (other.forecast is None)
        if one.forecast is not None and other.forecast is not None:
            assert one.forecast.kw == pytest.approx(other.forecast.kw, abs=1e-5)
            assert one.forecast.low_kw == pytest.approx(other.forecast.low_kw, abs=1e-5)
    assert last is not None
    assert last.forecast is not None
    assert steps[-1].forecast is not None
    assert last.forecast.kw == pytest.approx(steps[-1].forecast.kw, abs=1e-5)
    assert last.scores.settled == steps[-1].scores.settled
    assert last.scores.model.mse_kw2 == pytest.approx(steps[-1].scores.model.mse_kw2)
    assert singly.gathered() == many.gathered() == block.gathered()


@pytest.mark.parametrize("confidence", [0.9])
@pytest.mark.parametrize("adapt", [True, False, "light"])
def test_what_a_forecaster_learns_is_in_the_state(adapt: Any, confidence: float) -> None:
    whole = Pipeline(Leaning(), adapt=adapt, confidence=confidence)
    expected = _pushed(whole)
    for cut in (2, WINDOW, 150):
        first = Pipeline(Leaning(), adapt=adapt)
        _pushed(first, READINGS[:cut])
        state = json.loads(json.dumps(first.state(), allow_nan=False))
        second = Pipeline(Leaning(), adapt=adapt)
        second.restore(state)
        assert _pushed(second, READINGS[cut:]) == expected[cut:]


def test_a_forecaster_of_blocks_is_begun_anew_after_a_fault_and_after_a_restore() -> None:
    expected = _pushed(Pipeline(SpoiltBlocks(raising, AT_KW)))
    pipeline = Pipeline(SpoiltBlocks(raising, AT_KW))
    _pushed(pipeline, READINGS[: SPOILT_AT + 1])
    again = Pipeline(SpoiltBlocks(raising, AT_KW))
    again.restore(pipeline.state())
    assert _pushed(again, READINGS[SPOILT_AT + 1 :]) == expected[SPOILT_AT + 1 :]


def test_a_state_that_the_forecaster_does_not_take_changes_nothing() -> None:
    donor = Pipeline(Leaning())
    _pushed(donor, READINGS[:50])
    state = donor.state()
    state["forecaster"]["learnt"] = {"other": 1.0}
    forecaster = Leaning()
    pipeline = Pipeline(forecaster)
    _pushed(pipeline, READINGS[:20])
    before = json.dumps(pipeline.state())
    with pytest.raises(StateError, match=r"model Leaning: restore\(\) .*KeyError"):
        pipeline.restore(state)
    assert json.dumps(pipeline.state()) == before


@pytest.mark.parametrize("learnt", [{"bias_kw": math.nan}, {1, 2}, "x" * (1 << 21)])
def test_a_state_that_is_not_plain_json_is_not_saved(learnt: Any) -> None:
    class Odd(Leaning):
        def state(self) -> Any:
            return learnt

    pipeline = Pipeline(Odd())
    _pushed(pipeline, READINGS[:10])
    assert pipeline.state()["forecaster"]["learnt"] is None
    (notice,) = pipeline.gathered()
    assert "state()" in notice.text
    assert notice.text.endswith("; what it has learnt is not saved")


def test_a_state_without_a_forecaster_begins_its_window_anew() -> None:
    pipeline = Pipeline(Leaning())
    _pushed(pipeline, READINGS[:20])
    state = pipeline.state()
    del state["forecaster"]
    other = Pipeline(Leaning())
    other.restore(state)
    forecast = [step.forecast is not None for step in _pushed(other, READINGS[20:25])]
    assert forecast == [False] * (WINDOW - 1) + [True, True]


def test_a_fault_while_learning_is_reported_and_the_forecast_is_made() -> None:
    class Forgetful(Leaning):
        def learn(self, window: Window, actual_kw: float) -> None:
            raise RuntimeError("not today")

    pipeline = Pipeline(Forgetful())
    assert all(step.forecast for step in _pushed(pipeline, READINGS[:40])[WINDOW - 1 :])
    (notice,) = pipeline.gathered()
    assert notice.text == (
        "model Forgetful: learn() raised RuntimeError: not today; it has not learnt from the minute"
    )


def test_no_forecast_is_not_a_fault() -> None:
    pipeline = Pipeline(Spoilt(lambda window: None, AT_KW))
    steps = _pushed(pipeline)
    assert steps[SPOILT_AT].forecast is None
    assert steps[-1].scores.settled == len(READINGS) - WINDOW - 1
    assert not pipeline.gathered()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (math.nan, "gave nan kW, not a finite number"),
        (-1e7, "gave -1e+07 kW, not a plausible power"),
        ("half", "gave 'half', not a number of kW"),
        ([0.5, 0.6], "gave an array of shape (2,), not a number"),
        ([[0.5]], "gave an array of shape (1, 1), not a number"),
        ([], "gave an array of shape (0,), not a number"),
    ],
)
def test_a_fault_is_named(answer: Any, said: str) -> None:
    pipeline = Pipeline(Spoilt(lambda window: answer, AT_KW))
    _pushed(pipeline)
    (notice,) = pipeline.gathered()
    assert notice.text == f"model Spoilt: forecast() {said}; the minute is not forecast"


def test_a_forecaster_gets_times_and_channels() -> None:
    seen: list[Window] = []

    class Curious:
        window = 3
        levels = (0.1, 0.9)
        channels = ("voltage", "boiler")

        def forecast(self, window: Window) -> list[float]:
            seen.append(window)
            return [0.5, 0.6, 0.4]

    measured = [
        replace(each, channels=(230.0 + place, 0.1 * place))
        for place, each in enumerate(READINGS[:5])
    ]
    step = _pushed(Pipeline(Curious(), adapt=False), measured)[-1]
    assert step.forecast is not None
    assert step.forecast.kw == 0.5
    assert [window.at for window in seen] == [
        tuple(each.at for each in measured[start : start + 3]) for start in range(3)
    ]
    assert seen[-1].kw.tolist() == KW[2:5].tolist()
    assert seen[-1].channels["voltage"].tolist() == [232.0, 233.0, 234.0]
    assert seen[-1].channels["boiler"].tolist() == pytest.approx([0.2, 0.3, 0.4])
    with pytest.raises(ValueError, match="read-only"):
        seen[-1].kw[0] = 1.0


def test_the_window_begins_anew_after_a_long_gap() -> None:
    from streamer import GapRule

    pipeline = Pipeline(Leaning(), gaps=GapRule("reset", 10))
    steps = _pushed(pipeline)
    assert [step.forecast is None for step in steps[200:205]] == [True] * (WINDOW - 1) + [False] * 2


def test_notices_about_faults_reach_the_sinks() -> None:
    class Kept:
        def __init__(self) -> None:
            self.items: list[Any] = []

        def write(self, item: Any) -> None:
            self.items.append(item)

        def close(self) -> None:
            pass

    kept = Kept()
    pipeline = Pipeline(Spoilt(raising, AT_KW))
    run(ListSource(READINGS), pipeline, [kept], Pacer(MAX))
    texts = [item.text for item in kept.items if hasattr(item, "text")]
    assert texts == [
        "model Spoilt: forecast() raised ValueError: no forecast today; the minute is not forecast"
    ]


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"window": 0}, "window is 0; give a whole number from 1 to 1440"),
        ({"window": "all"}, "window is 'all'"),
        ({"window": True}, "window is True"),
        ({"levels": (0.9, 0.1)}, r"levels are \(0.9, 0.1\)"),
        ({"levels": (0.0, 0.5)}, r"levels are \(0.0, 0.5\)"),
        ({"levels": 0.5}, "levels are 0.5"),
        ({"levels": ("low",)}, "levels are"),
        ({"levels": tuple(np.linspace(0.001, 0.999, 200).tolist())}, "200 levels, at most 100"),
        ({"channels": "voltage"}, "channels are 'voltage'"),
        ({"channels": ("solar",)}, "channels are"),
        ({"channels": ("voltage", "voltage")}, "give each once"),
        ({"forecast": None}, r"no method forecast\(window\)"),
    ],
)
def test_wrong_traits_are_named_before_the_first_reading(traits: dict[str, Any], said: str) -> None:
    wrong = type("Wrong", (Leaning,), traits)
    with pytest.raises(ModelError, match=f"model Wrong: .*{said}"):
        Pipeline(wrong())


def test_a_class_is_not_a_forecaster() -> None:
    with pytest.raises(ModelError, match=r"model Leaning: .*is a class"):
        Pipeline(Leaning)  # type: ignore[arg-type] # wrong on purpose


def test_a_stream_that_cannot_be_begun_anew_forecasts_nothing_until_it_can() -> None:
    from streamer import GapRule
    from streamer.testing import FixedForecaster

    class Stuck:
        fails = 2

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def restart(self, seen: int = 0) -> None:
            if self.fails:
                self.fails -= 1
                raise OSError("busy")
            self.inner.restart(seen)

        def push(self, kw: float) -> Any:
            return self.inner.push(kw)

    class Unwilling(FixedForecaster):
        def stream(self) -> Any:
            return Stuck(super().stream())

    pipeline = Pipeline(Unwilling(window=2), gaps=GapRule("reset", 10))
    steps = _pushed(pipeline, READINGS[198:205])
    assert [step.forecast is not None for step in steps] == [False, True, False, True, *[True] * 3]
    (notice,) = pipeline.gathered()
    assert notice.text == (
        "model Unwilling: stream().restart() raised OSError: busy; it is tried again"
    )
