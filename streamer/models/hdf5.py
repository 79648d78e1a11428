"""Weights in an HDF5 file, read within bounds.

HDF5 can keep values in other files, follow links to them, make them up from a fill value, or
unpack a few bytes to gigabytes. None of that is needed for weights, and all of it is rejected
before any value is read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from streamer.display.lines import error_line
from streamer.errors import ModelError
from streamer.models.bounds import MAX_INPUTS, MAX_WEIGHT
from streamer.readings.arrays import FloatArray

_FLOAT_BYTES = (4, 8)

# Whatever h5py and NumPy raise for damaged or unusual content.
_UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError),
    *(SystemError, TypeError, ValueError),
)


class WeightFile:
    """An HDF5 file in memory.

    Args:
        where: the file, for errors.
        content: its bytes.

    Raises:
        ModelError: it is not an HDF5 file.
    """

    def __init__(self, where: str, content: bytes) -> None:
        self._where = where
        try:
            self._file = h5py.File(io.BytesIO(content), "r")
        except _UNREADABLE as error:
            raise ModelError(f"{where}: not an HDF5 file ({error_line(error)})") from None

    def __enter__(self) -> WeightFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def layer(
        self, name: str, group: str, shapes: Mapping[str, tuple[int | None, ...]]
    ) -> list[FloatArray]:
        """The weights of one layer.

        Args:
            name: the layer's name, for errors.
            group: the group of its datasets.
            shapes: their names and expected shapes; None for any length up to `MAX_INPUTS`.

        Raises:
            ModelError: a dataset is missing, linked, compressed, incomplete or damaged, or has
                another shape or type, or values that are not finite or implausibly large.
        """
        where = f"{self._where}: weights of layer {name!r}"
        try:
            return [
                _values(f"{where}: {group}/{number}", self._find(where, f"{group}/{number}"), shape)
                for number, shape in shapes.items()
            ]
        except _UNREADABLE as error:
            raise ModelError(f"{where} are damaged ({error_line(error)})") from None

    def _find(self, where: str, path: str) -> Any:
        """The object at a path, no part of which is a link to somewhere else."""
        found: Any = self._file
        for part in path.split("/"):
            # Of the low-level interface, because the other one follows links to look at them.
            name = part.encode()
            if not isinstance(found, h5py.Group) or not found.id.links.exists(name):
                raise ModelError(f"{where} are missing: there is no {path}")
            if found.id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                raise ModelError(f"{where}: {path} is a link to another place")
            found = found[part]
        return found


def _values(where: str, dataset: Any, shape: tuple[int | None, ...]) -> FloatArray:
    if not isinstance(dataset, h5py.Dataset):
        raise ModelError(f"{where} is no dataset but a {type(dataset).__name__.lower()}")
    # The place first: to learn its shape, HDF5 may open other files.
    _check_place(where, dataset)
    _check_type(where, dataset, shape)
    _check_size(where, dataset)
    values = np.asarray(dataset[()])
    # A NaN fails the comparison.
    if not (np.abs(values) <= MAX_WEIGHT).all():
        raise ModelError(f"{where} has values that are not finite, or beyond ±{MAX_WEIGHT:g}")
    return values.astype(np.float32)


def _check_type(where: str, dataset: Any, shape: tuple[int | None, ...]) -> None:
    given, wanted = dataset.shape, tuple("inputs" if n is None else n for n in shape)
    fits = given is not None and len(given) == len(shape)
    if not fits or any(
        not (1 <= a <= MAX_INPUTS if b is None else a == b)
        for a, b in zip(given, shape, strict=True)
    ):
        raise ModelError(f"{where} has the shape {given}, expected {wanted}")
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in _FLOAT_BYTES:
        raise ModelError(f"{where} is of type {dataset.dtype}, expected float32")


def _check_place(where: str, dataset: Any) -> None:
    settings = dataset.id.get_create_plist()
    if settings.get_external_count():
        raise ModelError(f"{where} keeps its values in another file")
    if settings.get_layout() == h5py.h5d.VIRTUAL:
        raise ModelError(f"{where} is put together from other datasets")
    if settings.get_nfilters():
        raise ModelError(f"{where} is compressed; write it without filters")


def _check_size(where: str, dataset: Any) -> None:
    size = dataset.size * dataset.dtype.itemsize
    chunk = dataset.chunks
    if chunk is not None and int(np.prod(chunk, dtype=object)) * dataset.dtype.itemsize > 2 * size:
        raise ModelError(f"{where} has chunks of {chunk}, larger than the weights")
    if dataset.id.get_storage_size() < size:
        raise ModelError(f"{where} has values that are missing in the file")
