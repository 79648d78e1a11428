"""Tests that the benchmarks measure the right work; not of its speed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from streamer.models import load_model
from streamer.sources.files.delimited import open_replay
from tests.benchmarks import fleets, online, switching
from tests.benchmarks.engines import ENGINES, TensorFlowFunction
from tests.benchmarks.recordings import read_kw, write_recording

_MEASURED = [name for name, engine in ENGINES.items() if not issubclass(engine, TensorFlowFunction)]


@pytest.mark.parametrize("name", _MEASURED)
def test_benchmarked_engines_agree(name: str, sample_kw: np.ndarray) -> None:
    if name.startswith("OnnxRuntime"):
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")
    windows = sliding_window_view(sample_kw[:120], 49)
    engine = ENGINES[name]()
    expected = load_model().forecast(windows).mean_kw
    np.testing.assert_allclose(engine.batch(windows), expected, rtol=0, atol=1e-5)
    engine.prime(windows[0, :-1])
    singles = [engine.single(window) for window in windows[:5]]
    np.testing.assert_allclose(singles, expected[:5], rtol=0, atol=1e-5)


def test_benchmark_recording_has_the_requested_length(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    write_recording(path, 25_000)
    assert len(read_kw(path)) == 25_000
    rows = path.read_text().splitlines()
    assert 5 <= sum("?" in row for row in rows) <= 20
    with closing(open_replay(path, strict=True)) as source:
        while source.read():
            pass
        assert (source.readings, source.malformed, source.disordered) == (25_000, 0, 0)


def test_online_benchmark_measures_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "READINGS", 200)
    costs = online.costs()
    assert len(costs) == 12
    assert all(cost > 0.0 for cost in costs.values())


def test_fleet_benchmark_measures_all_minutes_after_warm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleets, "_MEASURED", {3: 10})
    batches = [len(readings) for readings in fleets._batches(fleets._simulation(3))]
    assert batches[-6:] == [3] * 6
    assert sum(batches) == 3 * (60 + 10 + 6)
    found = fleets._offline("3")
    assert found["readings_per_s"] > 0.0
    assert found["state_bytes"] > 0.0


def test_switching_benchmark_finds_the_loads_of_a_quiet_house() -> None:
    minutes = np.arange(4 * 1440)
    minutes = np.delete(minutes, slice(3000, 3090))
    found = switching.measure(minutes, np.full(len(minutes), 0.3), per_day=2.0, seeds=1)
    assert (found.own, found.still_on) == (0.0, 0.0)
    assert found.drawn >= 6
    assert found.drawn - 1 <= found.found <= found.timed <= found.drawn
