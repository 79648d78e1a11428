"""Tests of baselines against plain computations, and that none looks ahead."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import MissingExtraError, UsageError
from streamer.evaluation import (
    BASELINES,
    Autoregression,
    Stretch,
    choose_baselines,
    usable_baselines,
)
from streamer.evaluation import boosting as boosting_module
from streamer.evaluation.online import CHANGES, LEARNING_RATE, MAX_GRADIENT
from tests.evaluation.conftest import minutes

DEFAULT = ["persistence", "seasonal-naive", "running-mean", "autoregression", "river"]


def _forecast(name: str, stretch: Stretch) -> np.ndarray:
    return BASELINES[name].forecast(stretch, lambda minutes: None)


def test_persistence_forecasts_the_last_reading(stretch: Stretch) -> None:
    expected = [stretch.kw[i - 1] for i in range(stretch.first, len(stretch.kw))]
    assert _forecast("persistence", stretch).tolist() == expected


def test_seasonal_naive_forecasts_the_reading_of_a_day_ago(stretch: Stretch) -> None:
    known = dict(zip(stretch.at.tolist(), stretch.kw.tolist(), strict=True))
    day = np.timedelta64(1, "D").item()
    expected, missing = [], 0
    for i in range(stretch.first, len(stretch.kw)):
        before = stretch.at[i].item() - day
        missing += before not in known
        expected.append(known.get(before, stretch.kw[i - 1]))
    assert missing == 124
    assert _forecast("seasonal-naive", stretch).tolist() == expected


def test_seasonal_naive_handles_a_clock_set_back_and_seconds() -> None:
    at = minutes(4 * 1440)
    at[2880:] -= np.timedelta64(1, "h")
    stretch = Stretch(np.arange(4.0 * 1440), at + np.timedelta64(17, "s"))
    found = _forecast("seasonal-naive", stretch)
    # In the repeated hour, both times the only one of the day before.
    assert found[2880 - 49 : 2940 - 49].tolist() == [float(i - 1500) for i in range(2880, 2940)]
    # A day later, the second of the two.
    assert found[4350 - 49] == 4350 - 1440


def test_running_mean_is_the_mean_of_the_stretch_so_far(stretch: Stretch) -> None:
    found = _forecast("running-mean", stretch)
    for i in (0, 1, 500, stretch.minutes - 1):
        so_far = stretch.kw[stretch.start : stretch.first + i]
        assert found[i] == pytest.approx(so_far.mean(), rel=1e-12)


def test_autoregression_is_least_squares_on_earlier_readings(stretch: Stretch) -> None:
    windows = sliding_window_view(stretch.kw[: stretch.start], 50)
    design = np.column_stack([windows[:, :49], np.ones(len(windows))])
    weights = np.linalg.lstsq(design, windows[:, 49])[0]
    fitted = Autoregression.fit(stretch.kw[: stretch.start])
    np.testing.assert_allclose(fitted.weights, weights[:49], rtol=0, atol=1e-9)
    assert fitted.intercept_kw == pytest.approx(weights[49], abs=1e-9)
    expected = [
        stretch.kw[i - 49 : i] @ weights[:49] + weights[49]
        for i in range(stretch.first, len(stretch.kw))
    ]
    np.testing.assert_allclose(_forecast("autoregression", stretch), expected, rtol=0, atol=1e-9)


def test_autoregression_does_not_depend_on_the_block_size(
    monkeypatch: pytest.MonkeyPatch, stretch: Stretch
) -> None:
    whole = Autoregression.fit(stretch.kw)
    forecasts = whole.forecast(stretch.windows(49))
    monkeypatch.setattr("streamer.evaluation.autoregression._BLOCK", 97)
    np.testing.assert_allclose(Autoregression.fit(stretch.kw).weights, whole.weights, atol=1e-9)
    np.testing.assert_allclose(whole.forecast(stretch.windows(49)), forecasts, atol=1e-12)


def test_autoregression_of_constant_readings_is_constant() -> None:
    stretch = Stretch(np.full(3000, 0.3), minutes(3000), start=2000)
    np.testing.assert_allclose(_forecast("autoregression", stretch), 0.3, atol=1e-12)


def test_river_is_adagrad_on_the_last_changes(stretch: Stretch) -> None:
    kw = stretch.kw[stretch.start :]
    changes = np.diff(kw)
    weights, squares = np.zeros(CHANGES), np.zeros(CHANGES)
    expected = np.full(len(kw), np.nan)
    for now in range(CHANGES + 1, len(kw)):
        recent = changes[now - 1 - CHANGES : now - 1]
        change = weights @ recent
        expected[now] = np.clip(kw[now - 1] + change, kw[:now].min(), kw[:now].max())
        slope = np.clip(2 * (change - changes[now - 1]), -MAX_GRADIENT, MAX_GRADIENT)
        gradient = slope * recent
        squares += gradient**2
        weights -= LEARNING_RATE / np.sqrt(squares + 1e-8) * gradient
    found = _forecast("river", stretch)
    np.testing.assert_allclose(found, expected[49:], rtol=0, atol=1e-9)


def test_river_does_not_diverge() -> None:
    rng = np.random.default_rng(1)
    kw = rng.random(3000)
    kw[500:1000:2] = 99.0
    kw[1500] = -99.0
    found = _forecast("river", Stretch(kw, minutes(3000)))
    assert np.isfinite(found).all()
    assert found.max() <= 99.0
    assert np.abs(found[2000:] - 0.5).max() < 3.0


@pytest.mark.parametrize("name", DEFAULT)
def test_no_baseline_looks_ahead(stretch: Stretch, name: str) -> None:
    changed = stretch.kw.copy()
    changed[9000:] += 5.0
    one, two = (_forecast(name, s) for s in (stretch, dataclasses.replace(stretch, kw=changed)))
    same = 9000 - stretch.first + 1
    # The forecast of the first changed reading is made of earlier ones.
    np.testing.assert_allclose(one[:same], two[:same], rtol=0, atol=1e-12)
    assert len(one) == stretch.minutes
    assert (one[same:] != two[same:]).any()


def test_lightgbm_forecasts_the_change_reproducibly(monkeypatch: pytest.MonkeyPatch) -> None:
    # It needs a library of the system, which not every one has.
    pytest.importorskip("lightgbm", exc_type=(ImportError, OSError))
    # So many learn this load; on a busy machine, 400 take twenty seconds of its processors.
    monkeypatch.setattr(boosting_module, "TREES", 60)
    rng = np.random.default_rng(2)
    # An appliance that is on for two minutes of five, which can be learnt.
    kw = 0.3 + (np.arange(4000) % 5 < 2) + rng.normal(0, 0.02, 4000)
    stretch = Stretch(kw, minutes(4000), start=3000)
    one, two = _forecast("lightgbm", stretch), _forecast("lightgbm", stretch)
    assert one.tolist() == two.tolist()
    errors = stretch.actual_kw - one
    changes = stretch.actual_kw - stretch.last_kw
    assert errors @ errors < 0.05 * changes @ changes


def test_features_are_the_level_and_the_changes() -> None:
    windows = np.array([[1.0, 1.5, 1.25], [0.0, 0.5, 2.0]])
    found = boosting_module.change_features(windows)
    assert found.tolist() == [[1.25, 0.5, -0.25], [2.0, 0.5, 1.5]]


def test_lightgbm_names_the_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"streamer-forecaster\[bench\]"):
        choose_baselines(["lightgbm"])


def test_lightgbm_without_openmp_is_explained_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = "libgomp.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "lightgbm.py").write_text(f"raise OSError({missing!r})\n")
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"\(libgomp\.so\.1: .*\); it needs .* libgomp1$"):
        choose_baselines(["lightgbm"])


def test_baselines_are_chosen_by_name() -> None:
    def names(*chosen: str) -> list[str]:
        return [baseline.name for baseline in choose_baselines(chosen)]

    assert names() == DEFAULT
    assert names("none") == ["persistence"]
    assert names("river", "river") == ["persistence", "river"]
    with pytest.raises(UsageError, match="no baseline 'arima': give one of: persistence, "):
        names("arima")
    with pytest.raises(UsageError, match="none cannot be combined with another"):
        names("none", "river")


def test_baseline_without_training_readings_is_left_out_or_an_error() -> None:
    stretch = Stretch(np.ones(3000), minutes(3000), start=1439)
    usable, notes = usable_baselines(choose_baselines([]), stretch, insist=False)
    assert [baseline.name for baseline in usable] == [n for n in DEFAULT if n != "autoregression"]
    assert len(notes) == 1
    assert "autoregression needs at least 1,440 readings" in notes[0]
    assert "there are 1,439, so it is left out" in notes[0]
    with pytest.raises(UsageError, match="begin later with --from or --last"):
        usable_baselines(choose_baselines(["autoregression"]), stretch, insist=True)
    later = dataclasses.replace(stretch, start=1440)
    assert usable_baselines(choose_baselines([]), later, insist=True)[1] == []
