"""Fixtures: a synthetic recording with gaps, and the times of the sample."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from streamer.evaluation import Stretch
from streamer.sample import sample_path


def minutes(count: int, start: str = "2010-03-01T00:00:00") -> np.ndarray:
    return np.datetime64(start) + np.timedelta64(60, "s") * np.arange(count)


@pytest.fixture(scope="session")
def sample_at() -> np.ndarray:
    """Times of the valid readings of the sample."""
    rows = [row.split(";") for row in sample_path().read_text().splitlines()[1:] if "?" not in row]
    moments = [datetime.strptime(f"{row[0]} {row[1]}", "%d/%m/%Y %H:%M:%S") for row in rows]
    return np.array(moments, dtype="datetime64[s]")


@pytest.fixture(scope="session")
def stretch() -> Stretch:
    """Nine days with three gaps, of which the last seven are evaluated."""
    rng = np.random.default_rng(7)
    count = 9 * 1440
    at = minutes(count)
    kw = 0.3 + np.abs(np.cumsum(rng.normal(0, 0.2, count)) % 4 - 2)
    kept = np.ones(count, dtype=bool)
    for begin, end in ((2000, 2003), (5000, 5120), (5123, 5124)):
        kept[begin:end] = False
    return Stretch(kw[kept], at[kept], start=2877, name="made up")
