"""Threads of matrix products, by what NumPy's library reports of itself."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from streamer.blas import cores, one_blas_thread
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.testing import readings


def _threads() -> set[int]:
    assert np.__version__  # it brings the library
    info = ThreadpoolController().select(user_api="blas").info()
    assert info
    return {library["num_threads"] for library in info}


@pytest.fixture
def two_threads() -> None:
    ThreadpoolController().limit(limits=2, user_api="blas")
    if _threads() != {2}:
        pytest.skip("matrix products have one thread here whatever is asked for")


@pytest.mark.usefixtures("two_threads")
def test_matrix_products_have_one_thread_inside_and_what_they_had_after() -> None:
    with one_blas_thread():
        assert _threads() == {1}
        with one_blas_thread():
            assert _threads() == {1}
        assert _threads() == {1}
    assert _threads() == {2}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_pipelines_on_several_threads_leave_the_limit_as_it_was(
    engine: str, sample_kw: np.ndarray
) -> None:
    stream = readings(sample_kw[:400])

    def run(_: int) -> float:
        step = Pipeline(load_model(engine=engine)).push_many(stream)[-1]
        assert step.forecast is not None
        return step.forecast.kw

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(8)))) == 1
    assert _threads() == {2}


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == os.cpu_count()
