"""Fleets: the arithmetic of a pipeline for a thousand meters at once, as arrays.

Independent of Spark; the query on Spark is in `streamer.fleet.spark`. The names are imported at
first use, because the status of a fleet needs neither NumPy nor a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamer.fleet.columns import COLUMNS, Outcome
    from streamer.fleet.settings import FleetSettings
    from streamer.fleet.shard import Shard

__all__ = ["COLUMNS", "FleetSettings", "Outcome", "Shard"]

_HOMES = {"COLUMNS": "columns", "FleetSettings": "settings", "Outcome": "columns", "Shard": "shard"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"streamer.fleet.{_HOMES[name]}"), name)
