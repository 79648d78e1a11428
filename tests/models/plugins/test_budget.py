"""Tests of the time budget for the calls of a forecaster."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from streamer import Pipeline, Window
from streamer.models.plugins.budget import Worker, budgeted
from streamer.models.plugins.faults import FaultError
from streamer.testing import FixedForecaster, check_forecaster, readings
from tests.models.plugins.own import Leaning

TINY_S = 0.1


class Hanging(Leaning):
    """Does not return from the forecast after a given number of others, until it is let go."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after
        self.let_go = threading.Event()

    def forecast(self, window: Window) -> float:
        self.left -= 1
        if self.left < 0:
            self.let_go.wait(30.0)
        return super().forecast(window)


def _returned(worker: Worker) -> bool:
    """Wait for the late call."""
    assert worker._late is not None
    return worker._late.done.wait(10.0)


def _pushed(pipeline: Pipeline, count: int) -> list[bool]:
    kw = np.random.default_rng(5).gamma(2.0, 0.3, count)
    return [pipeline.push(reading).forecast is not None for reading in readings(kw)]


def test_a_forecaster_that_hangs_holds_up_nothing_for_long() -> None:
    forecaster = Hanging(after=2)
    try:
        pipeline = Pipeline(budgeted(forecaster, name="mine", budget_s=TINY_S))
        assert _pushed(pipeline, 60) == [False] * 3 + [True] * 2 + [False] * 55
        texts = [notice.text for notice in pipeline.gathered()]
        assert texts == [
            "model mine: forecast() took longer than 0.1 s; the minute is not forecast",
            "model mine: learn() was not called: an earlier call has not returned yet; it has not "
            "learnt from the minute",
        ]
        assert pipeline.state()["forecaster"]["learnt"] is None
    finally:
        forecaster.let_go.set()


def test_a_forecaster_that_is_slow_once_is_asked_again() -> None:
    forecaster = Hanging(after=2)
    within: Any = budgeted(forecaster, budget_s=TINY_S)
    pipeline = Pipeline(within)
    items = readings(np.full(20, 0.5))
    found = []
    for place, reading in enumerate(items):
        if place == 10:
            forecaster.left = 100
            forecaster.let_go.set()
            assert _returned(within._worker)  # and what it returned is dropped
        found.append(pipeline.push(reading).forecast is not None)
    assert found == [False] * 3 + [True] * 2 + [False] * 5 + [True] * 10


def test_what_was_learnt_last_is_saved_while_a_call_hangs() -> None:
    forecaster = Hanging(after=6)
    try:
        pipeline = Pipeline(budgeted(forecaster, budget_s=TINY_S))
        items = readings([0.1, 0.5, 0.9, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8, 1.0, 0.2])
        for reading in items[:8]:
            pipeline.push(reading)
        learnt = pipeline.state()["forecaster"]["learnt"]
        assert learnt["bias_kw"] != 0.0
        for reading in items[8:]:
            pipeline.push(reading)
        assert pipeline.state()["forecaster"]["learnt"] == learnt
    finally:
        forecaster.let_go.set()


@pytest.mark.parametrize("make", [Leaning, lambda: FixedForecaster(window=3, spread_kw=0.1)])
def test_a_budgeted_forecaster_keeps_to_the_protocol_of_its_own(make: Any) -> None:
    plain = check_forecaster(make)
    assert check_forecaster(lambda: budgeted(make())) == plain


def test_exceptions_are_raised_in_the_calling_thread() -> None:
    worker = Worker(5.0)
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda: 1 // 0)
    assert worker.call(int, "7") == 7
    assert worker.call(threading.current_thread) is not threading.current_thread()


def test_a_late_result_is_never_that_of_another_call() -> None:
    worker, free = Worker(TINY_S), threading.Event()

    def late() -> str:
        free.wait(30.0)
        return "late"

    with pytest.raises(FaultError, match="took longer"):
        worker.call(late)
    with pytest.raises(FaultError, match="earlier call"):
        worker.call(str, "early")
    free.set()
    assert _returned(worker)
    assert worker.call(str, "next") == "next"
