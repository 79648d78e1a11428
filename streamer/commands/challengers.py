"""Forecasters of an evaluation, each by the option that it may have been given with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streamer.commands.plugins import is_plugin
from streamer.errors import UsageError
from streamer.models import DEFAULT_MODEL


class Contenders(NamedTuple):
    """Names of the forecasters to evaluate.

    Attributes:
        models: networks, at least one.
        challengers: plug-ins.
        baselines: names of baselines; empty for the default ones.
        peers: plug-ins that are scored as baselines are.
    """

    models: Sequence[str]
    challengers: Sequence[str]
    baselines: Sequence[str]
    peers: Sequence[str]


def sorted_out(
    models: Sequence[str], challengers: Sequence[str], baselines: Sequence[str]
) -> Contenders:
    """Sort names by what they are: `--model` and `--challenger` take the same ones.

    `--baseline` takes plug-ins as well; the default baselines are then left out.

    Raises:
        UsageError: `none` is given with a plug-in, or a plug-in is given as both.

    >>> found = sorted_out(["river:LinearRegression"], ["homes", "seasonal-naive"], ["none"])
    >>> found.models, found.challengers, found.baselines
    (['sceaux', 'homes'], ['river:LinearRegression'], ['seasonal-naive'])
    >>> found = sorted_out([], [], ["statsforecast:AutoETS"])
    >>> found.baselines, found.peers
    (['none'], ['statsforecast:AutoETS'])
    """
    from streamer.evaluation.baselines import BASELINES, NO_BASELINE

    simple = [name for name in (*models, *challengers) if name in BASELINES]
    plugins = [name for name in (*models, *challengers) if name not in simple and is_plugin(name)]
    networks = [name for name in models if name not in (*simple, *plugins)] or [DEFAULT_MODEL]
    networks += [name for name in challengers if name not in (*simple, *plugins, *networks)]
    if baselines and simple:
        baselines = [*(name for name in baselines if name not in (NO_BASELINE, *simple)), *simple]
    peers = [name for name in baselines if name not in BASELINES and is_plugin(name)]
    if both := [name for name in peers if name in plugins]:
        raise UsageError(f"{both[0]} is given as a challenger and as a baseline; give it once")
    if peers:
        others = [name for name in baselines if name not in peers]
        if NO_BASELINE in others:
            raise UsageError(f"--baseline {NO_BASELINE} cannot be combined with another one")
        baselines = others or [NO_BASELINE]
    return Contenders(networks, plugins, baselines, peers)
