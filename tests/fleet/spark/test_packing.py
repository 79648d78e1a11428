"""Tests of the packing of readings by shard."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.fleet.spark.packing import pack, unpack

READINGS = st.lists(
    st.tuples(
        st.integers(-5, 5),
        st.text(max_size=3),
        st.integers(-(2**50), 2**50),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=30,
)


def batch_of(readings: list[tuple[int, str, int, float]]) -> pa.RecordBatch:
    key, meter, minute, kw = zip(*readings, strict=True) if readings else ([], [], [], [])
    arrays = [
        pa.array(key, pa.int32()),
        pa.array(meter, pa.string()),
        pa.array(minute, pa.int64()),
        pa.array(kw, pa.float64()),
    ]
    return pa.RecordBatch.from_arrays(arrays, ["key", "meter", "minute", "kw"])


@settings(max_examples=50)
@given(st.lists(READINGS, max_size=4))
def test_packing_keeps_all_readings_and_their_order(
    parts: list[list[tuple[int, str, int, float]]],
) -> None:
    packed: dict[int, list[bytes]] = {}
    for batch in pack(map(batch_of, parts)):
        keys = batch.column("key").to_pylist()
        assert len(set(keys)) == len(keys)
        for key, value in zip(keys, batch.column("readings").to_pylist(), strict=True):
            packed.setdefault(key, []).append(value)
    readings = [reading for part in parts for reading in part]
    assert packed.keys() == {reading[0] for reading in readings}
    for key, values in packed.items():
        meter, minute, kw = unpack(values)
        assert minute.dtype == np.dtype("datetime64[us]")
        came = list(zip(meter.tolist(), minute.view(np.int64).tolist(), kw.tolist(), strict=True))
        assert came == [reading[1:] for reading in readings if reading[0] == key]
