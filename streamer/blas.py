"""Threads of matrix products, and the cores that they leave to us."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Hold NumPy's matrix products to one thread; costs 8 µs.

    Ours are too small to share out among threads. Blocks of windows are computed side by side
    instead, a core each: threads of both kinds on the same cores wait for each other. The limit
    is that of the whole process. Of several threads that ask for it at the same time, the first
    sets and restores it.
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
    """Controller of NumPy's library of linear algebra."""
    import numpy  # noqa: F401, ICN001 - loads the library that is looked for
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
