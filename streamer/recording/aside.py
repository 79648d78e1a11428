"""Damaged recordings, kept under another name."""

from __future__ import annotations

import shlex
from datetime import datetime
from pathlib import Path

from streamer.display.lines import one_line
from streamer.recording.database import explained


def set_aside(path: Path, now: datetime) -> str:
    """Rename a damaged recording and the files that belong to it.

    Args:
        path: the recording.
        now: local time, which becomes a part of the new name.

    Returns:
        The new name, and a command that prints what can be read of the file, for display.
        (``.recover`` would find more, but several distributions build SQLite without it.)

    Raises:
        RecordError: a file cannot be renamed.
    """
    aside = _unused(path.with_name(f"{path.name}.corrupt-{now:%Y%m%d-%H%M%S}"))
    with explained(path):
        # The log first: a log left behind might be taken for that of the next file.
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    name = one_line(aside.name)
    return (
        f"set aside as {name}, recording in a new file; "
        f"sqlite3 {shlex.quote(name)} .dump prints what can be read of it"
    )


def _unused(path: Path) -> Path:
    """The path, or one like it that does not exist: two files may be damaged within a second."""
    found, count = path, 1
    while found.exists():
        count += 1
        found = path.with_name(f"{path.name}-{count}")
    return found
