"""The command `export`: a recording as CSV, JSON lines or Parquet."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from streamer.errors import UsageError
from streamer.recording.export import export as write


def export(
    file: Path,
    *,
    format: str,
    start: datetime | None,
    end: datetime | None,
    out: Path | None,
    means: bool = False,
    demand: bool = False,
    challengers: bool = False,
) -> None:
    """Write a recording's minutes to a file, or to standard output.

    Args:
        file: the recording.
        format: `csv`, `json` or `parquet`.
        start: first minute to write; None for the beginning.
        end: first minute after the part to write; None for the end.
        out: the file to write; None for standard output.
        means: whether to write the forecasts of the next minutes' mean instead.
        demand: whether to write the demand intervals instead.
        challengers: whether to write the forecasts of challengers instead.

    Raises:
        UsageError: the format needs a file, or the options are contradictory.
        RecordError: the recording does not exist, or the file cannot be written.
    """
    if out is None and format == "parquet":
        raise UsageError("--format parquet needs a file to write: give --out house.parquet")
    target = sys.stdout if out is None else out
    write(
        file,
        target,
        format=format,
        start=start,
        end=end,
        means=means,
        demand=demand,
        challengers=challengers,
    )
