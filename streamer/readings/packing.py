"""Arrays as text, for a saved state in plain JSON that restores the same bits."""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import ArrayLike

from streamer.readings.arrays import DoubleArray

_LITTLE_ENDIAN = np.dtype("<f8")


def packed(values: ArrayLike) -> str:
    """Encode values, row by row, as base64 of little-endian 64-bit floats.

    >>> packed([1.0, -0.5])
    'AAAAAAAA8D8AAAAAAADgvw=='
    """
    return base64.b64encode(np.ascontiguousarray(values, _LITTLE_ENDIAN).tobytes()).decode("ascii")


def unpacked(text: str, size: int) -> DoubleArray:
    """Decode the text of `packed` to values (size,).

    Raises:
        ValueError: the text is damaged, has another number of values, or some are not finite.

    >>> unpacked("AAAAAAAA8D8AAAAAAADgvw==", 2).tolist()
    [1.0, -0.5]
    """
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), _LITTLE_ENDIAN)
    except binascii.Error as error:
        raise ValueError(f"packed numbers are damaged: {error}") from None
    if len(values) != size:
        raise ValueError(f"{len(values)} packed numbers, expected {size}")
    if not np.isfinite(values).all():
        raise ValueError("packed numbers are not all finite")
    return values.astype(np.float64)
