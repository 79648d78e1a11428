"""Fleets: one pipeline's arithmetic for a thousand meters at once, as arrays.

Nothing here knows of Spark; what does is in `streamer.fleet.spark`.
"""

from streamer.fleet.columns import COLUMNS, Outcome
from streamer.fleet.settings import FleetSettings
from streamer.fleet.shard import Shard

__all__ = ["COLUMNS", "FleetSettings", "Outcome", "Shard"]
