"""Files of a fleet's readings, in a folder that a running query can watch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from streamer.atomic import replaced_file
from streamer.errors import UsageError
from streamer.extras import optional_import
from streamer.fleet.simulate import SimulatedReadings
from streamer.readings.arrays import TimeArray

COLUMNS = ("meter", "minute", "kw")
"""Columns of a file, in this order."""

_NS_PER_MS = 1_000_000
_STEP_NS = 10 * _NS_PER_MS
_MAX_ROWS = 100_000
"""Rows in a row group, so that several cores can read one file, and in a piece of text."""

_Write = Callable[[SimulatedReadings, NDArray[np.object_], IO[bytes]], None]
"""Writes readings, with the names of the meters by index, to a file."""


class ReadingFiles:
    """Writes readings to a folder, one file at a time: Parquet, CSV or JSON lines.

    Spark reads files in the order of their modification times, so each is newer than the one
    before; their names are in order of time as well. A file is written under a name that Spark
    ignores, and renamed when it is complete.

    Args:
        folder: folder to write to; made with the first file if it does not exist.
        format: one of `FORMATS`.

    Attributes:
        files: number of files written.

    Raises:
        UsageError: the format is unknown, or the folder is not empty or not a folder.
        MissingExtraError: pyarrow is not installed, for Parquet.
        OSError: the folder cannot be read.
    """

    def __init__(self, folder: Path, format: str) -> None:
        if format not in FORMATS:
            raise UsageError(f"unknown format {format!r}: give one of {', '.join(FORMATS)}")
        check_folder(folder)
        self.files = 0
        self._format = format
        self._write = FORMATS[format]()
        self._folder = folder
        self._modified_ns = 0

    def write(
        self, start: np.datetime64, readings: SimulatedReadings, names: NDArray[np.object_]
    ) -> Path:
        """Write a file.

        Args:
            start: first minute of the file; later than that of the one before.
            readings: readings in any order.
            names: names of the meters by index.

        Raises:
            OSError: the file cannot be written; no part of it is left.
        """
        stamp = np.datetime_as_string(start, "m").replace("-", "").replace(":", "")
        path = self._folder / f"readings-{stamp}.{self._format}"
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with replaced_file(path) as file:
                self._write(readings, names, file)
                file.flush()
                self._modified_ns = max(time.time_ns(), self._modified_ns + _STEP_NS)
                # In whole milliseconds, which is the resolution that Spark uses.
                at = self._modified_ns - self._modified_ns % _NS_PER_MS
                os.utime(file.fileno(), ns=(at, at))
        except OSError as error:
            # An error in the middle of a file, such as a full disk, lacks the path.
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        self.files += 1
        return path


def check_folder(folder: Path) -> None:
    """Check that a folder is new or empty; hidden files are ignored.

    Raises:
        UsageError: the folder is not empty, or is a file.
        OSError: the folder cannot be read.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file: give a folder that is new or empty")
    found = next((path for path in folder.iterdir() if not path.name.startswith(".")), None)
    if found is not None:
        raise UsageError(
            f"{folder} is not empty ({found.name} is in it): give a folder that is new, or empty it"
        )


def _parquet() -> _Write:
    with optional_import("Parquet", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq
    types = (pa.string(), pa.timestamp("us", tz="UTC"), pa.float64())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))

    def write(readings: SimulatedReadings, names: NDArray[np.object_], out: IO[bytes]) -> None:
        meters, *values = (
            pa.array(column, kind)
            for column, kind in zip((names, readings.minute, readings.kw), types, strict=True)
        )
        columns = [meters.take(pa.array(readings.meter)), *values]
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), out, row_group_size=_MAX_ROWS)

    return write


def _text(head: str, row: Callable[[str, str, float], str]) -> _Write:
    """Writer of lines of text, formatted in pieces of limited size."""

    def write(readings: SimulatedReadings, names: NDArray[np.object_], out: IO[bytes]) -> None:
        out.write(head.encode())
        for start in range(0, len(readings), _MAX_ROWS):
            part = slice(start, start + _MAX_ROWS)
            rows = zip(
                names[readings.meter[part]],
                _times(readings.minute[part]),
                readings.kw[part].tolist(),
                strict=True,
            )
            out.write("".join([row(*each) for each in rows]).encode())

    return write


def _times(minute: TimeArray) -> Iterator[str]:
    """Times as ISO 8601 in UTC; fast for few different times with many repetitions."""
    different, which = np.unique(minute, return_inverse=True)
    texts = np.array([f"{text}Z" for text in np.datetime_as_string(different, "s")], object)
    return iter(texts[which])


FORMATS: dict[str, Callable[[], _Write]] = {
    "parquet": _parquet,
    "csv": lambda: _text(",".join(COLUMNS) + "\n", "{},{},{}\n".format),
    "json": lambda: _text("", '{{"meter":"{}","minute":"{}","kw":{}}}\n'.format),
}
"""Writer of each format, by its name."""
