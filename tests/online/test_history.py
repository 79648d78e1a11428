"""Tests of the features of the longer history, against their definitions over whole series."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
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


@settings(max_examples=40)
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


def days_with_gaps() -> Series:
    """Days with gaps of all lengths, on the last but one of which the clock is set back."""
    gaps = {100: 7, 300: 90, 1700: 1380, 1800: 1439, 1870: 1441, 1950: 1499, 2020: 1501, 3500: 4100}
    apart = [gaps.get(place, 1) for place in range(5200)]
    kw = np.random.default_rng(1).gamma(1.0, 0.8, len(apart)).round(3)
    return series(apart, kw.tolist(), back_at=4000)


@pytest.mark.parametrize("block", [1, 997, 5200])
def test_days_with_gaps_are_as_defined(block: int) -> None:
    given, history = days_with_gaps(), History()
    if block == 1:
        found = pushed(history, given)
    else:
        cuts = range(0, given.size, block)
        parts = [history.extend_with_means(*given[a : a + block], HORIZONS) for a in cuts]
        found = Extended(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    rows = [0, 1, 99, 100, 107, 300, 1439, 1440, 1500, 1700, 1759, 1800, 1870, 1871, 1950, 2020]
    before_midnight = np.flatnonzero(given.day_minutes >= 1424)[-40::13].tolist()
    assert_as_defined(found, given, [*rows, 3499, 3500, 3999, 4000, 4060, 5199, *before_midnight])


def _bounded(given: Series) -> Series:
    return given._replace(kw=np.clip(given.kw, -1e6, 1e6))


def day_and_a_half(seed: int = 0) -> Series:
    kw = np.random.default_rng(seed).gamma(1.0, 0.8, 2160).round(3)
    return series([1] * len(kw), kw.tolist())


def test_features_are_single_precision_and_in_the_order_of_their_names() -> None:
    features = History().push(MONDAY + 1, 1, False, 0.5)
    assert features.dtype == np.float32
    assert features.shape == (len(FEATURES),) == (26,)
    found = dict(zip(FEATURES, features.tolist(), strict=True))
    assert found.pop("last") == pytest.approx(np.arcsinh(1.0))
    # Nothing but the reading itself is known, and it differs from nothing.
    others = [value for name, value in found.items() if not name.startswith(("sin", "cos"))]
    assert others == pytest.approx([0.0] * 19, abs=1e-8)


def test_an_empty_block_changes_nothing() -> None:
    history, given = History(), day_and_a_half()
    assert history.extend(*given[:0]).shape == (0, len(FEATURES))
    pushed(history, given[:3])
    before = history.state()
    assert history.extend_with_means(*given[3:3], HORIZONS).recent_kw.shape == (0, len(HORIZONS))
    assert history.state() == before


@pytest.mark.parametrize("extended", [False, True])
def test_time_that_goes_back_and_nan_are_rejected_and_change_nothing(extended: bool) -> None:
    history, given = History(), day_and_a_half()
    history.extend(*given[:100])
    before = history.state()

    def take(row: Series) -> None:
        if extended:
            history.extend(*row)
        else:
            pushed(history, row)

    with pytest.raises(ValueError, match="before the last one"):
        take(given[98:99])
    with pytest.raises(ValueError, match="NaN"):
        take(given[100:101]._replace(kw=np.array([np.nan])))
    assert history.state() == before


@pytest.mark.parametrize("cut", [1, 700, 1501, 2000])
def test_a_restored_history_continues_bit_for_bit(cut: int) -> None:
    given = day_and_a_half()
    history = History()
    pushed(history, given[:cut])
    restored = History()
    restored.restore(json.loads(json.dumps(history.state())))
    assert restored.minute == given.minutes[cut - 1]
    assert restored.state() == history.state()
    for name in Extended._fields:
        theirs, ours = (
            getattr(pushed(each, given[cut:]), name) for each in map(_copy, (history, restored))
        )
        np.testing.assert_array_equal(ours, theirs)


def _copy(history: History) -> History:
    found = History()
    found.restore(history.state())
    return found


def test_a_new_history_is_restored_as_new() -> None:
    restored, given = _copy(History()), day_and_a_half()
    assert restored.minute is None
    np.testing.assert_array_equal(restored.extend(*given), History().extend(*given))


def test_state_is_small_after_any_number_of_readings() -> None:
    history, given = History(), day_and_a_half()
    for day in range(6):
        history.extend(*given._replace(minutes=given.minutes + day * 2160))
    assert len(json.dumps(history.state())) < 24_000


Damage = Callable[[dict[str, Any]], Any]
DAMAGES: dict[str, Damage] = {
    "no last reading": lambda s: s.pop("last_kw"),
    "text as last reading": lambda s: s.update(last_kw="1.0"),
    "huge last reading": lambda s: s.update(last_kw=2e6),
    "no minutes": lambda s: s.pop("minutes"),
    "minute of text": lambda s: s["minutes"].update(minute="now"),
    "too few minutes": lambda s: s["minutes"].update(kw=s["minutes"]["kw"][:-8]),
    "huge minutes": lambda s: s["minutes"].update(kw=History().state()["minutes"]["kw"] + "AAAA"),
    "too few means": lambda s: s["values"].pop(),
    "mean above all values": lambda s: s["values"].__setitem__(0, [3e6, 1.0]),
    "negative weight": lambda s: s["changes"].__setitem__(0, [0.0, -1.0]),
    "weight of infinity": lambda s: s["changes"].__setitem__(0, [0.0, float("inf")]),
    "no profile": lambda s: s.pop("profile"),
    "profile without weights": lambda s: s["profile"].update(weights=s["profile"]["starts"][:9]),
    "profile above all values": lambda s: s["profile"].update(sums=s["profile"]["starts"]),
    "quarter of another day": lambda s: s["profile"]["quarter"].__setitem__(1, 96),
    "quarter of one number": lambda s: s["profile"].update(quarter=[1]),
    "quarter above all values": lambda s: s["profile"]["quarter"].__setitem__(2, 1 << 52),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_state_is_rejected_and_changes_nothing(name: str) -> None:
    given = day_and_a_half()
    history, other = History(), History()
    history.extend(*given)
    other.extend(*given[:50])
    damaged, before = json.loads(json.dumps(history.state())), other.state()
    DAMAGES[name](damaged)
    with pytest.raises((KeyError, TypeError, ValueError)):
        other.restore(damaged)
    assert other.state() == before
