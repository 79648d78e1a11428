"""Files that are made of a recording, each there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from streamer.atomic import replaced_file
from streamer.errors import RecordError


@contextmanager
def whole_file(out: Path, *, of: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its name when all is well, or is removed.

    Where a link is, what it leads to is written; where a pipe or a device is, that itself.

    Args:
        out: the file.
        of: the recording that it is made of.

    Raises:
        RecordError: it is the recording, or it cannot be written.
    """
    try:
        if out.exists() and of.exists() and out.samefile(of):
            raise RecordError(f"{out} is the recording itself; give another name")
        with _opened(out) as file:
            yield file
    except OSError as error:
        raise RecordError(f"{out} cannot be written: {error.strerror or error}") from None


@contextmanager
def _opened(out: Path) -> Iterator[IO[bytes]]:
    if out.exists() and not out.is_file():  # a pipe or a device is no place for another file
        with out.open("wb") as file:
            yield file
        return
    with replaced_file(out.resolve()) as file:
        yield file
