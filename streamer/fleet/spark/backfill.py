"""Forecasts of old readings with the options of a fleet, beside its run."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.sinks import CONSOLE

FOLDER = "backfill"
"""Folder of the checkpoints of backfills below that of the fleet."""


def backfill_job(
    checkpoint: str,
    *,
    source: str,
    sink: str,
    given: Mapping[str, Any],
    format: str | None = None,
) -> FleetJob:
    """A run over old readings with the options of a fleet, in a checkpoint of its own.

    The same sink has the same checkpoint, so that the run can be resumed.

    Args:
        checkpoint: checkpoint of the fleet, which is read only.
        source: as for `FleetJob`.
        sink: as for `FleetJob`.
        given: options that differ from those of the fleet.
        format: as for `FleetJob`.
    """
    place = sink if "://" in sink or sink == CONSOLE else str(Path(sink).absolute())
    name = sha256(place.encode(errors="surrogateescape")).hexdigest()[:8]
    own = f"{checkpoint.rstrip('/')}/{FOLDER}/{name}"
    return FleetJob(source, sink, own, given, format, once=True, like=checkpoint)
