"""Recordings: every minute on disk, in a SQLite database that plain SQL can read.

The contents are described in `streamer.recording.schema`. The readings are the log: the last
snapshot of the pipeline's state, followed by the readings since then, restores the state
exactly.
"""

from __future__ import annotations

from pathlib import Path

_MAGIC = b"SQLite format 3\0"


def is_recording(path: str | Path) -> bool:
    """Whether a file is a SQLite database, by its first bytes.

    Not for use in the process that writes the file: closing it would release SQLite's locks.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
