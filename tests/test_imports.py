"""Tests of permitted imports, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import streamer
from streamer.fleet.spark.checkpoint import NAME, CheckpointConfig, CheckpointOptions

ADAPTED = {"lightgbm", "onnxruntime", "sklearn", "joblib", "statsforecast", "fracast", "torch"}
HEAVY = {"tensorflow", "keras", "river", "scipy", "pandas", "matplotlib", "pyspark", *ADAPTED}
HEAVY |= {"polars", "onnx", "statsmodels"}
ENGINES = {"numpy", "h5py", "narwhals"}
FEEDS = {"aiohttp", "aiomqtt", "paho", "pymodbus", "serial", "sml", "pyarrow", "zeroconf"}
PUBLISHERS = {"prometheus_client", "apprise"}
TERMINAL = {"termios", "tty", "msvcrt"}


def _modules_after(code: str) -> set[str]:
    """All modules loaded after running the code."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        input="",
        timeout=120,
    )
    return set(done.stderr.splitlines())


def _of_streamer(modules: set[str]) -> set[str]:
    return {name.removeprefix("streamer.").split(".")[0] for name in modules if "streamer." in name}


def _run_cli(*arguments: str) -> str:
    return (
        "from streamer.cli import main\n"
        "try:\n"
        f"    main({list(arguments)!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code"
    )


# What one of these loads, those after it have loaded as well: none may load any of it.
LIGHT = [
    "import streamer",
    _run_cli("--help"),
    _run_cli("--version"),
    _run_cli("replay", "--help"),
    _run_cli("watch", "--help"),
    _run_cli("sources"),
    _run_cli("sources", "mqtt"),
    _run_cli("config"),
    _run_cli("find", "--help"),
    _run_cli("service", "--help"),
    _run_cli("notify", "--help"),
    _run_cli("fleet", "--help"),
    _run_cli("fleet", "run", "--help"),
    _run_cli("models", "export", "--help"),
]


def test_help_and_import_load_no_heavy_library() -> None:
    assert not _modules_after("\n".join(LIGHT)) & (HEAVY | ENGINES | FEEDS | PUBLISHERS)


def test_watching_a_pipe_loads_no_library_of_other_feeds() -> None:
    modules = _modules_after(_run_cli("watch", "stdin:?unit=W", "--quiet"))
    assert not modules & (FEEDS | PUBLISHERS | {"tensorflow", "keras", "pandas", "rich", "sqlite3"})


def test_reading_a_recording_loads_no_models() -> None:
    code = "import streamer.recording.source, streamer.recording.export, streamer.reporting"
    modules = _modules_after(code)
    assert not modules & (HEAVY | FEEDS | {"h5py"})


def test_the_status_of_a_fleet_needs_neither_spark_nor_numpy(tmp_path: Path) -> None:
    config = CheckpointConfig(CheckpointOptions(), weights="ab12", partitions=2)
    (tmp_path / NAME).write_text(config.to_text())
    modules = _modules_after(_run_cli("fleet", "status", "--checkpoint", str(tmp_path)))
    assert not modules & (HEAVY | ENGINES | FEEDS | PUBLISHERS)


def test_the_first_picture_needs_no_numpy() -> None:
    code = (
        "from pathlib import Path\n"
        "from streamer.commands.watch import Watch\n"
        "from streamer.dashboard import Dashboard, History, render\n"
        "from streamer.feeds.address import Address\n"
        "from streamer.stream.pacing import Pacer\n"
        "archive = Watch(Address.parse('stdin:'), record=Path('none.db')).archive()\n"
        "Dashboard(Pacer(), archive=archive)\n"
        "render(History().snapshot(), 80, 24)"
    )
    assert not _modules_after(code) & (HEAVY | ENGINES | FEEDS | PUBLISHERS)


def test_opening_a_replay_loads_no_numpy() -> None:
    code = (
        "from streamer.commands.forecasting import Forecasting\n"
        "from streamer.commands.replay import Replay\n"
        "from streamer.commands.files import FileOptions\n"
        "from streamer.sample import sample_path\n"
        "job = Replay(str(sample_path()), FileOptions(), Forecasting())\n"
        "job.open().close()"
    )
    assert not _modules_after(code) & (HEAVY | ENGINES | {"sqlite3", "asyncio", "ssl"})


def test_replay_loads_no_tensorflow() -> None:
    modules = _modules_after(_run_cli("replay", "--limit", "60", "--quiet"))
    assert not modules & {"tensorflow", "keras", "pandas", "matplotlib", "pyspark", "rich"}
    assert "river" in modules


def test_a_plug_in_loads_no_library_of_others() -> None:
    options = ("--model", "seasonal-naive", "--challenger", "persistence")
    modules = _modules_after(_run_cli("replay", "--limit", "60", "--quiet", *options))
    assert not modules & {"tensorflow", "keras", "pandas", *ADAPTED}
    assert "streamer.models.adapters.river" not in modules


def test_river_is_not_loaded_before_the_first_score() -> None:
    code = "from streamer import *\np = Pipeline(load_model())"
    assert not _modules_after(code) & HEAVY


