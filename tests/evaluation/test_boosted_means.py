"""Tests of trees for the mean of the next minutes."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.evaluation import Stretch
from streamer.evaluation.means import MeanTargets, boosting, forecast_boosted_means
from tests.evaluation.conftest import minutes

START, COUNT = 2200, 2600


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightgbm")  # here, since to collect the tests is not to import it
    monkeypatch.setattr(boosting, "TREES", 30)


@pytest.fixture(scope="module")
def kw() -> np.ndarray:
    """A load of a kilowatt that is on for twenty minutes in forty, and noise."""
    noise = np.random.default_rng(1).normal(0, 0.02, COUNT)
    return 0.3 + (np.arange(COUNT) % 40 < 20) + noise


def _forecast(kw: np.ndarray) -> np.ndarray:
    advanced: list[int] = []
    stretch = Stretch(kw, minutes(len(kw)), start=START)
    found = forecast_boosted_means(stretch, (5, 20), advanced.append)
    assert sum(advanced) == 2 * stretch.minutes
    assert found.shape == (stretch.minutes, 2, 1)
    return found


def test_trees_learn_what_follows_from_the_window(kw: np.ndarray) -> None:
    targets = MeanTargets(Stretch(kw, minutes(COUNT), start=START))
    found = _forecast(kw)
    for column, horizon in enumerate((5, 20)):
        issues = targets.settled(horizon)
        actual = targets.actual_kw(horizon, issues)
        error = np.mean((actual - found[issues, column, 0]) ** 2)
        assert error < 0.3 * np.mean((actual - targets.last_kw[issues]) ** 2)


def test_forecasts_depend_neither_on_later_readings_nor_on_scored_ones_for_the_fit(
    kw: np.ndarray,
) -> None:
    later = kw.copy()
    later[START + 150 :] += 2.0
    one, other = _forecast(kw), _forecast(later)
    # Issue i is at reading START + 48 + i.
    np.testing.assert_array_equal(one[:102], other[:102])
    assert (one[102] != other[102]).any()


def test_a_long_recording_is_fitted_on_some_of_its_windows(
    kw: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _forecast(kw)
    monkeypatch.setattr(boosting, "MAX_ROWS", 1000)
    assert (_forecast(kw) != whole).any()
