"""Benchmark of all but the forecasts: reading, scoring, a whole replay, each in its own process.

`python -m tests.benchmarks.streams MEASUREMENT ARGUMENTS` prints a line of JSON; `measure`
runs all measurements.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from streamer.models import Answer, load_model
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.readings.blocks import BlockResult, ReadingBlock
from streamer.sinks.summary import Summary
from streamer.sources.files import replay
from streamer.sources.files.delimited import open_replay
from streamer.stream.pacing import Pacer
from streamer.stream.runner import BLOCK, run
from streamer.testing import readings
from tests.benchmarks import online
from tests.benchmarks.engines import MODEL, WINDOW, load, our_engines
from tests.benchmarks.recordings import sample_kw

BATCHES = (1, 10, 100, 1_000, 10_000, 100_000)
_GROWING = (1_000, 10_000, 100_000, 1_000_000)
_EACH_ENGINE = 300_000
_LINES = 100_000
_MARK_EVERY = 100_000
_OVERHEAD_READINGS = 50_000


def measure(path: Path) -> dict[str, Any]:
    """All measurements of streams.

    Args:
        path: the recording to replay.

    Returns:
        Results of `_rows`, `_overhead`, `online.costs`, `_stream` and `_batches`; `replay` and
        `json_lines` from the shell; `growing`, streams of 1,000 readings and more; and
        `engines`, one on each of streamer's engines.
    """
    whole = _measured("stream", path, sys.maxsize)
    replay = _command(path, "--quiet")
    lines = min(_LINES, whole["readings"])
    sizes = [size for size in _GROWING if size < whole["readings"]]
    return {
        "rows": _measured("rows", path),
        "overhead": _measured("overhead"),
        "online": _measured("online"),
        "replay": {"readings": whole["readings"], **replay},
        "json_lines": {
            "readings": lines,
            **_command(path, "--format", "json", "--limit", str(lines)),
        },
        "stream": whole,
        "growing": [*(_measured("stream", path, size) for size in sizes), whole],
        "engines": {
            engine: _measured("stream", path, _EACH_ENGINE, engine) for engine in our_engines()
        },
        "batches": _measured("batches"),
    }


def _measured(what: str, *arguments: object) -> dict[str, Any]:
    """One measurement of this module, in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, what, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _command(path: Path, *options: str) -> dict[str, float]:
    """`streamer replay FILE --speed max`, as seen from the shell."""
    command = [sys.executable, "-m", "streamer", "replay", str(path), "--speed", "max", *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": _megabytes(usage.ru_maxrss),
    }


def _rows(path: str) -> dict[str, float]:
    """Rows per second, as blocks and as single readings."""
    by_block = _rows_per_s(path)
    replay.BLOCK_ROWS = sys.maxsize
    return {"block_rows_per_s": by_block, "row_rows_per_s": _rows_per_s(path)}


def _rows_per_s(path: str) -> float:
    best = 0.0
    for _ in range(3):
        source = open_replay(path)
        started = time.perf_counter()
        while items := source.read():
            if not isinstance(items, ReadingBlock):
                _ = [item.kw for item in items if isinstance(item, Reading)]
        best = max(best, source.rows / (time.perf_counter() - started))
        source.close()
    return best


class _Instant:
    """Forecaster without cost, with outputs of the real shapes."""

    window = WINDOW
    levels = (0.05, 0.5, 0.95)

    def __init__(self) -> None:
        self._answer = Answer(np.full(1, 0.5), np.full((1, 3), 0.5), np.zeros((1, 100), np.float32))
        self._pushed = 0

    def forecast(self, windows: ArrayLike) -> Answer:
        count = len(np.asarray(windows))
        hidden = np.zeros((count, 100), np.float32)
        return Answer(np.full(count, 0.5), np.full((count, 3), 0.5), hidden)

    def stream(self) -> _Instant:
        return self

    def restart(self, seen: int = 0) -> None:
        self._pushed = 0

    def push(self, kw: float) -> Answer | None:
        self._pushed += 1
        return self._answer if self._pushed >= WINDOW else None


def _overhead() -> dict[str, float]:
    """Microseconds per reading of everything but the forecast."""
    stream = readings(sample_kw(_OVERHEAD_READINGS))
    whole = ReadingBlock.of(stream)
    starts = range(0, len(stream), BLOCK)
    found = {"push_us": [], "push_many_us": [], "push_block_us": []}
    for _ in range(3):
        single, many, block = (Pipeline(_Instant()) for _ in range(3))
        started = time.perf_counter()
        for reading in stream:
            single.push(reading)
        found["push_us"].append(time.perf_counter() - started)
        started = time.perf_counter()
        for start in starts:
            many.push_many(stream[start : start + BLOCK])
        found["push_many_us"].append(time.perf_counter() - started)
        started = time.perf_counter()
        for start in starts:
            block.push_block(whole[start : start + BLOCK])
        found["push_block_us"].append(time.perf_counter() - started)
    return {name: 1e6 * min(taken) / len(stream) for name, taken in found.items()}


class _Memory(Summary):
    """Summary that also records the memory of the process over time."""

    def __init__(self) -> None:
        super().__init__()
        self.resident_mb: list[float] = []

    def write_block(self, result: BlockResult) -> None:
        super().write_block(result)
        if result.last.counts.readings // _MARK_EVERY > len(self.resident_mb):
            self.resident_mb.append(_resident_mb())


def _stream(path: str, limit: str, engine: str | None = None) -> dict[str, Any]:
    """A replay in this process, without the program's start, and its growth in memory."""
    summary = _Memory()
    model = load_model(MODEL) if engine is None else load(engine)
    pipeline = Pipeline(model)
    # River and the thread pool are loaded with the first forecasts, in any program.
    run(open_replay(path, limit=2 * BLOCK), pipeline, [Summary()], Pacer())
    source, pipeline = open_replay(path, limit=int(limit)), Pipeline(model)
    started = time.perf_counter()
    run(source, pipeline, [summary], Pacer())
    return {
        "seconds": time.perf_counter() - started,
        "readings": source.readings,
        "resident_mb": summary.resident_mb,
    }


def _batches() -> dict[str, float]:
    """Microseconds per window in batches of growing size."""
    forecaster = load_model(MODEL)
    windows = sliding_window_view(sample_kw(BATCHES[-1] + WINDOW - 1), WINDOW)
    found = {}
    for size in BATCHES:
        best = float("inf")
        for _ in range(1 if size > 50_000 else 5):
            started = time.perf_counter()
            forecaster.forecast(windows[:size])
            best = min(best, time.perf_counter() - started)
        found[str(size)] = 1e6 * best / size
    return found


def _resident_mb() -> float:
    """Present memory of this process; its peak, where that is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _megabytes(maxrss: int) -> float:
    """Result of `getrusage`, which is in bytes on macOS and in KiB elsewhere."""
    return maxrss / 1e6 if sys.platform == "darwin" else maxrss * 1024 / 1e6


if __name__ == "__main__":
    measurements = {
        "rows": _rows,
        "overhead": _overhead,
        "online": online.costs,
        "stream": _stream,
        "batches": _batches,
    }
    print(json.dumps(measurements[sys.argv[1]](*sys.argv[2:])))
