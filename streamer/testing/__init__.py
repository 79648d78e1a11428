"""Fakes and protocol checks for the tests of plug-in sources, forecasters and sinks."""

from __future__ import annotations

from streamer.testing.clock import ManualClock
from streamer.testing.feeds import read_feed
from streamer.testing.forecasters import FixedForecaster, FixedHead
from streamer.testing.items import START, ListSource, readings
from streamer.testing.plugins import check_forecaster, check_sink
from streamer.testing.sources import check_source

__all__ = [
    "START",
    "FixedForecaster",
    "FixedHead",
    "ListSource",
    "ManualClock",
    "check_forecaster",
    "check_sink",
    "check_source",
    "read_feed",
    "readings",
]
