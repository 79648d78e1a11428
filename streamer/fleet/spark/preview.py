"""Checks of a fleet's places before Spark starts, by the files of this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.headers import split
from streamer.fleet.spark.locations import Columns, check_columns, data_files, format_of, is_pattern
from streamer.fleet.spark.sinks import CONSOLE
from streamer.fleet.spark.sources import source_files
from streamer.fleet.spark.storage import LocalFolder, check_sums, last_batch, local_path

_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
"""Delimiters that are recognised in a header, and how they are given."""

_MAX_HEADER = 1 << 16
_MAX_CHECKED = 64 << 20
"""Bytes of the state that are compared with their checksums, in less than half a second."""


def check_apart(places: Mapping[str, str | None]) -> None:
    """Check that folders are not inside each other.

    Args:
        places: path or URL by the option; None or empty for none.

    Raises:
        UsageError: one of them is inside another.
    """
    whole = {}
    for name, place in places.items():
        if place and place != CONSOLE and not is_pattern(place):
            folder = place.removeprefix("file://").rstrip("/")
            whole[name] = folder if "://" in folder else str(Path(folder).resolve())
    for one, other in permutations(whole, 2):
        if f"{whole[one]}/".startswith(f"{whole[other]}/"):
            raise UsageError(
                f"{one} {places[one]} is the folder of {other} or inside it: give each its own"
            )


def check_source(source: str, columns: Columns, format: str | None, delimiter: str) -> None:
    """Check that a folder, or a pattern of files, exists and that its first file has the columns.

    Args:
        source: path of the folder, or a pattern.
        columns: names of the columns.
        format: format of the files; None for the one of their names' endings.
        delimiter: the character between the fields of CSV files.

    Raises:
        UsageError: the folder does not exist, is a file, or its files have other columns.
        SparkError: a Parquet file is damaged.
    """
    folder = LocalFolder(source)
    names = source_files(folder, source)
    if "{" in source and not folder.exists():
        return  # a pattern that only Hadoop understands
    form = format or format_of(names, source)
    if delimiter != "," and form != "csv":
        raise UsageError(
            f"--delimiter is for CSV: it does not apply to the {form} files of {source}"
        )
    paths = (path for path in folder.paths() if data_files([path.name]))
    first = next((path for path in paths if path.is_file() and path.stat().st_size), None)
    if first is None:
        return
    if form != "parquet" and _is_parquet(first):
        raise UsageError(f"{first} is a Parquet file, not {form}: give --format parquet")
    if form == "csv":
        _check_header(first, columns, delimiter)
    elif form == "parquet":
        check_columns(str(first), _parquet_columns(first), columns)


def _check_header(path: Path, columns: Columns, delimiter: str) -> None:
    """Check the header of a CSV file, and recognise another delimiter by it."""
    line = _first_line(path)
    found = split(line, delimiter)
    if set(columns) <= set(found):
        return
    for other, given in _DELIMITERS.items():
        if other != delimiter and len(fields := split(line, other)) > max(2, len(found)):
            missing = [name for name in columns if name not in fields]
            more = f", and --columns, because it has no {missing[0]!r}" if missing else ""
            raise UsageError(
                f"{path}: its header is {', '.join(fields)}, separated by {given}: give "
                f"--delimiter {given}{more}"
            )
    check_columns(str(path), found, columns)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def _first_line(path: Path) -> str:
    """The first line of a file of text, which may be compressed."""
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            head: bytes = stream.read(_MAX_HEADER)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    # Spark ends a line at a lone carriage return, too.
    return re.split("[\r\n]", head.decode("utf-8-sig", "replace"), maxsplit=1)[0]


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise SparkError(
            f"{path} is not a Parquet file, or damaged: {error}; take it away, or give its --format"
        ) from None


def check_state(checkpoint: str) -> None:
    """Compare a checkpoint's newest files with their checksums, as far as that takes no time.

    Args:
        checkpoint: path of the checkpoint; may be new.

    Raises:
        StateError: a file is damaged.
        UsageError: the checkpoint is a file.
    """
    path = local_path(checkpoint)
    if path.is_file():
        raise UsageError(f"{checkpoint} is a file: give a folder, which need not exist")
    for log in ("offsets", "commits"):
        folder = LocalFolder(f"{checkpoint}/{log}")
        if (batch := last_batch(folder)) is not None and folder.exists(f"{batch}"):
            check_sums(path / log / f"{batch}")
    left = _MAX_CHECKED
    for file in _state_files(path):
        left -= file.stat().st_size
        if left < 0:
            break
        check_sums(file)


def _state_files(checkpoint: Path) -> list[Path]:
    """The files of the newest version of each partition's state, newest first, and their tables."""
    found = []
    for partition in checkpoint.glob("state/0/[0-9]*"):
        versions: dict[int, list[Path]] = {}
        for path in partition.iterdir():
            version = path.name.partition(".")[0].partition("_")[0]
            if path.suffix in (".zip", ".changelog") and version.isdecimal():
                versions.setdefault(int(version), []).append(path)
        # The newest snapshot and the changes since are what a run continues from.
        for number in sorted(versions, reverse=True):
            found += versions[number]
            if any(path.suffix == ".zip" for path in versions[number]):
                break
        found += partition.glob("SSTs/*.sst")
    return found
