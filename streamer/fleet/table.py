"""Table of the meters of a shard: names and records."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from streamer.errors import StateError
from streamer.fleet.decimals import from_integers, to_integers
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

    def adopt(self, names: Sequence[str], data: Sequence[bytes]) -> None:
        """Add meters with their records.

        Args:
            names: names of meters that are not in the table.
            data: bytes of the record of each.

        Raises:
            StateError: a meter is in the table already, or a record has another size.
        """
        size = self._first.dtype.itemsize
        if len(set(names)) < len(names) or not self._row.keys().isdisjoint(names):
            raise StateError("a meter is in two shards: its state is damaged")
        if any(len(record) != size for record in data):
            raise StateError(f"the record of a meter does not have {size} bytes: it is damaged")
        adopted = np.frombuffer(b"".join(data), self._first.dtype)
        self.records = np.concatenate([self.records, adopted])
        for name in names:
            self._row[name] = len(self._row)

    def state(self, about: dict[str, object]) -> bytes:
        """Saved state as bytes: a line of JSON, the names, then the records.

        So that it compresses well, numbers with three decimals are integers, and the first bytes of
        all records come first, then the second ones, and so on.

        Args:
            about: JSON values to store with them.
        """
        names = json.dumps(self.names, ensure_ascii=False).encode()
        records = self.records.copy()
        decimals = to_integers(records)
        rows = records.view(np.uint8).reshape(len(records), records.itemsize)
        rest = names + np.ascontiguousarray(rows.T).tobytes()
        head = {
            "version": _VERSION,
            "names": len(names),
            "sum": zlib.crc32(rest),
            **about,
            "decimals": decimals,
            "layout": np.lib.format.dtype_to_descr(records.dtype),
        }
        return b"\n".join([json.dumps(head).encode(), rest])

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
                if about.pop("sum") != zlib.crc32(rest):
                    raise ValueError("wrong checksum")
                layout = np.lib.format.descr_to_dtype(_tuples(about.pop("layout")))
                columns = np.frombuffer(rest, np.uint8, offset=size).reshape(layout.itemsize, -1)
                records = columns.T.copy("C").view(layout)[:, 0]
                from_integers(records, about.pop("decimals"))
                if layout != self._first.dtype:
                    records = carried(records, self._first)
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
