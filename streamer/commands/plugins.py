"""Forecasters and sinks that are plug-ins, as options of commands name them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamer.models import shipped_models
from streamer.readings import Notice
from streamer.sinks import Sink

if TYPE_CHECKING:
    from streamer.models.inputs import Input
    from streamer.models.plugins import AnyForecaster


def is_plugin(model: str) -> bool:
    """Whether the value of an option for a model names a plug-in.

    The names of shipped models and of existing files take precedence.
    """
    if model in shipped_models() or "/" in model.partition(":")[0] or os.path.lexists(model):
        return False
    from streamer.models.adapters.registry import FORECASTERS

    return FORECASTERS.has(model)


def check_plugin(model: str) -> None:
    """Check that a forecaster can be made.

    Raises:
        StreamerError: it cannot.
    """
    from streamer.models.adapters.registry import make_forecaster

    make_forecaster(model)


def plugin_inputs(model: str) -> tuple[Input, ...]:
    """Channels that a forecaster takes, in the units in which meters give them.

    Raises:
        StreamerError: it cannot be made.
    """
    from streamer.feeds.values import measure_of
    from streamer.models.adapters.registry import make_forecaster
    from streamer.models.inputs import Input
    from streamer.models.plugins.traits import traits_of

    channels = traits_of(make_forecaster(model)).channels
    return tuple(Input(name, measure_of(name).unit) for name in channels)


def make_plugin(model: str) -> AnyForecaster:
    """Make a forecaster whose calls cannot hold up the stream, and which is called by this name.

    Raises:
        StreamerError: it cannot be made.
    """
    from streamer.models.adapters.registry import make_forecaster
    from streamer.models.plugins.budget import budgeted

    return budgeted(make_forecaster(model), name=model)


def make_sinks(names: Sequence[str], others: Sequence[Sink]) -> list[Sink]:
    """Make the sinks that options name.

    Args:
        names: their names.
        others: the sinks that get notices about faults of these.

    Raises:
        StreamerError: one cannot be made.
    """
    from streamer.sinks.plugins import GuardedSink, make_sink

    told = tuple(others)

    def report(notice: Notice) -> None:
        for sink in told:
            sink.write(notice)

    return [GuardedSink(make_sink(name), name, report) for name in names]


@contextmanager
def closing_all(sinks: Sequence[Sink]) -> Iterator[Sequence[Sink]]:
    """Give sinks, and close them at the end, however the stream ends."""
    try:
        yield sinks
    finally:
        for sink in sinks:
            sink.close()
