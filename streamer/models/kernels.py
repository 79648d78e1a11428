"""Kernels of the compiled engine that this installation and this processor have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


@cache
def available() -> dict[str, tuple[int, int]]:
    """Windows in a tile and units in a group of each kernel for this processor, best first.

    Returns:
        Empty if the kernels have not been compiled.
    """
    try:
        from streamer.models import _kernel
    except ImportError:
        return {}
    return {name: (tile, group) for name, tile, group in _kernel.kernels()}


def fits(sizes: Sequence[int]) -> bool:
    """Whether the kernels take a network of these inputs and units of each layer."""
    from streamer.models import _kernel

    return len(sizes) <= _kernel.MAX_LAYERS + 1 and max(sizes) <= _kernel.MAX_SIZE


def auto_engine() -> str:
    """The engine that `auto` takes for the shipped models, with the reason if it is NumPy."""
    if available():
        return f"compiled ({next(iter(available()))})"
    return "numpy, since the compiled engine was not built when streamer was installed"
