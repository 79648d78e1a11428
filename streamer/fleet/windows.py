"""Windows of many meters: rings of readings, and the network's forecasts from them."""

from __future__ import annotations

import numpy as np

from streamer.fleet.arranged import RoundBlock
from streamer.models.forecaster import NetworkForecaster
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, Records


def put_in_windows(some: Records, block: RoundBlock) -> FloatArray:
    """Put the readings of a block into the windows.

    Args:
        some: (meters,) records of its meters, changed in place.
        block: the readings.

    Returns:
        (window + rounds, meters) the windows before the block, oldest reading first, and the
        readings of the block, in kW.
    """
    size, rounds = some["window"].shape[1], len(block.at)
    window, slot = some["window"], some["slot"].astype(np.intp)
    kw = np.empty((size + rounds, len(some)), np.float32)
    kw[:size] = np.take_along_axis(window.T, (slot + np.arange(size)[:, None]) % size, axis=0)
    kw[size:] = block.kw
    number = np.arange(rounds)[:, None]
    at, meter = np.nonzero((number < block.counts) & (number >= block.counts - size))
    window[meter, (slot[meter] + at) % size] = kw[size + at, meter]
    some["slot"] = (slot + block.counts) % size
    return kw


def forecast_windows(
    forecaster: NetworkForecaster, inputs: FloatArray, kw: DoubleArray, full: BoolArray
) -> tuple[DoubleArray, DoubleArray, FloatArray]:
    """Forecast after each reading of a block with a full window.

    Args:
        forecaster: the model.
        inputs: (window + rounds, meters) readings before the block and in it, in the units
            of the network.
        kw: (rounds, meters) readings in it, in kW.
        full: (rounds, meters) whether the window is full.

    Returns:
        Means (rounds, meters) and quantiles (rounds, meters, levels) in kW, NaN elsewhere; and
        the last hidden states (rounds, meters, units).
    """
    mean = np.full(full.shape, np.nan)
    quantiles = np.full((*full.shape, len(forecaster.levels)), np.nan)
    if not full.any():
        return mean, quantiles, np.empty((*full.shape, 0), np.float32)
    # Step s of all windows is contiguous in memory, so nothing is copied: the windows of each
    # round begin one round later.
    flat = inputs[1:].reshape(-1)
    by_step = np.lib.stride_tricks.as_strided(
        flat, (forecaster.window, full.size), (inputs.strides[0], inputs.itemsize), writeable=False
    )
    if full.all():
        answer = forecaster.forecast_inputs(by_step.T, kw.reshape(-1))
        hidden = answer.hidden.reshape(*full.shape, -1)
        mean = answer.mean_kw.reshape(full.shape)
        return mean, answer.quantiles_kw.reshape(quantiles.shape), hidden
    which = np.flatnonzero(full)
    answer = forecaster.forecast_inputs(by_step[:, which].T, kw.reshape(-1)[which])
    mean[full], quantiles[full] = answer.mean_kw, answer.quantiles_kw
    hidden = np.empty((*full.shape, answer.hidden.shape[1]), np.float32)
    hidden[full] = answer.hidden
    return mean, quantiles, hidden
