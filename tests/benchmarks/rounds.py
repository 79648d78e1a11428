"""Engines measured in turns, so that any other load on the machine affects all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from statistics import median, median_low
from typing import Any

import numpy as np

from tests.benchmarks.engines import ENGINES, OURS
from tests.benchmarks.processes import Worker
from tests.benchmarks.products import Products

REFERENCE = "TensorFlowFunction"


def engines(turns: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every installed engine.

    Args:
        turns: number of turns of each.
        say: called with a message for each engine that is left out.

    Returns:
        Medians over the turns for each engine, the speed of ours relative to it in the same
        turn (again medians), its largest difference from Keras, and the bound by the matrix
        products alone.
    """
    names = []
    for name, engine in ENGINES.items():
        if engine.needs is None or find_spec(engine.needs) is not None:
            names.append(name)
        else:
            say(f"left out: {engine.title}, since {engine.needs} is not installed")
    with ExitStack() as stack:

        def worker(name: str, environment: Mapping[str, str]) -> Worker:
            return stack.enter_context(Worker("tests.benchmarks.worker", name, environment))

        workers = {name: worker(name, ENGINES[name].environment) for name in names}
        products = worker(Products.__name__, Products.environment)
        forecasts = {name: worker.ask("check")["forecasts"] for name, worker in workers.items()}
        bounds, singles, batches = [], _per_engine(names), _per_engine(names)
        for turn in range(turns + 1):
            bound = products.ask("measure")
            answers = {name: (w.ask("single"), w.ask("batch")) for name, w in workers.items()}
            if turn:  # the first is a warm-up
                bounds.append(bound)
                for name, (single, batch) in answers.items():
                    singles[name].append(single)
                    batches[name].append(batch)
    return {
        "turns": turns,
        "ours": ENGINES[OURS].title,
        "bound": _medians(bounds),
        "reference": ENGINES[REFERENCE].title if REFERENCE in names else None,
        "engines": {
            ENGINES[name].title: {
                "single": _medians(singles[name]),
                "single_ratio": _ratio(singles[name], singles[OURS], "p50_ms"),
                "batch": _medians(batches[name]),
                "batch_ratio": _ratio(batches[OURS], batches[name], "windows_per_s"),
                "difference_kw": _difference(forecasts, name),
            }
            for name in names
        },
    }


def _per_engine(names: list[str]) -> dict[str, list[dict[str, float]]]:
    return {name: [] for name in names}


def _medians(turns: list[dict[str, float]]) -> dict[str, float]:
    return {key: median_low(turn[key] for turn in turns) for key in turns[0]}


def _ratio(above: list[dict[str, float]], below: list[dict[str, float]], key: str) -> float | None:
    """The median over the turns of one figure divided by another; None if not measured."""
    pairs = zip(above, below, strict=True)
    ratios = [one[key] / other[key] for one, other in pairs if key in one and key in other]
    return median(ratios) if ratios else None


def _difference(forecasts: dict[str, list[float]], name: str) -> float | None:
    if REFERENCE not in forecasts:
        return None
    return float(np.abs(np.subtract(forecasts[name], forecasts[REFERENCE])).max())
