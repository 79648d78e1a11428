"""Forecasters of an evaluation, each by the option that it may have been given with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streamer.commands.plugins import is_plugin
from streamer.models import DEFAULT_MODEL


class Contenders(NamedTuple):
    """Names of the forecasters to evaluate.

    Attributes:
        models: networks, at least one.
        challengers: plug-ins.
        baselines: names of baselines; empty for the default ones.
    """

    models: Sequence[str]
    challengers: Sequence[str]
    baselines: Sequence[str]


def sorted_out(
    models: Sequence[str], challengers: Sequence[str], baselines: Sequence[str]
) -> Contenders:
    """Sort names by what they are: `--model` and `--challenger` take the same ones.

    >>> found = sorted_out(["river:LinearRegression"], ["homes", "seasonal-naive"], ["none"])
    >>> found.models, found.challengers, found.baselines
    (['sceaux', 'homes'], ['river:LinearRegression'], ['seasonal-naive'])
    """
    from streamer.evaluation.baselines import BASELINES, NO_BASELINE

    simple = [name for name in (*models, *challengers) if name in BASELINES]
    plugins = [name for name in (*models, *challengers) if name not in simple and is_plugin(name)]
    networks = [name for name in models if name not in (*simple, *plugins)] or [DEFAULT_MODEL]
    networks += [name for name in challengers if name not in (*simple, *plugins, *networks)]
    if baselines and simple:
        baselines = [*(name for name in baselines if name not in (NO_BASELINE, *simple)), *simple]
    return Contenders(networks, plugins, baselines)
