"""Threads of matrix products."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Limit NumPy's matrix products to one thread; costs 8 to 16 µs.

    Ours are too small to split among threads. Blocks of windows are computed in parallel
    instead, one per core: threads of both kinds on the same cores wait for each other. Nothing
    has to be set in the environment, and products outside keep their threads.

    With OpenBLAS on threads of its own, as NumPy's wheels have it, the limit applies to the
    whole process, and the first of several threads that request it sets and restores it. With
    OpenMP it applies to the thread that requests it.
    """
    limit: AbstractContextManager[Any] = _blas().limit(limits=1)
    return limit


def cores() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not report it
        return os.cpu_count() or 1


@cache
def _blas() -> Any:
    """Controller of NumPy's linear algebra library."""
    import numpy  # noqa: F401, ICN001 - loads the library to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
