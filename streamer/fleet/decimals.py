"""Numbers of records with three decimals as integers, which compress to half the size.

Readings of most meters are whole watts. As binary fractions of a kilowatt, all their bytes look
random; as integers, all but two are zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import Records

_SCALE = 1000.0
_MAX = float(1 << 31)
_FEW = 8
"""Records that are tried before all of them."""


def to_integers(records: Records) -> list[str]:
    """Turn fields whose values all have at most three decimals into integers of the same size.

    Args:
        records: (meters,) records, changed in place.

    Returns:
        Names of these fields, for `from_integers`.
    """
    found = []
    for name, values in _floats(records):
        if _are_decimal(values[:_FEW]) and _are_decimal(values):
            whole = np.rint(values.astype(np.float64) * _SCALE)
            values.view(_integer(values))[...] = whole
            found.append(name)
    return found


def from_integers(records: Records, names: Iterable[str]) -> None:
    """Undo `to_integers`, with the same bits.

    Args:
        records: (meters,) records, changed in place.
        names: what it returned.

    Raises:
        KeyError: there is no such field.
    """
    floats = dict(_floats(records))
    for name in names:
        values = floats[name]
        values[...] = values.view(_integer(values)) / _SCALE


def _are_decimal(values: NDArray[np.floating]) -> bool:
    """Whether values survive `to_integers` bit by bit."""
    if not (np.abs(values) < _MAX / _SCALE).all():  # a NaN is not smaller either
        return False
    whole = np.rint(values.astype(np.float64) * _SCALE).astype(np.int64)
    kind = _integer(values)
    again = (whole / _SCALE).astype(values.dtype)
    return bool((again.view(kind) == values.view(kind)).all())


def _integer(values: NDArray[np.floating]) -> np.dtype[np.signedinteger]:
    return np.dtype(f"<i{values.itemsize}")


def _floats(records: Records, prefix: str = "") -> Iterator[tuple[str, NDArray[np.floating]]]:
    """The fields of floating-point numbers, at any depth, as views."""
    for name in records.dtype.names or ():
        values = records[name]
        if values.dtype.names:
            yield from _floats(values, f"{prefix}{name}.")
        elif values.dtype.kind == "f" and values.itemsize > 2:
            yield f"{prefix}{name}", values
