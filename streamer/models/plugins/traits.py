"""Traits of a forecaster that a pipeline has to know before the first reading."""

from __future__ import annotations

import re
from itertools import pairwise
from numbers import Real
from operator import index
from typing import Any, NamedTuple, TypeGuard

from streamer.display.lines import one_line
from streamer.errors import ModelError
from streamer.models import Forecaster, MeansHead, channels_of, horizons_of
from streamer.models.bounds import MAX_INPUTS, MAX_OUTPUTS, MAX_WINDOW
from streamer.models.forecaster import NetworkForecaster
from streamer.models.plugins import AnyForecaster
from streamer.models.plugins.head import CheckedHead
from streamer.readings import CHANNELS

WINDOW = 49
"""Readings in a window of a forecaster that does not say how many it takes."""

_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Traits(NamedTuple):
    """Checked traits of a forecaster.

    Attributes:
        name: its name, for messages.
        window: readings in a window.
        levels: levels of its quantiles, in rising order.
        channels: names of the channels that it takes beside the power.
        head: its head for the mean of the next minutes; None without one.
    """

    name: str
    window: int
    levels: tuple[float, ...]
    channels: tuple[str, ...]
    head: MeansHead | None


def takes_blocks(forecaster: AnyForecaster) -> TypeGuard[Forecaster]:
    """Whether it is a `Forecaster`, and not one that needs no more than `forecast`."""
    return hasattr(forecaster, "stream")


def traits_of(forecaster: AnyForecaster, name: str | None = None) -> Traits:
    """Check the traits of a forecaster.

    Args:
        forecaster: the forecaster.
        name: its name in messages; None for its own.

    Raises:
        ModelError: it does not have the methods of a forecaster, or a trait is wrong.

    >>> class Last:
    ...     def forecast(self, window):
    ...         return window[-1]
    >>> traits_of(Last())
    Traits(name='Last', window=49, levels=(), channels=(), head=None)
    """
    name = name or name_of(forecaster)
    if not callable(getattr(forecaster, "forecast", None)) or isinstance(forecaster, type):
        raise ModelError(
            f"model {name}: it has no method forecast(window), or is a class, not an object"
        )
    if takes_blocks(forecaster):
        window, levels = forecaster.window, forecaster.levels
        channels, head = channels_of(forecaster), horizons_of(forecaster)
        if head is not None and not isinstance(forecaster, NetworkForecaster):
            head = CheckedHead(head, name)
    else:
        window = getattr(forecaster, "window", WINDOW)
        levels = getattr(forecaster, "levels", ())
        channels, head = getattr(forecaster, "channels", ()), None
    return Traits(name, _window(name, window), _levels(name, levels), _names(name, channels), head)


def name_of(forecaster: object) -> str:
    """Name of a forecaster on one line: its own, or that of its class."""
    own = getattr(forecaster, "name", None)
    if isinstance(own, str) and own:
        return one_line(own)
    kind = forecaster if isinstance(forecaster, type) else type(forecaster)
    return kind.__name__


def _window(name: str, window: Any) -> int:
    try:
        found = index(window)
    except TypeError:
        found = 0
    if not 1 <= found <= MAX_WINDOW or isinstance(window, bool):
        raise ModelError(
            f"model {name}: window is {window!r:.40}; give a whole number from 1 to {MAX_WINDOW}"
        )
    return found


def _levels(name: str, levels: Any) -> tuple[float, ...]:
    wrong = ModelError(
        f"model {name}: levels are {levels!r:.80}; give numbers between 0 and 1 in rising order, "
        "such as (0.05, 0.5, 0.95)"
    )
    if not isinstance(levels, tuple | list) or not all(isinstance(each, Real) for each in levels):
        raise wrong
    found = tuple(float(each) for each in levels)
    if not all(low < high for low, high in pairwise((0.0, *found, 1.0))):
        raise wrong
    if len(found) >= MAX_OUTPUTS:
        raise ModelError(f"model {name}: {len(found)} levels, at most {MAX_OUTPUTS - 1} are taken")
    return found


def _names(name: str, channels: Any) -> tuple[str, ...]:
    if not isinstance(channels, tuple | list) or not all(
        isinstance(each, str) and _CHANNEL.fullmatch(each) and each not in CHANNELS
        for each in channels
    ):
        raise ModelError(
            f"model {name}: channels are {channels!r:.80}; give a tuple of names such as "
            "('voltage', 'reactive')"
        )
    found = tuple(channels)
    if len({*found}) < len(found) or len(found) >= MAX_INPUTS:
        raise ModelError(f"model {name}: channels are {channels!r:.80}; give each once")
    return found
