"""The live dashboard: a sink that shows its stream on a terminal.

It receives immutable values and controls a `Pacer`; it does not depend on pipelines, models or
sources.
"""

from streamer.dashboard.app import Dashboard
from streamer.dashboard.layout import Frame, render
from streamer.dashboard.meters import MetersDashboard
from streamer.dashboard.meterview import MeterView
from streamer.dashboard.picture import render_svg
from streamer.history import History, HistorySnapshot, LogEntry

__all__ = [
    "Dashboard",
    "Frame",
    "History",
    "HistorySnapshot",
    "LogEntry",
    "MeterView",
    "MetersDashboard",
    "render",
    "render_svg",
]
