"""Cost per reading of what is learnt online, on real answers of the shipped network."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.alarms.detectors import Alarms
from streamer.models import Answer, load_model
from streamer.online.forecasts import ForecastBatch, settled_by, to_forecast
from streamer.online.guard import day_parts
from streamer.online.layer import Online, recent_changes
from streamer.readings import Forecast
from streamer.stream.runner import BLOCK
from streamer.testing import readings
from tests.benchmarks import demand, horizons
from tests.benchmarks.engines import MODEL, WINDOW
from tests.benchmarks.recordings import sample_kw

READINGS = 30_000


class _Recording:
    """Readings, and the network's answer for each window."""

    def __init__(self) -> None:
        self.levels = (0.05, 0.5, 0.95)
        self.kw = sample_kw(READINGS + WINDOW)
        self.answer = load_model(MODEL).forecast(sliding_window_view(self.kw[:-1], WINDOW))
        self.actual_kw = self.kw[WINDOW:]
        self.recent_kw = recent_changes(self.kw[:-1], READINGS)
        self.day_parts = day_parts(readings(self.actual_kw))

    def rows(self, start: int, count: int) -> Answer:
        """The answers for some windows."""
        part, answer = slice(start, start + count), self.answer
        return Answer(answer.mean_kw[part], answer.quantiles_kw[part], answer.hidden[part])


def costs() -> dict[str, float]:
    """Microseconds per reading of each part, one by one and in blocks."""
    recording = _Recording()
    return {
        "adapted band, one by one": _best(lambda: _see(recording, 1, adapt=True)),
        "adapted band, in blocks": _best(lambda: _see(recording, BLOCK, adapt=True)),
        "band alone, one by one": _best(lambda: _see(recording, 1, adapt=False)),
        "band alone, in blocks": _best(lambda: _see(recording, BLOCK, adapt=False)),
        **_alarm_costs(recording),
        **{
            name: _best(run)
            for name, run in horizons.runs(recording.actual_kw, recording.answer.hidden).items()
        },
        **{name: _best(run) for name, run in demand.runs(recording.actual_kw).items()},
    }


def _best(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return 1e6 * min(taken) / READINGS


def _see(recording: _Recording, size: int, *, adapt: bool) -> ForecastBatch:
    online = Online(recording.levels, adapt=adapt)
    for start in range(0, READINGS, size):
        answer = recording.rows(start, size)
        end = start + len(answer.mean_kw)
        actual_kw = recording.actual_kw[start:end]
        batch = online.see(
            answer,
            recording.recent_kw[start:end],
            actual_kw[:-1],
            recording.day_parts[start:end],
        )
        online.settle(float(actual_kw[-1]))
    return batch


def _alarm_costs(recording: _Recording) -> dict[str, float]:
    stream = readings(recording.actual_kw)
    batch = Online(recording.levels, adapt=False).see(
        recording.rows(0, READINGS),
        recording.recent_kw,
        recording.actual_kw[:-1],
        recording.day_parts,
    )
    issued = [
        to_forecast(reading, values) for reading, values in zip(stream, batch.issued(), strict=True)
    ]
    settled, _ = settled_by(READINGS, None, batch)
    at = np.array([reading.at for reading in stream], "datetime64[us]")

    def singly() -> None:
        alarms = Alarms()
        waiting: Forecast | None = None
        for reading, forecast in zip(stream, issued, strict=True):
            alarms.settle(at=reading.at, kw=reading.kw, forecast=waiting, missing=0)
            waiting = forecast

    def together() -> None:
        alarms = Alarms()
        for start in range(0, READINGS, BLOCK):
            part = slice(start, start + BLOCK)
            alarms.settle_many(
                at=at[part],
                kw=recording.actual_kw[part],
                median_kw=settled.median_kw[part],
                low_kw=settled.low_kw[part],
                high_kw=settled.high_kw[part],
                missing=np.zeros(len(at[part]), np.int64),
            )

    return {"alarms, one by one": _best(singly), "alarms, in blocks": _best(together)}
