"""Runner of a stream: source, pacer, pipeline, sinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, TypeAlias

from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Reading, Sample
from streamer.readings.blocks import ReadingBlock
from streamer.sinks import BlockSink, Item, Sink
from streamer.sinks.items import Vitals
from streamer.sources import Gathering, Recording
from streamer.stream.pacing import Pacer

BLOCK = 2048
"""Maximum number of readings pushed at once at unlimited speed: about a tenth of a second."""

Aside: TypeAlias = Notice | Link | Sample
"""Items of a source other than readings; passed to the sinks unchanged."""

_ANY_TIME = nullcontext()
_VITALS_EVERY_S = 0.1
_RATE_OVER_S = 2.0
_LATENCIES_KEPT = 1000


class AnySource(Protocol):
    """A `Source`, or a meter, which also returns connection states and samples."""

    def read(self) -> Sequence[Reading | Aside]:
        """Items since the last call; an empty sequence at the end."""

    def close(self) -> None:
        """Release all resources."""


def run(
    source: AnySource,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    pacer: Pacer,
    *,
    one_by_one: bool = False,
    reading: AbstractContextManager[object] = _ANY_TIME,
    now: Callable[[], float] = time.perf_counter,
) -> None:
    """Push the readings of a source through a pipeline until it ends or the pacer is stopped.

    Closes the source in any case; the caller closes the sinks. Notices that the source has
    gathered, or has returned behind the last step, reach the sinks however the stream ends.

    Args:
        source: source of the readings.
        pipeline: makes steps of them.
        sinks: receive each step in order, and between them all other items of the source, notices
            about faults of the forecaster,
            and `Vitals` a few times a second and before the source may block.
            If all are `BlockSink`s, no reading is delayed and the source returns blocks, one
            `BlockResult` replaces the steps of a block.
        pacer: decides when each reading is due.
        one_by_one: push each reading by itself even if several arrive together. Readings
            that are pushed again this way, from a recording for example, give the same
            steps bit for bit.
        reading: context of each read of the source; must be usable repeatedly.
        now: a clock in seconds, for speed and latency.

    Raises:
        StreamerError: the source or the pipeline failed.
    """
    most = 1 if one_by_one else BLOCK
    drive = _Drive(source, pipeline, sinks, pacer, _Gauge(now), most)
    parts: deque[Sequence[Reading] | Aside] = deque()
    try:
        while not pacer.stopped:
            with reading:
                items = source.read()
            if not items:
                break
            parts = _parts(items)
            while parts:
                part = parts.popleft()
                if isinstance(part, Aside):
                    drive.emit(part)
                elif not drive.push(part):
                    return
            drive.emit_vitals()
    finally:
        try:
            rest = source.gathered() if isinstance(source, Gathering) else []
            for part in (*parts, *rest):
                if isinstance(part, Notice):
                    drive.emit(part)
        finally:
            source.close()


def _parts(items: Sequence[Reading | Aside]) -> deque[Sequence[Reading] | Aside]:
    """Runs of consecutive readings, and the items between them."""
    if isinstance(items, ReadingBlock):
        return deque([items])
    parts: deque[Sequence[Reading] | Aside] = deque()
    stretch: list[Reading] = []
    for item in items:
        if isinstance(item, Reading):
            if not stretch:
                parts.append(stretch)
            stretch.append(item)
        else:
            parts.append(item)
            stretch = []
    return parts


class _Drive:
    """Path of the readings through pipeline and sinks."""

    def __init__(
        self,
        source: AnySource,
        pipeline: Pipeline,
        sinks: Sequence[Sink],
        pacer: Pacer,
        gauge: _Gauge,
        most: int,
    ) -> None:
        self._recording = source if isinstance(source, Recording) else None
        self._pipeline = pipeline
        self._sinks = sinks
        self._pacer = pacer
        self._gauge = gauge
        self._most = most
        block_sinks = [sink for sink in sinks if isinstance(sink, BlockSink)]
        self._block_sinks = block_sinks if len(block_sinks) == len(sinks) else None

    def emit(self, item: Item) -> None:
        for sink in self._sinks:
            sink.write(item)

    def emit_vitals(self) -> None:
        progress = None
        if self._recording is not None and self._pacer.free_running:
            progress = self._recording.progress
        self.emit(self._gauge.vitals(progress))

    def push(self, readings: Sequence[Reading]) -> bool:
        """Push consecutive readings, in blocks at unlimited speed; False if stopped."""
        start = 0
        while start < len(readings):
            if self._pacer.stopped:
                return False
            if self._pacer.free_running:
                block = readings[start : start + self._most]
            else:
                block = readings[start : start + 1]
                if not self._pacer.hold(block[0].at):
                    return False
            self._push_together(block)
            if self._gauge.vitals_due:
                self.emit_vitals()
            start += len(block)
        return True

    def _push_together(self, block: Sequence[Reading]) -> None:
        pipeline, gauge = self._pipeline, self._gauge
        if len(block) == 1:
            with gauge.timing(1):
                steps = [pipeline.push(block[0])]
        elif self._block_sinks is not None and isinstance(block, ReadingBlock):
            with gauge.timing(len(block)):
                result = pipeline.push_block(block)
            for sink in self._block_sinks:
                sink.write_block(result)
            steps = []
        else:
            with gauge.timing(len(block)):
                steps = pipeline.push_many(block)
        for step in steps:
            self.emit(step)
        for notice in pipeline.gathered():
            self.emit(notice)


class _Gauge:
    """Measurement of speed and latency."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._handled = 0
        self._marks: deque[tuple[float, int]] = deque([(now(), 0)])
        self._latencies: deque[tuple[float, int]] = deque(maxlen=_LATENCIES_KEPT)
        self._last_vitals = -_VITALS_EVERY_S
        self._from: tuple[float, int] | None = None

    @contextmanager
    def timing(self, readings: int) -> Iterator[None]:
        started = self._now()
        yield
        # The time of a block is divided by its readings: that is the cost of each forecast.
        self._latencies.append(((self._now() - started) / readings, readings))
        self._handled += readings

    @property
    def vitals_due(self) -> bool:
        return self._now() - self._last_vitals >= _VITALS_EVERY_S

    def vitals(self, progress: float | None) -> Vitals:
        """The latest figures.

        Args:
            progress: share of the recording that has been read, if known.
        """
        now = self._last_vitals = self._now()
        self._marks.append((now, self._handled))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_OVER_S:
            self._marks.popleft()
        since, before = self._marks[0]
        rate = (self._handled - before) / max(now - since, 1e-9)
        ordered = sorted(self._latencies)
        return Vitals(
            rate,
            1e3 * _percentile(ordered, 0.5),
            1e3 * _percentile(ordered, 0.99),
            self._handled,
            progress,
            self._left_s(progress, rate),
        )

    def _left_s(self, progress: float | None, rate: float) -> float | None:
        """Time left in seconds, if readings remain as dense in the recording as they were."""
        if progress is None:
            return None
        if self._from is None:
            # The share before the first readings, such as all before --start, is not typical.
            self._from = (progress, self._handled)
        began, handled = self._from
        if progress == began or not rate:
            return None
        per_share = (self._handled - handled) / (progress - began)
        return (1.0 - progress) * per_share / rate


def _percentile(ordered: Sequence[tuple[float, int]], level: float) -> float:
    """Quantile of values that each count for a number of readings."""
    rank = level * sum(count for _, count in ordered)
    for value, count in ordered:
        rank -= count
        if rank <= 0:
            return value
    return 0.0
