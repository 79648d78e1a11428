"""Fleets: the arithmetic of a pipeline for a thousand meters at once, as arrays.

Independent of Spark; the query on Spark is in `streamer.fleet.spark`.
"""

from streamer.fleet.columns import COLUMNS, Outcome
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard

__all__ = ["COLUMNS", "FleetSettings", "Outcome", "Shard"]
