"""Tests of the threads of matrix products, as reported by NumPy's library."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from streamer.blas import cores, one_blas_thread
from streamer.models import load_model
from streamer.models.network import Head
from streamer.pipeline import Pipeline
from streamer.testing import readings


def _threads() -> set[int]:
    assert np.__version__  # loads the library
    info = ThreadpoolController().select(user_api="blas").info()
    assert info
    return {library["num_threads"] for library in info}


@pytest.fixture
def two_threads() -> None:
    ThreadpoolController().limit(limits=2, user_api="blas")
    if _threads() != {2}:
        pytest.skip("matrix products always have one thread here")


@pytest.mark.usefixtures("two_threads")
def test_one_blas_thread_limits_threads_and_restores_them() -> None:
    with one_blas_thread():
        assert _threads() == {1}
        with one_blas_thread():
            assert _threads() == {1}
        assert _threads() == {1}
    assert _threads() == {2}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_products_of_blocks_have_one_thread(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    head = Head.__call__

    def watched(self: Head, hidden: np.ndarray) -> np.ndarray:
        seen.append(_threads())
        return head(self, hidden)

    monkeypatch.setattr(Head, "__call__", watched)
    load_model(engine=engine, threads=2).forecast(np.ones((1000, 49)))
    assert seen == [{1}] * len(seen)
    assert len(seen) >= 2
    assert _threads() == {2}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.slow
def test_concurrent_pipelines_restore_the_thread_limit(engine: str, sample_kw: np.ndarray) -> None:
    stream = readings(sample_kw[:400])

    def run(_: int) -> float:
        step = Pipeline(load_model(engine=engine)).push_many(stream)[-1]
        assert step.forecast is not None
        return step.forecast.kw

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(8)))) == 1
    assert _threads() == {2}


def test_cores_counts_the_cores_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == os.cpu_count()
