"""Tests of the features of the longer history, against their definitions over whole series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.history import FEATURES, Extended, History

HORIZONS = (1, 2, 15, 30, 60)
MONDAY = 20_000 * 1440 + 4 * 1440
"""Midnight of a Monday, in minutes since 1970."""


class Series(NamedTuple):
    """Times and powers of readings, one after the other."""

    minutes: np.ndarray
    day_minutes: np.ndarray
    weekends: np.ndarray
    kw: np.ndarray

    def __getitem__(self, rows: Any) -> Series:  # type: ignore[override]
        return Series(*(np.asarray(each)[rows] for each in tuple(self)))

    @property
    def size(self) -> int:
        return len(self.kw)


def series(apart: Sequence[int], kw: Sequence[float], *, back_at: int | None = None) -> Series:
    """Readings so many minutes apart; at one of them the clock is set back by an hour."""
    minutes = MONDAY + np.cumsum(np.array(apart, np.int64))
    local = minutes - 60 * (np.arange(len(minutes)) >= (10**9 if back_at is None else back_at))
    days, day_minutes = np.divmod(local, 1440)
    return Series(minutes, day_minutes, (days + 3) % 7 >= 5, np.array(kw, float))


def pushed(history: History, given: Series) -> Extended:
    rows = []
    for reading in zip(*(each.tolist() for each in tuple(given)), strict=True):
        features = history.push(*reading)
        means = history.recent_means(HORIZONS), history.yesterday_means(HORIZONS)
        rows.append((features, *means))
    return Extended(*map(np.array, zip(*rows, strict=True)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else np.nan


def expected(given: Series, i: int) -> dict[str, float]:
    """The features after one of the readings, each by its definition."""
    minutes, kw = given.minutes[: i + 1], np.clip(given.kw[: i + 1], -1e6, 1e6)
    measured = dict(zip(minutes.tolist(), kw.tolist(), strict=True))
    now, last = int(minutes[-1]), float(kw[-1])

    def exponential(values: np.ndarray, at: np.ndarray, constant: float) -> float:
        weights = np.exp((at - now) / constant)
        return float(weights @ values / (weights.sum() + 1e-9))

    levels = {
        f"recent_{n}": _mean([measured[m] for m in range(now - n + 1, now + 1) if m in measured])
        for n in (5, 15, 30, 60)
    }
    for name, constant in (("mean_4h", 240), ("mean_1d", 1440), ("mean_7d", 10080)):
        levels[name] = exponential(kw, minutes, constant)
    pairs = np.diff(minutes) == 1
    changes, at = np.abs(np.diff(kw))[pairs], minutes[1:][pairs]
    sizes = {
        f"change_{name}": exponential(changes, at, n) for name, n in (("1h", 60), ("1d", 1440))
    }
    places = given.day_minutes[: i + 1] % 15
    starts, quarters = minutes - places, given.day_minutes[: i + 1] // 15
    past = (starts != starts[-1]) | (quarters != quarters[-1])
    following = (int(given.day_minutes[i]) + 1) // 15
    for ahead in range(5):
        of_day = past & (quarters == (following + ahead) % 96)
        if of_day.any():
            newest = starts[of_day].max()
            weights = 0.85 ** ((newest - starts[of_day]) / 1440)
            levels[f"profile_{ahead}"] = float(weights @ kw[of_day] / weights.sum())
        else:
            levels[f"profile_{ahead}"] = levels["mean_1d"]
    for n in (5, 15, 30, 60):
        then = [measured[m] for m in range(now - 1439, now - 1439 + n) if m in measured]
        levels[f"yesterday_{n}"] = _mean(then) if then else levels["mean_1d"]
    found = {name: float(np.arcsinh(2.0 * (level - last))) for name, level in levels.items()}
    found |= {name: float(np.arcsinh(2.0 * size)) for name, size in sizes.items()}
    angle = 2.0 * np.pi * given.day_minutes[i] / 1440.0
    for n in (1, 2, 3):
        found |= {f"sin_{n}": np.sin(n * angle), f"cos_{n}": np.cos(n * angle)}
    return {**found, "weekend": float(given.weekends[i]), "last": float(np.arcsinh(2.0 * last))}


def expected_means(given: Series, i: int) -> tuple[list[float], list[float]]:
    """Means of the last minutes, and of those that followed a day before."""
    measured = dict(zip(given.minutes[: i + 1].tolist(), given.kw.tolist(), strict=False))
    now, recent, yesterday = int(given.minutes[i]), [], []
    for n in HORIZONS:
        recent.append(np.mean([measured.get(now - m, np.nan) for m in range(n)]))
        then = [measured[now - 1440 + m] for m in range(1, n + 1) if now - 1440 + m in measured]
        yesterday.append(_mean(then))
    return recent, yesterday


def assert_as_defined(found: Extended, given: Series, rows: Sequence[int]) -> None:
    for i in rows:
        wanted = expected(given, i)
        np.testing.assert_allclose(
            found.features[i], [wanted[name] for name in FEATURES], rtol=1e-6, atol=1e-6
        )
        recent, yesterday = expected_means(given, i)
        np.testing.assert_allclose(found.recent_kw[i], recent, rtol=1e-12, atol=2e-9)
        np.testing.assert_allclose(found.yesterday_kw[i], yesterday, rtol=1e-12, atol=2e-9)


GAPS = st.one_of(st.integers(2, 90), st.sampled_from([1380, 1439, 1440, 1441, 1499, 1500, 1501]))
LONG_GAPS = st.sampled_from([4095, 4096, 4097, 10080, 20_160, 3_000_000])
APART = st.one_of(*[st.just(1)] * 6, GAPS, LONG_GAPS)
POWERS = st.one_of(st.floats(-5.0, 15.0), st.sampled_from([0.0, 0.25, 1e9, -3e6, 999_999.5]))


@st.composite
def all_series(draw: st.DrawFn, apart: st.SearchStrategy[int] = APART) -> Series:
    runs = draw(st.lists(st.tuples(apart, st.integers(1, 25)), min_size=1, max_size=12))
    steps = [step for first, length in runs for step in (first, *[1] * (length - 1))]
    kw = draw(st.lists(POWERS, min_size=5, max_size=5))
    # A few values, repeated unevenly, are drawn much faster than one for each reading.
    values = [kw[(i * i) % 5 if i % 3 else i % 5] for i in range(len(steps))]
    return series(steps, values, back_at=draw(st.none() | st.integers(0, len(steps))))


@given(all_series(st.one_of(APART, st.just(0))), st.data())
def test_one_by_one_and_in_blocks_both_are_as_defined(given: Series, data: st.DataObject) -> None:
    one_by_one = pushed(History(), given)
    rows = {0, given.size - 1, *data.draw(st.lists(st.integers(0, given.size - 1), max_size=4))}
    assert_as_defined(one_by_one, _bounded(given), sorted(rows))
    cuts = data.draw(st.lists(st.integers(0, given.size), max_size=4).map(sorted))
    history, parts = History(), []
    for start, end in zip([0, *cuts], [*cuts, given.size], strict=True):
        part = given[start:end]
        if data.draw(st.booleans()) or not part.size:
            parts.append(history.extend_with_means(*part, HORIZONS))
        else:
            parts.append(pushed(history, part))
    for name in Extended._fields:
        together = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(together, getattr(one_by_one, name), rtol=0, atol=1e-6)


def _bounded(given: Series) -> Series:
    return given._replace(kw=np.clip(given.kw, -1e6, 1e6))
