"""Atomic replacement of files, also across a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replaced_file(path: Path) -> Iterator[IO[bytes]]:
    """A file for writing that replaces `path` on success, and is removed on failure.

    Until then it has a hidden name in the same folder.

    Args:
        path: the file to create or replace.

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
    """Rename a finished file; file and name are on the disk when this returns.

    Without the first sync a power cut could leave an empty file under the name, without the
    second one the old file.

    Args:
        part: the finished file, in the same file system.
        path: its new name; an existing file is replaced.

    Raises:
        OSError: the file cannot be synced or renamed.
    """
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Some file systems, and Windows, cannot sync a folder; nothing more can be done there.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
