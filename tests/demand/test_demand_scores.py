"""Running scores of demand intervals against NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.demand.scores import EDGES, RunningDemandScores
from streamer.readings.demand import DemandScores

SCORED = {15: (1, 5, 10), 60: (4, 20, 40)}


def stream(seed: int, minutes: int, intervals: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(intervals):
        bounded = rng.random() > 0.1
        rows.append(
            {
                "kw": rng.gamma(2.0, 0.5, minutes - 1).tolist(),
                "last": rng.gamma(2.0, 0.5, minutes - 1).tolist(),
                "half": rng.gamma(2.0, 0.5, minutes - 1).tolist(),
                "p": rng.beta(0.3, 0.6) if bounded else None,
                "forecast": rng.random() > 0.1,
                "mean": None if rng.random() < 0.1 else rng.gamma(2.0, 0.5),
                "exceeded": bool(rng.random() < 0.3) if bounded else None,
                "warned": bounded and bool(rng.random() < 0.3),
            }
        )
    return rows


def take(scores: RunningDemandScores, row: dict[str, Any], minutes: int) -> None:
    for passed in range(1 if row["forecast"] else 2 * minutes // 3, minutes):
        kw, half = row["kw"][passed - 1], row["half"][passed - 1]
        last_kw = row["last"][passed - 1]
        ends = {"low_kw": kw - half, "high_kw": kw + half}
        scores.see(passed, kw=kw, **ends, last_kw=last_kw, p=row["p"])
    scores.end(row["mean"], exceeded=row["exceeded"], warned=row["warned"])


def by_numpy(rows: list[dict[str, Any]], minutes: int) -> DemandScores:
    rows = [row for row in rows if row["forecast"] and row["mean"] is not None]
    if not rows:
        return DemandScores()
    at = np.array(SCORED[minutes]) - 1
    mean = np.array([row["mean"] for row in rows])[:, None]
    kw, last, half = (np.array([row[key] for row in rows])[:, at] for key in ("kw", "last", "half"))
    bounded = [row for row in rows if row["exceeded"] is not None]
    p = np.array([row["p"] for row in bounded])
    came = np.array([row["exceeded"] for row in bounded], bool)
    warned = np.array([row["warned"] for row in bounded], bool)
    bins = np.digitize(p, EDGES) if len(p) else np.array([], int)
    return DemandScores(
        settled=len(rows),
        exceeded=int(came.sum()),
        found=int((came & warned).sum()),
        false_alarms=int((warned & ~came).sum()),
        brier=float(np.mean((p - came) ** 2)) if len(p) else None,
        base_brier=float(came.var()) if len(p) else None,
        reliability=tuple(
            (p[bins == each].mean(), came[bins == each].mean(), int((bins == each).sum()))  # type: ignore[misc]
            for each in np.unique(bins)
        ),
        rmse_kw=tuple(np.sqrt(((mean - kw) ** 2).mean(0)).tolist()),
        persistence_rmse_kw=tuple(np.sqrt(((mean - last) ** 2).mean(0)).tolist()),
        coverage=float((np.abs(mean - kw) <= half)[:, 1].mean()),
    )


def flat(scores: DemandScores) -> list[float | None]:
    found: list[float | None] = [scores.settled, scores.exceeded, scores.found]
    found += [scores.false_alarms, scores.brier, scores.base_brier, scores.coverage]
    found += [value for each in scores.reliability for value in each]
    return [*found, *scores.rmse_kw, *scores.persistence_rmse_kw]


@settings(max_examples=20)
@given(st.integers(0, 1 << 30), st.sampled_from([15, 60]), st.integers(0, 40), st.integers(0, 40))
def test_they_are_those_of_the_whole_stream(
    seed: int, minutes: int, intervals: int, cut: int
) -> None:
    rows = stream(seed, minutes, intervals)
    scores = RunningDemandScores(minutes)
    for number, row in enumerate(rows):
        if number == cut:
            saved = json.loads(json.dumps(scores.state()))
            scores = RunningDemandScores(minutes)
            scores.restore(saved)
        take(scores, row, minutes)
    assert flat(scores.get()) == pytest.approx(flat(by_numpy(rows, minutes)))


def test_a_state_within_an_interval() -> None:
    one = RunningDemandScores(15)
    one.see(1, kw=1.0, low_kw=0.5, high_kw=1.5, last_kw=2.0, p=0.2)
    one.see(5, kw=1.1, low_kw=0.5, high_kw=1.5, last_kw=2.0, p=0.3)
    other = RunningDemandScores(15)
    other.restore(json.loads(json.dumps(one.state())))
    for each in (one, other):
        each.see(10, kw=1.2, low_kw=0.5, high_kw=1.5, last_kw=2.0, p=0.4)
        each.end(1.0, exceeded=False, warned=False)
    assert one.get() == other.get()
    assert one.get().brier == pytest.approx(0.09)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("counts", [1, 2, 0, 0]),
        ("counts", [1, 0, 1, 0]),
        ("counts", [1, 0, 0]),
        ("inside", 2),
        ("probable", 2),
        ("brier", -1.0),
        ("squares", [[1.0, 1.0]]),
        ("squares", [[1.0], [1.0], [1.0]]),
        ("squares", [[-1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]),
        ("bins", [[1, 0, 0.5]]),
        ("bins", [[1, 2, 0.5], *[[0, 0, 0.0]] * 6]),
        ("bins", [[3, 0, 0.5], *[[0, 0, 0.0]] * 6]),
        ("seen", [[2, 1.0, 1.0, 1.0, 1.0]]),
        ("seen", [[5, 1.0, 1.0, 1.0]]),
        ("p", 1.5),
        ("p", "0.5"),
    ],
)
def test_a_damaged_state(key: str, value: object) -> None:
    scores = RunningDemandScores(15)
    for passed in (1, 5, 10):
        scores.see(passed, kw=1.0, low_kw=0.5, high_kw=1.5, last_kw=2.0, p=0.2)
    scores.end(1.0, exceeded=False, warned=False)
    state = scores.state()
    with pytest.raises((KeyError, TypeError, ValueError)):
        RunningDemandScores(15).restore({**state, key: value})
    RunningDemandScores(15).restore(state)
    del state[key]
    with pytest.raises(KeyError):
        RunningDemandScores(15).restore(state)
