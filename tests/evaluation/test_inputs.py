"""Evaluation of models that take channels beside the power."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streamer.errors import UsageError
from streamer.evaluation import Stretch, read_stretch
from streamer.evaluation.forecasts import forecast_stretch
from streamer.models import load_model
from streamer.models.inputs import Input
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Reading
from streamer.testing import START, ListSource
from tests.agreement import AGREEMENT_KW
from tests.models.several import write_model

INPUTS = (Input("power", "kW", 1.0), Input("voltage", "V", 230.0, 5.0), Input("sub_1", "kW"))


def _readings(count: int, *, solar: bool) -> list[Reading]:
    rng = np.random.default_rng(3)
    values = np.column_stack([rng.normal(230.0, 3.0, count), rng.gamma(1.0, 0.2, count)])
    return [
        Reading(START + row * MINUTE, kw, 0.5 if solar else None, None, tuple(channels))
        for row, (kw, channels) in enumerate(
            zip(rng.gamma(1.5, 0.6, count).tolist(), values.tolist(), strict=True)
        )
    ]


def _stretch(readings: list[Reading], channels: tuple[str, ...] = ("voltage", "sub_1")) -> Stretch:
    return read_stretch(
        ListSource(readings),
        since=None,
        until=None,
        last=None,
        warm_up=49,
        on_notice=lambda notice: None,
        advance=lambda minutes: None,
        channels=channels,
    )


@pytest.mark.parametrize("solar", [False, True])
def test_forecasts_are_those_of_the_pipeline(tmp_path: Path, solar: bool) -> None:
    # In another order than the source has them.
    model = load_model(write_model(tmp_path / "house", (INPUTS[0], *INPUTS[:0:-1])))
    readings = _readings(120, solar=solar)
    mean_kw, _ = forecast_stretch(model, _stretch(readings), lambda minutes: None)
    turned = [
        Reading(each.at, each.kw, each.solar_kw, None, each.channels[::-1]) for each in readings
    ]
    steps = Pipeline(model, adapt=False).push_many(turned)
    expected = [step.forecast.frozen_kw for step in steps[:-1] if step.forecast is not None]
    np.testing.assert_allclose(mean_kw, expected, rtol=0.0, atol=AGREEMENT_KW)


def test_a_stretch_without_a_channel_is_an_error() -> None:
    stretch = _stretch(_readings(80, solar=False))
    assert stretch.model_windows(49).shape == (31, 49)
    assert stretch.model_windows(49, ("sub_1",)).shape == (31, 49, 2)
    with pytest.raises(UsageError, match="the model takes current, reactive as well"):
        stretch.model_windows(49, ("current", "sub_1", "reactive"))
