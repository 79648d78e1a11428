"""Tests of statsforecast's models and of Fracast as forecasters: they know nothing of what comes.

Both are heavy. How they are called is tested with stand-ins, their own forecasts where they are
installed.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from streamer import Pipeline, UsageError, Window
from streamer.errors import MissingExtraError
from streamer.models.adapters.fracast import FracastForecaster
from streamer.models.adapters.registry import make_forecaster
from streamer.models.adapters.statsforecast import DAY, StatsforecastForecaster
from streamer.readings.arrays import DoubleArray
from streamer.testing import check_forecaster, readings

KW = np.round(np.random.default_rng(26).gamma(2.0, 0.3, 2 * DAY + 200), 3)


class Halfway:
    """Forecasts halfway between the mean of what it was fitted on and the last reading."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share
        self.fits: list[DoubleArray] = []
        self.applied: list[DoubleArray] = []

    def fit(self, y: DoubleArray) -> Halfway:
        assert y.flags.writeable
        self.fits.append(y)
        return self

    def forward(self, y: DoubleArray, h: int) -> dict[str, DoubleArray]:
        assert h == 1
        assert y.flags.writeable
        self.applied.append(y)
        return {"mean": self.share * y[-1:] + (1 - self.share) * self.fits[-1].mean()}


class Fitting:
    def fit(self, y: DoubleArray) -> None: ...


class Deciles:
    quantiles = tuple(np.arange(1, 10) / 10)

    def __init__(self, weights: str) -> None:
        self.weights = weights

    @classmethod
    def from_pretrained(cls, *, weights: str) -> Deciles:
        return cls(weights)

    def forecast(self, context: DoubleArray, *, horizon: int) -> DoubleArray:
        assert (len(context), horizon) == (1440, 1)
        # Two of them are crossed, as those of a network may be.
        return (context[-1] + np.array([[1, 0, 2, 3, 4, 5, 6, 7, 17]])).astype(np.float32)


@pytest.fixture
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    statsforecast, fracast = ModuleType("statsforecast"), ModuleType("fracast")
    vars(statsforecast)["models"] = models = ModuleType("statsforecast.models")
    vars(models).update(Halfway=Halfway, Fitting=Fitting, number=3)
    vars(fracast)["FracastModel"] = Deciles
    for module in (statsforecast, models, fracast):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def test_a_model_is_fitted_once_a_day_on_the_day_before() -> None:
    model = Halfway()
    pipeline = Pipeline(StatsforecastForecaster(model), adapt=False)
    steps = [pipeline.push(each) for each in readings(KW)]
    found = [step.forecast.kw for step in steps if step.forecast is not None]
    assert [fit.tolist() for fit in model.fits] == [KW[:DAY].tolist(), KW[DAY : 2 * DAY].tolist()]
    assert len(found) == len(model.applied) == DAY + 201
    for now in (0, 1, DAY - 1, DAY, DAY + 200):
        assert model.applied[now].tolist() == KW[now : DAY + now].tolist()
        mean = KW[:DAY].mean() if now < DAY else KW[DAY : 2 * DAY].mean()
        assert found[now] == pytest.approx((KW[DAY + now - 1] + mean) / 2, abs=1e-12)
    assert not pipeline.gathered()


def test_a_restored_model_is_fitted_on_the_same_readings() -> None:
    one = StatsforecastForecaster(Halfway())
    pipeline = Pipeline(one, adapt=False)
    for each in readings(KW[: DAY + 100]):
        pipeline.push(each)
    state = json.loads(json.dumps(one.state()))
    model = Halfway()
    other = StatsforecastForecaster(model)
    other.restore(state)
    assert [fit.tolist() for fit in model.fits] == [KW[:DAY].tolist()]
    assert other.state() == state
    assert state["age"] == 101
    other.restore({"kw": None, "age": 0})
    assert other.state() == {"kw": None, "age": 0}
    with pytest.raises(ValueError, match="packed numbers, expected 1440"):
        other.restore({"kw": "AAAAAAAA8D8=", "age": 1})


@pytest.mark.usefixtures("_stand_ins")
def test_a_class_of_statsforecast_is_given_its_arguments() -> None:
    text = "statsforecast:Halfway(share=1.0)"
    steps = check_forecaster(lambda: make_forecaster(text))
    pairs = [(step.forecast.kw, step.reading.kw) for step in steps if step.forecast is not None]
    assert len(pairs) == 151
    assert all(forecast == pytest.approx(last, abs=1e-12) for forecast, last in pairs)


@pytest.mark.usefixtures("_stand_ins")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statsforecast", "give a class of it, such as statsforecast:AutoETS"),
        ("statsforecast:number", "statsforecast has no model 'number'"),
        ("statsforecast:Nothing", "statsforecast has no model 'Nothing'"),
        ("statsforecast:Fitting", "Fitting would have to be fitted anew for each reading"),
        ("fracast:int4", "fracast has no weights 'int4'"),
    ],
)
def test_what_is_missing_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_forecaster(text)


@pytest.mark.usefixtures("_stand_ins")
@pytest.mark.parametrize("text", ["fracast", "fracast:fp32"])
def test_fracast_gives_its_deciles_and_their_mean(text: str) -> None:
    forecaster: Any = make_forecaster(text)
    assert isinstance(forecaster, FracastForecaster)
    assert forecaster._model.weights == (text.partition(":")[2] or "w8")
    assert forecaster.levels == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    at = [reading.at for reading in readings(KW[:1440])]
    found = forecaster.forecast(Window(KW[:1440].copy(), at)) - KW[1439]
    assert found == pytest.approx([5, 0, 1, 2, 3, 4, 5, 6, 7, 17], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "extra"), [("statsforecast:AutoETS", "statsforecast"), ("fracast", "fracast")]
)
def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, text: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(MissingExtraError, match=rf"streamer-forecaster\[{extra}\]"):
        make_forecaster(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["AutoARIMA", "AutoCES", "AutoETS", "AutoTheta"])
def test_a_real_model_forecasts_as_one_that_has_seen_no_more(name: str) -> None:
    models = pytest.importorskip("statsforecast.models")
    steps = check_forecaster(lambda: make_forecaster(f"statsforecast:{name}"))
    kw = np.array([step.reading.kw for step in steps])
    model = getattr(models, name)().fit(kw[:DAY].copy())
    for end in (DAY, DAY + 1, DAY + 77, len(kw)):
        expected = model.forward(y=kw[end - DAY : end].copy(), h=1)["mean"][0]
        forecast = steps[end - 1].forecast
        assert forecast is not None
        assert forecast.kw == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_the_real_fracast_forecasts_from_its_bundled_weights() -> None:
    fracast = pytest.importorskip("fracast")
    steps = check_forecaster(FracastForecaster)
    kw = np.array([step.reading.kw for step in steps])
    deciles = fracast.FracastModel.from_pretrained().forecast(kw[-1440:])[0]
    forecast = steps[-1].forecast
    assert forecast is not None
    assert forecast.kw == pytest.approx(deciles.mean(), abs=1e-5)
    assert 0 < forecast.kw < kw.max()
