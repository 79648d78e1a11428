"""Tests of the evaluation of the next minutes' mean against plain loops over minutes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console, Group

from streamer.errors import UsageError
from streamer.evaluation import Stretch
from streamer.evaluation.means import (
    RULES,
    MeanEvaluation,
    MeanForecasts,
    MeanTargets,
    assess_means,
    needed_horizons,
    shown_horizons,
)
from streamer.evaluation.means.tables import mean_tables
from tests.evaluation.conftest import minutes

HORIZONS = (2, 5, 10, 14, 60)
MINUTE = np.timedelta64(1, "m")
EVERY = 13
"""One issue in so many is checked by slow loops."""


class Plain:
    """The same definitions with a dictionary of minutes."""

    def __init__(self, stretch: Stretch) -> None:
        self.kw = dict(zip(stretch.at.tolist(), stretch.kw.tolist(), strict=True))
        self.issued_at = stretch.at[stretch.first - 1 : -1].tolist()

    def next(self, issue: int, count: int, *, offset: int = 0) -> list[float]:
        """Readings of the minutes after an issue, moved by an offset; missing ones left out."""
        at = self.issued_at[issue]
        moments = [at + (offset + n) * MINUTE.item() for n in range(1, count + 1)]
        return [self.kw[moment] for moment in moments if moment in self.kw]

    def last(self, issue: int) -> float:
        return self.kw[self.issued_at[issue]]


@pytest.fixture(scope="module")
def targets(stretch: Stretch) -> MeanTargets:
    return MeanTargets(stretch)


@pytest.fixture(scope="module")
def plain(stretch: Stretch) -> Plain:
    return Plain(stretch)


@pytest.mark.parametrize("count", HORIZONS)
def test_a_forecast_is_settled_if_all_of_its_minutes_came(
    count: int, targets: MeanTargets, plain: Plain
) -> None:
    tried = range(0, targets.issues, EVERY)
    expected = [i for i in tried if len(plain.next(i, count)) == count]
    issues = targets.settled(count)
    issues = issues[issues % EVERY == 0]
    assert len(targets.settled(count)) < targets.issues
    np.testing.assert_array_equal(issues, expected)
    actual = [np.mean(plain.next(i, count)) for i in expected]
    np.testing.assert_allclose(targets.actual_kw(count, issues), actual, rtol=0, atol=1e-9)


@pytest.mark.parametrize("count", HORIZONS)
def test_baselines_equal_plain_loops(count: int, targets: MeanTargets, plain: Plain) -> None:
    issues = targets.settled(count)[::EVERY]
    found = {name: rule(targets, count, issues) for name, rule in RULES.items()}
    for row, issue in enumerate(issues.tolist()):
        last = plain.last(issue)
        recent = np.mean(plain.next(issue, count, offset=-count))
        before = plain.next(issue, count, offset=-1440)
        expected = [last, recent, (last + recent) / 2, np.mean(before) if before else last]
        assert [kw[row] for kw in found.values()] == pytest.approx(expected, abs=1e-9)


def test_yesterday_is_the_last_reading_where_nothing_is_known() -> None:
    stretch = Stretch(np.linspace(0.2, 2.0, 300), minutes(300))
    targets = MeanTargets(stretch)
    issues = targets.settled(5)
    np.testing.assert_array_equal(RULES["yesterday"](targets, 5, issues), targets.last_kw[issues])


def test_a_clock_that_is_set_back_leaves_no_gap() -> None:
    at = minutes(300)
    at[150:] -= np.timedelta64(1, "h")
    assert len(MeanTargets(Stretch(np.ones(300), at)).settled(60)) == 300 - 48 - 60


def test_a_stretch_shorter_than_the_horizon_settles_nothing() -> None:
    stretch = Stretch(np.linspace(0.2, 2.0, 60), minutes(60))
    targets = MeanTargets(stretch)
    assert len(targets.settled(11)) == 1
    assert len(targets.settled(12)) == len(targets.settled(60)) == 0


@pytest.mark.parametrize("known", [1, 5, 10])
def test_quarter_hours_are_those_of_the_clock(
    known: int, targets: MeanTargets, plain: Plain
) -> None:
    expected = [
        i
        for i, at in enumerate(plain.issued_at)
        if at.minute % 15 == known - 1 and len(plain.next(i, 15, offset=-known)) == 15
    ]
    np.testing.assert_array_equal(targets.in_quarter(known), expected)


def _model(targets: MeanTargets, **fields: object) -> MeanForecasts:
    """A model that is better the shorter the horizon, with a band of 0.4 kW."""
    rng = np.random.default_rng(len(fields))
    values = np.full((targets.issues, len(HORIZONS), 4), np.nan, np.float32)
    for column, count in enumerate(HORIZONS):
        issues = targets.settled(count)
        errors = rng.normal(0.02, 0.1, (len(issues), 1))
        offsets = np.array([0.0, 0.01, -0.2, 0.2])
        values[issues, column] = targets.actual_kw(count, issues)[:, None] + errors + offsets
    return MeanForecasts("model", HORIZONS, values, is_model=True, **fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def forecasts(targets: MeanTargets) -> list[MeanForecasts]:
    frozen = _model(targets)
    adapted = _model(targets, adapted_from="model", in_sample=True)
    trees = MeanForecasts("lightgbm", (5, 60), frozen.values_kw[:, [1, 4], :1])
    return [frozen, replace(adapted, name="model, adapted"), trees]


@pytest.fixture(scope="module")
def found(stretch: Stretch, forecasts: list[MeanForecasts]) -> MeanEvaluation:
    return assess_means(stretch, forecasts, (2, 5, 60), confidence=0.8)


def test_scores_equal_a_plain_computation(
    found: MeanEvaluation, forecasts: list[MeanForecasts], targets: MeanTargets
) -> None:
    names = ["model, frozen", "model, adapted", *RULES]
    assert [horizon.minutes for horizon in found.horizons] == [2, 5, 60]
    for horizon in found.horizons:
        fitted = ["lightgbm"] if horizon.minutes != 2 else []
        assert [score.name for score in horizon.scores] == names + fitted
        issues = targets.settled(horizon.minutes)
        assert horizon.settled == len(issues)
        actual = targets.actual_kw(horizon.minutes, issues)
        reference = np.mean((actual - targets.last_kw[issues]) ** 2)
        for score, given, alpha in zip(horizon.scores, forecasts[:2], (0.1, 0.2), strict=False):
            kw = given.values_kw[issues, HORIZONS.index(horizon.minutes)].astype(float)
            mean, median, low, high = kw.T
            mse = np.mean((actual - mean) ** 2)
            assert score.mse_kw2 == pytest.approx(mse, rel=1e-9)
            assert score.mae_w == pytest.approx(1000 * np.mean(np.abs(actual - median)), rel=1e-9)
            assert score.bias_w == pytest.approx(1000 * np.mean(mean - actual), rel=1e-9)
            assert score.skill == pytest.approx(1 - mse / reference, rel=1e-9)
            assert score.skill_interval is not None
            assert score.skill_interval.low < score.skill < score.skill_interval.high
            assert score.band is not None
            assert score.band.coverage == np.mean((actual >= low) & (actual <= high))
            misses = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
            winkler = np.mean(high - low + 2 / alpha * misses)
            assert score.band.winkler_kw == pytest.approx(winkler, rel=1e-9)
        assert [score.adapted for score in horizon.scores[:3]] == [False, True, False]
        assert horizon.scores[2].skill == 0.0
        assert horizon.scores[2].band is None


def test_quarter_hours_are_known_minutes_and_the_forecast_of_the_rest(
    found: MeanEvaluation, forecasts: list[MeanForecasts], targets: MeanTargets, plain: Plain
) -> None:
    assert [quarter.known for quarter in found.quarters] == [1, 5, 10]
    for quarter in found.quarters:
        errors = []
        rest = 15 - quarter.known
        for issue in targets.in_quarter(quarter.known).tolist():
            kw = plain.next(issue, 15, offset=-quarter.known)
            forecast = float(forecasts[0].values_kw[issue, HORIZONS.index(rest), 0])
            whole = (sum(kw[: quarter.known]) + rest * forecast) / 15
            errors.append(whole - np.mean(kw))
        assert quarter.quarters == len(errors)
        assert quarter.scores[0].rmse_w == pytest.approx(1000 * np.sqrt(np.mean(np.square(errors))))
        persistence = next(score for score in quarter.scores if score.name == "persistence")
        assert persistence.skill == 0.0
        ratio = quarter.scores[0].rmse_w / persistence.rmse_w
        assert quarter.scores[0].skill == pytest.approx(1 - ratio**2)


def test_json_has_the_documented_keys(found: MeanEvaluation) -> None:
    text = found.to_json()
    assert json.loads(json.dumps(text, allow_nan=False)) == text
    assert set(text) == {"horizons", "quarter_hours"}
    horizon = text["horizons"][1]
    assert set(horizon) == {"minutes", "settled", "forecasters"}
    keys = {
        *("name", "kind", "adapted", "in_sample", "mse_kw2", "rmse_w", "mae_w", "bias_w"),
        *("skill", "skill_interval", "coverage", "width_kw", "winkler_kw"),
    }
    assert all(set(each) == keys for each in horizon["forecasters"])
    kinds = [each["kind"] for each in horizon["forecasters"]]
    assert kinds == ["model"] * 2 + ["baseline"] * 5
    quarter = text["quarter_hours"][0]
    assert set(quarter) == {"known_minutes", "quarters", "forecasters"}
    assert set(quarter["forecasters"][0]) == {"name", "rmse_w", "skill"}


def test_without_forecasts_there_is_nothing_to_score(stretch: Stretch) -> None:
    nothing = assess_means(stretch, [], (5, 60))
    assert nothing.to_json() == {"horizons": [], "quarter_hours": []}
    assert not list(mean_tables(nothing))


@pytest.fixture(scope="module")
def render() -> Callable[[MeanEvaluation], list[list[str]]]:
    def render(evaluation: MeanEvaluation) -> list[list[str]]:
        console = Console(width=80, highlight=False)
        with console.capture() as capture:
            console.print(Group(*mean_tables(evaluation)))
        lines = capture.get().splitlines()
        assert max(map(len, lines)) <= 80
        return [line.split() for line in lines if line.strip()]

    return render


def test_tables_have_a_row_for_each_horizon(
    found: MeanEvaluation, render: Callable[[MeanEvaluation], list[list[str]]]
) -> None:
    rows = render(found)
    assert rows[0] == ["Mean", "of", "the", "next", "minutes:", "model"]
    five = [row for row in rows if row[:2] == ["5", "min"]]
    frozen, adapted, reference, *_ = found.horizons[1].scores
    assert adapted.band is not None
    assert [cell for cell in five[0] if cell != "%"] == [
        *("5", "min", f"{frozen.mse_kw2:.4f}", f"{frozen.mae_w:.1f}", f"{100 * frozen.skill:+.1f}"),  # type: ignore[operator]
        *(f"{adapted.mse_kw2:.4f}", f"{adapted.mae_w:.1f}", f"{100 * adapted.skill:+.1f}"),  # type: ignore[operator]
        *(f"{100 * adapted.band.coverage:.1f}", f"{adapted.band.winkler_kw:.3f}"),
    ]
    assert five[1][2:4] == [f"{found.horizons[1].settled:,}", f"{reference.mse_kw2:.4f}"]
    (quarter,) = [row for row in rows if row[:2] == ["model,", "adapted"]]
    assert quarter[2:] == [f"{each.scores[1].rmse_w:.1f}" for each in found.quarters]


def test_headings_and_figures_of_all_baselines_fit_the_screen(
    found: MeanEvaluation, render: Callable[[MeanEvaluation], list[list[str]]]
) -> None:
    rows = render(found)
    assert ["settled", "MSE", "MAE", "mean", "each", "yesterday", "lightgbm"] in rows
    assert not any("…" in cell for row in rows for cell in row)


def test_tables_of_a_frozen_model_alone_have_no_band(
    stretch: Stretch,
    forecasts: list[MeanForecasts],
    render: Callable[[MeanEvaluation], list[list[str]]],
) -> None:
    rows = render(assess_means(stretch, forecasts[:1], (5,)))
    assert ["MSE", "MAE", "skill"] in rows
    assert not any("Winkler" in row for row in rows[:4])


def test_models_of_different_horizons_have_a_table_each(
    stretch: Stretch,
    forecasts: list[MeanForecasts],
    render: Callable[[MeanEvaluation], list[list[str]]],
) -> None:
    one, _, _ = forecasts
    other = MeanForecasts("other", (60,), one.values_kw[:, [4]], is_model=True)
    rows = render(assess_means(stretch, [replace(one, minutes=(2, 5, 10, 14, 61)), other], (5, 60)))
    assert [row[-1] for row in rows if row[:3] == ["Mean", "of", "the"]] == [
        "model", "other", "first"
    ]  # fmt: skip
    dashes = next(row for row in rows if row[:2] == ["60", "min"])
    assert dashes[2:] == ["–", "–", "–"]


def test_horizons_that_complete_a_quarter_hour_are_needed_too() -> None:
    offered = (*range(1, 16), 30, 60)
    assert needed_horizons((15, 60), offered) == (5, 10, 14, 15, 60)
    assert needed_horizons((15, 60), (1, 5, 60)) == (5, 60)


def test_the_default_horizons_are_those_that_a_model_has() -> None:
    assert shown_horizons(None, {"a": (), "b": (1, 5, 60), "c": (1, 30)}) == (5, 30, 60)
    assert shown_horizons(None, {"a": ()}) == ()


def test_horizons_asked_for_are_those_of_every_model_that_has_any() -> None:
    offers = {"a": (), "b": (1, 5, 60)}
    assert shown_horizons((60, 5, 5), offers) == (5, 60)
    assert shown_horizons((), {"a": ()}) == ()
    with pytest.raises(UsageError, match=r"--horizons 20: model 'b' .* 1, 5, 60 minutes"):
        shown_horizons((5, 20), offers)
    with pytest.raises(UsageError, match="model 'a' does not forecast the mean"):
        shown_horizons((5,), {"a": ()})
