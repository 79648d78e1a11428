"""Readings of a fleet as files in a folder that a running query may watch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from streamer.atomic import replaced_file
from streamer.errors import UsageError
from streamer.extras import optional_import
from streamer.fleet.simulate import Readings
from streamer.readings.arrays import TimeArray

COLUMNS = ("meter", "minute", "kw")
"""What a file has, in this order."""

_NS_PER_MS = 1_000_000
_STEP_NS = 10 * _NS_PER_MS
_ROWS_AT_ONCE = 100_000
"""Rows of a row group, so that several cores can read one file; and of text made in one go."""

_Row = Callable[[str, str, float], str]


class _Form(Protocol):
    """How readings become a file."""

    def write(self, readings: Readings, names: NDArray[np.object_], out: IO[bytes]) -> None:
        """Write them."""


class ReadingFiles:
    """Writes readings into a folder, a file at a time: Parquet, CSV or JSON lines.

    Spark takes files in the order in which they were modified, so each is newer than the one
    before; their names are in order of time, too. A file is written under a name that Spark
    does not look at, and gets its own once it is complete.

    Args:
        folder: where to; made with the first file, if it is not there.
        format: one of `FORMATS`.

    Attributes:
        files: how many have been written.

    Raises:
        UsageError: the format is none, the folder is not empty, or is no folder.
        MissingExtraError: for Parquet, pyarrow is not there.
        OSError: the folder cannot be looked at.
    """

    def __init__(self, folder: Path, format: str) -> None:
        if format not in FORMATS:
            raise UsageError(f"no format {format!r}: give one of: {', '.join(FORMATS)}")
        check_folder(folder)
        self.files = 0
        self._format = format
        self._form = FORMATS[format]()
        self._folder = folder
        self._modified_ns = 0

    def write(self, start: np.datetime64, readings: Readings, names: NDArray[np.object_]) -> Path:
        """Write a file.

        Args:
            start: first of the minutes that it is for; later than that of the one before.
            readings: in any order.
            names: of the meters, by their index.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        stamp = np.datetime_as_string(start, "m").replace("-", "").replace(":", "")
        path = self._folder / f"readings-{stamp}.{self._format}"
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with replaced_file(path) as file:
                self._form.write(readings, names, file)
                file.flush()
                self._modified_ns = max(time.time_ns(), self._modified_ns + _STEP_NS)
                # In whole milliseconds, which is as fine as Spark looks.
                at = self._modified_ns - self._modified_ns % _NS_PER_MS
                os.utime(file.fileno(), ns=(at, at))
        except OSError as error:
            # What runs out in the middle of a file does not say where.
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        self.files += 1
        return path


def check_folder(folder: Path) -> None:
    """Refuse to mix readings with whatever else is in a folder; hidden files do not matter.

    Raises:
        UsageError: there is something in it, or it is no folder.
        OSError: it cannot be looked at.
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


class _Parquet:
    def __init__(self) -> None:
        with optional_import("Parquet", "parquet"):
            import pyarrow as pa
            import pyarrow.parquet as pq
        self._pa, self._pq = pa, pq
        types = (pa.string(), pa.timestamp("us", tz="UTC"), pa.float64())
        self._schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
        self._names: Any = None

    def write(self, readings: Readings, names: NDArray[np.object_], out: IO[bytes]) -> None:
        pa = self._pa
        if self._names is None:
            self._names = pa.array(names, pa.string())
        columns = [
            self._names.take(pa.array(readings.meter)),
            pa.array(readings.minute, pa.timestamp("us", tz="UTC")),
            pa.array(readings.kw, pa.float64()),
        ]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        self._pq.write_table(table, out, row_group_size=_ROWS_AT_ONCE)


class _Text:
    """Lines of text, made some at a time."""

    def __init__(self, head: str, row: _Row) -> None:
        self._head = head
        self._row = row

    def write(self, readings: Readings, names: NDArray[np.object_], out: IO[bytes]) -> None:
        out.write(self._head.encode())
        for start in range(0, len(readings), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rows = zip(
                names[readings.meter[part]],
                _times(readings.minute[part]),
                readings.kw[part].tolist(),
                strict=True,
            )
            out.write("".join([self._row(*row) for row in rows]).encode())


def _times(minute: TimeArray) -> Iterator[str]:
    """As ISO 8601, in UTC. There are few different ones, and many of each."""
    different, which = np.unique(minute, return_inverse=True)
    texts = np.array([f"{text}Z" for text in np.datetime_as_string(different, "s")], object)
    return iter(texts[which])


def _csv_row(meter: str, minute: str, kw: float) -> str:
    return f"{meter},{minute},{kw}\n"


def _json_row(meter: str, minute: str, kw: float) -> str:
    return f'{{"meter":"{meter}","minute":"{minute}","kw":{kw}}}\n'


FORMATS: dict[str, Callable[[], _Form]] = {
    "parquet": _Parquet,
    "csv": lambda: _Text(",".join(COLUMNS) + "\n", _csv_row),
    "json": lambda: _Text("", _json_row),
}
"""How a format is written, by its name."""
