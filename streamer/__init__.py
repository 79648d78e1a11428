"""streamer: a streaming forecaster for household electricity.

The public names are listed in `__all__`. Each is imported at first use, so that
`import streamer` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from streamer.errors import (
        LinkError,
        ModelError,
        ReadingError,
        SourceError,
        StateError,
        StreamerError,
        UsageError,
    )
    from streamer.feeds import Feed, FeedKind
    from streamer.frames import FrameEvaluation, evaluate_frame, forecast_frame
    from streamer.models import Answer, Forecaster, ForecastStream, load_model
    from streamer.models.plugins import SimpleForecaster
    from streamer.models.plugins.window import Window
    from streamer.pipeline import Pipeline
    from streamer.readings import Forecast, Link, Notice, Reading, Sample, Scores, Step
    from streamer.readings.blocks import ReadingBlock
    from streamer.readings.buffer import RingBuffer
    from streamer.readings.gaps import GapRule
    from streamer.sinks import Item, Sink
    from streamer.sinks.items import About, Vitals
    from streamer.sources import Source
    from streamer.sources.files.delimited import open_replay
    from streamer.sources.live import open_source
    from streamer.stream.pacing import Pacer
    from streamer.stream.runner import run

_HOMES = {
    "About": "streamer.sinks.items",
    "Answer": "streamer.models",
    "Feed": "streamer.feeds",
    "FeedKind": "streamer.feeds",
    "Forecast": "streamer.readings",
    "ForecastStream": "streamer.models",
    "Forecaster": "streamer.models",
    "FrameEvaluation": "streamer.frames",
    "GapRule": "streamer.readings.gaps",
    "Item": "streamer.sinks",
    "Link": "streamer.readings",
    "LinkError": "streamer.errors",
    "ModelError": "streamer.errors",
    "Notice": "streamer.readings",
    "Pacer": "streamer.stream.pacing",
    "Pipeline": "streamer.pipeline",
    "Reading": "streamer.readings",
    "ReadingBlock": "streamer.readings.blocks",
    "ReadingError": "streamer.errors",
    "RingBuffer": "streamer.readings.buffer",
    "Sample": "streamer.readings",
    "Scores": "streamer.readings",
    "SimpleForecaster": "streamer.models.plugins",
    "Sink": "streamer.sinks",
    "Source": "streamer.sources",
    "SourceError": "streamer.errors",
    "StateError": "streamer.errors",
    "Step": "streamer.readings",
    "StreamerError": "streamer.errors",
    "UsageError": "streamer.errors",
    "Vitals": "streamer.sinks.items",
    "Window": "streamer.models.plugins.window",
    "evaluate_frame": "streamer.frames",
    "forecast_frame": "streamer.frames",
    "load_model": "streamer.models",
    "open_replay": "streamer.sources.files.delimited",
    "open_source": "streamer.sources.live",
    "run": "streamer.stream.runner",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
