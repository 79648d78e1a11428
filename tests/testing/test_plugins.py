"""Tests of the protocol checks for forecasters and sinks: each deviation is found."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from streamer import Step, Window
from streamer.readings import Link, Notice, Sample
from streamer.sinks.items import About, Vitals
from streamer.testing import FixedForecaster, check_forecaster, check_sink
from tests.models.plugins.own import Leaning

COUNTER = itertools.count()


class Numbered(Leaning):
    def __init__(self) -> None:
        super().__init__()
        self.bias_kw = float(next(COUNTER))


class Forgetful(Leaning):
    def state(self) -> dict[str, float]:
        return {"bias_kw": 0.0}


class OneWay(Leaning):
    restore = None  # type: ignore[assignment]


class NanAtExport(Leaning):
    def forecast(self, window: Window) -> float:
        return math.nan if window[-1] < 0 else window[-1]


class Quantiles(Leaning):
    levels = (0.1, 0.9)


class Silent(Leaning):
    def forecast(self, window: Window) -> Any:
        return None


class Unbounded(Leaning):
    window = 0


class OtherInBlocks(FixedForecaster):
    """Forecasts otherwise in blocks than one by one."""

    def __init__(self) -> None:
        super().__init__(window=3)

    def forecast(self, windows: Any) -> Any:
        answer = super().forecast(windows)
        answer.mean_kw[:] += len(windows) > 1
        return answer


@pytest.mark.parametrize("make", [Leaning, lambda: FixedForecaster(spread_kw=0.2)])
def test_right_forecasters_pass(make: Any) -> None:
    steps = check_forecaster(make)
    assert all(isinstance(step, Step) for step in steps)
    assert steps[-1].forecast is not None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Numbered, "made anew, it gives other forecasts of the same readings: at 2010-03-19"),
        (Forgetful, "made anew and given its state, it forecasts otherwise"),
        (OneWay, r"state\(\) and restore\(\) go together"),
        (NanAtExport, r"model NanAtExport: forecast\(\) gave nan kW"),
        (Quantiles, "not 3 numbers: the mean, and 2 quantiles"),
        (Silent, "it has not forecast any of the readings"),
        (Unbounded, "window is 0"),
        (OtherInBlocks, "other forecasts of the same readings"),
        (object, r"no method forecast\(window\)"),
    ],
)
def test_each_deviation_is_found(make: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_forecaster(make)


class Keeping:
    def __init__(self) -> None:
        self.items: list[Any] = []
        self.closed = 0

    def write(self, item: Any) -> None:
        self.items.append(item)

    def close(self) -> None:
        self.closed += 1


def test_a_right_sink_gets_each_kind_of_item_and_is_closed_twice() -> None:
    sink = Keeping()
    assert check_sink(sink) == sink.items
    assert {About, Step, Notice, Vitals, Link, Sample} == set(map(type, sink.items))
    assert isinstance(sink.items[0], About)
    assert sink.closed == 2


def test_deviations_of_sinks_are_found() -> None:
    class Narrow(Keeping):
        def write(self, item: Any) -> None:
            print(item.reading.kw)

    class Once(Keeping):
        def close(self) -> None:
            super().close()
            assert self.closed == 1, "closed twice"

    with pytest.raises(AssertionError, match=r"write\(About\) raised AttributeError"):
        check_sink(Narrow())
    with pytest.raises(AssertionError, match=r"close\(\) raised AssertionError: closed twice"):
        check_sink(Once())
    with pytest.raises(AssertionError, match="a sink must have the methods"):
        check_sink(object())  # type: ignore[arg-type] # wrong on purpose
