"""Cost per reading of demand intervals and switched loads, which are taken one by one."""

from __future__ import annotations

import numpy as np

from streamer.demand.settings import DemandRule
from streamer.pipeline.household import Household
from streamer.readings.arrays import DoubleArray
from streamer.testing import readings
from tests.benchmarks.horizons import MINUTES, Runs

_BAND_KW = 0.3


def runs(kw: DoubleArray) -> Runs:
    """What to measure over all readings, each with a name.

    Args:
        kw: (readings,) readings one minute apart.
    """
    stream = readings(kw)
    # The last reading continues, with a band as wide as is usual.
    around = np.array([0.0, 0.0, -_BAND_KW, _BAND_KW])
    issued_kw = kw[:, None, None] + np.repeat(around[:, None], len(MINUTES), axis=1)

    def household() -> None:
        kept = Household(DemandRule(), MINUTES, confidence=0.9)
        for reading, ahead_kw in zip(stream, issued_kw, strict=True):
            kept.one(reading, 0, ahead_kw)

    return {"demand intervals and switched loads": household}
