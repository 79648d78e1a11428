from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.pacing import MAX, Pacer
from streamer.pipeline import Pipeline
from streamer.readings import Notice, Reading, Step, Vitals
from streamer.runner import run
from streamer.sinks import Item
from streamer.testing import FixedForecaster, ListSource, ManualClock, readings

KW = np.linspace(0.1, 2.0, 300)


class Collector:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def write(self, item: Item) -> None:
        self.items.append(item)

    def close(self) -> None:
        pass

    @property
    def steps(self) -> list[Step]:
        return [item for item in self.items if isinstance(item, Step)]


def _run(
    items: Sequence[Reading | Notice], speed: float, *, block: int = 100
) -> tuple[Collector, ListSource]:
    collector, source = Collector(), ListSource(items, block=block)
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=3))
    run(source, pipeline, [collector], Pacer(speed, clock=ManualClock()))
    return collector, source


@pytest.mark.parametrize("speed", [1.0, 600.0, MAX])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_same_steps_at_any_speed(speed: float, block: int) -> None:
    expected = Pipeline(FixedForecaster(kw=0.5, window=3)).push_many(readings(KW))
    collector, source = _run(readings(KW), speed, block=block)
    assert collector.steps == expected
    assert source.closed


def test_notices_keep_their_place_among_the_steps() -> None:
    first, second, third = readings(KW[:3])
    notice = Notice(Notice.MALFORMED, "row 3 is bad")
    collector, _ = _run([first, notice, second, third], MAX)
    kinds = [type(item) for item in collector.items if not isinstance(item, Vitals)]
    assert kinds == [Step, Notice, Step, Step]


def test_vitals_come_when_the_source_may_keep_us_waiting() -> None:
    collector, _ = _run(readings(KW[:3]), MAX, block=1)
    for place, item in enumerate(collector.items):
        if isinstance(item, Step):
            assert isinstance(collector.items[place + 1], Vitals)


def test_vitals_are_measured_on_the_given_clock() -> None:
    clock = ManualClock()

    class Slow(Pipeline):
        def push(self, reading: Reading) -> Step:
            clock.advance(0.004 if reading.kw < 1.99 else 0.5)
            return super().push(reading)

    collector = Collector()
    source = ListSource(readings(KW), block=50)
    run(source, Slow(FixedForecaster()), [collector], Pacer(3600.0, clock=clock), now=clock.now)
    last = [item for item in collector.items if isinstance(item, Vitals)][-1]
    assert last.latency_p50_ms == pytest.approx(4.0)
    assert last.latency_p99_ms < 500.0
    assert 1.0 < last.readings_per_s < 60.0


def test_a_stopped_pacer_ends_it_and_closes_the_source() -> None:
    pacer = Pacer(MAX)
    collector, source = Collector(), ListSource(readings(KW), block=10)

    class Stopper(Collector):
        def write(self, item: Item) -> None:
            if isinstance(item, Step) and item.counts.readings == 10:
                pacer.stop()

    run(source, Pipeline(FixedForecaster()), [collector, Stopper()], pacer)
    assert len(collector.steps) == 10
    assert source.closed


def test_the_source_is_closed_when_it_fails() -> None:
    class Failing(ListSource):
        def read(self) -> Sequence[Reading | Notice]:
            raise SourceError("the meter is gone")

    source = Failing([])
    with pytest.raises(SourceError, match="the meter is gone"):
        run(source, Pipeline(FixedForecaster()), [], Pacer(MAX))
    assert source.closed
