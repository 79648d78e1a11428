"""Worker process of one engine: `python -m tests.benchmarks.worker ENGINE`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.benchmarks.engines import ENGINES, WINDOW, Engine
from tests.benchmarks.products import Products
from tests.benchmarks.recordings import sample_kw

_BATCH_WINDOWS = 8192
_CHECKED = 2000


def _answer(engine: Engine, windows: np.ndarray, what: str) -> dict[str, Any]:
    if what == "single":
        return _single(engine, windows[: engine.singles])
    if what == "batch":
        return _batch(engine, windows)
    if what == "check":
        return {"forecasts": engine.batch(windows[:_CHECKED]).tolist()}
    raise ValueError(what)


def _single(engine: Engine, windows: np.ndarray) -> dict[str, float]:
    """Time of single forecasts; empty if skipped."""
    if not len(windows):
        return {}
    engine.prime(windows[0, :-1])
    taken = []
    for window in windows:
        started = time.perf_counter()
        engine.single(window)
        taken.append(time.perf_counter() - started)
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50_ms": 1e3 * p50, "p99_ms": 1e3 * p99}


def _batch(engine: Engine, windows: np.ndarray) -> dict[str, float]:
    """Windows per second in batches, of the best size."""
    rates = {}
    for size in engine.batches:
        parts = [windows[start : start + size] for start in range(0, len(windows), size)]
        engine.batch(parts[0])
        started = time.perf_counter()
        for part in parts:
            engine.batch(part)
        rates[size] = len(windows) / (time.perf_counter() - started)
    best = max(rates, key=rates.__getitem__)
    return {"windows_per_s": rates[best], "batch": best}


def _main(name: str) -> None:
    if name == Products.__name__:
        products = Products()
        for _ in sys.stdin:
            print(json.dumps(products.measure()), flush=True)
        return
    engine = ENGINES[name]()
    windows = sliding_window_view(sample_kw(_BATCH_WINDOWS + WINDOW - 1), WINDOW)
    for line in sys.stdin:
        # Some engines write to standard output themselves.
        with contextlib.redirect_stdout(sys.stderr):
            answer = _answer(engine, windows, line.strip())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
