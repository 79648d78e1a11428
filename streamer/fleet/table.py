"""Table of the meters of a shard: names and records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from streamer.errors import StateError
from streamer.fleet.former import VERSIONS, ToKw, carried, converted, layout_of
from streamer.readings.arrays import IndexArray, Records

_VERSION = 5


class MeterTable:
    """Records of meters, in the order of their first readings.

    Args:
        first: () record of a new meter.

    >>> table = MeterTable(np.zeros((), [("kw", "f8")]))
    >>> table.rows(["a", "b", "a"]).tolist(), len(table.records)
    ([0, 1, 0], 2)
    """

    def __init__(self, first: Records) -> None:
        self._first = first
        self._row: dict[str, int] = {}
        self.records: Records = np.empty(0, first.dtype)

    @property
    def names(self) -> list[str]:
        """Names of the meters, one per record."""
        return list(self._row)

    def rows(self, names: Sequence[str]) -> IndexArray:
        """(names,) index of the record of each name; new names get a new record."""
        known = self._row
        for name in names:
            if name not in known:
                known[name] = len(known)
        new = len(known) - len(self.records)
        if new:
            begun = np.full(new, self._first, self._first.dtype)
            self.records = np.concatenate([self.records, begun])
        return np.fromiter(map(known.__getitem__, names), np.intp, len(names))

    def state(self, about: dict[str, object]) -> bytes:
        """Saved state as bytes: a line of JSON, the names, then the records.

        Args:
            about: JSON values to store with them.
        """
        names = json.dumps(self.names, ensure_ascii=False).encode()
        layout = np.lib.format.dtype_to_descr(self.records.dtype)
        head = {"version": _VERSION, "names": len(names), **about, "layout": layout}
        return b"\n".join([json.dumps(head).encode(), names + self.records.tobytes()])

    def restore(self, state: bytes, to_kw: ToKw) -> dict[str, object]:
        """Restore what `state` returned, here or in a former version.

        Args:
            state: the saved state.
            to_kw: conversion of the windows of former versions to kW.

        Returns:
            The JSON values stored with it.

        Raises:
            StateError: the state has another version, or is damaged.
        """
        head, _, rest = state.partition(b"\n")
        try:
            about: dict[str, Any] = json.loads(head)
            version, size = about.pop("version"), int(about.pop("names"))
            if version not in (_VERSION, *VERSIONS):
                raise StateError(f"state of a shard has version {version!r}, this is {_VERSION}")
            names = json.loads(rest[:size])
            if version == _VERSION:
                layout = np.lib.format.descr_to_dtype(_tuples(about.pop("layout")))
                records = np.frombuffer(rest[size:], layout)
                same = layout == self._first.dtype
                records = records.copy() if same else carried(records, self._first)
            else:
                window, adapt = (about["with"][name] for name in ("window", "adapt"))
                records = np.frombuffer(rest[size:], layout_of(version, window=window, adapt=adapt))
                records = converted(records, self._first, version=version, to_kw=to_kw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(f"state of a shard is damaged: {error!r}") from None
        if len(names) != len(records) or len(set(names)) != len(names):
            raise StateError(
                f"state of a shard is damaged: {len(names)} names for {len(records)} meters"
            )
        self._row = {name: row for row, name in enumerate(names)}
        self.records = records
        return about


def _tuples(fields: list[Any]) -> list[Any]:
    """Fields of a layout as `dtype_to_descr` returned them, before they were JSON."""
    return [
        (name, kind if isinstance(kind, str) else _tuples(kind), *map(tuple, shape))
        for name, kind, *shape in fields
    ]
