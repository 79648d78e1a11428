"""Tests of running a stream from source to sinks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.pipeline import Pipeline
from streamer.readings import Alarm, Link, Notice, Reading, Sample, Step
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.summary import Summary
from streamer.stream.pacing import MAX, Pacer
from streamer.stream.runner import BLOCK, run
from streamer.testing import START, FixedForecaster, ListSource, ManualClock, readings

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
def test_any_speed_gives_the_same_steps(speed: float, block: int) -> None:
    expected = Pipeline(FixedForecaster(kw=0.5, window=3)).push_many(readings(KW))
    collector, source = _run(readings(KW), speed, block=block)
    assert collector.steps == expected
    assert source.closed


def test_notices_are_written_in_order_with_steps() -> None:
    first, second, third = readings(KW[:3])
    notice = Notice(Notice.MALFORMED, "row 3 is bad")
    collector, _ = _run([first, notice, second, third], MAX)
    kinds = [type(item) for item in collector.items if not isinstance(item, Vitals)]
    assert kinds == [Step, Notice, Step, Step]


def test_links_and_samples_are_written_in_order_with_steps() -> None:
    first, second = readings(KW[:2])
    up, lost, sample = Link(Link.UP), Link(Link.LOST, "broker"), Sample(0.3)

    class Live(ListSource):
        def read(self) -> Sequence[Reading | Notice]:
            given: Sequence[Any] = [] if self.closed else [up, sample, first, lost, second, sample]
            self.closed = True
            return given

    collector = Collector()
    run(Live([]), Pipeline(FixedForecaster()), [collector], Pacer(MAX))
    items = [item for item in collector.items if not isinstance(item, Vitals)]
    assert [item.reading if isinstance(item, Step) else item for item in items] == [
        up,
        sample,
        first,
        lost,
        second,
        sample,
    ]


def test_readings_of_a_block_can_be_pushed_one_by_one() -> None:
    pushed: list[int] = []

    class Counting(Pipeline):
        def push(self, reading: Reading) -> Step:
            pushed.append(1)
            return super().push(reading)

    source, collector = BlockSource(readings(KW), block=50), BlockCollector()
    run(source, Counting(FixedForecaster()), [collector], Pacer(MAX), one_by_one=True)
    assert len(pushed) == len(collector.steps) == len(KW)


def test_vitals_are_written_before_the_source_may_block() -> None:
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


def test_stopped_pacer_ends_the_run_and_closes_the_source() -> None:
    pacer = Pacer(MAX)
    collector, source = Collector(), ListSource(readings(KW), block=10)

    class Stopper(Collector):
        def write(self, item: Item) -> None:
            if isinstance(item, Step) and item.counts.readings == 10:
                pacer.stop()

    run(source, Pipeline(FixedForecaster()), [collector, Stopper()], pacer)
    assert len(collector.steps) == 10
    assert source.closed


def test_source_is_closed_when_it_fails() -> None:
    class Failing(ListSource):
        def read(self) -> Sequence[Reading | Notice]:
            raise SourceError("the meter is gone")

    source = Failing([])
    with pytest.raises(SourceError, match="the meter is gone"):
        run(source, Pipeline(FixedForecaster()), [], Pacer(MAX))
    assert source.closed


class BlockCollector(Collector):
    def __init__(self) -> None:
        super().__init__()
        self.results: list[BlockResult] = []

    def write_block(self, result: BlockResult) -> None:
        self.results.append(result)


class BlockSource(ListSource):
    """Source that returns blocks where only readings follow each other, and its progress."""

    @property
    def progress(self) -> float | None:
        return self._given / len(self._items)

    def read(self) -> Sequence[Reading | Notice]:
        items = super().read()
        found = [item for item in items if isinstance(item, Reading)]
        return ReadingBlock.of(found) if items and len(found) == len(items) else items


def _raised(step: Step) -> list[Alarm]:
    return [alarm for alarm in step.alarms if alarm.at == step.reading.at]


def test_block_sinks_receive_blocks() -> None:
    kw = np.resize(KW, 3 * BLOCK)
    items: list[Reading | Notice] = [*readings(kw)]
    items.insert(1000, Notice(Notice.EVENT, "in between"))
    steps, blocks, summaries = Collector(), BlockCollector(), [Summary(), Summary()]
    for sinks in ([steps, summaries[0]], [blocks, summaries[1]]):
        pipeline = Pipeline(FixedForecaster(kw=0.5, window=3))
        source = BlockSource(items, block=BLOCK + 500)
        about = About("list", "fixed", START, START + timedelta(days=1))
        sinks[1].write(about)
        run(source, pipeline, sinks, Pacer(MAX))
    assert len(steps.steps) == len(kw)
    # The part with the notice is a list, so its readings become steps.
    assert {len(result.readings) for result in blocks.results} <= {BLOCK, 500, 1049}
    covered = sum(len(result.readings) for result in blocks.results) + len(blocks.steps)
    assert covered == len(kw)
    last = blocks.results[-1].last
    assert last.reading == steps.steps[-1].reading
    assert last.counts == steps.steps[-1].counts
    assert last.scores.model.mse_kw2 == pytest.approx(steps.steps[-1].scores.model.mse_kw2)
    raised = [alarm for step in steps.steps for alarm in _raised(step)]
    found = [alarm for result in blocks.results for alarm in result.alarms]
    found += [alarm for step in blocks.steps for alarm in _raised(step)]
    assert raised
    assert sorted((alarm.at, alarm.kind) for alarm in found) == [
        (alarm.at, alarm.kind) for alarm in raised
    ]
    assert summaries[0].lines() == summaries[1].lines()
    assert any("in sample" in line for line in summaries[1].lines())


def test_one_step_sink_makes_all_sinks_receive_steps() -> None:
    steps, blocks = Collector(), BlockCollector()
    run(BlockSource(readings(KW)), Pipeline(FixedForecaster()), [blocks, steps], Pacer(MAX))
    assert not blocks.results
    assert steps.steps == blocks.steps
    assert len(steps.steps) == len(KW)


def test_progress_is_reported_at_unlimited_speed() -> None:
    clock = ManualClock()

    class Slow(Pipeline):
        def push_many(self, block: Sequence[Reading]) -> list[Step]:
            clock.advance(0.01 * len(block))
            return super().push_many(block)

    collector = Collector()
    source = BlockSource(readings(KW), block=50)
    run(source, Slow(FixedForecaster()), [collector], Pacer(MAX), now=clock.now)
    vitals = [item for item in collector.items if isinstance(item, Vitals)]
    assert [each.readings for each in vitals if each.progress == 1.0][-1] == len(KW)
    halfway = next(each for each in vitals if each.readings == 200)
    assert halfway.progress == pytest.approx(200 / 300)
    assert halfway.left_s == pytest.approx(1.0)
    assert vitals[-1].left_s == 0.0


def test_progress_is_not_reported_at_limited_speed() -> None:
    collector = Collector()
    source, pacer = BlockSource(readings(KW)), Pacer(600.0, clock=ManualClock())
    run(source, Pipeline(FixedForecaster()), [collector], pacer)
    vitals = [item for item in collector.items if isinstance(item, Vitals)]
    assert vitals
    assert all(each.progress is each.left_s is None for each in vitals)


class _Gathering(ListSource):
    def gathered(self) -> list[Notice]:
        assert not self.closed
        return [Notice(Notice.ORDER, "gathered")]


@pytest.mark.parametrize("end", ["stop", "failure"])
def test_notices_reach_the_sinks_however_the_stream_ends(end: str) -> None:
    found = Notice(Notice.MALFORMED, "row 3 is bad")
    source = _Gathering(
        [*readings(KW[:3]), found, *readings(KW[3:4], start=START + timedelta(hours=1))]
    )
    pacer = Pacer(600.0, clock=ManualClock())
    summary, collector = Summary(), Collector()

    class Ending(Collector):
        def write(self, item: Item) -> None:
            if isinstance(item, Step):
                pacer.stop()
                if end == "failure":
                    raise SourceError("the end")

    with suppress(SourceError):
        run(source, Pipeline(FixedForecaster()), [summary, collector, Ending()], pacer)
    assert source.closed
    notices = [item for item in collector.items if isinstance(item, Notice)]
    assert notices == [found, Notice(Notice.ORDER, "gathered")]
    assert "skipped: 1 malformed row, 1 row out of order" in summary.lines()
    assert len(collector.steps) == 1
