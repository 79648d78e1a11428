"""Tests of the guards of many meters, against those of one meter each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.fleet.guard import GUARD, are_sound, see, settle
from streamer.online.guard import CLASSES, TRIAL, Guard
from streamer.readings.packing import unpacked

_POWER = st.floats(-1e6, 1e6) | st.floats(-1.0, 14.0)


def _run(kw: np.ndarray, mean: np.ndarray, median: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Guard forecasts (minutes, meters) at readings (minutes + 1, meters), as single guards do.

    The clock of a meter is as many hours ahead as its number.
    """
    minutes, meters = mean.shape
    records = np.zeros(meters, GUARD)
    singles = [Guard() for _ in range(meters)]
    hours = np.arange(meters) * 3_600_000_000
    for minute in range(minutes):
        found = see(
            records,
            mean_kw=mean[minute],
            median_kw=median[minute],
            last_kw=kw[minute],
            last_change_kw=kw[minute] - kw[minute - 1],
            at=at[minute] + hours,
            settled=np.full(meters, minute),
        )
        for meter, single in enumerate(singles):
            expected = single.see(
                *(kw_of[minute, meter].item() for kw_of in (mean, median, kw)),
                (kw[minute, meter] - kw[minute - 1, meter]).item(),
                int((at[minute] + hours[meter]) // 3_600_000_000 % 24 // 6),
            )
            np.testing.assert_array_equal([column[meter] for column in found], expected)
            single.settle(kw[minute + 1, meter].item())
        settle(records, last_kw=kw[minute], actual_kw=kw[minute + 1])
    for record, single in zip(records, singles, strict=True):
        state = single.state()
        assert record["places"].tolist() == state["places"]
        assert [record["change"], record["median_change"]] == state["waiting"][:2]
        for name in ("sums", "lost"):
            shape = record[name].shape
            saved = unpacked(state[name], record[name].size).reshape(shape)
            np.testing.assert_array_equal(record[name], saved)
    assert are_sound(records)
    return records


@pytest.mark.parametrize("quantiles", [True, False])
def test_guards_equal_those_of_each_meter(quantiles: bool) -> None:
    rng = np.random.default_rng(6)
    minutes, meters = 300, 5
    kw = rng.choice([0.3, 2.4, 3.0, 7.0, 11.0], (minutes + 1, meters)) + rng.normal(
        0.0, 0.3, (minutes + 1, meters)
    )
    mean = kw[:-1] + rng.normal(0.0, 1.0, (minutes, meters))
    median = kw[:-1] + rng.normal(0.0, 0.5, (minutes, meters))
    if not quantiles:
        median[:] = np.nan
    records = _run(kw, mean, median, np.arange(minutes) * 60_000_000 * 11)
    assert (records["sums"][:, 0] > 0.0).sum() > 3 * CLASSES


@settings(max_examples=40)
@given(st.lists(st.tuples(_POWER, _POWER, _POWER), min_size=2, max_size=TRIAL + 40))
def test_guards_equal_those_of_each_meter_for_any_values(
    rows: list[tuple[float, float, float]],
) -> None:
    table = np.array(rows)[:, :, None]
    at = np.arange(len(rows)) * 3_600_000_000
    _run(table[:, 0], table[:-1, 1], table[:-1, 2], at)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("places", 2 * CLASSES),
        ("lost", -1e12),
        ("sums", -1.0),
        ("sums", np.nan),
        ("sums", 1e12),
        ("change", 3.5),
        ("median_change", np.nan),
    ],
)
def test_damaged_records_are_noticed(field: str, value: float) -> None:
    records = np.zeros(2, GUARD)
    assert are_sound(records)
    records[field][1] = value
    assert not are_sound(records)
