"""Some of the records of many meters, taken out and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.readings.arrays import BoolArray, IndexArray, Records


@contextmanager
def some_of(records: Records, which: BoolArray | IndexArray) -> Iterator[Records]:
    """Some records, to be changed in place: copies that are put back, unless they are all.

    Args:
        records: (meters,) all records.
        which: (meters,) whether to take each; or the rows of those to take, in rising order.

    >>> records = np.zeros(3, [("kw", "<f8")])
    >>> with some_of(records, np.array([0, 2])) as some:
    ...     some["kw"] = 0.5
    >>> records["kw"].tolist()
    [0.5, 0.0, 0.5]
    """
    rows = np.flatnonzero(which) if which.dtype == np.bool_ else which
    if len(rows) == len(records):
        yield records
        return
    data = as_bytes(records)
    some = data[rows]
    yield some.view(records.dtype)
    data[rows] = some


def as_bytes(records: Records) -> NDArray[Any]:
    """The same records without fields, which NumPy copies fifty times as fast."""
    return records.view(f"V{records.itemsize}")
