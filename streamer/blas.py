"""How many threads matrix products run on, and how many cores that leaves to us."""

from __future__ import annotations

import os
import sys

_LIBRARIES = ("OPENBLAS", "MKL")


def keep_blas_to_one_thread() -> None:
    """Ask for matrix products on one thread; to be called before NumPy is imported.

    Ours are too small to share out: we compute blocks of windows side by side instead, a
    core each. Whoever has said otherwise in the environment is obeyed. Once NumPy is there
    it is too late, and nothing is done.
    """
    if "numpy" in sys.modules:
        return
    for library in _LIBRARIES:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def free_cores() -> int:
    """How many threads of our own there is room for.

    Returns:
        One for each core that this process may use, or 1 where matrix products may take
        all cores for themselves: two crews on the same cores wait for each other.
    """
    if any(os.environ.get(f"{library}_NUM_THREADS") != "1" for library in _LIBRARIES):
        return 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not tell
        return os.cpu_count() or 1
