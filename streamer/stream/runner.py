"""Drives a stream: source, pacer, pipeline, sinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Reading, Sample
from streamer.readings.blocks import ReadingBlock
from streamer.sinks import BlockSink, Item, Sink
from streamer.sinks.items import Vitals
from streamer.sources import Recording
from streamer.stream.pacing import Pacer

BLOCK = 2048
"""Readings pushed at once at most when nothing is held back: a tenth of a second or so."""

Aside: TypeAlias = Notice | Link | Sample
"""What a source gives beside readings; it goes to the sinks as it is."""

_VITALS_EVERY_S = 0.1
_RATE_OVER_S = 2.0
_LATENCIES_KEPT = 1000


class AnySource(Protocol):
    """A `Source`, or a meter, which gives more than readings and notices."""

    def read(self) -> Sequence[Reading | Aside]:
        """What has come since the last call; nothing at the end."""

    def close(self) -> None:
        """Let go of whatever it holds."""


def run(
    source: AnySource,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    pacer: Pacer,
    *,
    one_by_one: bool = False,
    now: Callable[[], float] = time.perf_counter,
) -> None:
    """Push a source's readings through a pipeline until it ends or the pacer is stopped.

    Closes the source, whatever happens; the sinks are the caller's to close.

    Args:
        source: where the readings come from.
        pipeline: makes steps of them.
        sinks: given each step in order, and among them whatever else the source gives;
            and `Vitals` a few times a second and whenever the source may keep us waiting.
            Where all are `BlockSink`s, nothing is held back and the source gives blocks, a
            `BlockResult` stands for the steps of a block.
        pacer: says when each reading is due.
        one_by_one: push each reading by itself even where several come at once. What is
            pushed again in this way, out of a recording say, gives the same steps to the
            last bit.
        now: a clock in seconds, for speed and latency.

    Raises:
        StreamerError: the source or the pipeline cannot go on.
    """
    most = 1 if one_by_one else BLOCK
    drive = _Drive(source, pipeline, sinks, pacer, _Gauge(now), most)
    try:
        while not pacer.stopped and (items := source.read()):
            for part in _parts(items):
                if isinstance(part, Aside):
                    drive.emit(part)
                elif not drive.push(part):
                    return
            drive.emit_vitals()
    finally:
        source.close()


def _parts(items: Sequence[Reading | Aside]) -> list[Sequence[Reading] | Aside]:
    """Stretches of readings, and what comes between them."""
    if isinstance(items, ReadingBlock):
        return [items]
    parts: list[Sequence[Reading] | Aside] = []
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
    """Takes readings to the sinks by way of the pipeline."""

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
        """Push a stretch, in blocks where nothing is held back; False if told to stop."""
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
                passage = pipeline.push_block(block)
            for sink in self._block_sinks:
                sink.write_block(passage)
            return
        else:
            with gauge.timing(len(block)):
                steps = pipeline.push_many(block)
        for step in steps:
            self.emit(step)


class _Gauge:
    """Measures speed and latency."""

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
        # In a block the time is shared out: that is what each of its forecasts has cost.
        self._latencies.append(((self._now() - started) / readings, readings))
        self._handled += readings

    @property
    def vitals_due(self) -> bool:
        return self._now() - self._last_vitals >= _VITALS_EVERY_S

    def vitals(self, progress: float | None) -> Vitals:
        """The latest figures.

        Args:
            progress: share of the recording that has been read, if that is known.
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
        """Time left, if a reading goes on to stand for as much of the recording as it did."""
        if progress is None:
            return None
        if self._from is None:
            # What went before the first readings, such as all before --start, is no guide.
            self._from = (progress, self._handled)
        began, handled = self._from
        if progress == began or not rate:
            return None
        per_share = (self._handled - handled) / (progress - began)
        return (1.0 - progress) * per_share / rate


def _percentile(ordered: Sequence[tuple[float, int]], level: float) -> float:
    """The level's quantile of values that each stand for a number of readings."""
    rank = level * sum(count for _, count in ordered)
    for value, count in ordered:
        rank -= count
        if rank <= 0:
            return value
    return 0.0
