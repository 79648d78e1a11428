"""Files that are replaced as a whole or not at all, a power cut included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replaced_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its name when all has gone well, or is removed.

    Until then it has a hidden name in the same folder.

    Args:
        path: the file; replaced if it is there.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Let a finished file take its name; file and name are on the disk when this returns.

    Without the first sync a power cut could leave an empty file under the name, without the
    second one the old file.

    Args:
        part: the finished file, in the same file system.
        path: its name from now on; what has the name is replaced.

    Raises:
        OSError: that cannot be done.
    """
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Some file systems, and Windows, refuse to sync a folder: then nothing more can be done.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
