"""Recordings of any length, made of the bundled sample."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay

_START = datetime(2010, 3, 19)
_MINUTE = timedelta(minutes=1)
_GAP = 5


def read_kw(path: Path, limit: int | None = None) -> NDArray[np.float64]:
    """The readings of a recording in kW."""
    source = open_replay(path, limit=limit)
    kw: list[float] = []
    while items := source.read():
        kw += [item.kw for item in items if isinstance(item, Reading)]
    source.close()
    return np.array(kw)


def sample_kw(count: int) -> NDArray[np.float64]:
    """The given number of readings in kW: the bundled sample, repeated."""
    return np.resize(read_kw(sample_path()), count)


def write_recording(path: Path, readings: int) -> None:
    """Write a recording in the UCI format: the rows of the sample, repeated at new minutes.

    Of its one long gap five minutes are kept, since most gaps of the UCI file are short.

    Args:
        path: the file.
        readings: number of rows with a value.
    """
    header, *rows = sample_path().read_text().splitlines()
    values: list[str] = []
    for row in rows:
        value = row.split(";", 2)[2]
        if value[0] != "?" or any(each[0] != "?" for each in values[-_GAP:]):
            values.append(value)
    at, written = _START, 0
    with path.open("w", newline="\r\n") as file:
        file.write(header + "\n")
        while written < readings:
            for value in values:
                clock = f"{at.day}/{at.month}/{at.year};{at:%H:%M:%S}"
                file.write(f"{clock};{value}\n")
                at += _MINUTE
                written += value[0] != "?"
                if written == readings:
                    break
