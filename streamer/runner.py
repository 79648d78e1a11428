"""Drives a stream: source, pacer, pipeline, sinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from streamer.pacing import Pacer
from streamer.pipeline import Pipeline
from streamer.readings import Notice, Reading, Step, Vitals
from streamer.sinks import Item, Sink
from streamer.sources import Source

BLOCK = 1024
"""Readings pushed at once at most when nothing is held back: a tenth of a second or so."""

_VITALS_EVERY_S = 0.1
_RATE_OVER_S = 2.0
_LATENCIES_KEPT = 1000


def run(
    source: Source,
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    pacer: Pacer,
    *,
    now: Callable[[], float] = time.perf_counter,
) -> None:
    """Push a source's readings through a pipeline until it ends or the pacer is stopped.

    Closes the source, whatever happens; the sinks are the caller's to close.

    Args:
        source: where the readings come from.
        pipeline: makes steps of them.
        sinks: given each step and notice in order, and `Vitals` a few times a second
            and whenever the source may keep us waiting.
        pacer: says when each reading is due.
        now: a clock in seconds, for speed and latency.

    Raises:
        StreamerError: the source or the pipeline cannot go on.
    """
    gauge = _Gauge(now)

    def emit(item: Item) -> None:
        for sink in sinks:
            sink.write(item)

    try:
        while not pacer.stopped and (items := source.read()):
            for part in _parts(items):
                if isinstance(part, Notice):
                    emit(part)
                elif not _push(part, pipeline, pacer, gauge, emit):
                    return
            emit(gauge.vitals())
    finally:
        source.close()


def _parts(items: Sequence[Reading | Notice]) -> list[list[Reading] | Notice]:
    """Stretches of readings, and the notices between them."""
    parts: list[list[Reading] | Notice] = []
    for item in items:
        if isinstance(item, Notice):
            parts.append(item)
        elif parts and isinstance(parts[-1], list):
            parts[-1].append(item)
        else:
            parts.append([item])
    return parts


def _push(
    readings: Sequence[Reading],
    pipeline: Pipeline,
    pacer: Pacer,
    gauge: _Gauge,
    emit: Callable[[Item], None],
) -> bool:
    """Push a stretch, as a block where nothing is held back; False if told to stop."""
    start = 0
    while start < len(readings):
        if pacer.stopped:
            return False
        if pacer.free_running:
            block = readings[start : start + BLOCK]
        else:
            block = readings[start : start + 1]
            if not pacer.hold(block[0].at):
                return False
        for step in gauge.timed(pipeline, block):
            emit(step)
        if gauge.vitals_due:
            emit(gauge.vitals())
        start += len(block)
    return True


class _Gauge:
    """Measures speed and latency."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._handled = 0
        self._marks: deque[tuple[float, int]] = deque([(now(), 0)])
        self._latencies: deque[tuple[float, int]] = deque(maxlen=_LATENCIES_KEPT)
        self._last_vitals = -_VITALS_EVERY_S

    def timed(self, pipeline: Pipeline, block: Sequence[Reading]) -> list[Step]:
        started = self._now()
        steps = [pipeline.push(block[0])] if len(block) == 1 else pipeline.push_many(block)
        # In a block the time is shared out: that is what each of its forecasts has cost.
        self._latencies.append(((self._now() - started) / len(block), len(block)))
        self._handled += len(block)
        return steps

    @property
    def vitals_due(self) -> bool:
        return self._now() - self._last_vitals >= _VITALS_EVERY_S

    def vitals(self) -> Vitals:
        now = self._last_vitals = self._now()
        self._marks.append((now, self._handled))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_OVER_S:
            self._marks.popleft()
        since, before = self._marks[0]
        rate = (self._handled - before) / max(now - since, 1e-9)
        ordered = sorted(self._latencies)
        return Vitals(rate, 1e3 * _percentile(ordered, 0.5), 1e3 * _percentile(ordered, 0.99))


def _percentile(ordered: Sequence[tuple[float, int]], level: float) -> float:
    """The level's quantile of values that each stand for a number of readings."""
    rank = level * sum(count for _, count in ordered)
    for value, count in ordered:
        rank -= count
        if rank <= 0:
            return value
    return 0.0
