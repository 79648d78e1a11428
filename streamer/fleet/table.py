"""Table of the meters of a shard: names and records."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from streamer.errors import StateError
from streamer.fleet.former import converted
from streamer.readings.arrays import IndexArray, Records

_VERSION = 4
_FORMER_VERSIONS = (1, 2, 3)


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

        Args:
            about: JSON values to store with them.
        """
        names = json.dumps(self.names, ensure_ascii=False).encode()
        head = {"version": _VERSION, "names": len(names), **about}
        return b"\n".join([json.dumps(head).encode(), names + self.records.tobytes()])

    def restore(self, state: bytes) -> dict[str, object]:
        """Restore what `state` returned, here or in a former version.

        Returns:
            The JSON values stored with it.

        Raises:
            StateError: the state has another version, or is damaged.
        """
        head, _, rest = state.partition(b"\n")
        try:
            about: dict[str, object] = json.loads(head)
            version, size = about.pop("version"), int(str(about.pop("names")))
            if version not in (_VERSION, *_FORMER_VERSIONS):
                raise StateError(f"state of a shard has version {version!r}, this is {_VERSION}")
            names = json.loads(rest[:size])
            if version == _VERSION:
                records = np.frombuffer(rest[size:], self._first.dtype).copy()
            else:
                records = converted(rest[size:], self._first, version=version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(f"state of a shard is damaged: {error!r}") from None
        if len(names) != len(records) or len(set(names)) != len(names):
            raise StateError(
                f"state of a shard is damaged: {len(names)} names for {len(records)} meters"
            )
        self._row = {name: row for row, name in enumerate(names)}
        self.records = records
        return about
