"""Tests of the bands of many meters, against those of one meter each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.fleet.bands import BAND, Bands
from streamer.online.carried import PERIOD
from streamer.online.intervals import ConformalBand

LEVELS = (0.05, 0.5, 0.95)
_LARGE = st.floats(-1e9, 1e9) | st.floats(-3.0, 12.0)


def _assert_equal(record: np.ndarray, single: ConformalBand) -> None:
    state = single.state()
    for name in ("low", "high", "places"):
        assert record[name].tolist() == state[name]
    assert [record["error_kw"], record["last_error_kw"]] == state["errors_kw"]
    for name in ("settled", "last_kw", "present_kw", "before_kw"):
        assert record["carried"][name].tolist() == state["carried"][name]


def _run(
    kw: np.ndarray, quantiles: np.ndarray, confidence: float, settled_before: int = 0
) -> np.ndarray:
    """Bands (minutes, meters, 2) of readings (minutes, meters), compared with single ones."""
    minutes, meters = kw.shape
    levels = LEVELS[: quantiles.shape[2]]
    bands = Bands(confidence, levels)
    records = np.full(meters, bands.first, BAND)
    inner = levels[-1] - levels[0] if len(levels) > 1 else None
    singles = [ConformalBand(confidence, inner=inner) for _ in range(meters)]
    if settled_before:
        records["carried"]["settled"] = settled_before
        for single in singles:
            state = single.state()
            state["carried"]["settled"] = settled_before
            single.restore(state)
    ends = np.empty((minutes, meters, 2))
    for minute in range(minutes):
        mean = quantiles[minute].mean(axis=1) + 0.01
        low, high = bands.see(records, mean, quantiles[minute])
        for meter, single in enumerate(singles):
            outermost = quantiles[minute, meter, [0, -1]].tolist() if len(levels) > 1 else []
            expected = single.see(float(mean[meter]), *outermost)
            np.testing.assert_allclose((low[meter], high[meter]), expected, rtol=1e-13, atol=1e-7)
            # Only one of the two libraries' exponentials is rounded to the nearest.
            low[meter], high[meter] = expected
            single.settle(float(kw[minute, meter]))
        ends[minute, :, 0], ends[minute, :, 1] = low, high
        bands.settle(records, kw[minute], mean, low, high)
        for record, single in zip(records, singles, strict=True):
            _assert_equal(record, single)
    return ends


@pytest.mark.parametrize("quantiles", [True, False])
@pytest.mark.parametrize("settled_before", [0, PERIOD - 100])
def test_bands_equal_those_of_each_meter(quantiles: bool, settled_before: int) -> None:
    rng = np.random.default_rng(4)
    minutes, meters = 200, 4
    scale = rng.gamma(1.0, 1.0, (minutes, meters))
    kw = np.round(rng.laplace([0.5, 1.0, 3.0, -1.0], scale), 3)
    kw[:, :2] = np.abs(kw[:, :2])
    around = kw + rng.laplace(scale=0.3, size=kw.shape)
    width = rng.gamma(1.0, 0.5, kw.shape)
    given_quantiles = np.stack([around - width, around, around + width], axis=2)
    if not quantiles:
        given_quantiles = given_quantiles[:, :, 1:2]
    ends = _run(kw, given_quantiles, 0.9, settled_before)
    assert (ends[:, :2] >= 0.0).all()
    assert (ends[:, 3, 0] < 0.0).any()


@settings(max_examples=40)
@given(st.lists(st.tuples(_LARGE, _LARGE, _LARGE), min_size=1, max_size=80), st.floats(0.01, 0.99))
def test_bands_equal_those_of_each_meter_for_any_values(
    rows: list[tuple[float, float, float]], confidence: float
) -> None:
    kw = np.array([[actual] for actual, _, _ in rows])
    quantiles = np.sort(np.array([[[one, one, other]] for _, one, other in rows]), axis=2)
    _run(kw, quantiles, confidence)
