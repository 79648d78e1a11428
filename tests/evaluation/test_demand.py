"""Scores of demand intervals against NumPy, and their tables."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from streamer.demand.settings import DemandRule
from streamer.display.console import PlainConsole
from streamer.evaluation import Stretch
from streamer.evaluation.demand import DemandRun, assess_demand, run_demand
from streamer.evaluation.demand.tables import demand_tables
from streamer.evaluation.means import MeanForecasts

HORIZONS = (1, 5, 15, 30, 60)


def stretch_of(seed: int, minutes: int, missing: tuple[int, ...] = ()) -> Stretch:
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.gamma(1.0, 1.0, -(-minutes // 20)), 20)[:minutes]
    at = np.datetime64(datetime(2010, 2, 27, 0, 7), "s") + np.arange(minutes) * np.timedelta64(60)
    kept = np.setdiff1d(np.arange(minutes), missing)
    kw = level * rng.lognormal(0.0, 0.3, minutes) - 0.2
    return Stretch(kw[kept], at[kept], warm_up=49)


def means_of(stretch: Stretch, seed: int = 1) -> MeanForecasts:
    rng = np.random.default_rng(seed)
    last = stretch.last_kw[:, None] * rng.lognormal(0.0, 0.1, (stretch.minutes, len(HORIZONS)))
    values = np.stack([last, last, last - 0.5, last + 0.9], axis=2).astype(np.float32)
    return MeanForecasts("made", HORIZONS, values, is_model=True)


def run_of(stretch: Stretch, rule: DemandRule) -> DemandRun:
    return run_demand(stretch, means_of(stretch), rule, lambda _: None, confidence=0.9)


@pytest.mark.parametrize("minutes", [15, 60])
def test_the_intervals_are_the_complete_ones_of_the_clock(minutes: int) -> None:
    missing = (500, 501, 1300, 2999)
    stretch = stretch_of(3, 4000, missing)
    rule = DemandRule(minutes, floor_kw=0.5)
    run = run_of(stretch, rule)
    minute = stretch.at.astype("datetime64[m]").astype(np.int64)
    number = minute // minutes
    drawn = np.maximum(stretch.kw, 0.0)
    first = minute[stretch.warm_up - 1]
    means, bounds, lasts = [], [], []
    peaks: dict[str, float] = {}
    for each in np.unique(number):
        inside = number == each
        kw, month = drawn[inside], str(stretch.at[inside][0])[:7]
        complete = inside.sum() == minutes
        bound = max(peaks.get(month, 0.0), 0.5)
        if complete and minute[inside][0] >= first:
            means.append(kw.mean())
            bounds.append(bound)
            passed = np.arange(1, minutes)
            lasts.append((np.cumsum(kw)[:-1] + (minutes - passed) * kw[:-1]) / minutes)
        known = kw.sum() / minutes
        if complete or known > peaks.get(month, np.inf):
            peaks[month] = max(peaks.get(month, 0.0), known)
    assert len(means) > 3900 // minutes - 6
    np.testing.assert_allclose(run.mean_kw, means)
    np.testing.assert_allclose(run.bound_kw, bounds)
    np.testing.assert_allclose(run.last_kw, lasts)
    assert run.p.shape == (len(means), minutes - 1)
    assert ((run.p >= 0.0) & (run.p <= 1.0)).all()
    assert (run.low_kw <= run.high_kw).all()


def made(intervals: int = 400, minutes: int = 15) -> DemandRun:
    """Intervals with forecasts that become better; the first ones have no bound."""
    rng = np.random.default_rng(9)
    mean = rng.gamma(2.0, 0.5, intervals)
    bound = np.full(intervals, 2.0)
    bound[:7] = np.nan
    noise = rng.normal(0.0, 0.5, (intervals, minutes - 1)) * np.linspace(1.0, 0.1, minutes - 1)
    kw = mean[:, None] + noise
    last = mean[:, None] + 2.0 * noise
    p = 1.0 / (1.0 + np.exp((bound[:, None] - kw) / 0.3))
    warned = np.where(rng.random(intervals) < 0.1, rng.integers(3, 12, intervals), 0)
    rule = DemandRule(minutes, limit_kw=2.0, alarms_per_month=1.5)
    return DemandRun(rule, mean, bound, warned, kw, kw - 0.4, kw + 0.3, last, p)


def test_the_scores_are_those_of_numpy() -> None:
    run = made()
    found = assess_demand(run, "made")
    inside = ~np.isnan(run.bound_kw)
    exceeded = run.mean_kw[inside] > 2.0
    assert (found.intervals, found.bounded) == (400, 393)
    assert found.exceeded == exceeded.sum() > 20
    assert found.deadlines == (7, 5)
    assert found.scored == (1, 5, 10)
    p = run.p[inside]
    assert found.brier == pytest.approx(np.mean((p[:, 4] - exceeded) ** 2))
    share = exceeded.mean()
    assert found.base_brier == pytest.approx(share * (1.0 - share))
    rows = {each.name: each for each in found.alarms}
    for name, raised in (
        ("last reading × 0.9", run.last_kw[inside] > 1.8),
        ("last reading", run.last_kw[inside] > 2.0),
        ("mean forecast", run.kw[inside] > 2.0),
        ("probability above 0.5", p > 0.5),
    ):
        for place, left in enumerate((7, 5)):
            alarm = raised[:, : 15 - left].any(axis=1)  # after the first 15 − left minutes
            assert rows[name].found[place] == (alarm & exceeded).sum()
            assert rows[name].false_alarms[place] == (alarm & ~exceeded).sum()
    for place, left in enumerate((7, 5)):
        then = p[:, 14 - left] > 0.5
        assert rows["the same, then, above 0.5"].found[place] == (then & exceeded).sum()
        assert rows["the same, then, above 0.5"].false_alarms[place] == (then & ~exceeded).sum()
    late = run.last_kw[inside][:, 4] > 2.0
    assert rows["last reading"].brier == pytest.approx(np.mean(late != exceeded))
    shipped = rows["alarm, 1.5 false a month"]
    assert shipped.found == tuple((exceeded & (run.warned_left[inside] >= n)).sum() for n in (7, 5))
    by_name = {each.name: each.rmse_w for each in found.means}
    for name, kw in (("made", run.kw), ("persistence", run.last_kw)):
        errors = run.mean_kw[:, None] - kw[:, [0, 4, 9]]
        assert by_name[name] == pytest.approx(1000 * np.sqrt(np.mean(errors**2, axis=0)))
    coverage = np.mean((run.low_kw[:, 4] <= run.mean_kw) & (run.mean_kw <= run.high_kw[:, 4]))
    assert found.coverage == pytest.approx(coverage)
    assert sum(each.intervals for each in found.reliability) == 393
    expected = sum(each.intervals * each.probability for each in found.reliability)
    assert expected == pytest.approx(p[:, 4].sum())


def test_waiting_has_fewer_false_alarms_of_the_first_minutes() -> None:
    rows = {each.name: each for each in assess_demand(made(), "made").alarms}
    at_once, waiting = (rows[f"{name} above 0.5"] for name in ("probability", "the same, waiting,"))
    assert waiting.false_alarms[0] < at_once.false_alarms[0]
    assert waiting.found[1] >= at_once.found[1] - 2


def test_the_alarm_is_that_of_the_pipeline_part() -> None:
    stretch = stretch_of(5, 2500)
    run = run_of(stretch, DemandRule(15, alarms_per_month=200.0))
    raised = run.warned_left > 0
    assert raised.any()
    assert (run.warned_left[raised] >= 3).all()
    none = run_of(stretch, DemandRule(15, alarms_per_month=0.0))
    assert not none.warned_left.any()
    np.testing.assert_array_equal(none.p, run.p)


def test_a_stretch_without_a_complete_interval() -> None:
    run = run_of(stretch_of(5, 70), DemandRule(60))
    found = assess_demand(run, "made")
    assert (found.intervals, found.brier, found.coverage, found.means) == (0, None, None, ())
    assert found.to_json()["reliability"] == []


def printed(run: DemandRun, capsys: pytest.CaptureFixture[str]) -> str:
    console = PlainConsole(width=80)
    for part in demand_tables([assess_demand(run, "made, adapted", in_sample=True)]):
        console.print(part)
    return capsys.readouterr().out


def test_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(made(), capsys)
    assert "Peaks of quarter-hours: made, adapted*" in text
    assert "of 393 intervals exceeded 2 kW.\n" in text
    assert "alarm, 1.5 false a month" in text
    assert "always the base rate" in text
    assert "Reliability of the probability after 5 minutes" in text
    assert "Coverage of the band after 5:" in text
    assert max(map(len, text.splitlines())) <= 80
    empty = printed(run_of(stretch_of(5, 70), DemandRule(60, floor_kw=2.5)), capsys)
    assert "Peaks of hours" in empty
    assert "0 of 0 intervals exceeded the month's peak so far, at least 2.5 kW.\n" in empty
    assert "Reliability" not in empty
