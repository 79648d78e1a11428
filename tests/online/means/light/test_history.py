"""Tests of the compact history of many meters against definitions over the whole series."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.models.features import FEATURES
from streamer.online.history import RECENT, History
from streamer.online.means.light import history
from streamer.online.means.light.history import HISTORY
from streamer.online.wallclock import WallClocks

KW = st.floats(-3.0, 12.0, width=32)
SHIFT = 90
"""Minutes by which the clock on the wall is ahead."""

Series = list[tuple[int, float]]


@st.composite
def _series(draw: st.DrawFn) -> Series:
    """Minutes and readings, with gaps of all lengths."""
    minute = draw(st.integers(0, 3 * 1440))
    found = []
    gap = st.sampled_from([1] * 40 + [2, 3, 5, 6, 30, 31, 181, 1440, 5000])
    for kw in draw(st.lists(KW, min_size=1, max_size=120)):
        found.append((minute, kw))
        minute += draw(gap)
    return found


def _taken(series: list[Series]) -> list[list[np.ndarray]]:
    """Features of several meters after each reading; those with fewer readings end earlier."""
    state = np.full(len(series), history.first_record())
    found: list[list[np.ndarray]] = [[] for _ in series]
    for number in range(max(map(len, series))):
        rows = [row for row, each in enumerate(series) if number < len(each)]
        minutes, kw = np.array([series[row][number] for row in rows]).T
        before = np.array([series[row][max(number - 1, 0)] for row in rows])
        some = state[rows]
        seen = history.take(
            some,
            clocks=_clocks(minutes.astype(np.int64)),
            apart=(minutes - before[:, 0]).astype(np.int64),
            kw=kw,
            change_kw=kw - before[:, 1],
        )
        state[rows] = some
        for row, features in zip(rows, seen.features, strict=True):
            found[row].append(features)
    return found


def _clocks(minutes: np.ndarray) -> WallClocks:
    local = minutes + SHIFT
    return WallClocks(minutes, local % 1440, (local // 1440 + 3) % 7 >= 5)


def _by_bucket(values: list[tuple[int, float]]) -> dict[int, list[float]]:
    """Values of minutes by their bucket, in order of time."""
    found: dict[int, list[float]] = {}
    for minute, value in values:
        found.setdefault(minute // 5, []).append(value)
    return found


def _recent(means: dict[int, float], now: int, minutes: int) -> float:
    """Mean of the last minutes, with the same share of all minutes of a bucket."""
    known = now % 5 + 1
    weights = {now // 5: min(minutes, known)}
    for back in range(1, 37):
        weights[now // 5 - back] = min(max(minutes - known - 5 * (back - 1), 0), 5)
    there = {bucket: weight for bucket, weight in weights.items() if bucket in means}
    return sum(weight * means[bucket] for bucket, weight in there.items()) / sum(there.values())


def _exponential(
    values: dict[int, list[float]], buckets: dict[int, list[float]], constant: int
) -> float:
    """Exponential mean of values, whose buckets are some of all."""
    mean, measured = 0.0, 0
    for bucket, minutes in buckets.items():
        some = values.get(bucket, [])
        if some:
            age = measured + len(some)
            share = len(some) / constant / (1.0 - np.exp(-age / constant))
            mean += min(share, 1.0) * (float(np.mean(some)) - mean)
        measured += len(minutes)
    return mean


def _profile(series: Series, means: dict[int, float]) -> dict[int, float]:
    """Means by half-hour of the day, of those that are over."""
    profile: dict[int, float] = {}
    for half in sorted({bucket // 6 for bucket in means} - {series[-1][0] // 30}):
        inside = [bucket for bucket in range(6 * half, 6 * half + 6) if bucket in means]
        mean = float(np.mean([means[bucket] for bucket in inside]))
        days = 1 + sum(minute // 5 < inside[-1] for minute, _ in series) // 1440
        before = profile.get(_place(half), mean)
        profile[_place(half)] = before + 0.15 / (1.0 - 0.85**days) * (mean - before)
    return profile


def _place(half: int) -> int:
    return (30 * half + SHIFT) // 30 % 48


def _expected(series: Series) -> dict[str, float]:
    """Features after the last reading, by their definitions."""
    now, last = series[-1]
    buckets = _by_bucket(series)
    means = {bucket: float(np.mean(kw)) for bucket, kw in buckets.items()}
    changes = _by_bucket(
        [
            (minute, abs(kw - former))
            for (before, former), (minute, kw) in pairwise(series)
            if minute - before == 1
        ]
    )
    levels: dict[str, Any] = {f"recent_{n}": _recent(means, now, n) for n in RECENT}
    for name, values, constant in (
        ("mean_4h", buckets, 240),
        ("mean_1d", buckets, 1440),
        ("mean_7d", buckets, 10080),
        ("change_1h", changes, 60),
        ("change_1d", changes, 1440),
    ):
        levels[name] = _exponential(values, buckets, constant)
    profile = _profile(series, means)
    ahead = [
        profile.get(_place((now + 1 + 15 * number) // 30), levels["mean_1d"]) for number in range(5)
    ]
    levels |= {f"profile_{number}": kw for number, kw in enumerate(ahead)}
    for minutes, number in ((5, 1), (15, 1), (30, 2), (60, 4)):
        levels[f"yesterday_{minutes}"] = np.mean(ahead[:number])
    found = {
        name: np.arcsinh(2.0 * (kw if name.startswith("change") else kw - last))
        for name, kw in levels.items()
    }
    day, date = (now + SHIFT) % 1440, (now + SHIFT) // 1440
    for number in (1, 2, 3):
        angle = 2.0 * np.pi * number * day / 1440
        found |= {f"sin_{number}": np.sin(angle), f"cos_{number}": np.cos(angle)}
    return {**found, "weekend": float((date + 3) % 7 >= 5), "last": np.arcsinh(2.0 * last)}


@given(series=st.lists(_series(), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_features_are_those_of_the_whole_series(series: list[Series]) -> None:
    for each, found in zip(series, _taken(series), strict=True):
        for number in {len(each), (len(each) + 1) // 2}:
            expected = _expected(each[:number])
            assert set(expected) == set(FEATURES)
            for name, value in expected.items():
                # The profile is kept in half precision.
                within = 0.03 if name.startswith(("profile", "yesterday")) else 1e-4
                assert found[number - 1][FEATURES.index(name)] == pytest.approx(
                    value, abs=within
                ), name


def test_features_of_steady_days_are_those_of_the_full_history() -> None:
    minutes = np.arange(2600)
    kw = np.where(minutes % 1440 < 720, 0.4, 1.4)
    clocks = _clocks(minutes)
    full = History().extend(*clocks, kw)
    (found,) = _taken([list(zip(minutes.tolist(), kw.tolist(), strict=True))])
    # At minutes at which the power has been the same for three hours, and will be.
    for number in (1440 + 300, 1440 + 1100):
        assert found[number] == pytest.approx(full[number], abs=0.03)


def test_another_reading_in_the_same_minute_is_left_out_of_the_means() -> None:
    once, twice = _taken([[(10, 1.0), (11, 3.0)], [(10, 1.0), (10, 9.0)]])
    assert twice[-1][FEATURES.index("recent_5")] == np.float32(np.arcsinh(2.0 * (1.0 - 9.0)))
    assert once[-1][FEATURES.index("recent_5")] == np.float32(np.arcsinh(2.0 * (2.0 - 3.0)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recent", np.inf),
        ("profile", -np.inf),
        ("values", np.nan),
        ("changes", 1e9),
        ("sum", np.nan),
        ("count", 6),
        ("pairs", 1),
    ],
)
def test_damaged_records_are_found(name: str, value: float) -> None:
    state = np.full(2, history.first_record())
    assert history.are_sound(state)
    state[name][1] = value
    assert not history.are_sound(state)


def test_a_record_is_small() -> None:
    assert HISTORY.itemsize == 272
