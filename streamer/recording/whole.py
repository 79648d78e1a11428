"""Output files made from a recording, written as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from streamer.atomic import replaced_file
from streamer.display.lines import one_line
from streamer.errors import RecordError


@contextmanager
def whole_file(out: Path, *, of: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is complete, and is removed after an error.

    The target of a symbolic link is written, and so is a pipe or a device.

    Args:
        out: the file.
        of: the recording from which it is made.

    Raises:
        RecordError: the file is the recording, or cannot be written.
    """
    try:
        if out.exists() and of.exists() and out.samefile(of):
            raise RecordError(f"{one_line(out)} is the recording itself; give another name")
        with _opened(out) as file:
            yield file
    except OSError as error:
        raise RecordError(f"{one_line(out)} cannot be written: {error.strerror or error}") from None


@contextmanager
def _opened(out: Path) -> Iterator[IO[bytes]]:
    if out.exists() and not out.is_file():  # a pipe or a device cannot be replaced
        with out.open("wb") as file:
            yield file
        return
    with replaced_file(Path(os.path.realpath(out))) as file:
        yield file
