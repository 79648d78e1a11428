"""Packing of readings for their shard: many readings as one value.

Spark passes rows to a stateful processor in Python one by one, which costs more than everything
else. So each task packs the readings of a shard into the bytes of an Arrow table, and only a few
rows with a column of bytes are shuffled and passed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamer.readings.arrays import DoubleArray, TimeArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKED = "key int, readings binary"
"""Schema of the rows that `pack` makes."""

_FIELDS = ["meter", "minute", "kw"]


def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pack the readings of each shard in a batch into one row; for `mapInArrow`.

    Args:
        batches: columns key (int32), meter (string), minute (int64, microseconds) and kw.
    """
    for batch in batches:
        if not batch.num_rows:
            continue
        keys = batch.column("key").to_numpy()
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        readings = batch.select(_FIELDS).take(pa.array(order))
        starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
        sizes = np.diff(starts, append=len(keys))
        packed = [
            _to_bytes(readings.slice(start, size))
            for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)
        ]
        yield pa.RecordBatch.from_arrays(
            [pa.array(keys[starts], pa.int32()), pa.array(packed, pa.binary())],
            ["key", "readings"],
        )


def unpack(
    values: Iterable[bytes],
) -> tuple[NDArray[np.object_], TimeArray, DoubleArray]:
    """Unpack rows of `pack` into (readings,) meters, minutes and kW."""
    table = pa.concat_tables([pa.ipc.open_stream(value).read_all() for value in values])
    meters = table.column("meter").combine_chunks().dictionary_encode()
    if isinstance(meters, pa.ChunkedArray):
        meters = meters.combine_chunks()
    # One text object per meter, for any number of readings.
    names = meters.dictionary.to_numpy(zero_copy_only=False)
    return (
        names[meters.indices.to_numpy()],
        table.column("minute").to_numpy().view("datetime64[us]"),
        table.column("kw").to_numpy(),
    )


def _to_bytes(readings: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, readings.schema) as writer:
        writer.write_batch(readings)
    return bytes(sink.getvalue())
