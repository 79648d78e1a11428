"""How many threads matrix products run on."""

from __future__ import annotations

import os


def keep_blas_to_one_thread() -> None:
    """Ask for matrix products on one thread; to be called before NumPy is imported.

    Ours are too small to share out: on a busy machine each of them waits for the slower of
    two threads, which was seen to more than halve the speed. Whoever has said otherwise in
    the environment is obeyed.
    """
    for library in ("OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