@pytest.mark.parametrize(("library", "others"), [("polars", {"pandas"}), ("pandas", {"polars"})])
def test_a_frame_loads_no_other_library(library: str, others: set[str]) -> None:
    code = (
        "from datetime import datetime, timedelta\n"
        f"import {library} as library\n"
        "from streamer import forecast_frame\n"
        "at = [datetime(2010, 3, 19) + timedelta(minutes=each) for each in range(60)]\n"
        "frame = library.DataFrame({'at': at, 'kw': [0.3] * 60})\n"
        "forecast_frame(frame, time='at', power='kw')"
    )
    loaded = _modules_after(code)
    assert not loaded & (others | {"tensorflow", "keras", "matplotlib", "onnx"})
    outer = {"cli", "commands", "dashboard", "evaluation", "stream", "training"}
    assert not _of_streamer(loaded) & outer


def test_pipeline_imports_no_outer_package() -> None:
    modules = _of_streamer(_modules_after("import streamer.pipeline"))
    assert not modules & {"sources", "sinks", "dashboard", "cli", "stream", "commands", "training"}


def test_the_door_to_river_loads_no_outer_package() -> None:
    modules = _modules_after("import streamer.river")
    # river itself loads pandas and others where they are installed.
    assert "river" in modules
    assert not modules & {"tensorflow", "keras", "matplotlib", "pyspark", "onnx", "aiohttp"}
    assert not _of_streamer(modules) & {"cli", "commands", "dashboard", "stream", "training"}


def test_sources_import_no_models() -> None:
    code = "import streamer.sources.files.delimited, streamer.sources.live"
    modules = _of_streamer(_modules_after(code))
    assert not modules & {"models", "pipeline", "sinks", "dashboard", "cli", "scores"}


def test_dashboard_imports_no_pipeline_or_models() -> None:
    modules = _modules_after("import streamer.dashboard")
    assert not _of_streamer(modules) & {"pipeline", "models", "sources", "scores", "cli"}
    assert not modules & (HEAVY | ENGINES | TERMINAL)


def test_models_import_no_outer_package() -> None:
    code = "from streamer import load_model\nload_model()"
    modules = _of_streamer(_modules_after(code))
    assert not modules & {"pipeline", "sources", "sinks", "dashboard", "cli", "training"}


COMMANDS = ["config", "evaluate", "export", "fetch", "modelexport", "models", "replay", "report"]
COMMANDS += ["simulate", "sources", "train", "watch"]


def test_commands_import_no_typer() -> None:
    modules = _modules_after("\n".join(f"import streamer.commands.{name}" for name in COMMANDS))
    assert not modules & {"typer", "tensorflow", "keras", "river"}
    assert "cli" not in _of_streamer(modules)


def test_file_options_load_no_source() -> None:
    modules = _modules_after("import streamer.commands.files")
    assert not modules & (HEAVY | ENGINES | {"typer", "sqlite3"})
    assert not _of_streamer(modules) & {"cli", "recording", "models", "pipeline"}


def test_sinks_import_no_pipeline() -> None:
    names = ("notes", "progress", "summary", "text")
    modules = _modules_after("\n".join(f"import streamer.sinks.{name}" for name in names))
    assert not _of_streamer(modules) & {"pipeline", "models", "sources", "scores", "stream", "cli"}
    assert not modules & (HEAVY | ENGINES)


def test_readings_import_no_other_package() -> None:
    modules = _modules_after("import streamer.readings")
    assert _of_streamer(modules) == {"readings"}
    assert not modules & (HEAVY | ENGINES)


@pytest.mark.parametrize("name", ["About", "Vitals"])
def test_values_of_sinks_can_be_imported_from_readings(name: str) -> None:
    from streamer import readings
    from streamer.sinks import items

    assert getattr(readings, name) is getattr(items, name)


def test_former_name_of_error_scores_can_be_imported_from_readings() -> None:
    from streamer import readings

    assert readings.Errors is readings.ErrorScores


def test_command_line_is_not_imported() -> None:
    package = Path(streamer.__file__).parent
    for path in package.rglob("*.py"):
        if path.name != "__main__.py" and "cli" not in path.relative_to(package).parts:
            assert "streamer.cli" not in path.read_text(encoding="utf-8"), path


def test_public_names_are_pinned() -> None:
    assert streamer.__all__ == [
        "About",
        "Answer",
        "Feed",
        "FeedKind",
        "Forecast",
        "ForecastStream",
        "Forecaster",
        "FrameEvaluation",
        "GapRule",
        "Item",
        "Link",
        "LinkError",
        "ModelError",
        "Notice",
        "Pacer",
        "Pipeline",
        "Reading",
        "ReadingBlock",
        "ReadingError",
        "RingBuffer",
        "Sample",
        "Scores",
        "SimpleForecaster",
        "Sink",
        "Source",
        "SourceError",
        "StateError",
        "Step",
        "StreamerError",
        "UsageError",
        "Vitals",
        "Window",
        "evaluate_frame",
        "forecast_frame",
        "load_model",
        "open_replay",
        "open_source",
        "run",
    ]
    for name in {*streamer.__all__} - {"Item"}:
        assert getattr(streamer, name).__module__.startswith("streamer")
    assert streamer.Step in get_args(streamer.Item)
    assert set(streamer.__all__) < set(dir(streamer))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = streamer.nothing
