"""Tests of the page of plots."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import MissingExtraError, UsageError
from streamer.evaluation import Forecasts, Stretch, assess
from streamer.evaluation.plot import STRETCH, _lively, check_plot, save_plot
from tests.evaluation.conftest import minutes

PNG = b"\x89PNG\r\n\x1a\n"


def _forecasts(stretch: Stretch, *, levels: bool) -> list[Forecasts]:
    mean = 0.9 * stretch.last_kw
    quantiles = mean[:, None] + np.array([-0.1, 0.0, 0.1])
    model = Forecasts("mine", mean, is_model=True)
    if levels:
        model = Forecasts("mine", mean, (0.05, 0.5, 0.95), quantiles, is_model=True)
    adapted = replace(model, name="mine, adapted", adapted_from="mine")
    other = Forecasts("other", 0.8 * stretch.last_kw, is_model=True)
    return [model, adapted, other, Forecasts("persistence", stretch.last_kw)]


@pytest.mark.parametrize(("levels", "count"), [(True, 51), (False, 120), (True, 3000)])
def test_plot_is_a_png_file(tmp_path: Path, levels: bool, count: int) -> None:
    pytest.importorskip("matplotlib")
    stretch = Stretch(np.random.default_rng(0).random(count), minutes(count))
    path = tmp_path / "scores.png"
    check_plot(path)
    save_plot(path, assess(stretch, _forecasts(stretch, levels=levels)))
    assert path.read_bytes().startswith(PNG)
    assert path.stat().st_size > 20_000


def test_lively_stretch_has_no_gap_and_depends_on_readings_only() -> None:
    kw = np.ones(49 + 10 * STRETCH)
    kw[49 + 3 * STRETCH + 5] = 5.0
    kw[49 + 6 * STRETCH + 5] = 4.0
    at = minutes(len(kw))
    stretch = Stretch(kw, at)
    assert _lively(stretch).start == 6 * STRETCH
    gap = np.where(np.arange(len(kw)) >= 49 + 6 * STRETCH + 50, np.timedelta64(600, "s"), 0)
    assert _lively(Stretch(kw, at + gap)).start not in (3 * STRETCH, 6 * STRETCH)


def test_unwritable_paths_are_rejected_early(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        check_plot(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        check_plot(tmp_path / "nowhere" / "a.png")
    with pytest.raises(UsageError, match="does not exist"):
        check_plot(Path(__file__) / "a.png")


def test_missing_matplotlib_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"streamer-forecaster\[train\]"):
        check_plot(tmp_path / "a.png")
