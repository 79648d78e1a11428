"""Tests of forecasters from other libraries, each against that library itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer import ModelError, Pipeline, Step, UsageError
from streamer.errors import PluginError
from streamer.models.adapters.naive import Persistence, SeasonalNaive
from streamer.models.adapters.registry import FORECASTERS, make_forecaster
from streamer.models.plugins import AnyForecaster
from streamer.testing import check_forecaster, readings

KW = np.round(np.random.default_rng(7).gamma(2.0, 0.3, 400), 3)
ITEMS = readings(KW)


def _steps(forecaster: AnyForecaster) -> list[Step]:
    pipeline = Pipeline(forecaster, adapt=False)
    steps = [pipeline.push(reading) for reading in ITEMS]
    assert not pipeline.gathered()
    return steps


def _forecasts(forecaster: AnyForecaster) -> list[float]:
    return [step.forecast.kw for step in _steps(forecaster) if step.forecast is not None]


def _rows(lags: int) -> tuple[Any, Any]:
    rows = np.lib.stride_tricks.sliding_window_view(KW, lags)
    return rows, np.append(KW[lags:], 0.0)


def test_persistence() -> None:
    check_forecaster(Persistence)
    assert _forecasts(make_forecaster("persistence")) == KW.tolist()


def test_seasonal_naive_is_the_reading_a_day_ago_or_else_the_last() -> None:
    check_forecaster(SeasonalNaive)
    days = readings([*KW, *(2 * KW)], start=ITEMS[0].at)
    second = [each for each in days[400:] if each.at != days[450].at]
    day_later = [
        type(each)(each.at - timedelta(minutes=400) + timedelta(days=1), each.kw) for each in second
    ]
    pipeline = Pipeline(make_forecaster("seasonal-naive"), adapt=False)
    steps = [pipeline.push(each) for each in [*days[:400], *day_later]]
    found = [step.forecast.kw if step.forecast else None for step in steps[400:]]
    before = {each.at + timedelta(days=1): each.kw for each in days[:400]}
    last = {each.at: each.kw for each in day_later}
    expected = [before.get(each.at + timedelta(minutes=1), last[each.at]) for each in day_later]
    assert found == expected


def test_a_regressor_of_river_learns_the_next_change() -> None:
    river = pytest.importorskip("river.linear_model")
    found = _forecasts(make_forecaster("river:LinearRegression(l2=0.1)"))
    model = river.LinearRegression(l2=0.1)
    expected = []
    for now in range(10, len(KW) + 1):
        kw = KW[now - 10 : now].tolist()
        features = {"kw": kw[-1]}
        features |= {f"change_{back}": kw[-back] - kw[-back - 1] for back in range(1, 10)}
        expected.append(kw[-1] + model.predict_one(features))
        if now < len(KW):
            model.learn_one(features, float(KW[now]) - kw[-1])
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "river:time_series.HoltWinters(alpha=0.3, beta=0.1)",
        "river:SNARIMAX(p=0, d=0, q=0, m=1)",
    ],
)
def test_a_time_series_model_of_river_gets_each_reading(text: str) -> None:
    from river import time_series

    found = _forecasts(make_forecaster(text))
    model: Any = (
        time_series.HoltWinters(alpha=0.3, beta=0.1)
        if "Holt" in text
        else time_series.SNARIMAX(p=0, d=0, q=0)
    )
    expected = []
    for now, kw in enumerate(KW.tolist(), 1):
        model.learn_one(kw)
        if now >= 49:
            expected.append(model.forecast(1)[0])
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_model_of_river_from_a_module_is_adapted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_river.py").write_text(
        "from river import linear_model, preprocessing\n"
        "model = preprocessing.StandardScaler() | linear_model.LinearRegression()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert len(_forecasts(make_forecaster("my_river:model"))) == len(KW) - 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("river", "give a class of it"),
        ("river:Nothing", "river has no class 'Nothing'"),
        ("river:nothing.Nothing", "river has no class 'nothing.Nothing'"),
        ("river:preprocessing.StandardScaler", "neither a regressor nor forecasts"),
        ("sklearn", "give a file"),
        ("lightgbm", "give a file"),
        ("onnx", "give a file"),
    ],
)
def test_what_is_missing_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_forecaster(text)


def test_wrong_arguments_of_a_class_of_river_are_named() -> None:
    with pytest.raises(PluginError, match=r"'river:HoltWinters' cannot be made: TypeError"):
        make_forecaster("river:HoltWinters")


@pytest.fixture(scope="module")
def ridge(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    joblib = pytest.importorskip("joblib")
    linear_model = pytest.importorskip("sklearn.linear_model")
    fitted = linear_model.Ridge().fit(*_rows(12))
    path = tmp_path_factory.mktemp("ridge") / "ridge.joblib"
    joblib.dump(fitted, path)
    path.chmod(0o600)
    return fitted, path


def test_a_regressor_of_scikit_learn(ridge: tuple[Any, Path]) -> None:
    fitted, path = ridge
    found = _forecasts(make_forecaster(f"sklearn:{path}"))
    assert found == pytest.approx(fitted.predict(_rows(12)[0]).tolist(), abs=1e-9)
    check_forecaster(lambda: make_forecaster(f"sklearn:{path}"))


def test_a_regressor_that_is_not_fitted_is_named() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    from streamer.models.adapters.sklearn import SklearnForecaster

    with pytest.raises(ModelError, match="model Ridge: it has not been fitted"):
        SklearnForecaster(linear_model.Ridge())


@pytest.mark.skipif(os.name != "posix", reason="owners are those of POSIX")
def test_a_pickle_that_others_can_write_is_not_loaded(
    ridge: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = ridge
    path.chmod(0o620)
    with pytest.raises(UsageError, match="others can write it"):
        make_forecaster(f"sklearn:{path}")
    path.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(UsageError, match="it belongs to another user"):
        make_forecaster(f"sklearn:{path}")


def test_trees_of_lightgbm(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rows, targets = _rows(8)
    settings = {"objective": "regression", "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    trees = lightgbm.train(settings, lightgbm.Dataset(rows, targets), 5)
    trees.save_model(tmp_path / "trees.txt")
    found = _forecasts(make_forecaster(f"lightgbm:{tmp_path / 'trees.txt'}"))
    assert found == pytest.approx(trees.predict(rows).tolist(), abs=1e-9)


@pytest.mark.parametrize("tail", [[], [1]])
@pytest.mark.parametrize("dtype", ["FLOAT", "DOUBLE"])
def test_an_onnx_file(tmp_path: Path, tail: list[int], dtype: str) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    kind = getattr(onnx.TensorProto, dtype)
    taken = onnx.helper.make_tensor_value_info("kw", kind, ["windows", 6, *tail])
    given = onnx.helper.make_tensor_value_info("mean", kind, None)
    nodes = [onnx.helper.make_node("ReduceMean", ["kw"], ["mean"], axes=[1], keepdims=0)]
    graph = onnx.helper.make_graph(nodes, "means", [taken], [given])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )
    path = tmp_path / "mean.onnx"
    path.write_bytes(model.SerializeToString())
    found = _forecasts(make_forecaster(f"onnx:{path}"))
    assert found == pytest.approx(_rows(6)[0].mean(axis=1).tolist(), abs=1e-6)


def test_an_onnx_file_with_another_input_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    kind = onnx.TensorProto.FLOAT
    taken = onnx.helper.make_tensor_value_info("kw", kind, ["windows", "readings"])
    given = onnx.helper.make_tensor_value_info("same", kind, None)
    nodes = [onnx.helper.make_node("Identity", ["kw"], ["same"])]
    graph = onnx.helper.make_graph(nodes, "same", [taken], [given])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )
    path = tmp_path / "same.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"it takes kw tensor\(float\) .* is needed"):
        make_forecaster(f"onnx:{path}")


@pytest.mark.parametrize("kind", ["sklearn", "lightgbm", "onnx"])
@pytest.mark.parametrize("content", [b"", b"no model", b"tree\n" * 3, bytes(range(256))], ids=len)
def test_other_files_are_named(tmp_path: Path, kind: str, content: bytes) -> None:
    libraries = {"sklearn": "joblib", "lightgbm": "lightgbm", "onnx": "onnxruntime"}
    pytest.importorskip(libraries[kind])
    path = tmp_path / "file"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ModelError, match=str(path)):
        make_forecaster(f"{kind}:{path}")


@pytest.mark.parametrize("kind", ["sklearn", "lightgbm", "onnx"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises((UsageError, ModelError), match=r"[Nn]o such file"):
        make_forecaster(f"{kind}:{tmp_path / 'none'}")


def test_each_shipped_name_leads_to_something_that_can_be_called() -> None:
    from importlib import import_module

    for target in FORECASTERS.shipped.values():
        module, _, name = target.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), name)
        assert callable(found)
