"""streamer: a streaming forecaster for household electricity.

The public names are listed in `__all__`. Each is imported at first use, so that
`import streamer` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from streamer.errors import StreamerError
    from streamer.feeds import Feed, FeedKind
    from streamer.frames import FrameEvaluation, evaluate_frame, forecast_frame
    from streamer.models import Forecaster, load_model
    from streamer.pipeline import Pipeline
    from streamer.readings import Forecast, Link, Notice, Reading, Sample, Scores, Step
    from streamer.readings.buffer import RingBuffer
    from streamer.readings.gaps import GapRule
    from streamer.sinks import Sink
    from streamer.sources import Source
    from streamer.sources.files.delimited import open_replay
    from streamer.sources.live import open_source
    from streamer.stream.pacing import Pacer
    from streamer.stream.runner import run

_HOMES = {
    "Feed": "streamer.feeds",
    "FeedKind": "streamer.feeds",
    "Forecast": "streamer.readings",
    "Forecaster": "streamer.models",
    "FrameEvaluation": "streamer.frames",
    "GapRule": "streamer.readings.gaps",
    "Link": "streamer.readings",
    "Notice": "streamer.readings",
    "Pacer": "streamer.stream.pacing",
    "Pipeline": "streamer.pipeline",
    "Reading": "streamer.readings",
    "RingBuffer": "streamer.readings.buffer",
    "Sample": "streamer.readings",
    "Scores": "streamer.readings",
    "Sink": "streamer.sinks",
    "Source": "streamer.sources",
    "Step": "streamer.readings",
    "StreamerError": "streamer.errors",
    "evaluate_frame": "streamer.frames",
    "forecast_frame": "streamer.frames",
    "load_model": "streamer.models",
    "open_replay": "streamer.sources.files.delimited",
    "open_source": "streamer.sources.live",
    "run": "streamer.stream.runner",
}

__all__ = [
    "Feed",
    "FeedKind",
    "Forecast",
    "Forecaster",
    "FrameEvaluation",
    "GapRule",
    "Link",
    "Notice",
    "Pacer",
    "Pipeline",
    "Reading",
    "RingBuffer",
    "Sample",
    "Scores",
    "Sink",
    "Source",
    "Step",
    "StreamerError",
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
