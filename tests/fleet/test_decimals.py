"""Tests of numbers with three decimals as integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.fleet.decimals import from_integers, to_integers

KIND = np.dtype([("watts", "<f8", 3), ("part", [("kw", "<f4"), ("count", "<u2")])])

decimals = st.integers(-(10**7), 10**7).map(lambda it: it / 1000)
specials = st.sampled_from([0.0, -0.0, 1e300, 1e-300, float("nan"), float("inf"), 2**31 / 1000])
numbers = st.lists(decimals, max_size=40) | st.lists(decimals | st.floats() | specials, max_size=40)


@given(values=numbers)
def test_every_bit_is_restored(values: list[float]) -> None:
    records = np.zeros(len(values), KIND)
    with np.errstate(over="ignore"):
        records["watts"] = np.array(values)[:, None]
        records["part"]["kw"] = values
    before = records.copy()
    names = to_integers(records)
    from_integers(records, names)
    assert records.tobytes() == before.tobytes()


def test_readings_in_watts_are_integers_and_others_are_not() -> None:
    records = np.zeros(20, KIND)
    records["watts"] = np.arange(60).reshape(20, 3) / 1000
    records["part"]["kw"] = [*[0.25] * 19, 1 / 3]
    assert to_integers(records) == ["watts"]
    assert records["watts"].view("<i8").tolist() == np.arange(60).reshape(20, 3).tolist()
    assert records["part"]["kw"][0] == np.float32(0.25)
    records["watts"] = 0.1234
    assert to_integers(records) == []
    with pytest.raises(KeyError):
        from_integers(records, ["none"])
