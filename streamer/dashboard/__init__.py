"""The live dashboard: a sink that paints its stream on a terminal.

It is given immutable values and a `Pacer` to steer, and knows nothing of pipelines,
models or sources.
"""

from streamer.dashboard.app import Dashboard
from streamer.dashboard.history import Event, History, Snapshot
from streamer.dashboard.layout import Frame, render
from streamer.dashboard.picture import render_svg

__all__ = ["Dashboard", "Event", "Frame", "History", "Snapshot", "render", "render_svg"]
