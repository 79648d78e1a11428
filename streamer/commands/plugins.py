"""Forecasters and sinks that are plug-ins, as options of commands name them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.models import find_model, shipped_models
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


def check_forecaster(model: str) -> None:
    """Check that a forecaster can be made; a model is not loaded for that.

    Raises:
        StreamerError: it cannot.
    """
    if not is_plugin(model):
        find_model(model)
        return
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


def make_plugin(model: str, *, live: bool) -> AnyForecaster:
    """Make a forecaster that is a plug-in.

    Args:
        model: its name.
        live: whether its calls are waited for no longer than a budget, so that they cannot hold up
            the stream. Without that, the forecasts do not depend on the speed of the machine.

    Raises:
        StreamerError: it cannot be made.
    """
    from streamer.models.adapters.registry import make_forecaster

    forecaster = make_forecaster(model)
    if not live:
        return forecaster
    from streamer.models.plugins.budget import budgeted

    return budgeted(forecaster)


def make_challengers(
    names: Sequence[str], engine: str, *, live: bool, option: str = "--challenger"
) -> dict[str, AnyForecaster]:
    """Make the forecasters that options name to run beside the model, models among them.

    Args:
        names: their names.
        engine: what computes those that are models.
        live: as for `make_plugin`.
        option: the option that names them, for messages.

    Returns:
        Each by its name, on one line.

    Raises:
        StreamerError: one cannot be made, or a name is given more than once.
    """
    from streamer.models import load_model

    found: dict[str, AnyForecaster] = {}
    for given in names:
        name = one_line(given)
        if name in found:
            raise UsageError(f"{option} {name} is given more than once")
        plugin = is_plugin(given)
        found[name] = make_plugin(given, live=live) if plugin else load_model(given, engine=engine)
    return found


def make_sinks(names: Sequence[str], others: Sequence[Sink]) -> list[Sink]:
    """Make the sinks that options name.

    Args:
        names: their names.
        others: the sinks that get notices about faults of these.

    Raises:
        StreamerError: one cannot be made.
    """
    if not names:
        return []
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
